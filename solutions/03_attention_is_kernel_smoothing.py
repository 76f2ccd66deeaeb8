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
# # 03 · Attention is kernel smoothing
#
# **How can a model look back for one word, wherever it stands, and take what it says?**
#
# The tables of chapter 02 could not: a context that they hadn't met word for word told them
# nothing. The answer of 2017 is called attention, it is one line of algebra, and most courses begin
# by writing that line down. We shall arrive at it instead, from something you could have invented:
# to guess a value, average the values that you know, and give those nearby the larger say.
# Statisticians have done so since 1964, and call it *kernel smoothing*. Change what "nearby" means, three
# times, each time for a good reason, and what stands there is the attention of a GPT.
#
# You will build: the weights of a kernel, a smoother, an experiment that finds its bandwidth, a
# softmax that survives any score, a measurement that explains the famous √d, attention for one
# query, and a dictionary that answers with a blend. It takes some 100 minutes, about 50 of them in
# the exercises.
#
# First run everything: **Run → Run All Cells**. Then begin again at the top.

# %%
import math
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from utils.course import ask, check
from utils.llm import attention
from utils.llm.attention import smoothing
from utils.llm.attention.readers import attending, recurrent
from utils.llm.machine import costs
from utils.viz import diagrams, plots, style, widgets

# %% [markdown]
# ## Averaging, with a say for distance
#
# Sixty points, each measured with an error of up to 0.6. We want to know the value at a place where
# nobody has measured. The truth is known here, because we made it; the smoother won't see it.


# %%
def truth(x: Tensor) -> Tensor:
    return torch.sin(3 * x) + 0.5 * x


def sample(n: int, dice: torch.Generator) -> tuple[Tensor, Tensor]:
    """n places between -2 and 2, and what was measured there."""
    x = 4 * torch.rand(n, generator=dice) - 2
    return x, truth(x) + 1.2 * torch.rand(n, generator=dice) - 0.6


dice = torch.Generator().manual_seed(0)
x, y = sample(60, dice)
new_x, new_y = sample(200, dice)  # held out, to judge by

# %% [markdown]
# What is the value at 0.5? The mean of all sixty is one guess. The mean of those that lie near is
# another.

# %%
near = (x - 0.5).abs() < 0.2
print(f"the mean of all {len(x)} points: {y.mean():.2f}")
print(f"the mean of the {int(near.sum())} points nearby: {y[near].mean():.2f}")
print(f"the truth: {truth(torch.tensor(0.5)):.2f}")

# %% [markdown]
# Better, but crude: at a distance of 0.19 a point has a full say, at 0.21 none. Let the say fade
# out instead. A function that turns a distance into a say is called a **kernel**; the most common
# one is the bell of Gauss,
#
# $$\text{kernel} = e^{-\frac{\text{distance}^2}{2 \cdot \text{bandwidth}^2}}$$
#
# which is 1 at distance 0, 0.61 at a distance of one **bandwidth**, 0.14 at two, and 0.01 at three.
# Divide the says by their sum, and you have **weights**: positive numbers that sum to 1.
#
# Three words, and they will stay with us. The place we ask about is the **query**. The places where
# we know something are the **keys**. What we know there are the **values**.
#
# ### Exercise 3.1 · Kernel weights
# ★☆☆ · 5 min · Nadaraya 1964, Watson 1964
#
# Return the weight of each key for one query. A query has D numbers and `keys` a row of D numbers
# for each key (for our points, D is 1); distance² is the sum of the D squared differences.
#
# By hand: query 1, keys 1 and 3, bandwidth 1. The distances are 0 and 2, the kernel 1 and e⁻² =
# 0.135, their sum 1.135, the weights 0.881 and 0.119. With the bandwidth 2, the second is exp(−½) =
# 0.607, and the weights are 0.622 and 0.378.
#
# <details><summary>A nudge</summary><code>query - keys</code> subtracts each row of keys from the
# query, all at once.</details>
# <details><summary>A plan</summary>Square the differences and sum them along the last axis: one
# number for each key. Put it through <code>torch.exp</code> as the formula says. Divide by the sum
# of what comes out.</details>
# <details><summary>Nearly all</summary><code>distance2 = ((query - keys) ** 2).sum(dim=-1)</code>,
# then <code>kernel = torch.exp(-distance2 / (2 * bandwidth**2))</code>; what you return is
# <code>kernel</code>, divided by its own sum.</details>


# %%
def kernel_weights(
    query: Float[Tensor, "D"], keys: Float[Tensor, "N D"], bandwidth: float
) -> Float[Tensor, "N"]:
    """The weight of each key for the query, by a Gaussian kernel; they sum to 1."""
    ### BEGIN SOLUTION
    distance2 = ((query - keys) ** 2).sum(dim=-1)  # (N,)
    kernel = torch.exp(-distance2 / (2 * bandwidth**2))
    return kernel / kernel.sum()
    ### END SOLUTION


kernel_weights = check("3.1", kernel_weights)

# %%
weights = kernel_weights(torch.tensor([0.5]), x[:, None], bandwidth=0.1)
print(f"the value at 0.5, smoothed: {weights @ y:.2f}")
print(f"points with more than 1 % of the weight: {int((weights > 0.01).sum())}")

# %% [markdown]
# The smoother is no nearer to the truth than the crude mean was. At one place that may be luck; over
# 200 places we shall see.
#
# The weighted average is `weights @ values`, a sum of products. One query gives one estimate; many
# queries, one below the other, give a whole curve. E. Nadaraya and G. Watson found this smoother in
# the same year, independently.
#
# ### Exercise 3.2 · The smoother
# ★★☆ · 6 min · Nadaraya 1964, Watson 1964
#
# For M queries (M, D), N keys (N, D) and a value of C numbers for each key (N, C), return the
# estimates (M, C) and the weights they were made with (M, N): a row for each query, a column for
# each key.
#
# By hand, with the keys 1 and 3 from above, the values 10 and 20, and the bandwidth 1: the query 1
# has the weights 0.881 and 0.119, and the estimate 0.881 · 10 + 0.119 · 20 = 11.19.
#
# <details><summary>A nudge</summary>You have the weights of one query already.</details>
# <details><summary>A plan</summary>Call <code>kernel_weights</code> for each query, and lay the rows
# on top of each other with <code>torch.stack</code>: (M, N). A matrix product with the values
# averages for all queries at once.</details>
# <details><summary>Nearly all</summary><code>weights = torch.stack([kernel_weights(query, keys,
# bandwidth) for query in queries])</code>, and the estimates are <code>weights @ values</code>.
# Return both. (Without a loop: <code>queries[:, None] - keys</code> has the shape (M, N,
# D).)</details>


# %%
def smooth(
    queries: Float[Tensor, "M D"],
    keys: Float[Tensor, "N D"],
    values: Float[Tensor, "N C"],
    bandwidth: float,
) -> tuple[Float[Tensor, "M C"], Float[Tensor, "M N"]]:
    """The weighted average of the values for each query, and the weights."""
    ### BEGIN SOLUTION
    weights = torch.stack([kernel_weights(query, keys, bandwidth) for query in queries])
    return weights @ values, weights
    ### END SOLUTION


smooth = check("3.2", smooth)

# %%
plots.bandwidth_panels(
    x,
    y,
    truth,
    {"too narrow": 0.01, "about right": 0.1, "too wide": 1.0},
    "A narrow kernel draws the noise, a wide one draws nothing",
)

# %% [markdown]
# And how large is the error on the 200 held-out points? Part of it is their own noise. Noise that is
# even between −0.6 and 0.6 has a mean square of width²/12; no smoother gets below it, except by
# luck.

# %%
for bandwidth in (0.01, 0.1, 1.0):
    estimates, _ = smooth(new_x[:, None], x[:, None], y[:, None], bandwidth)
    error = (estimates[:, 0] - new_y).square().mean()
    print(f"bandwidth {bandwidth}: held-out error {error:.2f}")
print(f"the noise alone: {1.2**2 / 12:.2f}")

# %% [markdown]
# This is the overfitting of chapter 01 over again, with one difference worth a pause: there are no
# parameters here. Nothing was fitted. The smoother *is* its data, and the bandwidth is the only
# knob.

# %%
ask("3.a")

# %% [markdown]
# ### Exercise 3.7 · Measure the best bandwidth
# ★★★ · 15 min · an experiment of your own
#
# Which bandwidth is best? That is a question for an experiment, and this time you design it. You are
# given `n_points`, and `draw`: each call of `draw(n)` measures at n new places and returns them with
# what was measured, `x, y`, both (n,). Return the bandwidth with which a smoother of `n_points` known
# points errs least, in mean square. It lies between 0.01 and 1.
#
# Decide which bandwidths to try (steps by a factor, not by a sum, since 0.02 and 0.03 differ more than
# 0.92 and 0.93), what to judge them by, and how often. Everything but the bandwidth must hold still
# while you compare: the same known points, the same points to judge by. And one draw is one accident,
# so add the errors up over a few draws. The check knows, from a long experiment of its own, how wide
# or narrow one may be before the error is half as large again as need be; anything in between is
# right. It asks about three settings, and the answer is not the same in all.
#
# `smoothing.nadaraya_watson(queries, keys, values, bandwidth)` is the package's smoother, quick, and
# safe where no key is near; it returns the estimates, (M, C). Its points are rows: `x[:, None]`.
#
# <details><summary>A nudge</summary>Which bandwidth wins if you judge by the points that the smoother
# was made of? The narrowest. Draw others.</details>
# <details><summary>A plan</summary>Three loops, or two: for a few draws, draw the known points and
# some 200 new ones; for each of some fifteen bandwidths, smooth at the new places and add the mean
# squared difference to that bandwidth's error. Return the bandwidth whose sum is least.</details>
# <details><summary>Nearly all</summary><code>bandwidths = torch.logspace(-2, 0, 16).tolist()</code>
# and <code>errors = torch.zeros(16)</code>. Five times: <code>(x, y), (new_x, new_y) =
# draw(n_points), draw(200)</code>, and for each <code>i, h in enumerate(bandwidths)</code>:
# <code>guess = smoothing.nadaraya_watson(new_x[:, None], x[:, None], y[:, None], h)[:, 0]</code>,
# <code>errors[i] += (guess - new_y).square().mean()</code>. At the end
# <code>bandwidths[errors.argmin()]</code>.</details>


# %%
def best_bandwidth(n_points: int, draw) -> float:
    """The bandwidth with the least error at new places, for so many known points."""
    ### BEGIN SOLUTION
    bandwidths = torch.logspace(-2, 0, 16).tolist()
    errors = torch.zeros(len(bandwidths))
    for _ in range(5):
        (x, y), (new_x, new_y) = draw(n_points), draw(200)
        for i, h in enumerate(bandwidths):
            rows = new_x[:, None], x[:, None], y[:, None]
            guess = smoothing.nadaraya_watson(*rows, h)[:, 0]
            errors[i] += (guess - new_y).square().mean()
    return bandwidths[errors.argmin()]
    ### END SOLUTION


best_bandwidth = check("3.7", best_bandwidth)

# %%
for n in (15, 60, 240, 960):
    found = best_bandwidth(n, partial(sample, dice=torch.Generator().manual_seed(1)))
    print(f"{n:4} points: a bandwidth of {found:.2f}")

# %% [markdown]
# The more is known, the less far one need look. A wide kernel is a prejudice, that far points are
# like near ones; with enough points one can afford to do without. (On paper, where points are many,
# the best bandwidth shrinks with the fifth root of their number: sixteen times the points, and it is
# 1.7 times as narrow. From 60 points to 960 ours went from 0.12 to 0.06, in steps of a factor 1.4.)
#
# Turn the knob. The upright line is a query, and each point that it hears is as large as its
# weight. On the right is the error for every bandwidth. (Tab brings you to a slider, the arrow keys
# move it.)

# %%
widgets.bandwidth_explorer((x, y), (new_x, new_y), truth, bandwidth=0.5, query=0.5)

# %% [markdown]
# Note the orange curve. A smoother that is asked about its own points can always answer perfectly,
# by hearing nobody but the point itself. So don't ask it that: held-out points decide, here as
# everywhere.

# %% [markdown]
# ### Break it
#
# Ask about a place outside the data, with a narrow kernel. No point is near.

# %%
kernel = torch.exp(-((3.0 - x) ** 2) / (2 * 0.05**2))
print("sum of the kernel:", kernel.sum().item())
print("the estimate:", (kernel / kernel.sum() @ y).item())

# %% [markdown]
# The nearest key is more than twenty bandwidths away, e to the power of −200 is rounded to 0, and 0
# / 0 is *not a number*. There was an answer, though. The nearest key is far, but the others are
# much farther, so compared with them it should have all the weight.
#
# ## Softmax
#
# Weights are ratios. Call what stands in the exponent the **score** of a key, here −distance² / (2
# · bandwidth²). Then
#
# $$\text{weight}_i = \frac{e^{s_i}}{\sum_j e^{s_j}}$$
#
# whatever the scores are, and wherever they come from. This function from scores to weights has a
# name: **softmax**.

# %%
ask("3.b")

# %% [markdown]
# So we are free to subtract from all scores whatever suits us. Subtract the largest. Then the
# largest exponential is e⁰ = 1, none is larger, the sum is at least 1, and nothing can overflow or
# be divided by 0.
#
# ### Exercise 3.3 · A softmax that survives
# ★★☆ · 9 min · standard practice; the error analysis is in Blanchard, Higham and Higham 2021
#
# Softmax along the last axis, for scores of any shape: each row has weights of its own. It must
# survive scores of ±10,000, and must not change the tensor it is given.
#
# By hand, for the scores 10,000, 0 and 9,999: subtract 10,000, and they are 0, −10,000 and −1. The
# exponentials are 1, 0 and 0.368, and the weights 0.731, 0 and 0.269.
#
# <details><summary>A nudge</summary>Each row needs its own largest score, and it must stay beside
# its row: <code>keepdim=True</code>.</details>
# <details><summary>A plan</summary>Three lines: subtract the row's largest, <code>torch.exp</code>,
# divide by the row's sum. <code>amax</code> gives the largest along an axis. (<code>max</code> along
# an axis returns values and places: take its <code>.values</code>.)</details>
# <details><summary>Nearly all</summary><code>kernel = torch.exp(scores - scores.amax(dim=-1,
# keepdim=True))</code>, divided by <code>kernel.sum(dim=-1, keepdim=True)</code>.</details>


# %%
def softmax(scores: Float[Tensor, "*rows N"]) -> Float[Tensor, "*rows N"]:
    """e to the power of each score, divided by the sum along the last axis."""
    ### BEGIN SOLUTION
    kernel = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
    return kernel / kernel.sum(dim=-1, keepdim=True)
    ### END SOLUTION


softmax = check("3.3", softmax)

# %%
scores = -((3.0 - x) ** 2) / (2 * 0.05**2)
weights = softmax(scores)
print(f"the largest weight: {weights.max():.2f}, at {x[weights.argmax()]:.2f}")
package = smoothing.kernel_weights(torch.tensor([3.0]), x[:, None], bandwidth=0.05)
print(f"the package's largest: {package.max():.2f}, at {x[package.argmax()]:.2f}")

# %% [markdown]
# The nearest point has it all. The formula of exercise 3.1, taken literally, keeps the defect; the
# package's `kernel_weights` is this softmax of −distance² / (2 · bandwidth²). From now on we speak
# of scores, and leave the exponential and the sum to softmax. Everything that follows is about one
# question: **where do the scores come from?**

# %% [markdown]
# ## First change: learn what is near
#
# On a line, near is near. But take points with two numbers each, where the value changes along
# one direction and not at all along the other. A round kernel can't know that.


# %%
def stripes(points: Tensor) -> Tensor:
    return torch.sin(4 * points[:, 0] + 2 * points[:, 1])


dice = torch.Generator().manual_seed(0)
points = 2 * torch.rand(120, 2, generator=dice) - 1  # (N, 2)
value = stripes(points) + 0.4 * torch.rand(120, generator=dice) - 0.2  # (N,)
new_points = 2 * torch.rand(300, 2, generator=dice) - 1

# %% [markdown]
# So give the kernel a matrix. Each point is first multiplied by it, and distances are measured
# between the results, the **features**. The matrix can stretch the plane in one direction and press
# it together in another. Gradient descent is to find out which, as in chapter 01.
#
# The loss needs one precaution. Each point is predicted from all the *others*: one that may look at
# itself learns to look nowhere else. (Remember the orange curve, and wait for chapter 04, where a
# whole mask, a table of what may look at what, is needed against the same temptation.) A score of
# −∞ is a weight of 0.


# %%
def loss(matrix: Tensor) -> Tensor:
    """Mean squared error when each point is predicted from all the others."""
    features = points @ matrix  # (N, 2)
    gap = features[:, None] - features  # (N, N, 2)
    scores = -gap.square().sum(dim=-1) / 2  # (N, N)
    scores = scores.masked_fill(torch.eye(120, dtype=torch.bool), -math.inf)
    return (scores.softmax(dim=1) @ value - value).square().mean()


for bandwidth in (0.05, 0.1, 0.2, 0.4):
    print(f"bandwidth {bandwidth}: {loss(torch.eye(2) / bandwidth):.3f}")

# %% [markdown]
# A round kernel of bandwidth h is the matrix with 1/h on its diagonal, so the bandwidth is part of
# the matrix now. The best of the four is where descent begins. (Its learning rate of 60 looks wild.
# But the loss is a few hundredths, and the matrix has entries near 10: the gradient is tiny.)

# %%
round_kernel = torch.eye(2) / 0.1
matrix = round_kernel.clone().requires_grad_()
for step in range(61):
    error = loss(matrix)
    if step % 20 == 0:
        print(f"step {step:2}: loss {error.item():.3f}")
    (gradient,) = torch.autograd.grad(error, matrix)
    with torch.no_grad():
        matrix -= 60 * gradient

# %% [markdown]
# Now 300 points that neither kernel has met. They are compared with the truth, without noise, so
# these errors may well be smaller than the loss, which contains the noise (0.4² / 12 = 0.013).


# %%
def predict(queries: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Estimates (M, 1) and weights (M, N): the smoother, on features."""
    return smooth(queries @ matrix, points @ matrix, value[:, None], bandwidth=1.0)


learned = matrix.detach()
for name, by in {"round": round_kernel, "learned": learned}.items():
    error = (predict(new_points, by)[0][:, 0] - stripes(new_points)).square().mean()
    print(f"{name} kernel, error on 300 new points: {error:.3f}")

# %%
query = torch.tensor([0.1, 0.0])
weights = {
    name: predict(query[None], by)[1][0]
    for name, by in {"round kernel": round_kernel, "learned kernel": learned}.items()
}
plots.nearness(
    points,
    query,
    weights,
    stripes,
    "The learned kernel has found out that points along the stripe are near",
)

# %% [markdown]
# Same smoother, same data, and a matrix of four numbers that nobody set by hand. It decides
# which points the query (the star) listens to. The query is no longer the point itself but a *view* of it,
# and so are the keys. Keep that in mind.

# %% [markdown]
# ## Second change: from distance to dot product
#
# Distances are awkward to compute for many queries and keys at once. Multiply out:
#
# $$-\frac{\lVert q - k \rVert^2}{2h^2} = \frac{q \cdot k}{h^2} - \frac{\lVert q \rVert^2}{2h^2} - \frac{\lVert k \rVert^2}{2h^2}$$
#
# (‖q‖ is the length of q: the root of the sum of its squares. A distance is the length of a
# difference.) The middle term is the same for every key, and softmax doesn't see what is added to a whole row.
# If all keys have the same length, that goes for the last term too. What is left is the **dot
# product** $q \cdot k$, and one matrix product computes it for all queries and all keys. It is
# large where two vectors are long and point the same way, 0 at a right angle, and negative where
# they point in opposite directions.

# %%
dice = torch.Generator().manual_seed(0)
keys = 2 * torch.rand(5, 3, generator=dice) - 1
keys = keys / keys.norm(dim=1, keepdim=True)  # (5, 3), each of length 1
query = torch.tensor([0.5, -1.0, 2.0])
by_distance = kernel_weights(query, keys, bandwidth=0.7)
by_dot_product = softmax(keys @ query / 0.7**2)
print("by distance:   ", [round(w, 4) for w in by_distance.tolist()])
print("by dot product:", [round(w, 4) for w in by_dot_product.tolist()])

# %% [markdown]
# To the digit. For keys of length 1, a Gaussian kernel *is* a softmax of dot products; nothing was
# approximated. And note what stands under the dot product: h², the bandwidth squared. Physicists
# call the number under an exponent a **temperature**, and so do people who sample from GPTs. It is
# the same knob under two names: $T = h^2$.

# %%
ask("3.c")

# %%
table = {f"T = {t:g}, h = {math.sqrt(t):g}": t for t in (0.01, 0.25, 1.0, 4.0, 100.0)}
plots.heatmap(
    torch.stack([softmax(keys @ query / t) for t in table.values()]).round(decimals=3),
    list(table),
    [f"key {i + 1}" for i in range(5)],
    "Cold, the best key has all the weight; hot, every key has the same",
    value="weight",
)

# %% [markdown]
# Attention keeps the dot product even where the keys are *not* of the same length, and there it is
# no distance any more. Make key 2 twice as long. By distance it has moved away from the query; by
# dot product it speaks louder, to every query that points its way.

# %%
longer = keys.clone()
longer[1] = 2 * longer[1]
print("dot product:", [round(w, 2) for w in softmax(longer @ query).tolist()])
gauss = kernel_weights(query, longer, bandwidth=1.0)
print("distance:   ", [round(w, 2) for w in gauss.tolist()])

# %% [markdown]
# ## Third change: the right scale
#
# In a GPT queries and keys don't have three numbers but 64 or more, and the temperature has to keep
# up. A dot product is a sum of d products. Suppose that all the numbers involved are independent,
# with mean 0 and variance 1 (the mean squared distance from the mean), which is about how a network
# starts. Then each product has mean 0 and variance 1 too, variances of independent terms add up,
# and the sum has the variance d. Its typical size, the root of the variance, is √d.

# %%
ask("3.d")

# %% [markdown]
# ### Exercise 3.4 · The size of a score
# ★★☆ · 5 min · Vaswani et al. 2017, footnote 4
#
# Measure it. `queries` and `keys` are both (N, d), and query number i meets key number i, so there
# are N scores. Return, as a pair, the variance of the scores, and their variance after they have
# been divided by √d. The variance is the mean of the squared differences from the mean. Divide by
# N, not by N − 1: torch's `var` does that if you pass `correction=0`.
#
# By hand, N = 2 and d = 2: the queries (1, 2) and (3, 0), the keys (1, 1) and (−1, 2). The scores
# are 1 + 2 = 3 and −3 + 0 = −3, their mean is 0, their variance 9. Divided by √2 they are ±2.12,
# and the variance is 4.5.
#
# <details><summary>A nudge</summary>Query i meets key i and no other: this is no matrix
# product.</details>
# <details><summary>A plan</summary>Multiply <code>queries * keys</code>, number by number, and sum
# each row: N scores. Divide them by the root of d, the length of a row. Measure both.</details>
# <details><summary>Nearly all</summary><code>scores = (queries * keys).sum(dim=-1)</code>, <code>scaled
# = scores / math.sqrt(queries.shape[-1])</code>; return <code>scores.var(correction=0)</code> and the
# same of <code>scaled</code>.</details>


# %%
def score_variances(
    queries: Float[Tensor, "N D"], keys: Float[Tensor, "N D"]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """The variance of the N scores, and of the scores divided by √d."""
    ### BEGIN SOLUTION
    scores = (queries * keys).sum(dim=-1)  # (N,)
    scaled = scores / math.sqrt(queries.shape[-1])
    return scores.var(correction=0), scaled.var(correction=0)
    ### END SOLUTION


score_variances = check("3.4", score_variances)

# %%
dice = torch.Generator().manual_seed(0)


def vectors(n: int, d: int) -> Tensor:
    """n vectors of d numbers with mean 0 and variance 1."""
    return math.sqrt(3) * (2 * torch.rand(n, d, generator=dice) - 1)


widths = (1, 4, 16, 64, 256, 1024)
measured = [score_variances(vectors(1000, d), vectors(1000, d)) for d in widths]
raw, scaled = zip(*measured, strict=True)

# %%
plots.lines(
    {"q · k": (widths, raw), "q · k / √d": (widths, scaled)},
    "width d of query and key",
    "variance of the score",
    log_x=True,
    log_y=True,
    markers=True,
    finding="The variance of q · k is d, and dividing by √d brings it back to 1",
)

# %% [markdown]
# Why should that matter? Because of what softmax does with large scores. Take 400 queries and 64
# keys, and three ways to scale: not at all, by √d, and by d, a frequent slip. For each width we look
# at two numbers. The first is the **entropy** of the weights (chapter 02: 6 bits if all 64 are
# equal, 0 if one has everything). The second is what training will live on, the **gradient that
# arrives at the query**: give each key a value that is one number, and ask autograd how fast the
# weighted average answers to a nudge of the query. (It asks PyTorch's softmax, since yours may well
# be one that autograd can't follow.)

# %%
scales = {"no scale": 0.0, "by √d": 0.5, "by d": 1.0}
entropy, lengths = ({name: [] for name in scales} for _ in range(2))
for d in widths:
    queries, keys, values = vectors(400, d), vectors(64, d), vectors(64, 1)
    for name, power in scales.items():
        weights = softmax(queries @ keys.T / d**power)  # (400, 64)
        entropy[name].append(-torch.xlogy(weights, weights).sum(1).mean() / math.log(2))
        asking = queries.clone().requires_grad_()
        average = (asking @ keys.T / d**power).softmax(dim=-1) @ values  # (400, 1)
        (gradient,) = torch.autograd.grad(average.sum(), asking)  # (400, d)
        lengths[name].append(gradient.norm(dim=1))  # (400,)

# %%
plots.scale_effects(
    widths,
    entropy,
    {name: [at.median() for at in every] for name, every in lengths.items()},
    "Without a scale a wide query is decided at once; by d, it hears next to nothing; by √d, "
    "neither",
)

# %%
for name, (*_, widest) in lengths.items():
    starved = (widest < 0.001).float().mean()
    print(
        f"{name:>8}, d = 1024: median {widest.median():.2g}, largest {widest.max():.2g},",
        f"below 0.001: {100 * starved:.0f} % of queries",
    )

# %% [markdown]
# Without the scale a wide model starts its life with nearly one key per query, chosen by chance.
# Where one key has everything, a nudge moves nothing: at a width of 1,024 four queries in ten get
# next to no gradient, and a few get a violent one.
#
# Divided by d, the wider the model, the less one key differs from another, and what reaches the
# query has been divided by d on the way back, √d times more than it should be.
#
# With √d both curves are level from a width of 4 on, which is all one wants of a start: nothing
# decided, everything movable. The temperature of attention is √d, not because that is the right
# sharpness for anything, but so that training can find it. The matrices that make queries and keys
# may grow, and sharpen the kernel, as our matrix in the plane did across the stripes.

# %% [markdown]
# ## Query, key, value
#
# Put the three changes together. The score of a key is $q \cdot k / \sqrt d$, the weights are its
# softmax, the output is the weighted average of the values:
#
# $$\text{output} = \sum_i w_i \, v_i \quad\text{with}\quad w = \text{softmax}\left(\frac{q \cdot k_1}{\sqrt d}, \frac{q \cdot k_2}{\sqrt d}, \dots\right)$$
#
# ### Exercise 3.5 · Attention for one query
# ★★☆ · 5 min · Phuong and Hutter 2022, Algorithm 3
#
# One query (D,), T keys (T, D) and T values (T, C). Return the output (C,) and the weights (T,).
# Values may have another length than keys.
#
# By hand: the query (2, 0, 0, 0), the keys (1, 0, 0, 5) and (0, 3, 1, 0), the values (10, 0) and
# (0, 10). The dot products are 2 and 0, √4 is 2, so the scores are 1 and 0. Softmax makes them
# 0.731 and 0.269, and the output is (7.31, 2.69).
#
# <details><summary>A nudge</summary><code>keys @ query</code> is all dot products at once: (T, D)
# with (D,) gives (T,).</details>
# <details><summary>A plan</summary>Scores, divided by the root of d; your softmax; the weighted sum
# of the values. Mind that d is the length of a key, not how many there are.</details>
# <details><summary>Nearly all</summary><code>weights = softmax(keys @ query /
# math.sqrt(keys.shape[-1]))</code>, and the output is <code>weights @ values</code>. Return the
# output first.</details>


# %%
def attention_for_one_query(
    query: Float[Tensor, "D"], keys: Float[Tensor, "T D"], values: Float[Tensor, "T C"]
) -> tuple[Float[Tensor, "C"], Float[Tensor, "T"]]:
    """The average of the values, and the weights it was taken with."""
    ### BEGIN SOLUTION
    scores = keys @ query / math.sqrt(keys.shape[-1])  # (T,)
    weights = softmax(scores)
    return weights @ values, weights
    ### END SOLUTION


attention_for_one_query = check("3.5", attention_for_one_query)

# %%
probe = vectors(1, 16)[0], vectors(5, 16), vectors(5, 8)
package = attention.attention_for_one_query
for name, answer in {"yours": attention_for_one_query, "package": package}.items():
    print(f"{name:>8}:", [round(number, 2) for number in answer(*probe)[0].tolist()])

# %% [markdown]
# And where do queries, keys and values come from? **From the same vectors**, which is why it is
# called *self-attention*: a text looks at itself. Each word of a text is a vector, its
# **embedding** (in a GPT a learned one: chapter 06), and three learned matrices make three views of
# it: what it looks for, what it offers to those who look, and what it hands over. Chapter 04 trains
# such matrices. Here are three that we wrote by hand, for five words of five kinds:

# %%
words = "Mina had a blue kite".split()
kinds = ["name", "verb", "article", "colour", "thing"]
vector_of = torch.eye(5)  # a row for each word: 1 at its kind
looks_for, offers, hands_over = torch.zeros(5, 2), torch.zeros(5, 2), torch.zeros(5, 3)
looks_for[kinds.index("thing"), 0] = offers[kinds.index("colour"), 0] = 2  # its colour
looks_for[kinds.index("verb"), 1] = offers[kinds.index("name"), 1] = 2  # its subject
for column, kind in enumerate(("colour", "name", "thing")):
    hands_over[kinds.index(kind), column] = 1
queries, keys, values = (vector_of @ view for view in (looks_for, offers, hands_over))

# %%
results = [attention_for_one_query(query, keys, values) for query in queries]
plots.heatmap(
    torch.stack([weights for _, weights in results]),
    words,
    words,
    "“kite” takes most from “blue”, “had” from “Mina”, and everybody takes from everybody",
    ylabel="the query of this word",
    xlabel="the key of this word",
    value="weight",
)

# %%
output, weights = results[words.index("kite")]
for name, share in zip(("colour", "name", "thing"), output.tolist(), strict=True):
    print(f"the output for “kite” holds {share:.2f} of a {name}")

# %% [markdown]
# The whole way once more, for this one word. From below: each word's vector becomes a query, a key
# and a value. The query of *kite* meets every key, the scores become weights, and with these the
# values are averaged. For another word it is another query; keys and values stay.

# %%
diagrams.query_key_value(
    words,
    words.index("kite"),
    keys @ queries[words.index("kite")] / math.sqrt(2),
    weights,
    "One query meets every key, and what is averaged are the values",
)

# %% [markdown]
# Read it row by row. *kite* looks for a colour, and *blue* offers one. It is no symmetric affair:
# *blue* looks for nothing, so its row is flat. With one matrix for both roles, as in the plane, the
# dot product would be the same in both directions.
#
# **What the names mean, and what they don't.** Query, key and value are words from databases, and
# "attention" is one from psychology. They name places in a formula. Every vector gets some weight,
# however little: on paper, softmax never gives 0. A word that looks for nothing still averages
# everything, because its weights must sum to 1. (Trained models often let such weight run off into
# one place, mostly the first token, an *attention sink*: Xiao and others 2023.) What comes out is a
# blend, never "the word". And nothing here is attended to in the human sense; it is the smoother of
# 1964 with a learned kernel. A large weight says that a value came into a sum. Whether the model
# *used* it is another question, which no map of weights can answer (Jain and Wallace 2019); chapter
# 04 answers it by taking a *head* away, one of several attentions that work side by side.

# %%
ask("3.e")

# %%
shuffled = torch.tensor([3, 0, 4, 2, 1])
again, _ = attention_for_one_query(queries[4], keys[shuffled], values[shuffled])
print("before:  ", [round(number, 3) for number in results[4][0].tolist()])
print("shuffled:", [round(number, 3) for number in again.tolist()])

# %% [markdown]
# To attention a text is a heap of words, and *dog bites man* is *man bites dog*. Chapter 04 mends
# that.

# %% [markdown]
# ## A soft dictionary
#
# There is one more way to see all this, the programmer's. A `dict` compares a key with every key it
# has (or behaves as if it did), and returns the value of the one that is equal. Attention compares
# with every key, and returns all values, by how well their keys fit.

# %%
winds = {"north": 2.0, "east": 10.0, "south": 20.0, "west": 12.0}  # °C, from there
try:
    print(winds["north-east"])
except KeyError as error:
    print("KeyError:", error)

# %% [markdown]
# ### Exercise 3.6 · A soft dictionary
# ★★☆ · 6 min · Graves, Wayne and Danihelka 2014, section 3.3
#
# Return the blend of the values (N, C) for one query (D,) and the keys (N, D), by softmax(key ·
# query / temperature). Here the temperature is the whole scale; there is no √d besides.
#
# And make the limit exact: **at the temperature 0 only the best key counts**, as in a `dict`. If
# several keys fit equally well, they share the weight.
#
# By hand: the query 2, the keys 1 and 0.5, the values 10 and 20. The dot products are 2 and 1. At
# the temperature 0.5 the scores are 4 and 2, the weights 0.881 and 0.119, the blend is 11.19. At
# the temperature 0 it is 10. If both keys were 1, it would be 15, at every temperature.
#
# <details><summary>A nudge</summary>Treat 0 first, before anything is divided by it.</details>
# <details><summary>A plan</summary>Scores are <code>keys @ query</code>. At 0, find all keys whose
# score equals the largest, and take the mean of their values. Above it, softmax as
# always.</details>
# <details><summary>Nearly all</summary>At 0: <code>best = scores == scores.max()</code> is True for
# every key that fits best, and <code>values[best].mean(dim=0)</code> is the answer. Else
# <code>softmax(scores / temperature) @ values</code>.</details>


# %%
def soft_lookup(
    query: Float[Tensor, "D"],
    keys: Float[Tensor, "N D"],
    values: Float[Tensor, "N C"],
    temperature: float,
) -> Float[Tensor, "C"]:
    """The values, blended by softmax(key · query / temperature); exact at 0."""
    ### BEGIN SOLUTION
    scores = keys @ query  # (N,)
    if temperature == 0:
        best = scores == scores.max()
        return values[best].mean(dim=0)
    return softmax(scores / temperature) @ values
    ### END SOLUTION


soft_lookup = check("3.6", soft_lookup)

# %%
compass = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0], [-1.0, 0.0]])  # N E S W
degrees = torch.tensor(list(winds.values()))[:, None]  # (4, 1)
ways = {
    "north": [0.0, 1.0],
    "north-north-east": [0.38, 0.92],
    "north-east": [0.71, 0.71],
}
for name, way in ways.items():
    found = [
        soft_lookup(torch.tensor(way), compass, degrees, t).item() for t in (1, 0.1, 0)
    ]
    print(f"{name:>16}:", "  ".join(f"{celsius:5.2f}" for celsius in found))

# %% [markdown]
# From left to right the temperatures 1, 0.1 and 0. Cold, it is a dictionary, and one that has an
# answer for *north-north-east*. Warm, it smooths. What does one gain by softness? **A gradient.**
# Nudge a query, and the blend changes a little, so descent can learn what to ask for. A hard lookup
# changes not at all, or all at once, and teaches nothing.

# %% [markdown]
# ## Against what came before
#
# Before attention, networks read a text the way you read a book aloud: word by word, with a state
# of fixed size that each word changes. A **recurrent network** (RNN) replaces the state at each
# step by a function of the old state and the new word. An **LSTM** (Hochreiter and Schmidhuber
# 1997, with the forget gate of Gers and others 2000) keeps a second state to which it mainly
# *adds*, behind gates that say what to keep and what to let in. In both, what the first word has to
# tell the last must pass through every step between.
#
# In chapter 01 a gradient died on its way through twelve layers. Here each word is a layer. Let us
# measure the gradient of the last output with respect to the input t steps back, in an RNN, an
# LSTM, and attention from the last vector to all of them: each 32 wide, each as PyTorch makes it,
# averaged over eight random starts. `recurrent` and `attending` make them; what they are asked
# stands here:


# %%
def gradient_by_distance(make, width: int = 32, length: int = 101) -> Tensor:
    """Length of d(last output) / d(input), 0, 1, 2, ... steps back; geometric mean."""
    logarithms = 0
    for seed in range(8):
        torch.manual_seed(seed)
        reader = make(width)
        x = math.sqrt(3) * (2 * torch.rand(length, width).double() - 1)
        x.requires_grad_()
        (gradient,) = torch.autograd.grad(reader(x).sum(), x)
        logarithms = logarithms + gradient.norm(dim=1).log()
    return (logarithms / 8).exp().flip(0)


# %%
ask("3.f")

# %%
reach = {
    "RNN": gradient_by_distance(recurrent(nn.RNN)),
    "LSTM": gradient_by_distance(recurrent(nn.LSTM)),
    "LSTM, forget gate held open": gradient_by_distance(recurrent(nn.LSTM, 3.0)),
    "attention": gradient_by_distance(attending),
}
plots.gradients_over_distance(
    reach,
    "Each step back costs a fresh RNN or LSTM about half; attention pays nothing after the first",
    least=1e-15,
)

# %%
print(f"{'steps back':>28}" + "".join(f"{t:>9}" for t in (0, 1, 10, 50, 100)))
for name, gradient in reach.items():
    print(f"{name:>28}" + "".join(f"{gradient[t]:9.0e}" for t in (0, 1, 10, 50, 100)))

# %% [markdown]
# What does this show? That distance costs an untrained RNN, and an LSTM as PyTorch starts it, about
# half the gradient a step; and that attention doesn't know what distance is. Each input is one
# weighted sum away from the output. The last input counts most even in attention, because the query
# is made from it as well; all those before it count alike.
#
# And what does it not show? Nothing here has been trained. An LSTM's forget gate starts half shut
# in PyTorch; held open by a bias of 3, as Jozefowicz and others (2015) advise in milder form, it
# carries the gradient through all hundred steps, which is what LSTMs were invented for. Nor is
# attention's gradient large: it is shared out among 101 inputs, about a hundredth each. The honest
# claim is modest. The recurrent networks *can* learn to keep something for a hundred steps, in a
# state of fixed size, if they decide at the time that it will matter. Attention looks back
# afterwards, when it knows what it is looking for.
#
# The price is that it keeps everything. And time? Let us put a clock to an RNN, to attention as you
# wrote it, and to the same attention for all queries at once.


# %%
def all_at_once(x: Tensor) -> Tensor:
    """Every vector's query over all keys, in two matrix products: (T, C)."""
    return softmax(x @ x.T / math.sqrt(x.shape[1])) @ x


def one_at_a_time(x: Tensor) -> Tensor:
    return torch.stack([attention_for_one_query(query, x, x)[0] for query in x])


# %%
readers = {
    "RNN": nn.RNN(64, 64),
    "attention, one query after another": one_at_a_time,
    "attention, all at once": all_at_once,
}
texts = [vectors(t, 64) for t in (16, 32, 64, 128, 256, 512, 1024, 2048)]
lengths = [len(x) for x in texts]
micros = {name: [] for name in readers}
calls = dict(readers)
with torch.no_grad():
    for x in texts:  # in turn, five times each; the fastest counts
        calls = {name: partial(readers[name], x) for name in calls}
        for name, spent in costs.cost_of_each(calls, rounds=5).items():
            micros[name].append(1e6 * spent.seconds / len(x))
            if spent.seconds > 0.7:  # written in loops of Python's: it drops out
                del calls[name]

# %% tags=["nbval-ignore-output"] reason="times differ from machine to machine and from run to run"
plots.lines(
    {name: (lengths[: len(times)], times) for name, times in micros.items()},
    "length of the text, T",
    "microseconds for each step",
    log_x=True,
    log_y=True,
    markers=True,
    y_from=0.1,  # room for the names
    colours={"attention, all at once": style.MODEL},
    finding="The same attention, all at once instead of one after another, takes far less time",
)

# %% [markdown]
# A clock says how this machine does today, other work on it included. What does not waver is a
# count: the numbers that the operations of each read and write, for each step.


# %%
def numbers_for_each_step(read, x: Tensor) -> float:
    with torch.no_grad(), costs.Watch() as watch:
        read(x)
    return watch.touched / len(x)


apart = (all_at_once(texts[4]) - one_at_a_time(texts[4])).abs().max()
print(f"all at once and one after another differ by at most {apart:.4f}")
for name, read in readers.items():
    short, long = (numbers_for_each_step(read, texts[i]) for i in (4, 7))
    print(f"{name}: from T = 256 to 2,048, {long / short:.1f} times the numbers a step")

# %% [markdown]
# Two things to take away. No query waits for another, so attention for a whole text is two matrix
# products, the thing that processors, and graphics processors above all, do best. The RNN's steps
# have to wait for one another on any machine: 2,048 vectors, 2,048 steps in a row. That is why the
# *transformer*, the network of chapter 05 that is built from attention and has no recurrence at all,
# could be trained on so much more text.
#
# But what an RNN does for a step stays the same, and what attention does grows with the text: each of
# T queries meets T keys, so twice the text is nearly four times the work. Somewhere the lines have
# to cross; where they do depends on the machine. (Attention runs here without its three matrices;
# they cost the same for every step, and would lift the line but not tilt it.) Chapter 04 measures
# this price, and what can be done about it.

# %% [markdown]
# ## What people get wrong
#
# *"Attention picks the relevant word."* It averages all of them. With the width of a GPT and some
# training the average can be nearly one word, and nearly is what makes it learnable.
#
# *"The √d corrects for the number of tokens."* d is the width of a query and a key. The number of
# tokens appears nowhere in the scale: T decides how many weights there are, not how far apart their
# scores lie.
#
# *"Query, key and value are three inputs."* In self-attention they are three views of one input. In
# a translation model (chapter 05) the queries come from one text, the keys and values from another.
#
# *"Subtracting the maximum is an approximation."* It changes nothing on paper. On a computer it is
# the difference between an answer and NaN.
#
# *"Temperature is for sampling."* It is the bandwidth of any softmax. You will meet it under the
# scores here, and under the logits in chapter 08.
#
# *"Attention was invented for the transformer."* Bahdanau, Cho and Bengio put it into a recurrent
# translator in 2014; in 2017 the recurrence was left out, hence the title of that paper. The
# kernel-weighted average is from 1964.
#
# *"RNNs can't remember."* The figure is about the start of training. They can, at a price.
#
# *"Attention is a new kind of thing."* It is close to a **convolution**, the sliding weighted sum of
# image networks. There the weights depend on how far away something stands, and are the same for every
# picture. Here they depend on what stands there. Give the keys nothing but their places, and attention
# becomes a convolution.
#
# *"It is only another universal approximator."* True, and so is the network of chapter 01, and an RNN.
# What can be expressed did not decide the matter. What decided was what can be learned in the time
# that one has: a way of one step from each word to each other one, and no waiting along the text.

# %% [markdown]
# ## Questions for the meeting
#
# 1. Where has the bandwidth gone in softmax(q · k / √d)? Who sets it, and when?
# 2. With sixty points the best bandwidth was about 0.1. What would it be with six thousand? And
#    what has that to do with how long a text a GPT reads?
# 3. A colleague has forgotten the scale, with d = 512, and says that the model learned all the
#    same, only late. Is that possible? What would you have looked at on the first day?
# 4. Among 100,000 keys, 99,999 have the same score. By how much must the one that matters stand
#    out to get half of the weight? And if it stands out by twice as much?
# 5. A query finds nothing that fits. What does attention return, and what would you like it to
#    return?
# 6. Is the smoother of this chapter's first half a model with parameters? Is a GPT's attention
#    one?

# %% [markdown] tags=["solution-only"]
# ### Answers for whoever leads the meeting
#
# **1.** Into the lengths of the queries and keys, that is, into the matrices that make them. Double
# both matrices and every score is four times as large: the temperature has become a quarter, the
# bandwidth a half. Training sets it, for each head on its own, and in effect for each query, since
# a long query is a sharp one. √d only fixes where training begins.
#
# **2.** Narrower. With more points each neighbourhood holds enough of them to average the noise
# away, so one can afford to look less far. In one dimension the best bandwidth shrinks with the
# fifth root of the number: a hundred times as many points, two and a half times narrower, about
# 0.04. A GPT with a longer text also has more keys among which some fit well, and gains from
# sharper scores; at a fixed sharpness a longer text flattens the weights.
#
# **3.** Yes. The gradient is small, not zero; now and then two keys tie and something moves, and
# the matrices can shrink until the scores are of a healthy size. AdamW, which divides by the size
# of the gradient, helps. On the first day: the entropy of the weights, or the mean of the largest
# weight. Near 0 bits before any training, something is wrong.
#
# **4.** e^s against 99,999 times 1: s = ln 99,999 = 11.5. At 23 the others together have a
# hundred-thousandth. Half the weight for ten keys would take only ln 9 = 2.2. So scores must be
# able to grow with the logarithm of the length, and the healthy ±1 of the start is far from enough:
# sharpness has to be learned.
#
# **5.** The average of all values, or of whatever fits least badly: the weights must sum to 1. One
# would like "nothing". Trained models invent a place to put the weight, often the first token,
# whose value they keep small; it has been called an attention sink (Xiao and others 2023). One
# could also add a key of score 0 and value 0, which turns the sum below the fraction into 1 + Σ.
#
# **6.** The smoother has one number that somebody chose, and its data; statisticians call it
# non-parametric. Attention has the matrices, which are parameters, and its "data" are the vectors
# of the present text. In that sense a GPT fits a smoother anew to each text it reads, with a kernel
# that it learned from all the others.

# %% [markdown]
# ## Recap
#
# A smoother guesses a value as a weighted average of known values; a **kernel** turns the distance
# between **query** and **key** into a weight, and the **bandwidth** says how far it hears. Softmax
# does this for any scores. A matrix before the kernel lets it *learn* what is near. On keys of
# length 1 the Gaussian kernel is a softmax of dot products with the **temperature** h². A dot
# product of width d has the variance d, hence √d. Query, key and value are three views of the same
# vectors. No distance, no waiting, and no order: the first two are the strength of attention, and
# the third is what chapter 04 has to mend.
#
# Sources. The smoother: E. A. Nadaraya, *On Estimating Regression*, 1964; G. S. Watson, *Smooth
# Regression Analysis*, 1964. Softmax in floating point: P. Blanchard, D. J. Higham and N. J.
# Higham, *Accurately computing the log-sum-exp and softmax functions*, 2021. Learned kernels: K. Q.
# Weinberger and G. Tesauro, *Metric Learning for Kernel Regression*, 2007. Attention: D. Bahdanau,
# K. Cho and Y. Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate*,
# 2014; A. Graves, G. Wayne and I. Danihelka, *Neural Turing Machines*, 2014; A. Vaswani and others,
# *Attention Is All You Need*, 2017; as algorithms: M. Phuong and M. Hutter, *Formal Algorithms for
# Transformers*,
# 2022. As a kernel: Y.-H. H. Tsai and others, *Transformer Dissection: A Unified Understanding of
# Transformer's Attention via the Lens of Kernel*, 2019. What weights explain: S. Jain and B. C.
# Wallace, *Attention is not Explanation*, 2019; S. Wiegreffe and Y. Pinter, *Attention is not not
# Explanation*, 2019. Before: S. Hochreiter and J. Schmidhuber, *Long Short-Term Memory*, 1997; F.
# A. Gers, J. Schmidhuber and F. Cummins, *Learning to Forget*, 2000; R. Jozefowicz, W. Zaremba and
# I. Sutskever, *An Empirical Exploration of Recurrent Network Architectures*, 2015. Sinks: G. Xiao
# and others, *Efficient Streaming Language Models with Attention Sinks*, 2023.
#
# | English | 한국어 | in a sentence |
# |---|---|---|
# | kernel | 커널 (핵함수) | turns a distance, or any likeness, into a say |
# | kernel smoothing, Nadaraya–Watson estimator | 커널 평활, 나다라야–왓슨 추정량 | a weighted average, with weights from a kernel |
# | bandwidth | 대역폭 | how far a kernel hears |
# | query, key, value | 쿼리 (질의), 키, 값 (밸류) | where we ask, where we know something, what we know |
# | weight | 가중치 | a share in the average; all of them sum to 1 |
# | score | 점수 | what goes into the softmax |
# | softmax | 소프트맥스 | from scores to weights |
# | temperature | 온도 | what scores are divided by; the bandwidth squared |
# | dot product (inner product) | 내적 | the sum of the products of two vectors' numbers |
# | feature, projection | 특징 (특성), 사영 (투영) | a view of a vector, made by a matrix |
# | attention, scaled dot-product attention | 어텐션 (주의), 스케일드 닷 프로덕트 어텐션 | the smoother with learned views and softmax(q · k / √d) |
# | embedding | 임베딩 | a row of learned numbers for each word |
# | convolution | 합성곱 (컨볼루션) | a weighted sum over neighbours, with weights by their distance |
# | variance | 분산 | the mean squared difference from the mean |
# | recurrent neural network (RNN) | 순환 신경망 | reads step by step, with a state |
# | long short-term memory (LSTM), forget gate | 장단기 메모리, 망각 게이트 | a recurrent network that keeps by adding; what decides to keep |
# | sequential, parallel | 순차, 병렬 | one after another; all at once |
#
# Next: one query becomes a matrix of them, the future is hidden, and a model of two layers learns
# to look for the colour of the kite.
