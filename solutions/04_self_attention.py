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
# # 04 · Self-attention
#
# **What can a text find out about itself, when each of its words may look at the others?**
#
# Chapter 03 ended with one query that averages over some values. Now every word of a text asks at
# once, and what they ask about is the text itself. That, a rule about the future, and a few heads
# side by side is all the attention there is in a GPT. At the end we train a model that has nothing
# else, of two layers. It learns something that counting could not; we catch the head that does it,
# and switch it off.
#
# You will build: self-attention for a matrix, the causal mask, the padding mask, the split into
# heads, multi-head attention, rotary positions, and attention in linear time; and you will find a
# leak. It takes some two hours, about 75 minutes of them in the exercises.
#
# First run everything: **Run → Run All Cells**. It takes about a minute, most of it for training
# four small models. Then begin again at the top.

# %%
import inspect
import json
import math
import textwrap
from functools import partial
from importlib.resources import files

import torch
from torch import Tensor
from torch.nn import functional as F
from utils.course import ask, check
from utils.data import storyworld
from utils.data.texts.corpora import load_corpus
from utils.llm import attention
from utils.llm.attention import recall
from utils.llm.counting.ngram import NGramModel
from utils.llm.machine.costs import cost_of_each
from utils.viz import diagrams, plots, widgets

# %% [markdown]
# ## From one query to a matrix
#
# Five words, each a vector of six numbers. Here they are rolled; a trained model has learned them.
# Three matrices turn each word into what it asks (its query), what it offers to be found by (its
# key), and what it has to say (its value). In the comments T counts the words, C the numbers of a
# word, and D those of a query.

# %%
words = "Mina had a blue kite".split()
dice = torch.Generator().manual_seed(4)
x = 2 * torch.rand(5, 6, generator=dice) - 1  # (T, C)
w_q, w_k, w_v = 2 * torch.rand(3, 6, 4, generator=dice) - 1  # (C, D) each
q, k, v = x @ w_q, x @ w_k, x @ w_v  # (T, D) each

# %% [markdown]
# Chapter 03's attention takes one query. We could call it five times, or put the five queries into
# one matrix: then `q @ k.T` holds the score of every word with every word, and the same three
# steps, scale, softmax, average, do all rows at once.

# %%
one_by_one = [attention.attention_for_one_query(query, k, v)[0] for query in q]
scores = q @ k.T / math.sqrt(4)
weights = scores.softmax(dim=-1)
out = weights @ v  # (T, D)
difference = (out - torch.stack(one_by_one)).abs().max().item()
print(f"all at once against one by one: differ by {difference:.5f} at most")

# %%
ask("4.a")

# %%
plots.heatmap(
    weights,
    words,
    words,
    "A row is one word's average over all five: it sums to 1",
    xlabel="looks at",
    ylabel="the word that looks",
    value="weight",
)

# %% [markdown]
# Read it by rows. A column need not sum to anything: many words may look at the same one.
#
# Often a word may not look everywhere; the next section says why. Which looks are allowed is said
# by a **mask**, a table of the same shape, `True` where the row may look at the column. How do we
# forbid a look? Not by setting its weight to zero: the rest of the row would no longer sum to one.
# We act one step earlier, on the scores. A score of minus infinity has the exponential zero, and
# the softmax shares out all of the attention among those that are left. (If none is left, it is 0
# / 0. The package's functions then give zeros; yours needn't.)
#
# ### Exercise 4.1 · Self-attention for a matrix
# ★★☆ · 10 min · Phuong and Hutter 2022, Alg. 4
#
# Go the whole way from `x` to the output, and return all seven steps, so that the check can name
# the first that is wrong: `q, k, v, scores, masked, weights, out`. Here `scores` are already
# divided by √D, and `masked` are the scores with −∞ where a look is forbidden. (−10⁹, often seen
# in code, does as well, unless a whole row is forbidden: then that row looks everywhere.)
#
# By hand, from the scores on, for two words with D = 2, where the first may not look at the second:
#
#     q · k         [[1, 2], [2, 0]]
#     scores        [[0.71, 1.41], [1.41, 0.00]]     divided by √2
#     masked        [[0.71, −∞], [1.41, 0.00]]
#     weights       [[1.00, 0.00], [0.80, 0.20]]     e^1.41 = 4.11, and 4.11 / (4.11 + 1) = 0.80
#     v             [[10], [20]]
#     out           [[10], [12]]                     0.80 · 10 + 0.20 · 20 = 12
#
# <details><summary>A nudge</summary>The scale is the root of the width of a query,
# <code>q.shape[-1]</code>, not of the number of words or the width of x.</details>
# <details><summary>A plan</summary>Three products with x make q, k and v. One product of q with
# <code>k.T</code>, divided by the root, makes the scores. Fill in −∞ where the mask is
# <code>False</code>, take the softmax along each row, and average the values with it.</details>
# <details><summary>Nearly all</summary><code>scores = q @ k.T / math.sqrt(q.shape[-1])</code>,
# <code>masked = scores.masked_fill(~mask, -torch.inf)</code>, <code>weights =
# masked.softmax(dim=-1)</code>, <code>out = weights @ v</code>; before them <code>q, k, v = x @ w_q,
# x @ w_k, x @ w_v</code>.</details>


# %%
def self_attention(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, mask: Tensor):
    """q, k, v, scores, masked, weights, out; x (T, C), w (C, D), mask (T, T) bool."""
    ### BEGIN SOLUTION
    q, k, v = x @ w_q, x @ w_k, x @ w_v  # (T, D)
    scores = q @ k.T / math.sqrt(q.shape[-1])  # (T, T)
    masked = scores.masked_fill(~mask, -torch.inf)
    weights = masked.softmax(dim=-1)
    out = weights @ v  # (T, D)
    return q, k, v, scores, masked, weights, out
    ### END SOLUTION


self_attention = check("4.1", self_attention)

# %% [markdown]
# ## Don't look ahead
#
# So far every word looks at every other, the later ones included. A model that is to predict the
# next word need not think, then: it stands one step to the right. When the model writes, nothing
# stands there. So we train under the rule that we shall write under: **a word may look at itself
# and at what came before it, and at nothing else.** As a mask, the rule is a triangle.

# %%
plots.mask(
    attention.causal_mask(5),
    words,
    "The causal mask: a word looks at itself and at its past",
)

# %%
ask("4.b")

# %% [markdown]
# ### Exercise 4.2 · The causal mask
# ★☆☆ · 3 min · Phuong and Hutter 2022, Alg. 4, unidirectional
#
# Write the triangle for any number of tokens: `True` where the token of the row may look at that
# of the column. For three:
#
#     True  False False
#     True  True  False
#     True  True  True
#
# <details><summary>A nudge</summary>A row may see a column whose number is not larger than its
# own.</details>
# <details><summary>A plan</summary>Count the positions with <code>torch.arange</code>, and compare
# them as a column with themselves as a row: broadcasting makes the table. Or take a table of ones,
# and <code>torch.tril</code>, which keeps the lower triangle.</details>
# <details><summary>Nearly all</summary><code>position = torch.arange(n_tokens)</code>, and the answer
# is <code>position[:, None] >= position[None, :]</code>.</details>


# %%
def causal_mask(n_tokens: int) -> Tensor:
    """True where the query of a row may attend to the key of a column, (T, T)."""
    ### BEGIN SOLUTION
    position = torch.arange(n_tokens)
    return position[:, None] >= position[None, :]
    ### END SOLUTION


causal_mask = check("4.2", causal_mask)

# %% [markdown]
# ### Break it
#
# What does it look like from outside when the future leaks? We train a small model twice on the
# first 40 words of stories: one layer of attention, once with the mask and once without. (`recall`
# is the model of this chapter's second half, where it is explained.) Since a program makes the
# stories, we know the least that their words can cost, the floor. Over whole stories it is 0.45
# bits a word. The beginnings cost more, for there the facts are rolled, and later they only come
# again.

# %%
corpus = load_corpus("stories")
train = [line.split() for line in corpus.train.splitlines()]
held_out = [line.split() for line in corpus.val.splitlines()[:200]]
vocabulary = (storyworld.END, *storyworld.VOCABULARY)
starts = [words[:40] for words in train[:4000]]
short_inputs, short_targets = (ids[:, :40] for ids in recall.encode(starts, vocabulary))
paid = sum(-storyworld.log2_probability(words[:40]) for words in held_out)
floor = paid / (40 * len(held_out))
print(f"the dice of the first 40 words: {floor:.2f} bits a word")


# %%
def one_layer(causal: bool) -> recall.RecallModel:
    """A small model of a single layer, with the mask or without."""
    torch.manual_seed(0)
    make = partial(attention.MultiHeadAttention, causal=causal, rotary_base=10_000)
    return recall.RecallModel(len(vocabulary), 48, 2, n_layers=1, attention=make)


honest, leaky = one_layer(causal=True), one_layer(causal=False)
pair = {"causal model": honest, "sees the future": leaky}
bits = {
    name: recall.train_recall(
        tiny, short_inputs, short_targets, 100, learning_rate=0.01
    )
    for name, tiny in pair.items()
}

# %%
blocks = range(10, 101, 10)
means = {name: torch.tensor(b).view(10, 10).mean(1) for name, b in bits.items()}
plots.lines(
    {name: (blocks, mean) for name, mean in means.items()},
    "step",
    "bits per word, mean of ten steps",
    "The loss falls below the floor: the answer is in what the model reads",
    floor=floor,
    digits=1,
)

# %% [markdown]
# The curve below the dashed line should alarm you. No honest model gets under the entropy on
# stories that it meets for the first time, and here each is read once, so nothing can be learned
# by heart. This one must be reading the answer somewhere. Ordinary text has no such line, so there
# a leak can live on unnoticed. Now ask the same model under the rule that it would have to write
# under:

# %%
last = means["sees the future"][-1].item()
print(f"with the future: {last:.1f} bits a word, where the floor is {floor:.2f}")
leaky.layers[0].causal = True
pays = {}
for name, tiny in {"honest": honest, "leaky": leaky}.items():
    logits = tiny(short_inputs[:300]).flatten(0, 1)
    loss = F.cross_entropy(logits, short_targets[:300].flatten())
    pays[name] = loss.item() / math.log(2)
seen = short_targets[:300].flatten()
counts = torch.bincount(short_targets[short_targets >= 0], minlength=len(vocabulary))
share = (counts / counts.sum())[seen[seen >= 0]]
pays["word frequencies"] = -share.log2().mean().item()
for who, bits in pays.items():
    print(f"under the rule, {who}: {bits:.1f} bits a word")

# %% [markdown]
# Held to that rule, the leaky model pays more than twice what the honest one does. It knows a good
# deal more than how frequent each word is. But with the answer in reach it had little reason to
# learn what else the words on the left tell.
#
# ## Two masks, two kinds of model
#
# The triangle is the largest difference between two families of language models. **GPT** keeps it,
# and so can be trained on *every next word* of a text in one pass: 100 words are a hundred
# lessons. (A model that guesses each word from those before it, and in writing goes on from its
# own words, is called **autoregressive**.) **BERT** has no triangle. Every word sees both sides,
# so to ask for the next word would be pointless. Instead one chooses some of the words, say 15 in
# 100, hides most of them behind `[MASK]`, and lets the model guess them from both sides. That
# makes 15 lessons of 100 words, and better ones where the right side matters: *the … barked*. BERT
# is a **masked language model**.

# %%
sentence = "the old dog barked loudly".split()
both = {
    "GPT: predict each next word": causal_mask(5),
    "BERT: predict the hidden word": torch.ones(5, 5, dtype=torch.bool),
}
plots.masks(
    both,
    sentence,
    "GPT looks back and guesses forward; BERT looks both ways and fills a gap",
    hidden=[2],
)

# %% [markdown]
# But BERT gives no chances for a next word. It was not made to write; it is used to classify and
# to search.
#
# ### Filling up a batch
#
# There is a second reason to forbid a look. Texts in a batch have different lengths, but a tensor
# has only one. So the shorter texts are filled up behind, and nobody may look at the filling.
#
# ### Exercise 4.3 · The padding mask
# ★☆☆ · 5 min · Devlin et al. 2018, as in any implementation
#
# From the lengths of the B texts, say for each place of the batch whether it holds a word (`True`)
# or filling (`False`). Give it the shape (B, 1, 1, T). The last axis is the token that is looked
# *at*. The two axes of length 1 stand for the heads, which come soon, and for the token that
# looks: the same columns are forbidden to all of them, so broadcasting can copy. For the lengths 1
# and 3 and T = 3:
#
#     [[[[True, False, False]]],
#      [[[True, True,  True ]]]]
#
# <details><summary>A nudge</summary>Position j holds a word of a text if j is below the text's
# length. Positions count from 0.</details>
# <details><summary>A plan</summary>Compare the positions, (T,), with the lengths as a column, (B, 1):
# a table (B, T). Then put in two axes of length 1.</details>
# <details><summary>Nearly all</summary><code>is_word = torch.arange(n_tokens) < lengths[:,
# None]</code>, and <code>is_word[:, None, None, :]</code> has the shape that is asked
# for.</details>


# %%
def padding_mask(lengths: Tensor, n_tokens: int) -> Tensor:
    """True where a place holds a word; lengths (B,) -> (B, 1, 1, T) bool."""
    ### BEGIN SOLUTION
    is_word = torch.arange(n_tokens) < lengths[:, None]  # (B, T)
    return is_word[:, None, None, :]  # (B, 1, 1, T)
    ### END SOLUTION


padding_mask = check("4.3", padding_mask)

# %% [markdown]
# The two masks combine with `&`: a look is allowed if both allow it.

# %%
lengths = torch.tensor([2, 4])
combined = causal_mask(4) & padding_mask(lengths, 4)  # (B, 1, T, T)
print(combined.int()[0, 0])

# %%
ask("4.c")

# %% [markdown]
# Filling behind a text lies in its future, which the causal mask forbids already. So a GPT needs
# this mask only where the filling stands in *front*, as when several texts are to be continued at
# once. BERT needs it always. And either way the loss must skip the places that hold filling: they
# get the target −100, which PyTorch's `cross_entropy` leaves out.
#
# ## Dropout on the weights
#
# While a network trains, one can make it forget: with the chance p, a number is set to 0, and
# those that remain are divided by 1 − p, so that the mean stays as it was. This is **dropout**. In
# attention it strikes weights: a head must not rely on a single look, since at the next step that
# look may be gone.

# %%
torch.manual_seed(0)
row = torch.tensor([0.1, 0.2, 0.3, 0.4])
for _ in range(3):
    struck = F.dropout(row, p=0.25)
    print([round(w, 2) for w in struck.tolist()], "sum", round(struck.sum().item(), 2))
mean = F.dropout(row.expand(100_000, 4), p=0.25).mean(0)
print("mean of 100,000:", [round(w, 1) for w in mean.tolist()])

# %% [markdown]
# A struck row sums to 1 on average only. When the model is used, `model.eval()` switches dropout
# off. The models of this chapter see each story once, can't learn any by heart, and do without.
#
# ## Several heads
#
# A row of weights makes *one* average. Suppose the next word needs two things at once, who speaks
# and what was lost. A single softmax would have to divide itself between the two and hand back a
# blend. So we ask several times: each **head** has queries, keys and values of its own, and the
# answers are laid side by side.

# %%
ask("4.d")

# %% [markdown]
# In the code the heads cost nothing but a change of shape. The three matrices stay as they are;
# head 0 takes the first D columns of `q`, head 1 the next D, and so on. Here is a tensor that fits
# on the page: 2 texts, 4 words, 6 columns, for 3 heads of 2 columns. Each number says where it
# comes from: 123 is text 1, word 2, column 3.

# %%
b, t, c = torch.meshgrid(*(torch.arange(n) for n in (2, 4, 6)), indexing="ij")
page = 100 * b + 10 * t + c  # (B, T, C)
print(page[1])

# %% [markdown]
# Cut the last axis in two, 6 = 3 · 2, then bring the heads forward. Head 1 of text 1 should hold
# the columns 2 and 3 of all four words.

# %%
cut = page.view(2, 4, 3, 2)  # (B, T, H, D)
heads = cut.transpose(1, 2)  # (B, H, T, D)
print(heads[1, 1])

# %%
diagrams.heads(
    page[1], 3, "Each head reads two columns of every word, and writes the same two"
)

# %% [markdown]
# ### Break it
#
# The shape that we want is (2, 3, 4, 2), and `view` can give it at once. No error is raised, and
# all shapes that follow are right.

# %%
print(page.view(2, 3, 4, 2)[1, 1])

# %% [markdown]
# Words and columns are mixed: the row that should be word 0 has columns 2 and 3 of *word 1*.
# Merged again, word 0 would carry something of its future: a leak, and no error will ever say so.
# `view` only cuts the row of numbers anew; what turns the axes is `transpose`. On the way back the
# order is the reverse: transpose first, then flatten. There `view` often refuses, with an error
# about *size and stride*, for `transpose` changes only the order in which the numbers are read.
# `flatten` and `reshape` do the same as `view` where they can, and copy where they must.
#
# ### Exercise 4.4 · Split, work, merge
# ★★☆ · 10 min · Phuong and Hutter 2022, Alg. 5, as in any implementation
#
# Split `x` (B, T, C) into heads (B, H, T, D), call `work` on them, and merge what it returns into
# (B, T, C) again, head 0's columns first. Return both: `heads, merged`. `work` is a function that
# takes the heads and returns a tensor of the same shape; in the next exercise it is attention. By
# hand, for one text of two words, two heads, and a work that changes nothing:
#
#     x         [[[0, 1, 2, 3], [4, 5, 6, 7]]]
#     heads     [[[[0, 1], [4, 5]],  [[2, 3], [6, 7]]]]
#     merged    as x
#
# <details><summary>A nudge</summary>The two cells above do the first half.</details>
# <details><summary>A plan</summary>Cut the last axis in two, heads first: <code>unflatten(-1,
# (n_heads, -1))</code>, or <code>view</code> with four sizes. Bring the heads forward. Call
# <code>work</code>. Then all in reverse: turn back, and join the last two axes.</details>
# <details><summary>Nearly all</summary><code>heads = x.unflatten(-1, (n_heads, -1)).transpose(1,
# 2)</code>, and <code>merged = work(heads).transpose(1, 2).flatten(-2)</code>. Return
# both.</details>


# %%
def through_heads(x: Tensor, n_heads: int, work) -> tuple[Tensor, Tensor]:
    """The heads of x, (B, H, T, D), and work(heads) merged again, (B, T, C)."""
    ### BEGIN SOLUTION
    heads = x.unflatten(-1, (n_heads, -1)).transpose(1, 2)  # (B, H, T, D)
    merged = work(heads).transpose(1, 2).flatten(-2)  # (B, T, C)
    return heads, merged
    ### END SOLUTION


through_heads = check("4.4", through_heads)

# %% [markdown]
# One matrix is still missing. Side by side, the heads' answers don't know of each other. A last
# projection (a projection is a product with a matrix), `w_out`, mixes them.
#
# ### Exercise 4.5 · Multi-head attention
# ★★☆ · 8 min · Phuong and Hutter 2022, Alg. 5
#
# The whole layer, for a batch. One matrix `w_qkv` (C, 3C) makes queries, keys and values in a
# single product: the first C columns are the queries of all heads, the next the keys, the last the
# values. Both projections have biases. `mask` is anything that broadcasts to (B, H, T, T), such as
# a (T, T) or `combined` above, (B, 1, T, T). Return the output, (B, T, C), and the weights of each
# head, (B, H, T, T).
#
# `attention.split_heads(x, n_heads)` and `attention.merge_heads(heads)` are your last exercise,
# cut in two; `attention.scaled_dot_product_attention(q, k, v, mask)` returns the output and the
# weights, for any number of axes in front.
#
# By hand: with `w_qkv` and `b_qkv` all zero, every score is 0 and every value is 0. Each weight is
# 1 / T, or 1 over the number of words allowed, and the output is `b_out` in every row.
#
# <details><summary>A nudge</summary><code>chunk(3, dim=-1)</code> cuts a tensor's last axis into
# three thirds.</details>
# <details><summary>A plan</summary>One product and a bias make all three thirds. Split each into
# heads, attend, merge, and send the result through <code>w_out</code> and
# <code>b_out</code>.</details>
# <details><summary>Nearly all</summary><code>thirds = (x @ w_qkv + b_qkv).chunk(3, dim=-1)</code>,
# <code>q, k, v = (attention.split_heads(part, n_heads) for part in thirds)</code>, <code>heads,
# weights = attention.scaled_dot_product_attention(q, k, v, mask)</code>; the output is
# <code>attention.merge_heads(heads) @ w_out + b_out</code>.</details>


# %%
def multi_head_attention(
    x: Tensor,
    w_qkv: Tensor,
    b_qkv: Tensor,
    w_out: Tensor,
    b_out: Tensor,
    n_heads: int,
    mask: Tensor,
) -> tuple[Tensor, Tensor]:
    """Output (B, T, C) and weights (B, H, T, T) of attention with n_heads heads."""
    ### BEGIN SOLUTION
    thirds = (x @ w_qkv + b_qkv).chunk(3, dim=-1)  # three of (B, T, C)
    q, k, v = (attention.split_heads(part, n_heads) for part in thirds)
    heads, weights = attention.scaled_dot_product_attention(q, k, v, mask)
    return attention.merge_heads(heads) @ w_out + b_out, weights
    ### END SOLUTION


multi_head_attention = check("4.5", multi_head_attention)

# %% [markdown]
# The package has the same layer as a module, `attention.MultiHeadAttention`. With its own weights,
# your function gives its numbers:

# %%
torch.manual_seed(0)
small = attention.MultiHeadAttention(d_model=6, n_heads=3)
batch = torch.rand(2, 5, 6)
matrices = small.qkv.weight.T, small.qkv.bias, small.out.weight.T, small.out.bias
mine, _ = multi_head_attention(batch, *matrices, 3, causal_mask(5))
difference = (mine - small(batch)).abs().max().item()
print(f"from the package's it differs by {difference:.5f} at most")

# %% [markdown]
# ## Somebody else's attention
#
# A colleague hands you this version of the same layer, without biases, and a puzzle: in training
# the loss is better than it ought to be, and what the model writes is poor.


# %%
def colleagues_attention(x: Tensor, w_qkv: Tensor, w_out: Tensor, n_heads: int):
    """Output (B, T, C) and weights (B, H, T, T) of causal attention; x (B, T, C)."""
    n_texts, n_tokens, _ = x.shape
    thirds = (x @ w_qkv).chunk(3, dim=-1)  # q, k, v
    q, k, v = (t.view(n_texts, n_tokens, n_heads, -1).transpose(1, 2) for t in thirds)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, H, T, T)
    place = torch.arange(n_tokens)
    scores = scores.masked_fill(place[:, None] < place, -torch.inf)
    kernel = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
    weights = kernel / kernel.sum(dim=-2, keepdim=True)
    found = (weights @ v).transpose(1, 2).flatten(-2)  # (B, T, C)
    return found @ w_out, weights


# %% [markdown]
# Does it look ahead? No weight does, as the first line will show. So let us do what writing does,
# and give it the first three words of a text alone. They should get what they got in the whole
# text, since nobody may look at the words behind them.

# %%
w_qkv, w_out = small.qkv.weight.T.detach(), small.out.weight.T.detach()
whole, looks = colleagues_attention(batch, w_qkv, w_out, 3)
print("weight on the future:", looks.triu(1).abs().max().item())
alone, _ = colleagues_attention(batch[:, :3], w_qkv, w_out, 3)
for word in range(3):
    gap = (alone[:, word] - whole[:, word]).abs().max()
    print(f"word {word}: differs by {gap:.2f} when the rest is cut off")

# %% [markdown]
# So the first word knows something of the fourth and fifth, though it doesn't look at them. In
# training that is a leak, and lowers the loss. In writing nothing is there to leak, and the later
# layers get other vectors than they have learned to read.
#
# ### Exercise 4.8 · Find the bug
# ★★☆ · 12 min · somebody else’s twelve lines
#
# (Its number is out of turn; 4.6 and 4.7 follow.) Copy the lines into the cell below, find out how
# the future gets in, and cure it. Return the output and the weights, as they do. Any cure is right
# that gives what causal attention gives. It helps to print: what must be true of a row of `looks`,
# and is it?
#
# By hand, for one head, two words and the `kernel` [[1, 0], [0.5, 1]], rows looking at columns:
# the weights should be [[1, 0], [⅓, ⅔]].
#
# <details><summary>A nudge</summary>The masked scores are right. Work out by hand what the next two
# lines make of the kernel above.</details>
# <details><summary>A plan</summary>They give [[⅔, 0], [⅓, 1]]: the first word's weight on itself has
# become smaller because the second looks at it too. A number that belongs to later words has come in
# through the sum. Which axis should it run along?</details>
# <details><summary>Nearly all</summary><code>weights = kernel / kernel.sum(dim=-1,
# keepdim=True)</code>: each row by its own sum. All other lines stay.</details>


# %%
def mended_attention(x: Tensor, w_qkv: Tensor, w_out: Tensor, n_heads: int):
    """Output (B, T, C) and weights (B, H, T, T) of causal attention, without the leak."""
    ### BEGIN SOLUTION
    n_texts, n_tokens, _ = x.shape
    thirds = (x @ w_qkv).chunk(3, dim=-1)  # q, k, v
    q, k, v = (t.view(n_texts, n_tokens, n_heads, -1).transpose(1, 2) for t in thirds)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, H, T, T)
    place = torch.arange(n_tokens)
    scores = scores.masked_fill(place[:, None] < place, -torch.inf)
    kernel = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
    weights = kernel / kernel.sum(dim=-1, keepdim=True)
    found = (weights @ v).transpose(1, 2).flatten(-2)  # (B, T, C)
    return found @ w_out, weights
    ### END SOLUTION


mended_attention = check("4.8", mended_attention)

# %%
whole, _ = mended_attention(batch, w_qkv, w_out, 3)
alone, _ = mended_attention(batch[:, :3], w_qkv, w_out, 3)
gap = (alone - whole[:, :3]).abs().max().item()
print(f"cut off or not, the three words differ by {gap:.5f} at most")

# %% [markdown]
# A mask says who may look; it can't say what else a sum runs over (chapter 05 has another such
# case). And this test, cut the text and compare, shows whether later words change earlier results,
# by whatever way. It belongs to every model that is to write.

# %% [markdown]
# ## Nobody knows the order
#
# *The dog bit Mina* and *Mina bit the dog* are the same words. What does attention make of it?

# %%
ask("4.e")

# %%
everyone = attention.MultiHeadAttention(d_model=6, n_heads=3, causal=False)
shuffle = torch.tensor([3, 0, 4, 1, 2])
before, after = everyone(batch), everyone(batch[:, shuffle])
difference = (after - before[:, shuffle]).abs().max().item()
print(
    f"from the outputs before, shuffled alike, they differ by {difference:.5f} at most"
)

# %% [markdown]
# This is called **permutation equivariance**. To this layer a sentence is a bag of words. In one
# layer the causal mask doesn't help: the last word sees the same bag in whatever order. Shuffle
# all words but the last, and look at the last:

# %%
shuffled = torch.tensor([3, 1, 0, 2, 4])
last, still = small(batch)[:, -1], small(batch[:, shuffled])[:, -1]
difference = (last - still).abs().max().item()
print(f"what the last word gets differs by {difference:.5f} at most")

# %% [markdown]
# A second layer can tell more. In the first, an early place has averaged over few words and a late
# one over many, and that says something about where a word stands (Haviv and others 2022; chapter
# 05 takes the positions away and measures what is missed). But mostly the place of a word is told.
# Three ways are in use.
#
# **Learned.** Beside the table of the words there is a second one, with a vector for each place,
# which is added to the word's own and learned like everything else. GPT-2 does it so. It has no
# vector for place 1,024, so there the text must end.
#
# **Sinusoidal.** The vector is not learned but computed, from waves: fast ones in the first
# columns, slow ones in the last, like the hands of a clock. The first transformer did it so. There
# is a vector for every place, but the model need not know what to do with it.

# %%
waves = attention.sinusoidal_positions(48, 8)
plots.heatmap(
    waves.T,
    [str(i) for i in range(8)],
    [str(t) if t % 8 == 0 else "" for t in range(48)],
    "Each place has a pattern of its own: quick waves above, slow ones below",
    xlabel="place",
    ylabel="column",
    value="what is added",
    diverging=True,
)

# %% [markdown]
# **Rotary.** Nothing is added to the word. Instead, just before the dot product, queries and keys
# are *turned*. The columns are taken in pairs. Each pair is a point in the plane, and at place t
# it is turned by t times a fixed angle, its speed. A dot product depends on the angle between two
# vectors, and on their lengths, which turning leaves alone. If the query has been turned by m
# steps and the key by n, that angle has changed by m − n steps, wherever the two stand. A dot
# product of whole rows is a sum over the pairs, each with its own speed, so there too **only the
# distance counts.** LLaMA (Touvron and others 2023) and most open models since do it so. Here is
# one pair, turned by one radian a place, a sixth of the way round:


# %%
def turned(angle: float) -> tuple[float, float]:
    """The point of the circle at an angle, in radians."""
    return math.cos(angle), math.sin(angle)


diagrams.circles(
    {
        f"key at {place}, query at {place + 2}": {
            "query": turned(place + 2.3),
            "key": turned(place),
        }
        for place in (0, 1, 5)
    },
    "Both are turned by their places, and the same angle is left between them",
    angles=True,
)

# %% [markdown]
# ### Exercise 4.6 · The rotary rotation
# ★★★ · 12 min · Su et al. 2021, section 3.2
#
# Turn each row of `x` (T, D) by its position. Columns 2i and 2i + 1 are a pair (a, b), and its
# angle is position · 10000^(−2i / D), in radians. Turned, the pair is
#
#     a · cos − b · sin,   a · sin + b · cos
#
# The first pair turns by one radian a step, later pairs more and more slowly. By hand: the row
# [1, 0] at position 1 becomes [cos 1, sin 1] = [0.54, 0.84], and at position 0 it stays [1, 0].
# With D = 4 the second pair turns by 10000^(−1/2) = 0.01 a step: [0, 0, 1, 0] at position 1 becomes
# [0, 0, 1.00, 0.01].
#
# <details><summary>A nudge</summary><code>torch.arange(0, D, 2)</code> is 2i for every
# pair. <code>x[:, 0::2]</code> holds the first of each pair, <code>x[:, 1::2]</code> the
# second.</details>
# <details><summary>A plan</summary>A speed for each pair, (D / 2,). Positions as a column times the
# speeds: a table of angles, (T, D / 2). Its cosines and sines mix a and b into two new tables. Lay
# these so that first and second alternate: stack them along a new last axis, and flatten
# that.</details>
# <details><summary>Nearly all</summary><code>speeds = 10_000.0 ** (-torch.arange(0, D, 2) / D)</code>
# with <code>D = x.shape[-1]</code>, <code>angles = positions[:, None] * speeds</code>, <code>cos, sin =
# angles.cos(), angles.sin()</code>, <code>a, b = x[:, 0::2], x[:, 1::2]</code>, and
# <code>torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)</code>.</details>


# %%
def rotate(x: Tensor, positions: Tensor) -> Tensor:
    """Each pair of columns of x (T, D) turned by an angle that grows with positions (T,)."""
    ### BEGIN SOLUTION
    width = x.shape[-1]
    speeds = 10_000.0 ** (-torch.arange(0, width, 2) / width)  # (D / 2,)
    angles = positions[:, None] * speeds  # (T, D / 2)
    cos, sin = angles.cos(), angles.sin()
    a, b = x[:, 0::2], x[:, 1::2]  # (T, D / 2) each
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)
    ### END SOLUTION


rotate = check("4.6", rotate)

# %% [markdown]
# Your function on the row [1, 0, 1, 0]. The first pair is the quick hand of the clock, and is soon
# round; the second is the slow hand, which tells place 3 from place 60.

# %%
row = torch.tensor([[1.0, 0.0, 1.0, 0.0]])
at = {place: rotate(row, torch.tensor([place]))[0] for place in range(101)}
diagrams.circles(
    {
        "columns 0 and 1, at places 0 to 5": {str(t): at[t][:2] for t in range(6)},
        "columns 2 and 3, at places 0 to 100": {
            str(t): at[t][2:] for t in range(0, 101, 25)
        },
    },
    "A quick pair and a slow one: each place has a pattern of its own",
)

# %% [markdown]
# Does only the distance count? We put one key at place 0, at 20, and at 300, and one query up to
# sixty places behind it.

# %%
query, key = torch.rand(2, 32, generator=dice)
steps = torch.arange(61)
products = {
    f"key at place {place}": (
        steps,
        rotate(query.expand(61, -1), place + steps)
        @ rotate(key[None], torch.tensor([place]))[0],
    )
    for place in (0, 20, 300)
}
first = products["key at place 0"][1]
apart = max((y - first).abs().max().item() for _, y in products.values())
print(f"the products at the three places differ by {apart:.2f} at most")

# %%
plots.lines(
    products,
    "distance from key to query, in words",
    "query · key",
    "Three curves, one line: the product depends on the distance alone",
)

# %% [markdown]
# A look "three words back" is the same look anywhere in a text. Learned tables have to find that
# out for every place anew.
#
# ## Two layers that remember
#
# In the story world a colour is told early, and comes again dozens of words later. Counting failed
# at that, and chapter 02 said why: a table can't look back. `recalls` lists the words of a story
# that only somebody who remembers can know, with the distance to the nearest word before that
# gives them away. Here are a story and two kinds of them, with the words counted from 1:

# %%
story = held_out[0]
print(textwrap.fill(storyworld.prose(story), 88))
for index, kind, distance in storyworld.recalls(story):
    if kind in ("colour", "weather"):
        print(
            f"word {index + 1}, {story[index]}: the {kind}, told {distance} words before"
        )

# %% [markdown]
# The model has no counts and no grammar, and keeps nothing from one story to the next but its
# matrices. Words become vectors of 96 numbers. Twice, a layer of four heads, with rotary positions
# inside, looks back and adds what it finds to them. Then each vector is turned into a score for
# every word of the vocabulary, from which the softmax makes chances. (Before each layer a word's
# numbers are brought to a common size. That is a norm; see chapter 05.) About half of the
# parameters are the vectors of the words and the scores at the end:

# %%
torch.manual_seed(3)
model = recall.RecallModel(len(vocabulary), d_model=96, n_heads=4, n_layers=2)
print(textwrap.dedent(inspect.getsource(recall.RecallModel.forward)))
print(f"{sum(p.numel() for p in model.parameters()):,} parameters")

# %%
ask("4.f")

# %% [markdown]
# It reads 4,800 stories, each once, 16 of about the same length at a time, and at every word has
# to say the next one (chapter 07 tells how one trains). You may interrupt it: what it has learned
# so far is kept.

# %% tags=["nbval-ignore-output"] reason="the seconds left, and losses after 300 steps, differ by machine"
inputs, targets = recall.encode(train[:8000], vocabulary)
learn = partial(recall.train_recall, steps=300, batch_size=16, learning_rate=0.005)
curve = learn(model, inputs, targets, report=50)

# %% [markdown]
# Near the end it pays about 0.6 bits a word; the floor is 0.45. Where is it right? We ask about
# 200 stories that it has never seen: for each word, is its likeliest guess the true one?


# %%
new_inputs, new_targets = recall.encode(held_out, vocabulary)


def hits(model, head_mask=None) -> Tensor:
    """True where the likeliest word is the true one, (N, T)."""
    with torch.no_grad():
        logits = model(new_inputs, head_mask=head_mask)
    return logits.argmax(-1) == new_targets


right = hits(model)
far = storyworld.recall_places(held_out, "colour", distance=30)
rate = right[far].float().mean().item()
print(f"{len(far[0])} colours that were last told 30 or more words before")
print(f"of ten it finds {10 * rate:.0f}")

# %% [markdown]
# For comparison, the n-grams of chapter 02, which have read all 8,000 stories from which the
# model's were drawn. There are ten colours. (The 1-gram always says the commonest word, which is
# no colour.)

# %%
rates = {}
for order in range(1, 6):
    ngram = NGramModel(order).fit(train[:8000], storyworld.VOCABULARY)
    guesses = [ngram.next_words(held_out[i][:j]) for i, j in zip(*far, strict=True)]
    told = [held_out[i][j] for i, j in zip(*far, strict=True)]
    best = [max(guess, key=guess.get) for guess in guesses]
    rates[f"{order}-gram"] = 100 * sum(map(str.__eq__, best, told)) / len(told)
print(f"the best n-gram finds {max(rates.values()):.0f} %")

# %%
plots.bars(
    rates | {"two layers of attention": 100 * rate},
    "colours found, told 30 or more words before, %",
    "Counting guesses the colour; attention looks it up",
    floor=10,
    floor_label="one in ten",
    highlight=["two layers of attention"],
    digits=1,
)

# %% [markdown]
# ## Who did it?
#
# The model has eight heads. We can watch them: at each place where a colour is to come, how much of
# its attention does a head give to the places where that colour was told?


# %%
maps = model.maps(new_inputs[:60])  # (N, L, H, T, T)
looks = []
for i, j in zip(*far, strict=True):
    if i < 60:
        told = [t + 1 for t in range(j) if held_out[i][t] == held_out[i][j]]
        looks.append(maps[i, :, :, j, told].sum(-1))  # (L, H)
share = torch.stack(looks).mean(0)
layer, head = divmod(int(share.argmax()), model.n_heads)
print(
    f"layer {layer + 1}, head {head + 1}: {10 * share.max():.0f} tenths of its attention"
)

# %% [markdown]
# (The `t + 1`: in the model's input an end mark stands before the first word, so word t is at
# place t + 1, and the vector that has to predict word j is at place j.)

# %%
plots.head_table(
    share,
    "When a colour is to come, one head looks where it was told",
    value="share of attention on the colour",
)

# %% [markdown]
# Here are the **attention maps** of that head and its three neighbours in one story: their tables
# of weights, rows looking at columns. Rings mark where the colour was wanted (row) and where it
# had been told (column).

# %%
chosen, colour_at = next(
    (i, j)
    for i, j in zip(*far, strict=True)
    if held_out[i][:j].count(held_out[i][j]) == 1
)
story = held_out[chosen]
colour, length = story[colour_at], len(story)
at = [t for t, word in enumerate(story) if word == colour]
rings = [(t, s + 1) for t in at for s in at if s < t]
rows = maps[chosen, layer, head]
most = [sum(rows[t, s] for row, s in rings if row == t) > 0.5 for t in at[1:]]
print(f"rows with rings: {len(most)}; most of the weight lies in them in {sum(most)}")

# %%
plots.head_maps(
    maps[chosen, layer, :, :length, :length],
    rings,
    "where the colour comes again, and where it was told before",
    f"Head {head + 1} has its dots in the rings: it looks where the colour was told",
    titles=[f"head {h + 1}" for h in range(4)],
)

# %% [markdown]
# The same along the text: from the word before the colour, back to the only place where it has
# been told so far.

# %%
shown = ("<start>", *story)
plots.look_back(
    shown[: colour_at + 2],
    F.pad(rows[colour_at, : colour_at + 1], (0, 1)),
    colour_at,
    f"From “{shown[colour_at]}” it reaches {colour_at - at[0] - 1} words back, to “{colour}”",
)

# %% [markdown]
# ### Switch it off
#
# Looking is not yet doing. A head might look at the colour and carry nothing away. The test is an
# **ablation**: multiply what this head found by zero, change nothing else, and see what the model
# can no longer do.

# %%
kinds = {"colour (30+)": far}
kinds |= {
    kind: storyworld.recall_places(held_out, kind)
    for kind in ("thing", "name", "animal")
}
is_recall = torch.zeros_like(right)
is_recall[storyworld.recall_places(held_out)] = True
kinds["no recall"] = (~is_recall & (new_targets >= 0)).nonzero(as_tuple=True)


def report(right: Tensor) -> dict[str, float]:
    """Percent right of each kind."""
    return {kind: 100 * right[at].float().mean().item() for kind, at in kinds.items()}


# %%
everything = report(right)
without = torch.ones(model.n_layers, model.n_heads)
without[layer, head] = 0
ablated = report(hits(model, head_mask=without))
lost = {kind: everything[kind] - ablated[kind] for kind in kinds}
colours, *others = lost.values()
print(f"of the colours are lost at least {colours // 20 * 20:.0f} points,")
print(f"of anything else at most {-(-max(others) // 20) * 20:.0f}")

# %%
plots.before_and_after(
    everything,
    ablated,
    ("all heads", "without that one"),
    "words predicted right, %",
    "Without its head the model forgets the colour, and little else",
)

# %% [markdown]
# Is one head to a fact the rule, or luck? Here is the same experiment with each of the eight. The
# numbers are percentage points lost; *no recall* are the words that need none.

# %% tags=["nbval-ignore-output"] reason="points lost by a model trained here differ in the last digits"
print("lost without   " + "".join(f"{kind:>13}" for kind in kinds))
for i in range(model.n_layers * model.n_heads):
    kept = torch.ones(model.n_layers * model.n_heads)
    kept[i] = 0
    one_less = report(hits(model, head_mask=kept.view(model.n_layers, -1)))
    points = "".join(f"{everything[k] - one_less[k]:13.0f}" for k in kinds)
    print(f"layer {i // 4 + 1}, head {i % 4 + 1}{points}")

# %% [markdown]
# In the second layer there is a division of labour that nobody asked for: one head fetches
# colours, another names, another animals. Things have no head of their own, and lose a little here
# and there. And it isn't always so tidy. We chose the seed, 3, for its tidiness; from others,
# several heads share the colours, or one fetches two kinds of fact (a question for the meeting).
#
# And the first layer? To fetch, one must know *what* is wanted, and the word *the* alone doesn't
# say: after *on top of the* it is something else than after *asked the*. Most likely the first
# layer tells each word what stands before it, and the second asks with that. To switch the whole
# first layer off would prove little, since the second would get input that it has never met. A
# fair control is a model that never had two. Here are three of those, and three of ours, trained
# from several seeds (`python tests/bench/recall_layers.py` trains them again).

# %%
logs = files("utils.data") / "logs"
control = json.loads((logs / "recall_layers.json").read_text(encoding="utf-8"))
facts = ("colour", "thing", "name", "animal")
print("found, %         " + "".join(f"{kind:>8}" for kind in (*facts, "bits")))
for run in control["runs"]:
    shares = "".join(f"{run[kind]:8.0f}" for kind in facts)
    print(f"layers {run['layers']}, seed {run['seed']} {shares}{run['bits']:8.2f}")

# %% [markdown]
# For the colours one layer nearly suffices: at all of these places a single colour has been told
# so far, and whoever looks for *some* colour finds the right one. Of things and names one layer
# finds anything between 13 and 100 in a hundred, as the dice of its start will have it, and two
# layers find them every time. What the second layer buys is that a head can ask with more than the
# word it stands on.
#
# Such teams, of one head that notes what came before and one that looks something up with the
# note, have been taken apart in larger transformers. The best known are *induction heads*: they
# continue a pattern A B … A with B, and appear in training quite suddenly. Ours are simpler, since
# the model knows the ten colours by heart.
#
# ### Look for yourself
#
# Choose the layer and the head, and point at a word: it is framed, and shows where it looks. A
# click keeps it; so does its slider, which the arrow keys move. The stronger a word's blue, the
# more weight it gets; from a tenth on, the weight is written below. *All* shows the mean of the
# layer's heads, and below where each of them looks. You may change the text, in words of the story
# world. Find the head that looks for the animal, and tell the story with two colours: which one
# wins?


# %%
def look(text: str):
    """The words of a text, the weights (L, H, T, T), and what is expected after each word."""
    words = widgets.words_of(text)
    ids, _ = recall.encode([words], vocabulary)
    with torch.no_grad():
        expected = model(ids)[0].argmax(-1).tolist()
    shown = ["<start>", *words]
    return shown, model.maps(ids)[0], [vocabulary[i] for i in expected]


stories = [storyworld.prose(words) for words in held_out[chosen : chosen + 20]]
widgets.attention_explorer(
    look, stories, layer=layer + 1, head=head + 1, word=colour_at
)

# %% [markdown]
# A map shows where a head looks, not what it takes, nor what later layers make of it. So it
# explains little until the head has been switched off.
#
# ## What it costs
#
# Every word looks at every word before it. A text twice as long has four times as many pairs, and
# the explicit way writes them all down in a table of T × T for each head. PyTorch's **fused**
# attention (FlashAttention and its kin) computes the same numbers block by block, and never has
# the table. The arithmetic is still quadratic; the memory no longer is. (Such a program is called
# a fused kernel. It has only the name in common with our kernels.)
#
# Is there a way to do *less*? Replace the softmax, and let the weight of a pair be a plain product
# of features, φ(q) · φ(k), with a φ that makes every number positive. Before we divide by the sum
# of the weights, the output of word i is
#
#     Σ_j (φ(q_i) · φ(k_j)) v_j   =   φ(q_i) · Σ_j φ(k_j) v_jᵀ
#
# Here φ(k_j) v_jᵀ is a table of M × D numbers: each of the M features of the key times each of the
# D numbers of the value. On the left, every query meets every key. On the right, the sum doesn't
# contain the query any more. It is *one* such table, to which each word adds its own and from
# which each query reads. Only brackets have moved, (Q Kᵀ) V = Q (Kᵀ V). (It is the *kernel trick*
# of machine learning backwards: there a kernel saves one from writing features down, here features
# save the pairs.) To make the weights sum to one, divide by φ(q_i) · Σ_j φ(k_j). With the causal
# rule, j ≤ i, both sums are *running* sums: a **state**, updated word by word, as in the recurrent
# networks of chapter 03.
#
# ### Exercise 4.7 · Linear attention
# ★★★ · 15 min · Katharopoulos et al. 2020, equations 8 to 12
#
# You are given the features, `phi_q` and `phi_k` (T, M), all positive, and `v` (T, D). Return the
# causal output, (T, D), without ever making a table of T × T, and without going back over all
# earlier words for each new one. The check counts the numbers that PyTorch's operations read and
# write, for 100 words and for 200. By hand, with one feature:
#
#     phi_q = [[1], [2]]     phi_k = [[1], [3]]     v = [[10], [20]]
#     word 0:  1·1·10 / (1·1) = 10
#     word 1:  2·(1·10 + 3·20) / (2·(1 + 3)) = 140 / 8 = 17.5
#
# <details><summary>A nudge</summary><code>cumsum(0)</code> is a running sum along the words. What
# is to be summed is one table (M, D) a word.</details>
# <details><summary>A plan</summary>Make each word's table by broadcasting, a number of its key times
# a number of its value: (T, M, D). Sum it up along the words, and let each query read its own row:
# a sum over M. Below the line stands the same with the keys alone.</details>
# <details><summary>Nearly all</summary><code>sums = (phi_k[:, :, None] * v[:, None,
# :]).cumsum(0)</code>, read by <code>torch.einsum("tm,tmd->td", phi_q, sums)</code>. The divisor is
# <code>(phi_q * phi_k.cumsum(0)).sum(-1, keepdim=True)</code>.</details>


# %%
def linear_attention(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    """Causal attention with the weights phi_q · phi_k, in time and memory O(T)."""
    ### BEGIN SOLUTION
    sums = (phi_k[:, :, None] * v[:, None, :]).cumsum(0)  # (T, M, D)
    total = (phi_q * phi_k.cumsum(0)).sum(-1, keepdim=True)  # (T, 1)
    return torch.einsum("tm,tmd->td", phi_q, sums) / total
    ### END SOLUTION


linear_attention = check("4.7", linear_attention)

# %% [markdown]
# Now four ways side by side, with four heads of width 24, for texts of 128 to 2,048 words. We note
# the fastest of seven runs, and the largest tensor that can be seen from outside; what the fused
# attention keeps inside can't be seen, and is little. Both linear ways have φ(x) = x + 1 for x
# above 0, and eˣ below. The package's takes all heads at once and the words in blocks; yours gets
# one head after the other.


# %%
def kinds_of_attention(n_tokens: int) -> dict:
    """Four ways to attend, for one text of so many tokens."""
    q, k, v = torch.rand(3, 1, 4, n_tokens, 24, generator=dice)
    mask = causal_mask(n_tokens)
    heads = list(zip(F.elu(q[0]) + 1, F.elu(k[0]) + 1, v[0], strict=True))
    return {
        "explicit": lambda: attention.scaled_dot_product_attention(q, k, v, mask),
        "fused": lambda: attention.fused_attention(q, k, v, causal=True),
        "linear": lambda: attention.linear_attention(q, k, v, causal=True),
        "yours": lambda: [linear_attention(*head) for head in heads],
    }


sizes = [128, 256, 512, 1024, 2048]
costs = [cost_of_each(kinds_of_attention(n)) for n in sizes]

# %% tags=["nbval-ignore-output"] reason="times differ from run to run"
names = list(costs[0])
plots.attention_costs(
    sizes,
    {name: [c[name].seconds for c in costs] for name in names},
    {name: [c[name].largest_bytes / 1e6 for c in costs] for name in names},
    "Twice the words: explicit attention's table is four times as large",
)

# %%
for name in names:
    growth = costs[-1][name].largest_bytes / costs[-2][name].largest_bytes
    print(f"{name}: twice the words, {growth:.0f} times the largest tensor")

# %% tags=["nbval-ignore-output"] reason="times differ from machine to machine and from run to run"
slow, fast = (costs[-1][name].seconds for name in ("explicit", "linear"))
print(
    f"at 2,048 words explicit attention takes {slow / fast:.1f} times as long as linear"
)

# %% [markdown]
# Why doesn't everybody use linear attention, then? The state is small: all that a head has read
# must fit into M × D numbers, 24 × 24 here, however long the text. And it is harder to be sharp. A
# softmax can give nearly all of its weight to one word among a hundred, as our colour head does. A
# plain product is near zero only between vectors that stand nearly at right angles, and of vectors
# of M positive numbers at most M can all do so. Let us measure: the same model, rotary positions
# and all, the same 300 batches, only the kernel changed.

# %% tags=["nbval-ignore-output"] reason="the seconds left, and losses after 300 steps, differ by machine"
torch.manual_seed(3)
linear_model = recall.RecallModel(
    len(vocabulary), 96, 4, 2, attention=recall.LinearSelfAttention
)
linear_curve = learn(linear_model, inputs, targets, report=50)

# %%
linear_everything = report(hits(linear_model))
plots.before_and_after(
    everything,
    linear_everything,
    ("softmax", "linear"),
    "words predicted right, %",
    "After 300 steps linear attention recalls less; the rest hardly suffers",
)

# %%
gap = {kind: everything[kind] - linear_everything[kind] for kind in kinds}
for kind in ("colour (30+)", "animal", "no recall"):
    print(f"{kind}: some {5 * round(gap[kind] / 5)} points fewer")

# %% [markdown]
# Is the state too small, then, or was the training too short? The record of one three times as
# long, which read the 8,000 stories nearly twice, decides it:

# %%
print("found, %                 " + "".join(f"{kind:>8}" for kind in (*facts, "bits")))
for run in control["linear"]:
    shares = "".join(f"{run[kind]:8.0f}" for kind in facts)
    print(
        f"linear, {run['steps']} steps, seed {run['seed']} {shares}{run['bits']:8.2f}"
    )

# %% [markdown]
# *Here*, then, the state is large enough. The linear kernel learns to recall the same facts, but
# needs up to three times the steps.
#
# Where there is more to keep, the state does become too small. Arora and others (2023) give a
# model many pairs of a key and a value and ask for one of them: attention manages with heads of
# constant width, while a state must grow with the number of pairs. In models of language, most of
# the gap that they measured lay in looking up what had been said before. Many models since mix the
# two: a few layers of softmax among many linear ones or their kin (Jamba, Lieber and others 2024).
#
# ## What people get wrong
#
# *"The mask is for generation."* It is needed first in training, where all places of a text are
# predicted at once. But a model so trained must keep it when it reads a prompt: a word that
# suddenly saw later ones would carry numbers that the later layers have not learned to read.
#
# *"GPT and BERT have different architectures."* They differ above all in the triangle.
#
# *"More heads, more parameters."* The three matrices are the same, read in narrower strips. The
# price is in the scores: one of 24 terms can tell less apart than one of 96.
#
# *"Attention knows the order of the words, it's a sequence model."* It is a model of bags. The
# order comes in by the positions, and from the second layer on a little by the mask.
#
# *"Rotary positions are added to the words."* They turn queries and keys, in every layer anew. The
# values stay as they are: a place decides whether a word is fetched, not what is fetched.
#
# *"Flash attention is an approximation."* It computes the same numbers in another order. Linear
# attention is the one that computes something else.
#
# ## Questions for the meeting
#
# 1. A colleague proposes to save half the work: the causal mask throws away half of all scores.
#    Why not compute only the other half?
# 2. BERT is trained on 15 of 100 words, GPT on all of them. What speaks for hiding 15 %, and not
#    1 % or 60 %?
# 3. A head with the causal mask wants to look at nothing at all, since nothing fits. What can it
#    do?
# 4. Train the recall model with another seed (`torch.manual_seed(1)`), and look for the colour's
#    head again. What stays the same, and what doesn't?
# 5. Your model has learned places up to 512. A text of 600 words comes. What happens with learned,
#    sinusoidal and rotary positions?
# 6. The state of our linear head has 24 × 24 numbers. It was enough for our stories. In a text with
#    hundreds of facts, what would you change, to let it remember more, and what would it cost?

# %% [markdown] tags=["solution-only"]
# ### Answers for whoever leads the meeting
#
# **1.** One does. The fused kernels work in blocks, and skip each block that lies in the future
# altogether; only those on the diagonal need a mask. For the explicit way the whole product is one
# call, and half of one large product is not faster than the whole.
#
# **2.** The more is hidden, the more lessons a text gives, and the less there is to learn them
# from. At 1 % a text teaches hardly anything a pass; at 60 % the rest says too little. 15 % was
# found by trial; later work found that more, up to some 40 %, can be better for large models
# (Wettig et al. 2023).
#
# **3.** Its weights must sum to 1, so it needs a place where looking does no harm. Trained models
# use the first token, or a full stop, and learn a small value for it: an attention sink.
#
# **4.** The recall stays: seeds 0 to 4 all found 99 % of the far colours or more. Which head does it
# changes, and so does whether it is alone. One example of each, as we measured them (yours may
# differ in a few points): with seed 0 one head of the second layer fetches colours *and* names, and
# without it 65 points of the one and 27 of the other are gone. With seed 1 a head of the *first*
# layer looks at the colour most; without it 57 points are lost, and without the head of the second
# layer that also looks there, only 13. With seed 4 two heads of the first layer cost 35 and 45.
# What an ablation shows is what the model needs, not all that it has: where two can do the same
# work, each can be spared.
#
# **5.** Learned: there is no vector for place 512, so an error, and nothing to be done but
# training. Sinusoidal: there is a vector, but the model has never met it, and in practice it gets
# worse soon. Rotary: distances up to 511 are known and look as ever; longer ones are new, and
# looks that far become unreliable. Slowing the rotation down (dividing the positions) and a little
# training on longer texts helps, which is how contexts are extended in practice.
#
# **6.** Wider heads (the state grows with the square, and so do time and memory), more features
# than columns (a φ from 24 to 240 numbers: sharper, at ten times the cost), or forgetting: let the
# state fade, or overwrite what is no longer needed. The last is what most recent linear models do.

# %% [markdown]
# ## Recap
#
# In **self-attention** queries, keys and values come from the same text, and a table of T × T
# weights says who looks at whom. A **mask**, put on the scores before the softmax, forbids looks:
# the **causal** one the future, the **padding** one the filling. A loss below the floor, on new
# text, is the sign of a leak. Several **heads** make several averages; the last projection mixes
# them. Attention doesn't know the order, so positions are added (**learned**, **sinusoidal**) or
# turned in (**rotary**). Two layers suffice to look up a word from dozens of words back; an
# **ablation** shows which head does it. Explicit attention pays T² in time and memory, fused T² in
# time only, **linear** T in both; its state has room for so many facts and no more.
#
# Sources. Self-attention, heads, the sinusoidal positions: A. Vaswani and others, *Attention Is
# All You Need*, 2017; as algorithms 4 and 5: M. Phuong and M. Hutter, *Formal Algorithms for
# Transformers*, 2022. Masks: A. Radford and others, *Improving Language Understanding by
# Generative Pre-Training*, 2018; J. Devlin and others, *BERT: Pre-training of Deep Bidirectional
# Transformers*, 2018; A. Wettig and others, *Should You Mask 15% in Masked Language Modeling?*,
# 2023. Dropout: N. Srivastava and others, *Dropout: A Simple Way to Prevent Neural Networks from
# Overfitting*, 2014. Learned positions: A. Radford and others, *Language Models are Unsupervised
# Multitask Learners*, 2019. No positions: A. Haviv and others, *Transformer Language Models without
# Positional Encodings Still Learn Positional Information*, 2022. Rotary: J. Su and others,
# *RoFormer: Enhanced Transformer with Rotary Position Embedding*, 2021; H. Touvron and others,
# *LLaMA: Open and Efficient Foundation Language Models*, 2023. Heads that can be seen working: N.
# Elhage and others, *A Mathematical Framework for Transformer Circuits*, 2021; C. Olsson and
# others, *In-context Learning and Induction Heads*, 2022. Ablation: P. Michel, O. Levy and G.
# Neubig, *Are Sixteen Heads Really Better than One?*, 2019. Fused: T. Dao and others,
# *FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness*, 2022. Linear: A.
# Katharopoulos and others, *Transformers are RNNs*, 2020. Lookups and the size of the state: S.
# Arora and others, *Zoology: Measuring and Improving Recall in Efficient Language Models*, 2023.
# Both mixed: O. Lieber and others, *Jamba: A Hybrid Transformer-Mamba Language Model*, 2024.
#
# | English | 한국어 | in a sentence |
# |---|---|---|
# | self-attention | 셀프 어텐션 (자기 주의) | attention of a text to itself |
# | mask | 마스크 | which looks are allowed |
# | causal mask | 인과 마스크 | no look at the future |
# | padding | 패딩 | what fills up the shorter texts of a batch |
# | autoregressive | 자기회귀 | guesses each word from those before it, its own included |
# | masked language model | 마스크드 언어 모델 | guesses hidden words from both sides |
# | leak | 누출 (정보 누수) | the answer has found its way into the input |
# | dropout | 드롭아웃 | numbers struck at random in training |
# | head, multi-head attention | 헤드, 멀티 헤드 어텐션 | a kernel of its own; several side by side |
# | projection | 사영 (투영) | a matrix that makes another view |
# | permutation equivariance | 순열 등변성 | shuffle what goes in, and what comes out is shuffled alike |
# | position, positional encoding | 위치, 위치 인코딩 | where a word stands, and how the model is told |
# | rotary position embedding (RoPE) | 회전 위치 임베딩 | queries and keys turned by their place |
# | attention map | 어텐션 맵 | the table of weights as a picture |
# | ablation | 절제 (어블레이션) | switching a part off to see what it does |
# | induction head | 귀납 헤드 (인덕션 헤드) | continues a pattern seen before |
# | fused kernel | 융합 커널 | several steps in one, without the table between |
# | linear attention, feature map | 선형 어텐션, 특징 맵 | the sum moved out of the query; what replaces the exponential |
# | state | 상태 | what is kept of the text so far |
#
# Next: the block around attention, and what each of its parts is good for.
