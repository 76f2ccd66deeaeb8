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
# # 05 · The transformer block
#
# **What does attention need around it, before one can stack it deep?**
#
# Two layers of attention found the colour of a kite. GPT-2 has twelve layers, its largest sister
# forty-eight, and if you simply put that many behind one another, the first never hear what the last
# got wrong. What makes a deep stack possible is not clever. It is a plus sign, a division, and two
# matrices with a bend between them. Together with attention they make the **transformer block**, and
# a GPT is little else than the same block, over and over. We add its parts one at a time, each when we
# need it. Then we take them away again, one at a time, train, and see what breaks.
#
# You will build: LayerNorm, GELU, the feed-forward layer, the block, a count of its parameters, and
# the block once more as a module of your own, which can be trained. It takes some 80 minutes, about 40
# of them in the exercises.
#
# First run everything: **Run → Run All Cells**. It takes a minute or two, most of it a dozen small
# training runs. Then begin again at the top.

# %%
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from utils.course import ask, check
from utils.data import storyworld
from utils.data.texts.corpora import load_corpus
from utils.llm import attention, gpt
from utils.llm.attention import recall
from utils.llm.counting.ngram import NGramModel
from utils.llm.gpt import ablation
from utils.viz import diagrams, plots

# %% [markdown]
# ## Twenty-four layers, and nothing arrives
#
# Let us simply do it: twenty-four layers of attention, each reading what the one before it wrote.
# Below are 8 texts of 16 words, each word 64 numbers, and the layers as PyTorch rolls them. The
# loss doesn't matter here, so we take any: how well the last layer's numbers agree with some
# others.
#
# The question is what the *first* layer hears of it. Training goes by gradients, and a gradient is
# a message sent down from the loss, through one layer after the other. Chapter 01 has shown what
# can become of it in a deep chain: every layer multiplies. Suppose a layer passes on three tenths
# of what it is sent.

# %%
ask("5.a")

# %%
dice = torch.Generator().manual_seed(0)
x, wanted = 2 * torch.rand(2, 8, 16, 64, generator=dice) - 1  # (B, T, C) each
torch.manual_seed(0)
layers = [attention.MultiHeadAttention(d_model=64, n_heads=4) for _ in range(24)]


def messages(step, layers) -> list[float]:
    """The size of the loss's gradient below the first layer, …, above the last."""
    stream = [x.clone().requires_grad_()]
    for layer in layers:
        stream.append(step(stream[-1], layer))
        stream[-1].retain_grad()
    (stream[-1] * wanted).mean().backward()
    return [tokens.grad.norm().item() for tokens in stream]


chain = messages(lambda x, layer: layer(x), layers)
print(f"of the message above the last layer, the first gets {chain[0] / chain[-1]:.0e}")

# %% [markdown]
# A few parts in a million million. The first layers learn nothing, and the last ones learn from
# inputs that the first have never been taught to prepare.
#
# ## The plus sign
#
# The cure is so small that one can overlook it. A layer shall not *replace* what it reads; it shall
# *add* to it:
#
#     x = x + layer(x)
#
# The derivative of x + f(x) is 1 + f′(x). Whatever f′ is, the 1 is there, and the message goes
# through. This was found for images (He et al. 2015) and is called a **residual connection**: the
# layer has to find only the rest, what is still missing. The same twenty-four layers, with the same
# weights:

# %%
residual = messages(lambda x, layer: x + layer(x), layers)
depth = range(25)
plots.lines(
    {"x + layer(x)": (depth, residual), "layer(x)": (depth, chain)},
    "layers below",
    "size of the gradient",
    "The plus sign lets the gradient through, down to the first layer",
    log_y=True,
    words=f"layer(x): from {chain[-1]:.3f} above the last layer evenly down to {chain[0]:.0e} "
    f"below the first; x + layer(x): between {min(residual):.3f} and {max(residual):.3f}",
)

# %% [markdown]
# Multiply (1 + f′) by itself twenty-four times, and a product becomes a sum: of 1, the way past all
# layers; of the twenty-four ways through a single one; of all the ways through two; and so on. The
# short ways carry the message, and the long ones may be as faint as they like.
#
# With the plus sign comes a picture that the rest of this course will use. There is one **residual
# stream** for each word, 64 numbers wide, running straight from the bottom to the top. A layer is
# no station on the line any more. It stands beside the stream, reads from it, and adds something to
# it. Nothing that was written is ever overwritten: a layer that wants it gone has to add its opposite.
#
# ## A stream that swells
#
# Adding has its price, and that is where the second part comes in. Each layer reads a stream that
# the others have made larger, and adds something larger still. It depends on the weights. Those
# above were small. Let us take them as large as is usual when a layer is to hand on its input about
# as large as it came (Glorot and Bengio 2010), and watch how far the numbers of the stream spread.


# %%
def spread(step, layers) -> list[float]:
    """The standard deviation of the stream, before the first layer and after each."""
    stream = [x]
    for layer in layers:
        stream.append(step(stream[-1], layer).detach())
    return [tokens.std().item() for tokens in stream]


def added(x: Tensor, layer) -> Tensor:
    return x + layer(x)


hardly = spread(added, layers)
for layer in layers:
    nn.init.xavier_uniform_(layer.qkv.weight)
    nn.init.xavier_uniform_(layer.out.weight)
swelling = spread(added, layers)
for name, sizes in {"small": hardly, "usual": swelling}.items():
    print(f"{name} weights: from {sizes[0]:.1f} to {sizes[-1]:.2g} in 24 layers")

# %% [markdown]
# With the usual weights it doubles about every four layers, with the small ones it trebles in
# twenty-four. What a layer gets to read depends on how deep it stands and on how its neighbours were
# rolled. So each layer is given something in front of it that brings whatever comes to a common
# size. That is a **norm**.
#
# ### LayerNorm, on four numbers
#
# A token of four numbers: 2, 4, 6, 8. Their mean is 5. Subtract it, and −3, −1, 1, 3 are left.
# Their squares are 9, 1, 1, 9, and the mean of those is the **variance**, 5. Divide by its root,
# 2.24. Done: the mean is 0, the variance 1.

# %%
token = torch.tensor([2.0, 4.0, 6.0, 8.0])
centred = token - token.mean()
variance = centred.square().mean()
plots.steps_on_numbers(
    {
        "as it came": token,
        "mean subtracted": centred,
        "divided by the root": centred / variance.sqrt(),
    },
    "LayerNorm brings a token's numbers to the mean 0 and the variance 1",
)

# %% [markdown]
# Two things are added in practice. A token whose numbers are all equal has the variance 0, and so a
# small **ε** is added to the variance before the root is taken. And since a layer might have good
# use for another mean and another spread, each column gets a **weight** and a **bias**, to be
# learned, that may undo what was done. At the start they are 1 and 0.
#
# Mind what is *not* averaged: neither the words of a text nor the texts of a batch. Each token is
# normalised by itself, over its own C numbers.

# %%
ask("5.b")

# %% [markdown]
# ### Exercise 5.1 · LayerNorm
# ★★☆ · 8 min · Ba, Kiros and Hinton 2016; Phuong and Hutter 2022, Alg. 6
#
# Normalise each token of `x` (B, T, C) over its C numbers, the last axis, then multiply by `weight`
# (C,) and add `bias` (C,):
#
# $$\frac{x - \text{mean}}{\sqrt{\text{variance} + \varepsilon}} \cdot \text{weight} + \text{bias}$$
#
# The variance is the mean of the squared distances from the mean, as above: the sum divided by C.
# By hand, for the token above with ε = 4: √(5 + 4) = 3, and out come −1, −⅓, ⅓, 1.
#
# <details><summary>A nudge</summary><code>x.mean(dim=-1, keepdim=True)</code> keeps the last axis,
# with length 1, so that the mean can be subtracted from x.</details>
# <details><summary>A plan</summary>Subtract each token's mean. The mean of the squares of what is left
# is the variance. (PyTorch's <code>var</code> and <code>std</code> divide by C − 1 unless you say
# <code>correction=0</code>.) Add ε, take the root, divide. Weight and bias come last.</details>
# <details><summary>Nearly all</summary><code>centred = x - x.mean(dim=-1, keepdim=True)</code>,
# <code>variance = centred.square().mean(dim=-1, keepdim=True)</code>, and the answer is
# <code>centred / torch.sqrt(variance + eps) * weight + bias</code>.</details>


# %%
def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Each token of x (..., C) at mean 0 and variance 1, scaled and shifted by column."""
    ### BEGIN SOLUTION
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)  # (..., 1)
    return centred / torch.sqrt(variance + eps) * weight + bias
    ### END SOLUTION


layer_norm = check("5.1", layer_norm)

# %%
ones, zeros = torch.ones(64), torch.zeros(64)
mine = layer_norm(x, ones, zeros, 1e-5)
difference = (mine - F.layer_norm(x, (64,))).abs().max().item()
print(f"from PyTorch's own it differs by {difference:.4f} at most")


def normed(x: Tensor, layer) -> Tensor:
    return x + layer(layer_norm(x, ones, zeros, 1e-5))


plots.lines(
    {
        "x + layer(x)": (depth, swelling),
        "x + layer(norm(x))": (depth, spread(normed, layers)),
    },
    "layers below",
    "standard deviation of the stream",
    "A norm at each entrance lets the stream grow by steps, not by doubling",
    log_y=True,
)

# %% [markdown]
# The stream still grows, since everybody adds to it; at first it even grows faster, as the norm makes
# words of spread 1 out of words of spread 0.6. But what is added doesn't depend on how large the
# stream has become, so it grows like a sum of steps, not like interest on interest.
#
# ### Break it: the wrong axis
#
# What if one normalises over the words of a text too? Many pictures of LayerNorm suggest it, it
# runs, and the numbers come out at mean 0 and variance 1. Take one text, and change its *last*
# word. We watch the first.

# %%
text = x[:1]
changed = text.clone()
changed[0, -1] += 3
axes = (-2, -1)  # tokens and columns


def over_all(x: Tensor) -> Tensor:
    return (x - x.mean(axes, keepdim=True)) / x.std(axes, correction=0, keepdim=True)


for name, norm in {
    "each token": lambda x: F.layer_norm(x, (64,)),
    "all": over_all,
}.items():
    moved = (norm(text)[0, 0] - norm(changed)[0, 0]).abs().max().item()
    print(f"mean and variance of {name}: the first word moves by up to {moved:.2f}")

# %% [markdown]
# The future has leaked into the past, through the mean. No mask can hold it back: the masks are in
# attention, and this happens outside. It would also make a text's numbers depend on how much
# filling stands behind it.
#
# ## At the entrance, or behind the sum?
#
# We have put the norm at the entrance of the layer, x + layer(norm(x)). That is **pre-norm**. The
# first transformer had it the other way, norm(x + layer(x)), **post-norm**: there the norm stands
# *in* the stream, and everything that passes has to go through it. Which is better was argued about
# for years. What one can see at once is what becomes of the straight way, the 1 of 1 + f′. We send
# a message down and let it use only that way, by cutting every branch (`detach`). The blocks are
# the library's; what is in them beside attention comes next.


# %%
def straight_way(position: str) -> list[float]:
    """What is left of a message at each depth of 24 blocks, by the way past all branches."""
    torch.manual_seed(0)
    config = gpt.GPTConfig(369, 16, 24, 4, 64, norm_position=position)
    blocks = [gpt.Block(config) for _ in range(24)]
    for weights in (w for block in blocks for w in block.parameters() if w.ndim == 2):
        nn.init.xavier_uniform_(weights)

    def past(x: Tensor, block: gpt.Block) -> Tensor:
        if position == "pre":
            x = x + block.attention(block.norm_1(x)).detach()
            return x + block.feed_forward(block.norm_2(x)).detach()
        x = block.norm_1(x + block.attention(x).detach())
        return block.norm_2(x + block.feed_forward(x).detach())

    sizes = messages(past, blocks)
    return [size / sizes[-1] for size in sizes]


# %%
ways = {f"{name}-norm": straight_way(name) for name in ("post", "pre")}
plots.lines(
    {name: (depth, left) for name, left in ways.items()},
    "blocks below",
    "what is left of the gradient",
    "Pre-norm leaves the straight way alone; post-norm narrows it 48 times",
    log_y=True,
)

# %% [markdown]
# Each norm in the stream divides by a spread of a little more than 1, and forty-eight such divisions
# leave a few thousandths. (Only the very first gets smaller numbers, and enlarges: the hook at the
# left.) Post-norm can be trained, BERT was; but it wants a learning rate that
# starts near zero and rises slowly, and the deeper the stack the more it does (Xiong et al. 2020).
# Nearly all models since GPT-2 are pre-norm. They pay with a stream that nobody ever normalises, so
# there is one last norm above the last block, before the words are read off.
#
# ## What each word makes of it
#
# Attention carries words to words. What it brings is an average of values, and an average is a
# straight thing: however many layers of it we stack, in what they do to the *values* there is no
# bend. Who thinks about what has been brought? The **feed-forward layer**, the network of two layers
# from chapter 01 (in much code it is called the block's *MLP*). It takes each word by
# itself, blows its C numbers up to 4C, bends each, and brings them back to C:
#
#     hidden = bend(x · W_in + b_in)        C → 4C
#     out = hidden · W_out + b_out          4C → C
#
# One can read it as a memory (Geva et al. 2021). Each of the 4C columns of W_in is a pattern that
# the word is compared with. Where it fits, the hidden number is large, and the matching row of
# W_out is written into the stream.
#
# The bend, in the field's words the *activation function*, was at first ReLU, max(0, x). GPT-2 has
# **GELU**: x times the chance Φ(x) that a number from the normal distribution is smaller than x.
# Far to the right that is x, far to the left 0, and between them there is no corner but a curve.

# %%
at = torch.linspace(-4, 4, 161).requires_grad_()


def with_slope(bend) -> tuple[Tensor, Tensor]:
    """The values of a function at `at`, and its slopes."""
    values = bend(at)
    return values, torch.autograd.grad(values.sum(), at)[0]


plots.bends(
    at,
    {"GELU": with_slope(F.gelu), "ReLU": with_slope(torch.relu)},
    "ReLU has a corner and a slope of exactly 0 on the left; GELU has neither",
)

# %% [markdown]
# A slope of 0 is the trouble with ReLU: a hidden number that is below 0 for every word gets no
# gradient, from any of them. Its weights stay as they are, and it stays dead unless the layers below
# come to send something else. GELU dips below 0 on the left and comes back slowly, so its slope there
# is small, for the most part negative, but not 0, and some of the message gets through. How much that
# is worth is another question; there are good models with either.
#
# ### Exercise 5.2 · GELU
# ★☆☆ · 4 min · Hendrycks and Gimpel 2016; Phuong and Hutter 2022, Alg. 10
#
# Φ is slow to compute, or was. So GPT-2 uses a formula that comes close:
#
# $$\text{GELU}(x) \approx \tfrac{1}{2}\, x \left(1 + \tanh\left(\sqrt{2/\pi}\,\left(x + 0.044715\,
# x^3\right)\right)\right)$$
#
# It differs from the exact one in the fourth decimal. Still, a model wants the function that its
# weights were trained with. By hand, for x = 1: √(2/π) = 0.7979, times 1.0447 is 0.8336; its tanh
# is 0.6824; and ½ · 1 · 1.6824 = 0.8412. For −1 the tanh changes its sign: ½ · (−1) · 0.3176 =
# −0.1588.
#
# <details><summary>A nudge</summary><code>math.sqrt(2 / math.pi)</code> is a number;
# <code>torch.tanh</code> takes a tensor.</details>
# <details><summary>A plan</summary>First what stands under the tanh, then its tanh, then what stands
# around it. A power is <code>x**3</code>; <code>^</code> is something else in Python.</details>
# <details><summary>Nearly all</summary><code>inner = math.sqrt(2 / math.pi) * (x + 0.044715 *
# x**3)</code>, and the answer is <code>0.5 * x * (1 + torch.tanh(inner))</code>.</details>


# %%
def gelu(x: Tensor) -> Tensor:
    """x times the chance that a normal number is below x, by GPT-2's formula."""
    ### BEGIN SOLUTION
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + torch.tanh(inner))
    ### END SOLUTION


gelu = check("5.2", gelu)

# %%
gap = (gelu(at) - F.gelu(at)).abs().max().item()
print(f"largest difference from x · Φ(x): {gap:.4f}")

# %% [markdown]
# ### Exercise 5.3 · The feed-forward layer
# ★☆☆ · 4 min · Vaswani et al. 2017, section 3.3
#
# For `x` (B, T, C), `w_in` (C, F), `b_in` (F,), `w_out` (F, C) and `b_out` (C,), return both:
# `hidden, out`. Use your `gelu`. By hand, for one word of two numbers, with w_in the identity and
# b_in zero:
#
#     x         [1, −1]
#     hidden    [0.84, −0.16]                  GELU of each
#     w_out     [[1, 2], [0, 1]]     b_out [0, 1]
#     out       [0.84, 2 · 0.84 − 0.16 + 1] = [0.84, 2.52]
#
# <details><summary>A nudge</summary>A matrix product works for any number of axes in front, so no
# loop over words is needed.</details>
# <details><summary>A plan</summary>x times the first matrix, plus its bias, bent: that is
# <code>hidden</code>, and you return it as it is now. Then the second matrix and its bias, and nothing
# behind them.</details>
# <details><summary>Nearly all</summary><code>hidden = gelu(x @ w_in + b_in)</code>, and the output is
# <code>hidden @ w_out + b_out</code>. Return both.</details>


# %%
def feed_forward(
    x: Tensor, w_in: Tensor, b_in: Tensor, w_out: Tensor, b_out: Tensor
) -> tuple[Tensor, Tensor]:
    """The hidden numbers (B, T, F), and what each word makes of itself (B, T, C)."""
    ### BEGIN SOLUTION
    hidden = gelu(x @ w_in + b_in)  # (B, T, F)
    return hidden, hidden @ w_out + b_out
    ### END SOLUTION


feed_forward = check("5.3", feed_forward)

# %% [markdown]
# ### Break it: without the bend
#
# Two matrices, 64 to 256 and back, 32,768 numbers to learn. Leave the bend out, and count what is
# left.

# %%
w_in = torch.rand(64, 256, generator=dice) - 0.5
w_out = torch.rand(256, 64, generator=dice) - 0.5
both = w_in @ w_out  # (64, 64)
straight = (x @ w_in @ w_out - x @ both).abs().max().item()
print(f"without the bend: one matrix of 64 × 64 is off by {straight:.2f} at most")
bent = (gelu(x @ w_in) @ w_out - x @ both).abs().max().item()
print(f"with it: by up to {bent:.0f}")

# %% [markdown]
# Seven eighths of the numbers were for nothing. The width between the two matrices is worth
# something only because of what happens there.
#
# ## The block
#
# Now all parts are there, and the block is two lines. One branch lets the words talk to each other,
# the other lets each think for itself. Each reads the stream through a norm of its own, and adds to
# it:
#
#     x = x + attention(norm_1(x))
#     x = x + feed_forward(norm_2(x))

# %%
diagrams.block(
    tuple(x.shape),
    "Two branches beside the stream: each reads through a norm, and adds",
)

# %% [markdown]
# ### Exercise 5.4 · The pre-norm block
# ★★☆ · 5 min · Radford et al. 2019; Phuong and Hutter 2022, Alg. 10
#
# You are given x (B, T, C) and the four layers, as functions from (B, T, C) to (B, T, C). Return the
# stream after attention and after the feed-forward layer: `after_attention, out`. Don't change x
# itself; somebody else may still be reading it. By hand, with norms that change nothing, an
# attention that doubles and a feed-forward layer that adds 1:
#
#     x                  [1, 2]
#     after_attention    [1 + 2, 2 + 4] = [3, 6]
#     out                [3 + 4, 6 + 7] = [7, 13]
#
# <details><summary>A nudge</summary>The second branch reads what the first has
# written.</details>
# <details><summary>A plan</summary>Give each of the two sums a name of its own: a <code>+=</code> would
# change the x that somebody else is reading. In each, the norm stands inside, right in front of the
# work.</details>
# <details><summary>Nearly all</summary><code>after_attention = x + attend(norm_1(x))</code>, and the
# same once more for <code>out</code>, from <code>after_attention</code>, with the other
# two.</details>


# %%
def pre_norm_block(x: Tensor, norm_1, attend, norm_2, feed_forward):
    """The stream after attention and after the feed-forward layer, (B, T, C) both."""
    ### BEGIN SOLUTION
    after_attention = x + attend(norm_1(x))
    out = after_attention + feed_forward(norm_2(after_attention))
    return after_attention, out
    ### END SOLUTION


pre_norm_block = check("5.4", pre_norm_block)

# %% [markdown]
# The library has the block as a module, `gpt.Block`. With its parts, your function gives its
# numbers:

# %%
config = gpt.GPTConfig(
    vocab_size=369, context_length=40, n_layers=2, n_heads=4, d_model=64
)
torch.manual_seed(0)
block = gpt.Block(config)
parts = block.norm_1, block.attention, block.norm_2, block.feed_forward
after_attention, out = pre_norm_block(x, *parts)
difference = (out - block(x)).abs().max().item()
print(f"from the package's it differs by {difference:.5f} at most")

# %% [markdown]
# ### How large is it?

# %%
ask("5.c")

# %% [markdown]
# ### Exercise 5.5 · Count a block's parameters
# ★★☆ · 6 min · Radford et al. 2019, as in any implementation
#
# How many numbers does a block learn? Return three counts: of both norms together, of attention, of
# the feed-forward layer. A norm has a weight and a bias for each column. Attention has four
# matrices of C × C, for queries, keys, values, and the projection at the end, and each has a bias.
# The feed-forward layer is 4C wide inside, and both of its matrices have a bias.
#
# By hand, for C = 2 and one head: norms 2 · (2 + 2) = 8; attention 4 · (2 · 2 + 2) = 24;
# feed-forward (2 · 8 + 8) + (8 · 2 + 2) = 42.
#
# <details><summary>A nudge</summary>A bias has as many numbers as the matrix has
# outputs.</details>
# <details><summary>A plan</summary>Write down each matrix with its rows, columns and bias: two norms
# of C and C, four matrices of attention, two of the feed-forward layer. What do the heads change? They
# share the columns of the same matrices.</details>
# <details><summary>Nearly all</summary><code>4 * (d_model * d_model + d_model)</code> is attention's;
# with <code>hidden = 4 * d_model</code> the feed-forward layer has <code>(d_model * hidden + hidden) +
# (hidden * d_model + d_model)</code>; and a norm has <code>2 * d_model</code>, twice.</details>


# %%
def block_parameters(d_model: int, n_heads: int) -> tuple[int, int, int]:
    """Numbers to be learned: norms, attention, feed_forward."""
    ### BEGIN SOLUTION
    norms = 2 * (d_model + d_model)
    attention = 4 * (d_model * d_model + d_model)
    hidden = 4 * d_model
    feed_forward = (d_model * hidden + hidden) + (hidden * d_model + d_model)
    return norms, attention, feed_forward
    ### END SOLUTION


block_parameters = check("5.5", block_parameters)

# %%
small = sum(block_parameters(64, 4))
print(
    f"counted: {small:,}; the module has {sum(p.numel() for p in block.parameters()):,}"
)
shares = "norms", "attention", "feed-forward"
of_gpt2 = dict(zip(shares, block_parameters(768, 12), strict=True))
print("GPT-2:", ", ".join(f"{name} {count:,}" for name, count in of_gpt2.items()))
plots.bars(
    {name: count / 1e3 for name, count in of_gpt2.items()},
    "parameters of one block of GPT-2, thousands",
    "Two thirds of a block's parameters are in the feed-forward layer",
    highlight=["feed-forward"],
)

# %% [markdown]
# GPT-2 has twelve of them, 85 million parameters in all. (The other 39 million are its words and
# places; chapter 06 counts everything.) When people say that a large model *knows* something, most
# of the room for it is here, in the layer that the pictures draw as an afterthought.
#
# ## A module of your own
#
# Your block is a function, and is handed everything. To *train* a block, somebody must keep its
# parameters, give all of them to the optimiser, and write them to a file. In PyTorch that is done by
# a **module**: a class built on `nn.Module`. Here is the smallest one that is good for anything, a
# weight and a bias for each column, the end of your LayerNorm.


# %%
class Affine(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.note = torch.ones(width)  # a tensor, and no parameter

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight + self.bias


affine = Affine(3)
print(affine(torch.tensor([1.0, 2.0, 3.0])).tolist())  # calls forward
for name, weights in affine.named_parameters():
    print(name, tuple(weights.shape))

# %% [markdown]
# Two parameters, found without having been announced: whoever assigns an `nn.Parameter` to `self.…`
# has registered it, under the name it was assigned to. `note` is a plain tensor and is passed over. The
# place where names are kept is made by `super().__init__()`, so that line comes first. And one calls
# `affine(x)`, not `affine.forward(x)`.
#
# A module that is assigned to another is found too, with all that is in it. So modules nest, and names
# grow with points. `state_dict()` is all of it as a dictionary, which can be saved, and loaded into
# another module with the same names.

# %%
two = nn.ModuleList([Affine(3), Affine(3)])
print(list(two.state_dict()))
affine.others = [Affine(3), Affine(3)]  # a plain list: PyTorch doesn't look into it
print(list(affine.state_dict()))

# %% [markdown]
# The last line shows the quietest mistake one can make with modules: what stands in a list, or is made
# anew in `forward`, is computed with and never trained.
#
# ### Exercise 5.6 · A block of your own
# ★★★ · 15 min · Radford et al. 2019, as in any implementation
#
# Write the block as a module: `Block(d_model, n_heads)` makes one, and `block(x)` gives the stream
# after both branches, (B, T, C). Assign its parts under these names, so that weights can come from
# elsewhere: `norm_1`, `attention`, `norm_2`, `up` (C → 4C) and `down` (4C → C). `nn.LayerNorm(d_model)`
# is your 5.1 with a weight, a bias and ε = 1e-5; `attention.MultiHeadAttention(d_model, n_heads)` is
# chapter 04's, with its causal mask; `nn.Linear(a, b)` makes b numbers of a, with a bias. The bend is
# your `gelu`.
#
# The check builds a block, looks at its parameters, puts numbers of its own in, compares what comes
# out with exercise 5.4, and sends a gradient back: it must reach every parameter.
#
# <details><summary>A nudge</summary>Two methods. <code>__init__</code> makes the five parts and
# assigns them; <code>forward</code> is exercise 5.4, with <code>self.</code> before every
# part.</details>
# <details><summary>A plan</summary>In <code>__init__</code>: <code>super().__init__()</code>, then five
# assignments. In <code>forward</code>: x plus attention of norm_1 of x; then that plus the feed-forward
# layer of norm_2 of it, which is <code>up</code>, bent, <code>down</code>. Return the last stream
# only.</details>
# <details><summary>Nearly all</summary><code>self.norm_1 = nn.LayerNorm(d_model)</code>,
# <code>self.attention = attention.MultiHeadAttention(d_model, n_heads)</code>, <code>self.up =
# nn.Linear(d_model, 4 * d_model)</code>, and so for the other two. In forward: <code>x = x +
# self.attention(self.norm_1(x))</code>, and <code>return x +
# self.down(gelu(self.up(self.norm_2(x))))</code>.</details>


# %%
class Block(nn.Module):
    """A pre-norm block: norm_1, attention, norm_2, up, down; x (B, T, C) -> (B, T, C)."""

    def __init__(self, d_model: int, n_heads: int):
        ### BEGIN SOLUTION
        super().__init__()
        self.norm_1 = nn.LayerNorm(d_model)
        self.attention = attention.MultiHeadAttention(d_model, n_heads)
        self.norm_2 = nn.LayerNorm(d_model)
        self.up = nn.Linear(d_model, 4 * d_model)
        self.down = nn.Linear(4 * d_model, d_model)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        x = x + self.attention(self.norm_1(x))
        return x + self.down(gelu(self.up(self.norm_2(x))))
        ### END SOLUTION


Block = check("5.6", Block)

# %%
mine = Block(64, 4)
print("numbers to be learned:", sum(weights.numel() for weights in mine.parameters()))
print("as counted in 5.5:", sum(block_parameters(64, 4)))
names = {name.replace("feed_forward.", ""): w for name, w in block.state_dict().items()}
mine.load_state_dict(names)  # the weights of the package's block
difference = (mine(x) - block(x)).abs().max().item()
print(f"from the package's block it differs by {difference:.4f} at most")

# %% [markdown]
# The package's block keeps `up` and `down` one module deeper, in `feed_forward`; without that word its
# names are yours, and so its weights fit. This is how weights travel between programs: by their
# names.
#
# And now it learns. A stack of four, and a task for attention: each word is to become the vector of
# the word *before* it. (`places` tells each word where it stands.)

# %%
torch.manual_seed(0)
stack = nn.Sequential(*(Block(64, 4) for _ in range(4)))
places = torch.eye(64)[:16]  # (T, C)
before = x[:, :-1]
optimizer = torch.optim.AdamW(stack.parameters(), lr=3e-3)
for step in range(61):
    error = (stack(x + places)[:, 1:] - before).square().mean()
    if step % 20 == 0:
        print(f"step {step:2}: mean squared error {error.item():.2f}")
    optimizer.zero_grad()
    error.backward()
    optimizer.step()

# %% [markdown]
# Nothing in this cell knows what a block is made of. `stack.parameters()` finds all of them, because
# you assigned them.
#
# ## Take it apart again
#
# So far we have seen why each part *should* be there. Now the test: a small GPT, two blocks of width
# 64, and five times the same GPT with one thing missing. All are trained alike, on the first 40
# words of stories, in 120 steps of 16 stories, each story once. For comparison, the dice of the
# stories, below which nobody can honestly get, and the 3-gram of chapter 02, which has counted all
# 10,000 stories, five times as many.

# %%
corpus = load_corpus("stories")
starts = [line.split()[:40] for line in corpus.train.splitlines()]
held_out = [line.split()[:40] for line in corpus.val.splitlines()[:300]]
vocabulary = (storyworld.END, *storyworld.VOCABULARY)
inputs, targets = (ids[:, :40] for ids in recall.encode(starts, vocabulary))
new_inputs, new_targets = (ids[:, :40] for ids in recall.encode(held_out, vocabulary))

dice_cost = -sum(map(storyworld.log2_probability, held_out)) / (40 * len(held_out))
three_gram = NGramModel(3).fit(starts, storyworld.VOCABULARY).bits_per_word(held_out)
levels = {"floor": dice_cost, "3-gram": three_gram}
print(", ".join(f"{name}: {bits:.2f} bits a word" for name, bits in levels.items()))

# %%
for without in ("", *ablation.PARTS):
    model = ablation.build(config, without)
    name = f"without {without}" if without else "all of it"
    print(f"{name}: {model.num_parameters():,} parameters")

# %% [markdown]
# Without the residual, a branch *replaces* the stream. Without norms, the numbers pass as they are.
# Without heads there is one, as wide as four. Without positions no numbers are added that say where a
# word stands.

# %%
ask("5.d")

# %% tags=["nbval-ignore-output"] reason="losses after 120 steps differ from machine to machine"
STEPS = 120


def train(model: nn.Module, name: str) -> list[float]:
    """Bits per word at every step, 16 stories a step, each story once."""
    losses = recall.train_recall(
        model, inputs, targets, STEPS, learning_rate=8e-3, batch_size=16
    )
    print(f"{name:22} {ablation.running_mean(losses)[-1]:.2f} bits a word")
    return losses


names = {"": "all of it"} | {part: f"without {part}" for part in ablation.PARTS}
names["heads"] = "one head, not four"
models = {name: ablation.build(config, part) for part, name in names.items()}
losses = {name: train(model, name) for name, model in models.items()}

# %%
plots.training_curves(
    {name: ablation.running_mean(bits) for name, bits in losses.items()},
    "Without residual or norm it learns slowly; the rest is hardly missed",
    levels=levels,
    ylim=(0, 8),
    words="six models over 120 steps: those without residual and without norm stay above the "
    "3-gram, the others end below it, close together",
)

# %%
bits = {
    name: ablation.held_out_bits(model, new_inputs, new_targets)
    for name, model in models.items()
}
reached = {n: ablation.steps_to_reach(part, three_gram) for n, part in losses.items()}
never = [name for name, steps in reached.items() if steps is None]
print("never reached the 3-gram:", ", ".join(never))
others = [bits[name] for name in names.values() if name not in never]
apart = math.ceil(10 * (max(others) - min(others))) / 10
print(f"the others end within {apart:.1f} bits of each other")

# %%
plots.ablation_bars(
    {name: [value] for name, value in bits.items()},
    {name: [steps] for name, steps in reached.items()},
    STEPS,
    "Without residual or norm, 120 steps are too few to beat the 3-gram",
    levels=levels,
    reach="steps until it beats the 3-gram",
    words="bits per word after 120 steps and steps until the model beats the 3-gram; never: "
    + ", ".join(never),
)

# %% [markdown]
# So much after 120 steps. `course bench blocks` trains five times as long, each with three seeds, and
# takes about ten minutes on a quiet machine. This is what it printed on ours (floor 0.80, 3-gram 1.26
# bits a word):
#
# | 600 steps | bits a word: mean (least to most) | steps to the 3-gram, by seed |
# |---|---|---|
# | all of it | 1.00 (0.92 to 1.05) | 76, 85, 84 |
# | without residual | 1.34 (1.27 to 1.43) | 558, never, never |
# | without norm | 1.08 (1.08 to 1.09) | 219, 228, 213 |
# | without feed-forward | 0.86 (0.85 to 0.88) | 93, 94, 93 |
# | without positions | 0.89 (0.86 to 0.91) | 88, 93, 85 |
# | one head, not four | 0.99 (0.98 to 1.00) | 76, 85, 84 |
# | post-norm, not pre-norm | 1.07 (1.05 to 1.07) | 91, 94, 93 |
# | ReLU, not GELU | 1.05 (1.00 to 1.07) | 76, 75, 73 |
#
# Read it without kindness. The residual and the norm are missed, as expected; and without the norm
# it comes right in the end, only late. ReLU, post-norm and a single head make differences that are
# about as large as those between seeds: this table can't tell them from nothing. And two models with a
# part missing *beat* the whole. Without the feed-forward layer the model needs more steps to the
# 3-gram, and then overtakes; without positions likewise.
#
# Does that make two thirds of the parameters useless? It says that *here* they are in the way: two
# blocks, stories of which 40 words are read, one learning rate for all, 9,600 stories. What is left to
# learn once the 3-gram is passed is to look words up, which attention does alone.
#
# So here is a task with nothing to look up. Two hundred words of 16 numbers, each a text by itself, and
# to each belongs another, drawn by lot. That must be known by heart. Your block tries, and beside it
# three layers of attention, which together have as many numbers to learn with.


# %%
class OnlyLooks(nn.Module):
    """Attention behind its norm, added to the stream, and nothing else."""

    def __init__(self, d_model: int, n_heads: int):
        super().__init__()
        self.norm = nn.LayerNorm(d_model)
        self.attention = attention.MultiHeadAttention(d_model, n_heads)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attention(self.norm(x))


# %%
words = 2 * torch.rand(200, 16, generator=dice) - 1
partner = torch.randperm(200, generator=dice)


def known(model: nn.Module) -> int:
    """How many of the 200 pairs a model knows after 180 steps."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(180):
        scores = model(words[:, None])[:, 0] @ words.T  # (200, 200)
        optimizer.zero_grad()
        F.cross_entropy(scores, partner).backward()
        optimizer.step()
    return int((scores.argmax(-1) == partner).sum())


torch.manual_seed(0)
looks = nn.Sequential(*(OnlyLooks(16, 4) for _ in range(3)))
for name, model in {"your block": Block(16, 4), "three of attention": looks}.items():
    size = sum(weights.numel() for weights in model.parameters())
    print(
        f"{name}: {size:,} numbers, some {20 * round(known(model) / 20)} of 200 pairs"
    )

# %% [markdown]
# A word that stands alone gives all its weight to itself, and then attention is two matrices without a
# bend between them, of which we know that they are one. A table of pairs hardly goes in there. An
# ablation answers one question only: what a part is worth in this model, with these texts and this
# recipe.
#
# ## A norm that isn't one
#
# LayerNorm takes a mean and a variance of every token, at every entrance, twice a block. Is that
# what makes it work? In 2025 Zhu and others drew, for trained models, what goes into a norm against
# what comes out. For one token that is a straight line: minus the mean, divided by the spread. But
# every token has a spread of its own, and so a slope of its own: the smaller its numbers, the
# steeper. Here are forty tokens from the model that we have just trained, on their way through its
# last norm.

# %%
full = models["all of it"]
into = full.residual_stream(new_inputs[:40, :20])[-1, :, -1]  # (40, C), after block 2
out = F.layer_norm(into, (64,))
middle = (into.abs().max() * torch.linspace(-1, 1, 101)).detach()
tanh = 3 * torch.tanh(middle / into.std(-1).mean() / 3)
plots.in_and_out(
    into,
    out,
    (middle, tanh.detach()),
    "A straight line for each token: the larger its numbers, the flatter",
    curve_name="3 · tanh(x / 3s)",
    words="forty tokens before and after the last norm: straight lines through 0, each as steep "
    "as its token is small; beside them a curve, 3 · tanh(x / 3s), s being their mean spread",
)

# %% [markdown]
# The long lines are the flat ones: a token with large numbers has a large spread, and is divided by
# more. In a small model like ours the tokens hardly differ in that. In the large ones of the paper
# they differ by far, and all lines together have the form of an S: steep in the middle, bent at both
# ends, like the dashed curve, 3 · tanh(x / 3s), where s is the mean spread of our forty. Small numbers
# get through, large ones are squeezed. So, the authors asked, why not take an S at once?
#
# They called it **Dynamic Tanh**: tanh(α · x) · weight + bias, with one learned number α, and a weight
# and a bias for each column. No mean is taken, and no variance. With α = 0.5, weight 1 and bias 0:

# %%
for number in (1.0, -2.0, 200.0):
    print(f"{number:5g} becomes {math.tanh(0.5 * number):.2f}")

# %%
ask("5.e")

# %% [markdown]
# The paper's claim: put this in the place of every norm, leave all else as it was, and models of
# many kinds, of images, speech and language, get as good as before, or a little better. Our
# measurement: the small GPT from above, three seeds with LayerNorm, three with Dynamic Tanh.
#
# One thing has to be made fair first. GPT-2 starts its words with numbers of about 0.02. A LayerNorm
# brings them to 1 at once; a tanh of something so small is hardly more than nothing. So both kinds
# start here with words of spread 1, a second matrix for reading off the next word (such large numbers
# in a shared one would spoil it), and α = 1. (The authors multiply the words by √C for the same reason.)

# %% tags=["nbval-ignore-output"] reason="losses after 120 steps differ from machine to machine"
kinds = {"LayerNorm": "layernorm", "Dynamic Tanh": "dyt"}
curves, ends = {}, {}
for kind, norm in kinds.items():
    trained = [ablation.build_with_norm(config, norm, seed) for seed in range(3)]
    curves[kind] = [train(m, f"{kind}, seed {i}") for i, m in enumerate(trained)]
    ends[kind] = [ablation.held_out_bits(m, new_inputs, new_targets) for m in trained]

# %%
plots.seed_curves(
    {
        kind: [ablation.running_mean(run) for run in runs]
        for kind, runs in curves.items()
    },
    "In this short race LayerNorm is ahead with every seed",
    levels=levels,
    ylim=(0, 8),
    words="two bands over 120 steps, of three seeds each: LayerNorm's is below Dynamic Tanh's at "
    "the end, and they don't touch",
)

# %%
worst, best = max(ends["LayerNorm"]), min(ends["Dynamic Tanh"])
print(
    f"Dynamic Tanh's best seed pays {best - worst:.1f} bits more than LayerNorm's worst"
)
widest = max(max(bits) - min(bits) for bits in ends.values())
print(f"the seeds of a kind lie within {math.ceil(10 * widest) / 10:.1f} bits")

# %% [markdown]
# Our measurement doesn't agree with the paper's claim. Is it the shortness of the race? Here are the
# 600 steps of `course bench blocks`, three seeds each, with RMSNorm besides, a LayerNorm that leaves out
# the mean:
#
# | 600 steps | bits a word: mean (least to most) | steps to the 3-gram, by seed |
# |---|---|---|
# | LayerNorm | 0.86 (0.82 to 0.89) | 94, 94, 107 |
# | Dynamic Tanh | 1.05 (1.02 to 1.07) | 130, 128, 133 |
# | RMSNorm | 0.94 (0.89 to 1.04) | 96, 95, 108 |
# | no norm at all | 0.88 (0.85 to 0.93) | 107, 115, 128 |
# | no norm, words of spread 0.02 | 1.04 (0.99 to 1.08) | 175, 176, 170 |
#
# Dynamic Tanh stays behind by 0.19 bits, more than twice the spread of the seeds. (With a doubled rate
# too: 0.88 and 1.07.) But look at the fourth line and the fifth. Where the words start at spread 1, two
# blocks do *without any norm* what they do with one; where they start at 0.02, as in the table further
# up, they miss it. So what the norm repairs here is mostly a start that is too small. What we see is
# what the squeezing costs, not what it might save.
#
# That is no refutation: the authors' models have dozens of blocks, are trained to the end, and have an
# α tuned to their width; their claim is about those. It is a warning, both ways: a finding travels
# only as far as its setting.
#
# ## Three families
#
# The block is the same everywhere. What makes three kinds of model of it is who may look at whom.
# The first transformer was a translator, and had two stacks. One, the **encoder**, read the
# sentence to be translated, each word looking both ways. The other, the **decoder**, wrote the
# translation, each word looking back at what had been written, and besides at everything that the
# encoder had read. BERT kept the encoder, GPT the decoder. So there are three families:

# %%
diagrams.three_families(
    "One block, three machines: what differs is who may look at whom"
)

# %% [markdown]
# Who may look at whom is said by the masks:

# %%
encoder = torch.ones(4, 4, dtype=torch.bool)
decoder = attention.causal_mask(4)
translator = torch.zeros(7, 7, dtype=torch.bool)
translator[:, :3] = True  # everybody may look at the source …
translator[3:, 3:] = decoder  # … and the target at its own past

# %%
plots.families(
    {
        "encoder: BERT": (
            encoder,
            "the dog [MASK] loudly".split(),
            ["", "", "barks", ""],
        ),
        "decoder: GPT": (
            decoder,
            "the dog barks loudly".split(),
            ["dog", "barks", "loudly", "."],
        ),
        "encoder–decoder: translation": (
            translator,
            "le chien aboie <s> the dog barks".split(),
            ["", "", "", "the", "dog", "barks", "."],
        ),
    },
    "Same block, three masks: fill a gap, go on writing, translate",
    source=3,
)

# %%
ask("5.f")

# %% [markdown]
# BERT predicts hidden words, from both sides. GPT predicts each next word, from the left. A
# translation model predicts each next word *of the translation*, from its left and from the whole
# of the source. The orange looks, from the target into the source, are **cross-attention**. The
# layer is the one that you know. Only the queries come from the target, while keys and values come
# from the source; and so the table of weights need not be square.

# %%
torch.manual_seed(0)
cross = attention.MultiHeadAttention(64, 4, causal=False)
source, target = x[:1, :6], x[:1, 6:10]  # (1, 6, C) and (1, 4, C)
found, weights = cross(target, context=source, need_weights=True)
print("what the 4 words get:", tuple(found.shape))
print("4 heads, 4 words looking at 6:", tuple(weights.shape))

# %%
other = source.clone()
other[0, -1] += 1  # another last word in the source
elsewhere = cross(target, context=other)
moved = (elsewhere - found).abs().amax(-1)[0] > 1e-4
print("words of the target that notice:", int(moved.sum()), "of 4")

# %% [markdown]
# There is no mask between the two: the source is there from the beginning, and none of it is
# anybody's future. A block of such a decoder has three branches: words of the target among each
# other, words of the target with the source, each word by itself.
#
# Today most large models are decoders only, translators among them. They get the source as the
# beginning of the text. Then it is read under the causal mask, each word without what follows it,
# and one stack has to do for both. That it works so well was not to be expected.
#
# ## What people get wrong
#
# *"The norm is between the blocks."* In a pre-norm model it stands in front of each branch, and
# nothing stands in the stream. Only the last norm, before the words are read off, is on the stream itself.
#
# *"LayerNorm makes the activations normal."* It moves and scales them. A skewed token stays as
# skewed as it was.
#
# *"LayerNorm is batch norm for texts."* Batch norm averages over the examples, and so what a text
# gives depends on which others are in its batch. LayerNorm looks at one token, and does the same in
# training and in use.
#
# *"Residual connections are against vanishing gradients, so with norms one can leave them out."*
# You have seen what happens. The norm repairs the size of what is passed on; what it says is
# mangled by each branch all the same.
#
# *"Attention is where the parameters are."* Two of three are in the feed-forward layer. Attention
# is where the *words meet*.
#
# *"The feed-forward layer sees the text."* It sees one word at a time. What it knows of the others,
# attention has brought before.
#
# *"What an ablation shows to be dispensable is useless."* It shows what a model can do without, of
# this size, on these texts, after so many steps. Ours are short, and say so.
#
# ## Questions for the meeting
#
# 1. Two branches, one after the other: why not side by side, x + attention(norm(x)) +
#    feed_forward(norm(x))? What would be gained, what lost?
# 2. Our model without positions was no worse than the others. How does it know any order at all?
#    And what would you put into the stories so that it fails?
# 3. RMSNorm leaves out the mean, and large models use it. What speaks for it, and why does it not
#    seem to matter?
# 4. The stream is 64 wide and must carry everything: the word, its place, what was fetched, what
#    is to come next. How can so much go into 64 numbers?
# 5. Somebody reports that their new norm is 0.02 bits better than LayerNorm, from one run each.
#    What do you ask?
# 6. How would you make a translator of a GPT, without an encoder? What must the training texts look
#    like?

# %% [markdown] tags=["solution-only"]
# ### Answers for whoever leads the meeting
#
# **1.** It is done: GPT-J and PaLM have parallel branches. One norm does for both, and their
# matrices can be multiplied in one go, which on large machines is faster by some 15 %. What is
# lost: the feed-forward layer can't use what attention has just fetched; that has to wait for the
# next block. With many blocks the loss is small, with two it would be felt.
#
# **2.** By the causal mask. The first word can look only at itself, the second at two, and an
# average over more words is a different average. A layer can learn to count from that, roughly.
# (Ours have a start mark besides, whose share in an even average tells how long the text is.) It
# would fail where the exact place matters: *the word before the last*, or a story told in lists,
# with a question about the fourth item.
#
# **3.** It saves a mean and a subtraction, and has no bias. The mean of a token's numbers is one
# direction of 64, and the branch behind the norm could learn to ignore that direction by itself.
#
# **4.** Directions, not columns. In 64 dimensions there are 64 directions at right angles, but a
# great many more that are *nearly* so, and a branch reads by a dot product, which nearly right
# angles hardly disturb. That is called superposition.
#
# **5.** How far do two runs with the same norm differ? In the long table the seeds of one and the
# same model lie up to 0.13 bits apart. Then: were both given the learning rate that suits them? On the
# same texts in the same order? Chosen after how many tries?
#
# **6.** Texts that hold both: the source, a sign, the translation, the end mark. After the sign the
# model goes on in the other language, since all its texts did. One can leave the source out of the
# loss, so that it learns to translate and not to write sources; chapter 10 does that with
# instructions.

# %% [markdown]
# ## Recap
#
# In a deep stack every layer multiplies the gradient, and nothing arrives; the **residual
# connection** adds a 1, and makes of the stack a **stream** that branches read from and write to. A
# **norm** in front of each branch brings what it reads to a common size: **LayerNorm** by the mean
# and the variance of each token, with ε inside the root and a weight and a bias behind. **Pre-norm**
# leaves the stream alone, **post-norm** stands in it. The **feed-forward layer** lets each word
# think for itself: up to 4C, a bend (**GELU**), and back; it holds two thirds of the parameters.
# Together: x + attention(norm(x)), then x + feed_forward(norm(x)). An **ablation** says what a part
# is worth, for this model and these texts. **Dynamic Tanh** does without a mean and a variance, at a
# price that ought to be measured. With a full mask the block makes an **encoder**, with the causal
# one a **decoder**; **cross-attention** joins the two.
#
# Sources. The block, the encoder and the decoder: A. Vaswani and others, *Attention Is All You
# Need*, 2017; as algorithms: M. Phuong and M. Hutter, *Formal Algorithms for Transformers*, 2022.
# Residuals: K. He and others, *Deep Residual Learning for Image Recognition*, 2015; many short
# paths: A. Veit, M. Wilber and S. Belongie, *Residual Networks Behave Like Ensembles of Relatively
# Shallow Networks*, 2016; the stream: N. Elhage and others, *A Mathematical Framework for
# Transformer Circuits*, 2021. The size of weights: X. Glorot and Y. Bengio, *Understanding the
# Difficulty of Training Deep Feedforward Neural Networks*, 2010. LayerNorm: J. Ba, J. Kiros and G.
# Hinton, *Layer Normalization*, 2016; RMSNorm: B. Zhang and R. Sennrich, *Root Mean Square Layer
# Normalization*, 2019; pre-norm and post-norm: R. Xiong and others, *On Layer Normalization in the
# Transformer Architecture*, 2020. GELU: D. Hendrycks and K. Gimpel, *Gaussian Error Linear Units*,
# 2016. The layer as a memory: M. Geva and others, *Transformer Feed-Forward Layers Are Key-Value
# Memories*, 2021. GPT-2: A. Radford and others, *Language Models are Unsupervised Multitask
# Learners*, 2019. Without positions: A. Haviv and others, *Transformer Language Models without
# Positional Encodings Still Learn Positional Information*, 2022. Dynamic Tanh: J. Zhu and others,
# *Transformers without Normalization*, 2025. BERT: J. Devlin and others, *BERT: Pre-training of
# Deep Bidirectional Transformers for Language Understanding*, 2019. One model for all
# tasks with an encoder and a decoder: C. Raffel and others, *Exploring the Limits of Transfer
# Learning with a Unified Text-to-Text Transformer*, 2019.
#
# | English | 한국어 | in a sentence |
# |---|---|---|
# | transformer block | 트랜스포머 블록 | attention and a feed-forward layer, each with norm and residual |
# | residual connection | 잔차 연결 | a layer adds to its input and doesn't replace it |
# | residual stream | 잔차 스트림 | what runs past all layers, read from and added to |
# | branch | 가지 (분기) | a layer beside the stream |
# | normalisation, norm | 정규화 | bringing numbers to a common size |
# | layer normalisation | 층 정규화 (레이어 정규화) | each token by its own mean and variance |
# | variance, standard deviation | 분산, 표준편차 | mean squared distance from the mean; its root |
# | pre-norm, post-norm | 사전 정규화, 사후 정규화 | norm in front of the branch; norm behind the sum |
# | feed-forward layer | 순방향 층 (피드포워드 층) | each word through two matrices with a bend between |
# | activation function | 활성화 함수 | the bend |
# | GELU, ReLU | GELU, ReLU | a bend without a corner; one with |
# | hidden width | 은닉 차원 | how many numbers there are between the two matrices |
# | parameter | 매개변수 (파라미터) | a number that is learned |
# | module | 모듈 | parameters and smaller modules, each under its name, and what is computed with them |
# | ablation | 절제 (어블레이션) | taking a part away to see what it does |
# | seed | 시드 | from where the dice start |
# | Dynamic Tanh | 다이내믹 Tanh (동적 tanh) | an S in the place of a norm |
# | encoder, decoder | 인코더, 디코더 | reads with looks both ways; writes with looks back |
# | cross-attention | 교차 어텐션 | queries from one text, keys and values from another |
# | initialisation | 초기화 | the numbers that training starts from |
#
# Next: words and places in front, a matrix for the next word behind, and the block twelve times
# between: a whole GPT, equal to the real one to the last digit that counts.
