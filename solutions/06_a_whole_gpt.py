# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 06 · A whole GPT
#
# **What happens between the words that go in and the word that comes out, all of it?**
#
# Attention and the block are built. What is missing is little: a table on the way in, a stack of
# blocks, a table on the way out. A dozen lines, and it is a GPT-2; we shall prove that with Hugging
# Face's own. Then we count its 124 million numbers and the work that they make, find out what a
# model must say before it has learned anything, and look inside one that has learned: what would
# it say if it had to stop half-way?
#
# You will build: embeddings with positions, the forward pass, GPT-2's initialisation, the count of
# its parameters and of its arithmetic, the first loss, and you will find a bug that raises no error.
# It takes some 95 minutes, about 60 of them in the exercises.
#
# First run everything: **Run → Run All Cells**. It takes about a minute, most of it one training
# run. Then begin again at the top.

# %%
import math
import tempfile

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from utils.course import ask, check
from utils.data import storyworld
from utils.data.storyworld import tokens as story_tokens
from utils.data.storyworld.telling import marked, tell
from utils.data.texts.corpora import load_corpus
from utils.llm.attention import recall
from utils.llm.gpt import GPT, GPTConfig, counts
from utils.viz import diagrams, plots, widgets

# %% [markdown]
# ## In: a table of tokens and a table of places
#
# A block reads vectors, and a text is a row of ids. So the model keeps a table with a row for each
# token of its vocabulary, and looks each id up: the token's **embedding**. (It is a layer like any
# other. Multiply a row of zeros with a single 1 by the table, and you get the same row; looking it
# up saves the work.) A second table has a row for each place, 0, 1, 2
# and so on, because attention by itself doesn't know the order (chapter 04). The two vectors are
# added. Nothing in these tables is given: at first they are dice, and training makes of them what
# it needs.
#
# ### Exercise 6.1 · Embeddings with positions
# ★☆☆ · 5 min · Radford et al. 2018, section 3.1
#
# From `ids` (B, T), the table `tokens` (V, C) and the table `places` (N, C), with T ≤ N, make the
# vectors that go into the first block, (B, T, C). By hand, with V = 3, N = 2, C = 2:
#
#     tokens   [[1, 2], [3, 4], [5, 6]]        places   [[10, 20], [30, 40]]
#     ids      [[2, 0]]
#     out      [[[5 + 10, 6 + 20], [1 + 30, 2 + 40]]]  =  [[[15, 26], [31, 42]]]
#
# <details><summary>A nudge</summary>A tensor of ids can index a table: <code>tokens[ids]</code> has
# the shape (B, T, C).</details>
# <details><summary>More</summary>The first T rows of <code>places</code> are the same for every
# text, so they are (T, C), and broadcasting copies them along the batch.</details>
# <details><summary>Nearly all</summary>T is <code>ids.shape[1]</code>, and the places are
# <code>places[: ids.shape[1]]</code>. Add the two.</details>


# %%
def embed(ids: Tensor, tokens: Tensor, places: Tensor) -> Tensor:
    """The vector of each token plus the vector of its place, (B, T, C)."""
    ### BEGIN SOLUTION
    return tokens[ids] + places[: ids.shape[1]]
    ### END SOLUTION


embed = check("6.1", embed)

# %% [markdown]
# ## The stack, and out again
#
# From here on nothing changes its shape. Each block takes (B, T, C) and returns (B, T, C), having
# added something to it; what runs through them is the **residual stream** of chapter 05. After the
# last block comes one more norm, since nobody has normed the stream itself. And then each vector
# must become a score for each token of the vocabulary, its **logits**: V dot products. With what?
# GPT-2 takes the table of tokens once more. A token gets a high score where the vector points the
# same way as the token's own. This is called a **tied head**.
#
# ### Exercise 6.2 · The forward pass of a GPT
# ★★☆ · 10 min · Phuong and Hutter 2022, Alg. 10
#
# Write it all down. `blocks` is a list of functions, each from (B, T, C) to (B, T, C), and
# `final_norm` is another one. Return two things: the stream at every depth, that is, what goes into
# the first block and what comes out of each, stacked to (L + 1, B, T, C); and the logits,
# (B, T, V).
#
# By hand, with one text of one token, C = 2, one block that adds [1, 0], and a norm that does
# nothing:
#
#     tokens   [[1, 2], [0, 1]]      places [[1, 1]]      ids [[1]]
#     stream   [[[[1, 2]]], [[[2, 2]]]]                   [0, 1] + [1, 1], then + [1, 0]
#     logits   [[[2·1 + 2·2, 2·0 + 2·1]]] = [[[6, 2]]]
#
# <details><summary>A nudge</summary>Begin with the embeddings, and let every block make the next
# depth of the last one. Keep them all.</details>
# <details><summary>More</summary><code>depths = [embed(ids, tokens, places)]</code>; in a loop over
# the blocks append <code>block(depths[-1])</code>. <code>torch.stack(depths)</code> puts a new axis
# in front. There is no softmax: logits are what the loss wants.</details>
# <details><summary>Nearly all</summary><pre><code>depths = [embed(ids, tokens, places)]
# for block in blocks:
#     depths.append(block(depths[-1]))
# logits = final_norm(depths[-1]) @ tokens.T  # (B, T, C) times (C, V)</code></pre></details>


# %%
def gpt(
    ids: Tensor, tokens: Tensor, places: Tensor, blocks, final_norm
) -> tuple[Tensor, Tensor]:
    """The stream at every depth, (L + 1, B, T, C), and the logits, (B, T, V)."""
    ### BEGIN SOLUTION
    depths = [embed(ids, tokens, places)]
    for block in blocks:
        depths.append(block(depths[-1]))
    logits = final_norm(depths[-1]) @ tokens.T
    return torch.stack(depths), logits
    ### END SOLUTION


gpt = check("6.2", gpt)

# %% [markdown]
# The package has the same as a module, with its blocks in it. Your function on its parts gives its
# numbers:

# %%
torch.manual_seed(0)
small = GPT(
    GPTConfig(vocab_size=50, context_length=8, n_layers=3, n_heads=2, d_model=12)
)
ids = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
tables = small.token_embedding.weight, small.position_embedding.weight
stream, logits = gpt(ids, *tables, small.blocks, small.final_norm)
difference = (logits - small(ids)).abs().max().item()
print(f"from the package's logits they differ by {difference:.4f} at most")

# %% [markdown]
# ### Every shape on the way
#
# PyTorch can call us whenever a part of a model has done its work: a **hook**. We hang one on each
# part of a model with GPT-2's own sizes, but a single block, and send two texts of five tokens
# through.

# %%
ask("6.a")

# %%
one_block = GPT(GPTConfig.preset("gpt2", n_layers=1))
seen = []
for name, part in one_block.named_modules():
    if name and name != "blocks":
        part.register_forward_hook(
            lambda part, args, out, name=name: seen.append((name, out.shape))
        )
with torch.no_grad():
    one_block(ids)
for name, shape in seen:
    print(f"{name:32}{tuple(shape)}")

# %% [markdown]
# The same as a picture, drawn from these shapes. The light line is the stream.

# %%
diagrams.gpt(
    dict(seen),
    12,
    "A whole GPT-2: two tables, twelve blocks beside one stream, a table",
)

# %% [markdown]
# Everything is 768 wide, but in three places: `qkv`, where queries, keys and values lie side by
# side; the feed-forward layer, four times as wide inside; and the head. The two texts never meet.
# The five tokens of a text do, but only inside `attention`; every other part takes each token alone.
#
# ## Is it the real one?
#
# Hugging Face's library has a GPT-2 that somebody else wrote. We let it roll its own random
# weights, at a reduced size, give them to ours, and ask both whether they say the same: such a test
# is called **parity**. (The library is only needed here; `pip install transformers` brings it.)

# %%
try:
    from transformers import GPT2Config, GPT2LMHeadModel
except ImportError:
    print("transformers is not installed: the comparison is left out")
else:
    sizes = {
        "vocab_size": 1000,
        "n_positions": 64,
        "n_embd": 128,
        "n_layer": 4,
        "n_head": 4,
    }
    torch.manual_seed(0)
    theirs = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)).eval()
    ours = GPT.from_hf(theirs).eval()
    texts = torch.randint(1000, (3, 64), generator=torch.Generator().manual_seed(0))
    tables = ours.token_embedding.weight, ours.position_embedding.weight
    with torch.no_grad():
        wanted = theirs(texts).logits
        found = {"the package": ours(texts)}
        found["your function"] = gpt(texts, *tables, ours.blocks, ours.final_norm)[1]
    for name, logits in found.items():
        difference = (logits - wanted).abs().max().item()
        print(f"{name} differs from theirs by {difference:.3f} at most")

# %% [markdown]
# Three texts, 64 places each, a thousand scores at each place, and the same in all of them. What we
# have built is not like a GPT-2; it is one. The way back works as well: `to_hf` writes a folder
# that their library opens.

# %%
with tempfile.TemporaryDirectory() as folder:
    small.to_hf(folder)
    again = GPT.from_hf(folder)
same = [*map(torch.equal, small.parameters(), again.parameters())]
print(f"there and back: {sum(same)} of {len(same)} tensors are the same")

# %% [markdown]
# ## The numbers it starts with
#
# Before training, all matrices are random, and how large is no matter of taste. GPT-2 takes normal
# numbers with the deviation 0.02. Two matrices of each block are an exception: those whose result
# is *added* to the stream, the last of attention and the last of the feed-forward layer. There are
# 2 L of them. If each adds a term of the same size, independent of the others, the variances add
# up, and the stream's deviation grows like √(2 L). So these matrices start smaller by just that
# factor, and all of them together add as much as one alone would.
#
# ### Exercise 6.3 · GPT-2's initialisation
# ★★☆ · 10 min · Radford et al. 2019, section 2.3
#
# Fill all parameters of a model in place, and return it. The tokens' and places' tables and all
# weights of linear layers: normal, mean 0, deviation 0.02. `attention.out.weight` and
# `feed_forward.down.weight` of each block: 0.02 / √(2 L). All biases 0; the norms' weights 1. For
# L = 2, by hand: 0.02 / √4 = 0.01. (So Hugging Face's GPT-2 begins. OpenAI's own program takes 0.01
# for the places.)
#
# `model.named_parameters()` gives pairs of a name and a tensor, such as
# `("blocks.0.attention.out.weight", …)`. The norms are called `norm_1`, `norm_2` and `final_norm`.
#
# <details><summary>A nudge</summary>The name of a parameter says what it is. Sort them into four
# kinds: biases, norms' weights, the two that add to the stream, all others.</details>
# <details><summary>More</summary>Ask for <code>name.endswith("bias")</code> first, since the norms
# have biases as well, and only then for <code>"norm" in name</code>.
# <code>name.endswith(("attention.out.weight", "feed_forward.down.weight"))</code> tells the two.
# All of it under <code>with torch.no_grad():</code>.</details>
# <details><summary>Nearly all</summary><pre><code>with torch.no_grad():
#     for name, weights in model.named_parameters():
#         if name.endswith("bias"):
#             weights.zero_()
#         elif "norm" in name:
#             weights.fill_(1)
#         else:
#             weights.normal_(std=0.02)  # and two of them smaller
# return model</code></pre></details>


# %%
def initialise(model: nn.Module, n_layers: int) -> nn.Module:
    """Fill the parameters as GPT-2's were before its training; returns the model."""
    ### BEGIN SOLUTION
    adds = ("attention.out.weight", "feed_forward.down.weight")
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if name.endswith("bias"):
                weights.zero_()
            elif "norm" in name:
                weights.fill_(1)
            else:
                shrink = math.sqrt(2 * n_layers) if name.endswith(adds) else 1
                weights.normal_(std=0.02 / shrink)
    return model
    ### END SOLUTION


initialise = check("6.3", initialise)

# %% [markdown]
# What is it good for? Two models of 24 blocks, one initialised so, one without the shrinking, and
# the deviation of the stream at some depths. (The models are narrower than GPT-2. A matrix of
# deviation s multiplies that of its input by s · √C, so for a width of 96 in place of 768 the
# number that does what 0.02 does there is √8 times as large.)


# %%
def widened(model: GPT) -> GPT:
    """Matrices as large as 0.02 would be at GPT-2's width of 768."""
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim == 2:
                weights.mul_(math.sqrt(768 / model.config.d_model))
    return model


deep = GPTConfig(vocab_size=100, context_length=32, n_layers=24, n_heads=4, d_model=96)
torch.manual_seed(0)
shrunk, plain = widened(initialise(GPT(deep), 24)), widened(initialise(GPT(deep), 24))
with torch.no_grad():
    for block in plain.blocks:
        block.attention.out.weight *= math.sqrt(48)
        block.feed_forward.down.weight *= math.sqrt(48)

# %%
dice = torch.Generator().manual_seed(0)
texts = torch.randint(100, (8, 32), generator=dice)
passed = [0, 1, 4, 8, 12, 16, 20, 24]
both = {"0.02 everywhere": plain, "shrunk by √48": shrunk}
with torch.no_grad():
    spread = {
        name: model.residual_stream(texts).std(dim=(1, 2, 3))[passed]
        for name, model in both.items()
    }
plots.lines(
    {name: (passed, values) for name, values in spread.items()},
    "blocks passed",
    "deviation of the stream",
    "Shrunk, all 24 blocks together add less than the first one does plain",
    markers=True,
    y_from=0,
)

# %% [markdown]
# The upper curve grows like a root, as foretold: after 16 blocks it is about twice as high as after
# 4. The lower one ends below the point that the upper one has reached after a single block. The
# norms would keep the numbers in range either way. But the words, where everything starts, are 0.08
# of it: of 0.3 that is a part, of more than 2 it is next to nothing. And with the shrinking it would be
# the same part in a model of 48 blocks.
#
# ## Where the 124 million are
#
# A GPT-2 has 124 million parameters. To count them one need not roll them: on PyTorch's device
# `meta`, tensors have a shape and no contents, and cost nothing.

# %%
with torch.device("meta"):
    gpt2 = GPT(GPTConfig.preset("gpt2"))
print(f"{gpt2.num_parameters():,}")

# %%
ask("6.b")

# %% [markdown]
# ### Exercise 6.4 · Where the parameters are
# ★★☆ · 8 min · as any implementation of GPT-2 has them
#
# From the configuration alone (`vocab_size`, `context_length`, `n_layers`, `n_heads`, `d_model`,
# `tied`), give the number of parameters of each part, as a dictionary with these keys: `token
# embedding`, `position embedding`, `attention`, `feed-forward`, `norms`, `final norm`, `head`. The
# three in the middle are for all blocks together. Each block has two norms; linear layers have a
# bias for each output, but the head has none; a tied head has no parameters of its own.
#
# By hand, with V = 3, N = 2, L = 1 and C = 2: 3 · 2 = 6 and 2 · 2 = 4 for the tables; attention
# (2 · 6 + 6) + (2 · 2 + 2) = 24; feed-forward (2 · 8 + 8) + (8 · 2 + 2) = 42; norms 2 · (2 + 2) =
# 8; final norm 4; head 0, if tied.
#
# <details><summary>A nudge</summary>A linear layer from n to m columns has n · m + m
# numbers.</details>
# <details><summary>More</summary>Attention has one from C to 3 C, and one from C to C.
# Feed-forward: from C to 4 C, and back. A norm: a weight and a bias for each column. An untied
# head: V · C.</details>
# <details><summary>Nearly all</summary>With <code>c = config.d_model</code>, a block has <code>c *
# 3 * c + 3 * c + c * c + c</code> in attention, <code>c * 4 * c + 4 * c + 4 * c * c + c</code> in
# feed-forward, <code>2 * 2 * c</code> in its norms. Times <code>config.n_layers</code>.</details>


# %%
def count_parameters(config: GPTConfig) -> dict[str, int]:
    """How many parameters each part of a GPT-2 has; their sum is the model's."""
    ### BEGIN SOLUTION
    c, n_layers, table = (
        config.d_model,
        config.n_layers,
        config.vocab_size * config.d_model,
    )
    return {
        "token embedding": table,
        "position embedding": config.context_length * c,
        "attention": n_layers * (c * 3 * c + 3 * c + c * c + c),
        "feed-forward": n_layers * (c * 4 * c + 4 * c + 4 * c * c + c),
        "norms": n_layers * 2 * 2 * c,
        "final norm": 2 * c,
        "head": 0 if config.tied else table,
    }
    ### END SOLUTION


count_parameters = check("6.4", count_parameters)

# %%
family = ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")
configs = {name: GPTConfig.preset(name) for name in family}
plots.parameter_shares(
    {name: count_parameters(config) for name, config in configs.items()},
    "Feed-forward layers hold the most; the table less in larger models",
)

# %% [markdown]
# In the smallest one, nearly a third of all numbers is one table, the tokens'. It grows with C, the
# blocks with C² · L: twelve times C² a block, four for attention and eight for the feed-forward
# layer. That is the number to remember, 12 L C², and for large models it is all.
#
# ### One matrix, two jobs
#
# The head would have been as large again. Tying saves 38.6 million, and it does something for
# learning too. A row of the table that only serves the way in gets a gradient when its token
# occurs. A row that serves the way out as well gets one at every place, because each softmax has
# something to say about every token. One backward pass from one batch, 32 tokens of a vocabulary of
# 369, and how many rows of the table have a gradient:

# %%
for tied in (True, False):
    torch.manual_seed(0)
    config = GPTConfig(369, 16, n_layers=1, n_heads=2, d_model=16, tied=tied)
    model = GPT(config)
    batch = torch.arange(32).view(2, 16)
    loss = F.cross_entropy(model(batch).flatten(0, 1), (batch + 1).flatten())
    loss.backward()
    taught = (model.token_embedding.weight.grad != 0).any(dim=1).sum().item()
    print(
        f"tied={tied!s:6} {model.num_parameters():6,} parameters, {taught} rows taught"
    )

# %% [markdown]
# ### Break it
#
# *Tied* means that there is one matrix. It doesn't mean two that are equal. Suppose that somebody
# copies the table into the head instead. At first all seems well, and every test that compares the
# two passes.


# %%
def rows_apart(model: GPT) -> int:
    """In how many rows the head and the table of tokens differ."""
    differ = model.head.weight != model.token_embedding.weight
    return int(differ.any(dim=1).sum())


torch.manual_seed(0)
copied = GPT(GPTConfig(369, 16, n_layers=1, n_heads=2, d_model=16, tied=False))
with torch.no_grad():
    copied.head.weight.copy_(copied.token_embedding.weight)
before = rows_apart(copied)
loss = F.cross_entropy(copied(batch).flatten(0, 1), (batch + 1).flatten())
loss.backward()
torch.optim.SGD(copied.parameters(), lr=0.1).step()
print(f"{before} of 369 rows differ before a step, {rows_apart(copied)} after it")

# %% [markdown]
# One step, and they have parted. Two checks find it at once: `head.weight is
# token_embedding.weight`, and the number of parameters, which is 124,439,808 and not 163,037,184.
#
# ## What a token costs
#
# Not every parameter makes work, and not all work has parameters. Looking up a row of a table is
# no arithmetic. The head, tied or not, is a product with the whole table. And the looks of
# attention, query times key and weight times value, multiply numbers none of which is a parameter.
# We count floating-point operations, **FLOPs**: a matrix product takes a multiplication and an
# addition for each number of the matrix and each row that goes through it.
#
# ### Exercise 6.5 · What one token costs
# ★★☆ · 8 min · Kaplan et al. 2020, table 1
#
# Count the FLOPs for one token that looks at `n_tokens` tokens, itself among them, in four parts,
# again as a dictionary: `attention`, its two matrices in all blocks; `looks`, the two products with
# keys and values in all blocks; `feed-forward`; `head`. Leave out what is small beside them:
# biases, norms, softmax, GELU.
#
# By hand, with V = 3, L = 1, C = 2 and 5 tokens: attention 2 · 4 · 2² = 32; looks 2 · 5 · 2 for the
# scores and as many for the average, 40; feed-forward 2 · 8 · 2² = 64; head 2 · 3 · 2 = 12.
#
# <details><summary>A nudge</summary>A token times a matrix of n · m numbers takes 2 · n · m FLOPs.
# Which matrices does it meet? And which products have no matrix?</details>
# <details><summary>More</summary>H heads, each C / H wide: together the looks are as much as those
# of one head of width C, once with n keys and once with n values.</details>
# <details><summary>Nearly all</summary>Attention has four matrices of C², feed-forward two of 4 C²,
# all in each of L blocks; the looks are two products with n · C numbers a block; the head is V · C.
# Twice each.</details>


# %%
def flops_per_token(config: GPTConfig, n_tokens: int) -> dict[str, int]:
    """What it takes to compute one token that looks at n_tokens, itself among them."""
    ### BEGIN SOLUTION
    c, n_layers = config.d_model, config.n_layers
    return {
        "attention": 2 * n_layers * 4 * c * c,
        "looks": 2 * n_layers * 2 * n_tokens * c,
        "feed-forward": 2 * n_layers * 8 * c * c,
        "head": 2 * config.vocab_size * c,
    }
    ### END SOLUTION


flops_per_token = check("6.5", flops_per_token)

# %% [markdown]
# PyTorch can count as well, by watching every product. It does so on the device `meta`, with the
# whole GPT-2 and 1,024 tokens, each of which is multiplied with all 1,024 keys before the mask
# hides some.

# %%
with FlopCounterMode(display=False) as counter:
    gpt2(torch.zeros(1, 1024, dtype=torch.long, device="meta"))
mine = sum(flops_per_token(gpt2.config, 1024).values())
print(f"a token: {mine:,}   1,024 tokens: {1024 * mine:,}")
print(f"as PyTorch counts them: {counter.get_total_flops():,}")

# %%
lengths = [128, 512, 2048, 8192, 32768]
parts = [flops_per_token(gpt2.config, n) for n in lengths]
plots.lines(
    {
        "looks": (lengths, [p["looks"] / 1e9 for p in parts]),
        "all matrices": (
            lengths,
            [(sum(p.values()) - p["looks"]) / 1e9 for p in parts],
        ),
    },
    "tokens that are looked at",
    "billion FLOPs a token",
    "GPT-2's matrices cost most up to 6,700 tokens; beyond, the looks would",
    log_x=True,
    log_y=True,
    markers=True,
)

# %% [markdown]
# (6,700 is where 4 n L C equals 24 L C² + 2 V C. GPT-2 itself ends at 1,024.) For short texts the
# rule is: two FLOPs for each parameter and token. And there is a cost of another kind. Whoever
# writes a text keeps the keys and values of all its tokens, so as not to compute them anew: two
# vectors of width C for each block. This is the **key-value cache** (chapter 08). At two bytes a
# number:

# %%
for name, config in configs.items():
    kept = counts.kv_bytes_per_token(config, torch.float16)
    print(
        f"{name:12} {kept:8,} bytes a token, {1024 * kept / 2**20:4.0f} MiB for 1,024"
    )

# %% [markdown]
# ## The first number
#
# Now to a model of our own: two blocks, four heads, width 96, a token a word of the story world.
# Before any training, what should its loss be? Whoever knows nothing about V tokens gives each the
# chance 1 / V, and pays −ln(1 / V) = ln V for whatever comes. A model with small random weights is
# like that: its logits are all near zero. So the first loss is known before the first step, and if
# it is another, something is wrong already.
#
# ### Exercise 6.6 · The first loss
# ★☆☆ · 5 min · as in any training loop
#
# From logits (B, T, V) and targets (B, T), compute the mean over all places of −ln p(target), and
# beside it what a fair guess pays. Return both: `loss, guess`. By hand, for one place, V = 2, logits
# [0, ln 3] and the target 0: p = 1 / (1 + 3), so the loss is ln 4 = 1.39; a guess pays ln 2 = 0.69.
#
# <details><summary>A nudge</summary><code>F.cross_entropy</code> takes logits, not chances, and
# does the softmax, the logarithm and the mean.</details>
# <details><summary>More</summary>It wants (N, V) and (N,): <code>flatten(0, 1)</code> for the
# logits, <code>flatten()</code> for the targets. By hand: <code>logits.log_softmax(-1)</code>, then
# <code>gather(-1, targets[..., None])</code>, minus, mean.</details>
# <details><summary>Nearly all</summary><code>loss = F.cross_entropy(logits.flatten(0, 1),
# targets.flatten())</code>, and the guess is <code>math.log(logits.shape[-1])</code>.</details>


# %%
def first_loss(logits: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    """The mean of −ln p(target), and what a fair guess among V tokens pays."""
    ### BEGIN SOLUTION
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    return loss, math.log(logits.shape[-1])
    ### END SOLUTION


first_loss = check("6.6", first_loss)

# %%
corpus = load_corpus("stories")
stories = [line.split() for line in corpus.train.splitlines()[:9000]]
held_out = [line.split() for line in corpus.val.splitlines()[:200]]
vocabulary = story_tokens.VOCABULARY
inputs, targets = (x[:, :96] for x in recall.encode(stories, vocabulary))
config = GPTConfig(
    len(vocabulary), context_length=96, n_layers=2, n_heads=4, d_model=96
)
torch.manual_seed(0)
model = initialise(GPT(config), config.n_layers)
loss, guess = first_loss(model(inputs[:32, :32]).detach(), targets[:32, :32])
print(f"the first loss {loss:.1f}, a fair guess ln {len(vocabulary)} = {guess:.1f}")

# %% [markdown]
# Now the same model with the numbers that PyTorch would have put into the table: normal, with the
# deviation 1, fifty times as large.

# %%
ask("6.c")

# %%
torch.manual_seed(0)
loud = initialise(GPT(config), config.n_layers)
loud.token_embedding.reset_parameters()
loss, guess = first_loss(loud(inputs[:32, :32]).detach(), targets[:32, :32])
print(f"the first loss {loss:.0f}, a fair guess {guess:.1f}")

# %% [markdown]
# A tied head explains it. The stream still points the way of the word that was read, the head
# multiplies it with the table, and the highest score goes to that very word: the model is sure that
# every word is said twice. It could learn its way out, but whatever steps that takes teach it nothing
# else.
#
# ## Overfit one batch, before anything else
#
# A second check takes a few seconds, and finds much of what can be wrong with a model or its
# training: take *one* batch, and train on it again and again. A model with a quarter of a million
# parameters must be able to learn eight beginnings by heart. If it can't, no amount of data will
# help.
#
# How low can the loss get? All eight begin with the same mark, so nobody can know which of the
# eight it is to be. That is log2 8 = 3 bits for a beginning of 32 words, or 0.09 a word. All else can
# be learned.

# %%
batch = inputs[:8, :32], targets[:8, :32]
losses = recall.train_recall(model, *batch, steps=80, batch_size=8)

# %% [markdown]
# ### Break it
#
# And here is a mistake that the first loss doesn't find. The model ends with a softmax, because
# chances are what one wants in the end; and the loss takes another.


# %%
class Softmaxed(nn.Module):
    """A GPT that returns chances where logits are expected."""

    def __init__(self, inner: GPT) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, ids: Tensor) -> Tensor:
        return self.inner(ids).softmax(-1)


torch.manual_seed(0)
wrong = Softmaxed(initialise(GPT(config), config.n_layers))
loss, guess = first_loss(wrong(batch[0]).detach(), batch[1])
print(f"its first loss {loss:.1f}, a fair guess {guess:.1f}")

# %%
ask("6.d")

# %%
stuck = recall.train_recall(wrong, *batch, steps=80, batch_size=8)
plots.lines(
    {"model": losses, "softmax twice": stuck},
    "step",
    "bits per word, on one batch",
    "One batch is learned by heart; with two softmaxes it can't be",
    floor=3 / 32,
    floor_label="3 bits for 32 words",
    words="80 steps: the model falls to the floor, softmax twice stays above 7 bits",
    y_from=0,
)

# %%
best = (math.log(368 + math.e) - 1) / math.log(2)
print(f"by heart, after 80 steps: {losses[-1]:.1f} bits a word")
print(f"with a second softmax: {min(stuck):.1f}, and {best:.2f} if it were certain")

# %% [markdown]
# Chances lie between 0 and 1. Even if the model were certain, the second softmax would see a 1 and
# 368 zeros, and make of that e / (e + 368): less than one in a hundred. The loss falls a little and
# stops, and looks like a model that is slow to learn. With one batch you know that it can't be.
#
# ## Now let it read
#
# Nine thousand stories are there; it reads nearly all of them, 16 at a time. (The batch that it has
# learned by heart is forgotten: we start anew, with the wider start from above, since 0.02 suits a
# width of 768.) You may interrupt it.

# %% tags=["nbval-ignore-output"] reason="the seconds left, and losses after 560 steps, differ by machine"
torch.manual_seed(0)
model = widened(initialise(GPT(config), config.n_layers))
curve = recall.train_recall(model, inputs, targets, steps=560, batch_size=16, report=80)

# %%
new_inputs, new_targets = (x[:, :96] for x in recall.encode(held_out, vocabulary))
with torch.no_grad():
    right = model(new_inputs).argmax(-1) == new_targets
places = storyworld.recall_places(held_out, "colour", distance=30, before=96)
far = list(zip(*places, strict=True))
print(
    len(far),
    "colours, told 30 or more words before, in 200 stories that it has never read",
)
print(f"of ten it finds {10 * right[places].float().mean():.0f}")

# %% [markdown]
# And it can speak. The simplest way to write is to take the likeliest word, put it behind the text,
# and ask again (chapter 08 has better ones). `marked` puts the first word that the story world could
# not have written between ›‹.

# %% tags=["nbval-ignore-output"] reason="what a model trained here writes differs by machine"
print(marked(tell(model)))
for kind in ("colour", "thing", "name", "animal"):
    places = storyworld.recall_places(held_out, kind, before=96)
    share, n = right[places].float().mean(), len(places[0])
    print(f"{kind:>7}: {share:4.0%} of {n} places where one must be remembered")

# %% [markdown]
# The sentences are sound from the first word to the last; a slip is one of memory. Which kind of fact
# it slips on stands in the table: the one that the training, of half a minute, came to last. (With
# half as many steps it finds the colours and loses nearly everything else, and the loss, a mean over
# all words, tells little of it. Try `steps=300`.)
#
# ## What it would say at every depth
#
# The stream has the same width from the first block to the last, and the head reads the stream. So
# nobody forbids us to hold the head to it earlier: what would the model say if it had to stop after
# one block? Or before the first? This is the **logit lens**. It is your function again, with the
# final norm and the head applied to every depth.

# %%
ask("6.e")

# %%
with torch.no_grad():
    tables = model.token_embedding.weight, model.position_embedding.weight
    stream, _ = gpt(new_inputs, *tables, model.blocks, model.final_norm)
    lens = model.final_norm(stream) @ model.token_embedding.weight.T  # (L + 1, B, T, V)
told = new_targets >= 0
bits = [F.cross_entropy(d[told], new_targets[told]).item() / math.log(2) for d in lens]
difference = (lens[:, :8] - model.lens(new_inputs[:8])).abs().max().item()
print(f"from the package's lens it differs by {difference:.2f} at most")
print(
    "bits a word, to the nearest half, depth by depth:",
    [round(2 * b) / 2 for b in bits],
)

# %%
again = (lens[0].argmax(-1) == new_inputs)[told].float().mean().item()
print(
    f"at depth 0 it says the word that it has just read: {10 * again:.0f} times in 10"
)
found = (lens.argmax(-1) == new_targets)[:, *zip(*far, strict=True)].float().mean(1)
print(
    "of ten far colours it finds, depth by depth:",
    [round(10 * f) for f in found.tolist()],
)

# %% [markdown]
# Before the first block there is nothing but the word itself, and the head, being the same table,
# finds it again. The blocks have to turn the stream away from the word that was, towards the word
# that comes, and one is enough for most colours. Here is a place where one has to be remembered, at
# all three depths. A frame stands around each word that is right.

# %% tags=["nbval-ignore-output"] reason="the guesses of a model trained here differ in places by machine"
story, place = far[0]
columns = range(place - 6, place + 2)
depths = ["embedding", "after block 1", "after block 2"]
print("bits a word:", {name: round(b, 2) for name, b in zip(depths, bits, strict=True)})
chances, guesses = lens[:, story, columns].softmax(-1).max(-1)
plots.lens(
    [held_out[story][t] for t in columns],
    depths,
    [[vocabulary[i] for i in row] for row in guesses.tolist()],
    chances,
    "From depth to depth, the word that was gives way to the word that comes",
)

# %% [markdown]
# ### Step through it yourself
#
# Block 1 finds the colour; which of its heads? Here are fifteen beginnings of stories that go on with
# a colour told long before. We add up what each head of each block gives to that word, wherever it
# stands, while the model looks for the next one.

# %%
begun = [(held_out[i][:j], held_out[i][j]) for i, j in far[:60:4]]


def looks(words: list[str], colour: str) -> Tensor:
    """What the last word gives to all mentions of a colour, by block and head, (L, H)."""
    ids = torch.tensor([[0, *story_tokens.encode(words)]])
    there = [t for t, word in enumerate(words, start=1) if word == colour]
    return model.maps(ids)[0, :, :, -1, there].sum(-1)


given = torch.stack([looks(*one) for one in begun]).mean(0)
head = int(given[0].argmax()) + 1
print(f"one head of block 1 gives it {10 * given[0].max():.0f} tenths of its attention")

# %% [markdown]
# Click on the word that is to speak (it is framed) and on a column, or choose word, step and head by
# the sliders, which the arrow keys move. The columns are the five next words that the model would
# like best at each depth, half-blocks too. In a step of attention, the words of the text are shaded
# by where the chosen head looks.
#
# It opens at that head of block 1, on the word before a colour. The head has found the colour; and yet
# the model would still say the word that it has just read. Go one step on: it takes the feed-forward
# layer to make the next word of what attention has brought.

# %% tags=["nbval-ignore-output"] reason="the guesses of a model trained here differ in places by machine"
widgets.pass_explorer(
    model,
    [storyworld.prose(words) for words, _ in begun],
    lambda text: [0, *story_tokens.encode(text)][:96],
    vocabulary,
    step=1,
    head=head,
)

# %% [markdown]
# ## Several texts at once
#
# Nobody lets a large model read one text at a time. Many go through together, as a batch, and a batch
# is a rectangle: so shorter texts are filled up with some token, here with token 0. To write on, one
# puts this **padding** (filling) in front, and then the next word of every text is scored in the last
# column. A mask forbids all tokens to look at the filling. Here is such a program, by a colleague. It
# runs, and the scores have the right shape.


# %%
def colleague(texts: list[list[int]], tokens, places, blocks, final_norm) -> Tensor:
    """The scores of the token after each text, (B, V); filling stands in front."""
    longest = max(len(text) for text in texts)
    fillings = [longest - len(text) for text in texts]
    ids = torch.tensor(
        [[0] * n + text for n, text in zip(fillings, texts, strict=True)]
    )
    told = torch.arange(longest) >= torch.tensor(fillings)[:, None]  # (B, T)
    x = tokens[ids] + places[:longest]
    for block in blocks:
        x = block(x, told[:, None, None, :])  # True where a token may be looked at
    return final_norm(x[:, -1]) @ tokens.T  # (B, C) times (C, V)


# %% [markdown]
# But somebody has noticed that the model writes worse when it is busy. So let three beginnings go
# through it, alone and then together. The scores of a text should be the same, whoever shares the
# batch with it.

# %%
parts = *(table.detach() for table in tables), model.blocks, model.final_norm
story = [0, *story_tokens.encode(held_out[far[0][0]])]
texts = [story[:60], story[:20], story[:40]]
with torch.no_grad():
    alone = torch.cat([colleague([text], *parts) for text in texts])
    together = colleague(texts, *parts)
for text, a, b in zip(texts, alone, together, strict=True):
    same = torch.allclose(a, b, atol=1e-3)
    print(f"{len(text)} tokens: {'the same' if same else 'other'} scores in company")

# %% [markdown]
# ### Exercise 6.7 · Find the bug: a text and its company
# ★★☆ · 12 min · as it has stood in many a program
#
# The longest text is right, and the shorter ones are not. Find out why, and write a `next_scores`
# that takes the same arguments and gives each text the scores that it has alone. Copy the
# colleague's lines and mend them, or do it in another way; any cure will do. Each `block` takes the
# vectors, and a mask if you like, which adds to the causal one: (B, 1, 1, T), True where a token may
# be looked at.
#
# <details><summary>A nudge</summary>The mask is right. What else depends on how many columns stand in front of
# a text?</details>
# <details><summary>More</summary>Attention by itself doesn't know where a token stands. Who tells it,
# and what is the first token of a short text told? A text alone begins at place 0.</details>
# <details><summary>Nearly all</summary>The number of told tokens up to a column, less one, is the place of
# the token there: <code>where = (told.cumsum(1) - 1).clamp(min=0)</code>, (B, T). A table of places
# can be indexed by it: <code>places[where]</code>.</details>


# %%
def next_scores(texts: list[list[int]], tokens, places, blocks, final_norm) -> Tensor:
    """The scores of the token after each text, (B, V), as it has them alone."""
    ### BEGIN SOLUTION
    longest = max(len(text) for text in texts)
    fillings = [longest - len(text) for text in texts]
    ids = torch.tensor(
        [[0] * n + text for n, text in zip(fillings, texts, strict=True)]
    )
    told = torch.arange(longest) >= torch.tensor(fillings)[:, None]  # (B, T)
    where = (told.cumsum(1) - 1).clamp(
        min=0
    )  # the filling's place is nobody's business
    x = tokens[ids] + places[where]
    for block in blocks:
        x = block(x, told[:, None, None, :])
    return final_norm(x[:, -1]) @ tokens.T
    ### END SOLUTION


next_scores = check("6.7", next_scores)

# %%
with torch.no_grad():
    together = next_scores(texts, *parts)
difference = (alone - together).abs().max().item()
print(f"alone and in company the scores now differ by {difference:.2f} at most")

# %% [markdown]
# No error, no wrong shape, a loss that falls: a model whose places are shifted a little still says
# sensible things, only worse ones. What found it was a question with a known answer: does a text get
# the same scores alone? Ask it of every batch that you build. (With rotary positions, chapter 04, the
# shift would not matter: there only distances count.)
#
# ## A Markov chain, after all
#
# Chapter 02's n-grams looked at the last n − 1 words, and everything before was forgotten. Our GPT
# looks at the last 96 tokens, and everything before is forgotten. In that it is no different: what
# comes next depends on the last `context_length` tokens and on nothing else, and that is what a
# **Markov chain** of order 96 is. Two stories that differ only before the window are one and the
# same to it.


# %%
def next_chances(words: list[str], window: int) -> Tensor:
    """The chances of the next word, from the last `window` tokens."""
    ids = [0, *story_tokens.encode(words)][-window:]
    with torch.no_grad():
        return model(torch.tensor([ids]))[0, -1].softmax(-1)


story, place = far[0]
colour = held_out[story][place]
other = "green" if colour != "green" else "red"
first = held_out[story][:place]
second = [other if word == colour else word for word in first]
last = max(t for t, word in enumerate(first) if word == colour)
print(
    f"two beginnings of {place} words; the colour was last told {place - last} words back"
)

# %%
for window in (4, 16, 96):
    chances = next_chances(first, window), next_chances(second, window)
    apart = (chances[0] - chances[1]).abs().max().item()
    print(f"from the last {window:2} words: chances {apart:.1f} apart at most")
said = [vocabulary[c.argmax()] for c in chances]
print(f"told of {colour} and of {other}, they go on with {said[0]} and {said[1]}")

# %% [markdown]
# As long as the window doesn't reach back to the colour, the two are the same to the last bit, and
# so would be the rest of the story. And now a text that is longer than the model's context, by a
# whole story in front:

# %%
in_front = [held_out[0] + [storyworld.END], held_out[1] + [storyworld.END]]
behind = held_out[2][:96]
one, two = (next_chances(words + behind, 96) for words in in_front)
print(f"another story in front: chances {(one - two).abs().max():.2f} apart at most")
print(f"states of the chain: 369^96, a number of {96 * math.log10(369) + 1:.0f} digits")

# %% [markdown]
# So it is not the principle that sets a GPT apart from an n-gram. A table with a row for each state
# would need more rows than there are atoms. The GPT has a quarter of a million numbers in its
# place, and states that mean the same are treated the same without ever having been seen.
#
# ## What people get wrong
#
# *"The model outputs the next word."* It outputs V scores at every place of the text, for every
# next word at once. Which one is taken is somebody else's business (chapter 08).
#
# *"Logits are probabilities."* They become some by a softmax. The loss has one inside; another one
# in the model makes it unable to learn, and the first loss doesn't tell.
#
# *"Tied weights are equal weights."* They are one tensor. Equal ones part at the first step.
#
# *"Attention is where the parameters are."* A third of the blocks' are there. Two thirds are in the
# feed-forward layers, and in a small model, a large part is a table.
#
# *"Parameters are the cost."* The head costs V · C twice over, tied or not; the embedding costs
# nothing; the looks cost, and have no parameters at all.
#
# *"The loss starts anywhere."* It starts at ln V, or a little above. Anything else is a message.
#
# *"It remembers our conversation."* It reads it again, as much as fits.
#
# *"It only predicts the next word, so it can't look ahead."* The goal is near, and what it takes is
# not. Two beginnings may be taken for one and the same only where all of their continuations have the
# same chances; the two above differ in a single colour, told long ago, and must be kept apart until it
# comes again. Whoever is to be right about *every* next word has to carry along whatever any later
# word may depend on. In a story that is the plot. How much of it a model carries has to be measured,
# as the lens does here, and the recall by kinds in chapter 07.
#
# ## Questions for the meeting
#
# 1. GPT-2's vocabulary has 50,257 tokens. Somebody rounds it up to 50,304, a multiple of 64, and
#    training gets faster. What else changes: the parameters, the first loss, the texts?
# 2. Where would you look if the first loss were 2 · ln V? And if it were well below ln V?
# 3. Doubling C, doubling L, doubling the context: what does each do to the parameters, to the FLOPs
#    of a token, and to the cache?
# 4. At depth 0 the lens says the word that was read. Would it, if the head were not tied?
# 5. Which tokens share their next-word chances for certain, because of the Markov property, in a
#    chat that has outgrown the context? What do people see of that?
# 6. Leave out the final norm, and train. The loss falls all the same. Why, and what is it for?

# %% [markdown] tags=["solution-only"]
# ### Answers for whoever leads the meeting
#
# **1.** 47 · 768 = 36,096 more parameters; the first loss rises by ln(50,304 / 50,257), a
# thousandth; the texts are the same, and the new rows are tokens that never occur and soon get no
# chance. Matrix kernels like sizes that divide well.
#
# **2.** Far above: logits that are too large, from a start that is too wide, a norm left out, or the
# tied table at PyTorch's own deviation of 1, as above. Well below: the model knows something before
# it has learned. Either the targets stand in the inputs (a leak, or targets that were not shifted:
# with a tied head a model likes to repeat its input), or the loss counts filling.
#
# **3.** C: parameters and FLOPs of the blocks four times, the tables and the head twice, the looks
# and the cache twice. L: the blocks, the looks and the cache twice, the tables and the head as
# before. The context: only the places' table and the looks grow, twice; the cache grows with the
# text, twice as long at most.
#
# **4.** Not for that reason. An untied head has a table of its own, which knows nothing of the
# embedding; trained, it would rather tell what mostly follows a word, since that is all that can be
# said at depth 0, but nobody trains it at that depth.
#
# **5.** All texts that agree in the last window. Instructions given at the beginning drop out of the
# window, and from then on the model behaves as if they had never been given. Programs for chatting
# therefore keep the instructions in front and drop, or sum up, the middle.
#
# **6.** The blocks can learn to keep the stream in a range that suits the head. But then the size of
# the stream sets how sure the model is, and each block that adds to it makes all logits larger. The
# norm takes this away: only the direction counts, and how sure the model is can be learned in the
# norm's weight.

# %% [markdown]
# ## Recap
#
# A GPT: a **table of tokens** and a **table of places**, added; L **blocks**, each of which adds to
# the **residual stream**; a **final norm**; and a **head**, which is the table of tokens once more
# (**tied**). The same logits as Hugging Face's GPT-2 from the same weights. Random numbers at the
# start: 0.02, and 0.02 / √(2 L) for what adds to the stream. 124,439,808 **parameters**, 12 L C² of
# them in the blocks; about two **FLOPs** for each parameter and token, and the looks on top. The
# **first loss** is ln V, and one batch can be learned by heart: two checks before any training. The
# **logit lens** reads the stream at every depth. And seen from outside, it all is a **Markov chain**
# whose order is the length of its context.
#
# Sources. The architecture: A. Radford and others, *Improving Language Understanding by Generative
# Pre-Training*, 2018, and *Language Models are Unsupervised Multitask Learners*, 2019, also for the
# initialisation; as algorithm 10: M. Phuong and M. Hutter, *Formal Algorithms for Transformers*,
# 2022. Tying: O. Press and L. Wolf, *Using the Output Embedding to Improve Language Models*, 2017.
# Counting: J. Kaplan and others, *Scaling Laws for Neural Language Models*, 2020. The two checks: A.
# Karpathy, *A Recipe for Training Neural Networks*, 2019. The lens: nostalgebraist, *Interpreting
# GPT: the Logit Lens*, 2020. The stream as a thing of its own: N. Elhage and others, *A Mathematical
# Framework for Transformer Circuits*, 2021. Markov chains of texts: A. A. Markov, 1913; C. Shannon,
# *A Mathematical Theory of Communication*, 1948.
#
# | English | 한국어 | in a sentence |
# |---|---|---|
# | embedding | 임베딩 | a learned vector for each token |
# | position embedding | 위치 임베딩 | a learned vector for each place |
# | residual stream | 잔차 스트림 | what runs through all blocks, and to which they add |
# | head (language model head) | 헤드 (언어 모델 헤드) | turns a vector into a score for each token |
# | logits | 로짓 | scores before the softmax |
# | weight tying | 가중치 공유 (가중치 묶기) | one matrix for the way in and the way out |
# | initialisation | 초기화 | the numbers before training |
# | parameter | 파라미터 (매개변수) | a number that is learned |
# | FLOP | 부동소수점 연산 | one addition or multiplication |
# | key-value cache | 키-값 캐시 | keys and values kept of the text so far |
# | overfitting | 과적합 | learning by heart |
# | hook | 훅 | a function that is called when a part has done its work |
# | padding (filling) | 패딩 | tokens that make short texts as long as the longest |
# | logit lens | 로짓 렌즈 | the head held to an earlier depth |
# | context length | 문맥 길이 | how many tokens the model can see |
# | Markov chain | 마르코프 연쇄 | the future depends on the last few steps alone |
# | parity | 동등성 | the same numbers as another implementation |
#
# Next: how it learns. The loop, the optimiser, and the floor.
