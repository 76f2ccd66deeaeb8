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
# # 01 · Models that learn
#
# A program does what its author wrote. A program that *learns* does something its author did not
# write, and could not have: nobody knows how to write down the rules for the next word of a
# sentence. Yet there is no magic in it, and it fits in four words: **parameters, loss, gradient,
# step**. What do they mean, and why do they work?
#
# We start with the smallest model there is, the line $y = 2x + 1$, and find its two numbers from
# four points in three ways: as at school, as Legendre did in 1805, and as every GPT is trained.
# Then we exchange the line for a neuron, and the neuron for a network, and change nothing else.
#
# You will build: a line fitted by elimination, a loss and its gradient by hand, gradient descent,
# the machine that finds gradients for any program, a model that approves credit, and a network of
# two layers. You will also see three things go wrong that go wrong in every large model as well: a
# learning rate that is too large, a model that learns its examples by heart, a gradient that dies
# on its way. And you will find the fault of a training loop that somebody else has written. It takes
# a good two hours, some eighty minutes of them in the exercises.
#
# First run everything: **Run → Run All Cells**. Whatever you have not solved yet, the chapter
# does with the course's own version. Then begin again at the top. Answer each question before
# you scroll: the figure under it tells.

# %%
import itertools
import math

import torch
from jaxtyping import Float
from torch import Tensor
from utils.course import ask, check
from utils.llm import learning
from utils.viz import diagrams, plots, widgets

Number = float | Tensor

# %% [markdown]
# A word on the types. A **tensor** is PyTorch's array of numbers, and its **shape** says how many
# stand along each direction. Arithmetic works number by number. In the head of a function
# `Float[Tensor, "N D"]` only documents a shape: here N rows, one for each example, and D columns,
# one for each input. A **batch** is just that, several examples in one tensor. `a @ b` multiplies
# in pairs and sums up; with a table on the left it does so for each row. `t.T` swaps rows and
# columns.

# %%
pair, table = torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
print(pair + 10, pair @ pair)  # 1 · 1 + 2 · 2
print(table.shape, table.T.tolist(), table @ pair)  # 1 · 1 + 2 · 2 and 3 · 1 + 4 · 2

# %% [markdown]
# ## Two points, two unknowns
#
# A line has two numbers: its **slope**, how much $y$ grows when $x$ grows by one, and its
# **intercept**, what $y$ is at $x = 0$. Two unknowns need two equations, and each point on the
# line gives one. The points (1, 3) and (2, 5) say
#
#     3 = slope · 1 + intercept
#     5 = slope · 2 + intercept
#
# Take the first from the second, and the intercept is gone: 2 = slope · 1. Put the slope back
# into the first: 3 = 2 · 1 + intercept, so the intercept is 1. That is elimination.
#
# ### Exercise 1.1 · A line through two points
# ★☆☆ · 4 min · elimination, as at school
#
# Do the same for any two points, and return `(slope, intercept)`. One case has no answer: two
# points with the same x. No line of this form goes through both (or, where they are the same
# point, infinitely many do), so raise a `ValueError` there. By hand, for (3, 7) and (1, 3): the
# slope is (3 − 7) / (1 − 3) = 2, and the intercept is 7 − 2 · 3 = 1.
#
# <details><summary>A nudge</summary>The slope is a ratio: what y gained, divided by what x
# gained. Take both differences in the same order.</details>
# <details><summary>A plan</summary>Once you know the slope, either point tells you the intercept:
# <code>y1 = slope * x1 + intercept</code>, solved for the intercept.</details>
# <details><summary>Nearly all</summary>Unpack first: <code>(x1, y1), (x2, y2) = p, q</code>. If
# <code>x1 == x2</code>, <code>raise ValueError("the same x")</code>. Then <code>slope = (y2 - y1) /
# (x2 - x1)</code>, and <code>return slope, y1 - slope * x1</code>.</details>


# %%
def line_through(p: tuple[float, float], q: tuple[float, float]) -> tuple[float, float]:
    """Slope and intercept of the line through p and q, each (x, y); ValueError if none."""
    ### BEGIN SOLUTION
    (x1, y1), (x2, y2) = p, q
    if x1 == x2:
        raise ValueError(f"points {p} and {q} have the same x: no slope joins them")
    slope = (y2 - y1) / (x2 - x1)
    return slope, y1 - slope * x1
    ### END SOLUTION


line_through = check("1.1", line_through)

# %% [markdown]
# Now for the real world. Somebody has measured four points of $y = 2x + 1$, and not quite
# exactly, as one measures. Any two of them give a line. Four points have six pairs:

# %%
points = [(0.0, 1.3), (1.0, 2.7), (2.0, 5.4), (3.0, 6.8)]
x, y = torch.tensor(points, dtype=torch.float64).T  # (4,), (4,)
lines = {
    f"points {i + 1} and {j + 1}": line_through(points[i], points[j])
    for i, j in itertools.combinations(range(4), 2)
}
plots.fitted_lines(x, y, lines, "Six pairs of points, six different lines")

# %% [markdown]
# Elimination believes every number it is given. With four equations for two unknowns it has
# nothing to say: each pair contradicts the others. We have to give up wanting a line that is
# *right* and ask for one that is *least wrong*. For that we need a number that says how wrong.

# %% [markdown]
# ## A number for how wrong
#
# For each point, the **error** is what the line predicts minus what was measured. We square the
# errors, so that too high and too low can't cancel out, and average. The result is the **loss**:
# one number for a line, smaller is better.
#
# ### Exercise 1.2 · Mean squared error
# ★☆☆ · 2 min · Legendre 1805, with a mean for his sum
#
# Given predictions and what was wanted, return the mean of the squared errors. By hand, for
# predictions 1 and 3 where 2 and 1 were wanted: the errors are −1 and 2, their squares 1 and 4,
# the mean is 2.5.
#
# <details><summary>A nudge</summary>No loop is needed: subtracting two tensors subtracts them
# number by number, and so does squaring.</details>
# <details><summary>A plan</summary>The order matters: first the difference, then the square, and
# the mean at the very end.</details>
# <details><summary>Nearly all</summary><code>error = predicted - wanted</code>, and then
# <code>return (error ** 2).mean()</code>.</details>


# %%
def mean_squared_error(
    predicted: Float[Tensor, "N"], wanted: Float[Tensor, "N"]
) -> Number:
    """The mean of the squared differences."""
    ### BEGIN SOLUTION
    return ((predicted - wanted) ** 2).mean()
    ### END SOLUTION


mean_squared_error = check("1.2", mean_squared_error)

# %%
for name, (slope, intercept) in lines.items():
    loss = mean_squared_error(slope * x + intercept, y)
    print(f"{name}: y = {slope:.2f} x + {intercept:.2f}   loss {loss:.3f}")

# %% [markdown]
# Now the six lines can be compared: three of them are nine times as wrong as the best.
#
# **Predict, then run.** What does a square do to an error?

# %%
ask("1.a")

# %% [markdown]
# But why should the best line go through any two of the points? Look for it yourself. Pull the red
# point about in the bowl on the right, or move the sliders (with the arrow keys, if you
# like: Tab brings you to a slider). On the left each error is drawn as its square, and the loss is
# the average area of those squares. On the right *every point is a line*: its slope is how far
# right the point lies, its intercept how high. The stronger its blue, the smaller the loss. The thin
# lines are **contour lines**, as on a hiking map: along each of them the loss is the same.

# %%
widgets.line_by_hand(x, y)

# %% [markdown]
# The picture on the right is the most useful one in this chapter. The loss of all lines together
# is a **bowl**, and learning is finding its bottom. You have probably noticed that it is long and
# slanted: make the slope larger and the intercept smaller, and the loss hardly changes. You found
# your way because you saw the whole bowl. A program sees one point of it at a time. For two
# parameters it could try out all of them; GPT-2 has 124 million. It has to feel its way.

# %% [markdown]
# ## Which way is down
#
# You stand at one point of the bowl, in the dark. Nudge one parameter a little, and see how the
# loss changes: the change of the loss divided by the nudge is the **derivative**. For the
# function $s^2$ at $s = 3$, the smaller the nudge, the closer it comes to 6:

# %%
for nudge in (1.0, 0.1, 0.001):
    print(f"nudge {nudge}: {((3 + nudge) ** 2 - 3**2) / nudge:.3f}")

# %% [markdown]
# No surprise, once you multiply out: $(s + h)^2 - s^2 = 2sh + h^2$. Divide by the nudge $h$ and
# you have $2s + h$, and as the nudge shrinks, $2s$ is what is left. So much for squares.
#
# The loss is a little more than a square: the slope changes the prediction, the prediction
# changes the error, let us call it $e$, and the error is squared. For functions one after another
# there is the **chain rule**, and it is the rule of gear wheels: if the second wheel turns $x$
# times as fast as the first, and the third $2e$ times as fast as the second, then the third turns
# $2e \cdot x$ times as fast as the first. *Rates in a row multiply.*
#
# One example by hand: the point (4, 2), slope 1, intercept −1. The prediction is 4 − 1 = 3, the
# error $e$ is 3 − 2 = 1. A nudge of the slope moves the error $x = 4$ times as far; a nudge of
# the error moves its square $2e = 2$ times as far. Their product, 2 · 4 = 8, is the derivative by
# the slope (books say *with respect to* the slope). A nudge of the intercept moves the error just
# as far as itself, which makes 2 · 1 = 2 the derivative by the intercept. For many examples the
# loss is a mean, and so are its derivatives.

# %%
diagrams.rates(
    {"slope": 1, "intercept": -1, "prediction": 3, "error": 1, "its square": 1},
    {
        ("slope", "prediction"): 4,
        ("intercept", "prediction"): 1,
        ("prediction", "error"): 1,
        ("error", "its square"): 2,
    },
    "Rates in a row multiply: 4 · 1 · 2 = 8 for the slope, 1 · 1 · 2 = 2 for the intercept",
)

# %% [markdown]
# Both derivatives together, (8, 2), are called the **gradient**. It points where the loss *grows*
# fastest.
#
# ### Exercise 1.3 · The gradient by hand
# ★★☆ · 7 min · the chain rule, Leibniz 1676
#
# Return the derivative of the mean squared error by the slope, and by the intercept, in this
# order. For the points (1, 2) and (3, 9), slope 2, intercept 1: the errors are 1 and −2. By the
# slope: the mean of 2 · 1 · 1 and 2 · (−2) · 3, which is −5. By the intercept: the mean of 2 · 1
# and 2 · (−2), which is −1.
#
# <details><summary>A nudge</summary>Compute the errors of all examples first, as one tensor. Both
# derivatives are made of them.</details>
# <details><summary>A plan</summary>By the slope, one example gives <code>2 * error * x</code>. By
# the intercept the inner rate is 1, so it gives <code>2 * error</code>.</details>
# <details><summary>Nearly all</summary><code>error = slope * x + intercept - y</code>, and then
# <code>return 2 * (error * x).mean(), 2 * error.mean()</code>.</details>


# %%
def line_gradient(
    slope: Number, intercept: Number, x: Float[Tensor, "N"], y: Float[Tensor, "N"]
) -> tuple[Number, Number]:
    """Derivatives of the mean squared error by the slope and by the intercept."""
    ### BEGIN SOLUTION
    error = slope * x + intercept - y  # (N,)
    return 2 * (error * x).mean(), 2 * error.mean()
    ### END SOLUTION


line_gradient = check("1.3", line_gradient)

# %% [markdown]
# How do you know that a gradient is right? Nudge, and measure. It is slow, a run of the whole
# model for each parameter, and it has saved many a weekend: whoever derives a gradient by hand
# compares it once with these **finite differences**.

# %%
by_hand = line_gradient(1.0, 0.5, x, y)
measured = learning.finite_difference(
    lambda p: mean_squared_error(p[0] * x + p[1], y), torch.tensor([1.0, 0.5])
)
print("by hand: ", [round(float(g), 3) for g in by_hand])
print("measured:", [round(g, 3) for g in measured.tolist()])

# %% [markdown]
# ## The bottom of the bowl
#
# At the bottom nothing falls: both derivatives are zero. For our line this can be written down.
# The derivative by the slope is zero where the errors, each times its $x$, sum up to 0 (the
# factor 2/4 doesn't matter at zero). Write Σ for "the sum over all points". With the error
# written out, slope · x + intercept − y, the sum falls into three:
#
#     Σ (slope · x + intercept − y) · x  =  slope · Σx² + intercept · Σx − Σxy  =  0
#
# The derivative by the intercept is the same without the last $x$. That makes two equations, here
# with the sums of our four points below them:
#
#     by the slope:       slope · Σx² + intercept · Σx = Σxy
#                         slope · 14  + intercept · 6  = 33.9
#     by the intercept:   slope · Σx  + intercept · N  = Σy
#                         slope · 6   + intercept · 4  = 16.2
#
# These are the **normal equations**, and look what they are: two equations, two unknowns. Four
# contradictory equations have become two that agree, and elimination can take it from here. This
# is the method of **least squares**.

# %%
system = torch.tensor([[x @ x, x.sum()], [x.sum(), len(x)]])
answer = torch.linalg.solve(system, torch.tensor([x @ y, y.sum()]))
print("normal equations:  ", [round(v, 3) for v in answer.tolist()])
library = learning.least_squares(learning.powers(x, 1), y)
print("the course's own:  ", [round(v, 3) for v in library.flip(0).tolist()])
there = [abs(round(float(rate), 3)) for rate in line_gradient(*answer, x, y)]
print("the gradient there:", there)

# %% [markdown]
# The slope 1.92 and the intercept 1.17: not the 2 and the 1 of the truth, which nobody can read
# off four inexact points, but the least wrong that these four allow.
#
# Why don't we train a GPT like this? Because the equations can only be *solved* for models that
# are a weighted sum, like the line. Put one **bend** into the model, any step that is not a
# weighted sum, and as a rule there is no formula for the bottom any more. The gradient remains.

# %% [markdown]
# ## Downhill, step by step
#
# The gradient points uphill. So take a small step the other way, and look again:
#
#     new point = old point − learning rate · gradient
#
# The **learning rate** is a number that we choose: how far to go for so much slope.
# This is **gradient descent**, and it is how every network in this course is trained. From slope
# 0 and intercept 0 on our four points, the gradient is (−16.95, −8.1): both should grow. With a
# learning rate of 0.1 the first step leads to (1.695, 0.81), already close.
#
# ### Exercise 1.4 · Descent
# ★★☆ · 10 min · Cauchy 1847
#
# Take `n_steps` such steps and return the path as a tensor of shape `(n_steps + 1, 2)`: a row
# (slope, intercept) for each point, the start included. By hand, for the single point (1, 3),
# from (0, 0), with a learning rate of 0.25: the error is −3, the gradient (−6, −6), so the one
# step leads to (1.5, 1.5) and the path is `[[0, 0], [1.5, 1.5]]`.
#
# <details><summary>A nudge</summary>Both derivatives belong to the point where you stand. Compute
# both before you move either number.</details>
# <details><summary>A plan</summary>Begin with <code>path = [(slope, intercept)]</code>, and in the
# loop call your <code>line_gradient</code> anew at every step.</details>
# <details><summary>Nearly all</summary>Inside the loop <code>by_slope, by_intercept =
# line_gradient(slope, intercept, x, y)</code>, then <code>slope = float(slope - learning_rate *
# by_slope)</code>, the same for the intercept, and <code>path.append((slope, intercept))</code>; at
# the end <code>return torch.tensor(path)</code>. (Not <code>slope -= …</code>, which would change a
# tensor that already lies in the path.)</details>


# %%
def descend(
    slope: float,
    intercept: float,
    x: Float[Tensor, "N"],
    y: Float[Tensor, "N"],
    learning_rate: float,
    n_steps: int,
) -> Float[Tensor, "steps 2"]:
    """The path of gradient descent over (slope, intercept), its start included."""
    ### BEGIN SOLUTION
    path = [(slope, intercept)]
    for _ in range(n_steps):
        by_slope, by_intercept = line_gradient(slope, intercept, x, y)
        slope = float(slope - learning_rate * by_slope)
        intercept = float(intercept - learning_rate * by_intercept)
        path.append((slope, intercept))
    return torch.tensor(path)  # (n_steps + 1, 2)
    ### END SOLUTION


descend = check("1.4", descend)

# %% [markdown]
# **Predict, then run.** We let it go from slope 4 and intercept −2.

# %%
ask("1.b")

# %%
starts = {"from (4, −2)": [[4.0, -2.0]], "from (−1, 4)": [[-1.0, 4.0]]}
plots.loss_bowl(
    x,
    y,
    {name: torch.tensor(p) for name, p in starts.items()},
    "The steepest way down does not point at the bottom",
    arrow=True,
)

# %% [markdown]
# The arrows cross the contour lines at a right angle, and miss the bottom by a wide margin.
# Descent has no map. It is saved by looking again after every step, and by steps of a good size:

# %%
paths = {
    f"rate {rate}": descend(4.0, -2.0, x, y, rate, 30) for rate in (0.01, 0.1, 0.2)
}
plots.loss_bowl(
    x,
    y,
    paths,
    "Thirty steps: 0.01 hardly leaves, 0.1 walks, 0.2 bounces and gets furthest",
    window=((0.0, 6.0), (-2.6, 2.0)),
)

# %% [markdown]
# With 0.1 the first steps reach the floor of the valley, and then it is a long walk, because
# along the valley the ground is almost level. With 0.2 the first steps are wasted between the
# walls, and yet it gets further in the end, since on level ground only a large step gets on. One
# learning rate has to serve both directions. Much of what chapter 07 does (momentum, AdamW,
# warm-up) is a remedy for just this.
#
# ### Break it
# **Predict, then run.** How much faster can we go?

# %%
ask("1.c")


# %%
def losses(path: Tensor) -> list[float]:
    """The loss at every point of a path."""
    return [float(mean_squared_error(a * x + b, y)) for a, b in path]


def fate(history: list[float]) -> str:
    """What became of a run; the smallest loss there is, is 0.0845."""
    if history[-1] > history[0]:
        return "explodes"
    return "arrives" if history[-1] < 0.1 else "is still on its way"


runs = {
    rate: losses(descend(0.0, 0.0, x, y, rate, 30)) for rate in (0.01, 0.1, 0.2, 0.25)
}
plots.lines(
    {f"rate {rate}": history for rate, history in runs.items()},
    "step",
    "mean squared error",
    log_y=True,
    finding=", ".join(f"{rate} {fate(history)}" for rate, history in runs.items()),
)

# %%
print(f"the edge for these points: {learning.smallest_diverging_rate(x):.3f}")

# %% [markdown]
# If you ever see a loss grow from step to step until it is `nan`, think of this figure first. The
# edge is 2 divided by the largest **curvature** of the bowl, which is how fast its slope changes
# as one walks: the steepest wall decides for everybody. Two cells up, change 0.25 to 0.23 and 30
# to 100, and watch it arrive after all, later than 0.2.
#
# A loss that grows at *every* learning rate, however small, has another cause: a sign. You are
# walking uphill.

# %% [markdown]
# ## Autograd: the same, by machine
#
# We derived two derivatives by hand. For a GPT nobody does that, and nobody needs to: every
# program that computes a loss is made of small operations, and of each the rate is known. A **sum**
# answers to either of its terms at the rate 1. A **product** answers to one factor at the rate of
# the other, since three times as large a $b$ makes $a \cdot b$ answer three times as fast to $a$.
# Rates in a row multiply. So let each number remember what it was computed from and at which rates,
# and walk back from the last one. By hand, for $a = 2$ and $b = -3$:
#
#     c = a · b        is −6, and answers to a at the rate −3, to b at the rate 2
#     d = c + a        is −4, and answers to c at the rate 1, to a at the rate 1
#
#     d answers to itself at the rate 1, to c at 1,
#     to b, through c, at 1 · 2 = 2,
#     to a at 1, and once more through c at 1 · (−3): together −2
#
# Here *a* is used twice, and gets something back from both uses: **what comes back adds up.** And
# *c* may pass on its share only when all of its own uses have reported. Both together are
# **backpropagation**, the chain rule with good bookkeeping, and this is the whole machine. PyTorch
# has the same one, for tensors, and calls it *autograd*.
#
# ### Exercise 1.8 · Autograd, in miniature
# ★★★ · 20 min · Linnainmaa 1970
#
# A `Value` is a number, `data`, that remembers its `parents` and the `rates` at which it answers to
# them. The sum is written already. Write the product, and `backward`, which leaves in the `grad` of
# every value behind this one how fast this one answers to it. Every `grad` begins at 0. In the
# example above, `d.backward()` leaves −2 in `a.grad`, 2 in `b.grad` and 1 in `c.grad` and `d.grad`.
# Forty doublings in a row must not take longer than four: pass on once for each value, and not once
# for each path. (It is called once for a graph: a second call may add to what the first has left.)
#
# <details><summary>A nudge</summary>The product has the shape of the sum, with other rates. For
# <code>backward</code>, first put all values into a list in which each stands after its parents;
# then walk it in reverse, from <code>self</code>, whose <code>grad</code> is 1.</details>
# <details><summary>A plan</summary>A function <code>visit(value)</code> inside
# <code>backward</code>: if the value was not seen yet, note it as seen, visit its parents, and only
# then append it to the list. In the reversed list, each value adds to the <code>grad</code> of each
# parent the rate times its own <code>grad</code>.</details>
# <details><summary>Nearly all</summary>The product is <code>Value(self.data * other.data, (self,
# other), (other.data, self.data))</code>. With the list called <code>order</code>:
# <pre><code>self.grad = 1.0
# for value in reversed(order):
#     for parent, rate in zip(value.parents, value.rates):
#         parent.grad += rate * value.grad</code></pre></details>


# %%
class Value:
    """A number that remembers what it was computed from, and at which rates."""

    def __init__(self, data: float, parents: tuple = (), rates: tuple = ()) -> None:
        self.data, self.grad = data, 0.0
        self.parents, self.rates = parents, rates

    def __add__(self, other: "Value") -> "Value":
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: "Value") -> "Value":
        ### BEGIN SOLUTION
        return Value(self.data * other.data, (self, other), (other.data, self.data))
        ### END SOLUTION

    def backward(self) -> None:
        """Leave in the grad of every value behind this one how fast this one answers to it."""
        ### BEGIN SOLUTION
        order, seen = [], set()

        def visit(value: "Value") -> None:
            if value not in seen:
                seen.add(value)
                for parent in value.parents:
                    visit(parent)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            for parent, rate in zip(value.parents, value.rates, strict=True):
                parent.grad += rate * value.grad
        ### END SOLUTION


Value = check("1.8", Value)

# %% [markdown]
# The example once more, drawn from what your numbers remember. The rates stand on the edges, and
# below each number what has come back to it. Two ways lead from *a* to *d*:

# %%
a, b = Value(2.0), Value(-3.0)
c = a * b
d = c + a
d.backward()
diagrams.backward(
    {"a": a, "b": b, "c = a · b": c, "d = c + a": d},
    "What comes back adds up: to a come 1 at once and 1 · (−3) through c, together −2",
)

# %% [markdown]
# The loss of a line is made of nothing but sums and products, so your machine can derive it. (There
# is no minus: −y goes in as a number, and the mean as a factor of one fourth.)


# %%
def loss_of_line(slope: Value, intercept: Value) -> Value:
    """The mean squared error of a line on our four points, as a Value."""
    total = Value(0.0)
    for px, py in points:
        error = slope * Value(px) + intercept + Value(-py)
        total = total + error * error
    return total * Value(1 / len(points))


slope, intercept = Value(1.0), Value(0.5)
loss_of_line(slope, intercept).backward()
print("your autograd:", [round(slope.grad, 3), round(intercept.grad, 3)])
print("by hand:      ", [round(float(g), 3) for g in by_hand])

# %% [markdown]
# And where there is a gradient, there is descent. Three hundred steps from (0, 0), and nobody has
# derived anything:

# %%
a, b = 0.0, 0.0
for _ in range(300):
    slope, intercept = Value(a), Value(b)  # new ones: their grads begin at 0
    loss_of_line(slope, intercept).backward()
    a, b = a - 0.1 * slope.grad, b - 0.1 * intercept.grad
print(f"after 300 steps: {a:.2f}, {b:.2f}")

# %% [markdown]
# Now in PyTorch's words. `requires_grad=True` says of a tensor that it wants a gradient, and from
# then on every operation on it notes its inputs and its rates. `loss.backward()` walks back and
# **adds** to the `.grad` of each such tensor, just as your `+=` does, so that two calls in a row
# leave the sum of both gradients there. Inside `with torch.no_grad():` nothing is noted: a step of
# descent is no part of the loss. And `.data`, `.detach()`, `.item()` give the number without its
# memory, and through them nothing comes back.

# %%
line = torch.tensor([1.0, 0.5], requires_grad=True)
loss = ((line[0] * x + line[1] - y) ** 2).mean()
loss.backward()
print("autograd:", [round(g, 3) for g in line.grad.tolist()])
print("by hand: ", [round(float(g), 3) for g in line_gradient(1.0, 0.5, x, y)])

# %% [markdown]
# The same numbers, from a machine that knows tensors and some hundred operations more than yours.
# From here on it may do the deriving, so we write descent once more, for any loss and any number of
# parameters. `torch.autograd.grad` hands the gradients over instead of adding them to `.grad`. These
# few lines will train everything in the rest of the chapter.


# %%
def minimise(loss, parameters, learning_rate, n_steps):
    """Gradient descent on loss(), in place; returns the loss before each step."""
    history = []
    for _ in range(n_steps):
        value = loss()
        gradients = torch.autograd.grad(value, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= learning_rate * gradient
        history.append(value.item())
    return history


line = torch.tensor([0.0, 0.0], requires_grad=True)
minimise(lambda: ((line[0] * x + line[1] - y) ** 2).mean(), [line], 0.1, 300)
print("after 300 steps:", [round(v, 2) for v in line.tolist()])

# %% [markdown]
# Slope 1.92 and intercept 1.17, once again. Elimination on the normal equations found them at
# once, but only works for weighted sums; descent takes 300 steps, and doesn't care what it
# descends.

# %% [markdown]
# ## Yes or no
#
# A bank wants a model that says yes or no to a credit, from the salary and the debt of the
# applicant. It has sixty old decisions to learn from. (We made them up: salary counts for you,
# debt against you, and what the clerk had for breakfast did the rest.)

# %%
dice = torch.Generator().manual_seed(0)
salary = 20 + 80 * torch.rand(60, generator=dice)  # thousands a year
debt = 60 * torch.rand(60, generator=dice)  # thousands
mood = 40 * torch.rand(60, generator=dice) - 20
approved = (salary - 1.2 * debt - 20 + mood > 0).float()
applicants = torch.stack([salary, debt], dim=1)  # (60, 2)
print(f"{int(approved.sum())} of {len(approved)} were approved")

# %% [markdown]
# We keep what we have, a weighted sum, and call it the **score**: weight₁ · salary + weight₂ ·
# debt + bias. (The **bias** is the intercept under another name.) The score can be any number. To
# make a chance of it, between 0 and 1, we put it through the **logistic function**, also called
# *sigmoid*:
#
# $$\text{chance} = \frac{1}{1 + e^{-\text{score}}}$$
#
# Here $e$ is no error but the number 2.718…, whose logarithm ln is 1. A score of 0 is a chance of
# one half, 2 is 0.88, −2 is 0.12; far out it flattens towards 1 on one side and 0 on the other.
#
# And the loss? Ask the data: *how likely are these sixty decisions, if the model is right?* An
# applicant who was approved had the chance $p$ to be, one who was refused $1 - p$. The chances of
# all sixty multiply, and we want the product, the **likelihood**, as large as possible. Products
# of sixty small numbers are a nuisance, so take the logarithm, which turns products into sums;
# put a minus before it, so that smaller is better; take the mean. With the decision as a
# **label**, 1 for approved and 0 for refused, one example then costs
#
#     −ln(p)       where the label is 1
#     −ln(1 − p)   where the label is 0
#
# This is the **log loss**, or cross-entropy. It is 0 for a certainty that proves right, 0.693 =
# ln 2 for a coin toss, and grows without bound for a certainty that proves wrong. A GPT learns
# its language with this loss. (Chapter 02 counts it in bits, with log₂ in the place of ln: 0.693 is
# one bit.)
#
# ### Exercise 1.5 · The logistic function and its loss
# ★★★ · 12 min · Cox 1958
#
# For scores and labels return two tensors: the chance of a yes, and the loss of each example. By
# hand, for the score 2: the chance is 1 / (1 + e⁻²) = 0.881. With the label 1 the loss is −ln
# 0.881 = 0.127, with the label 0 it is −ln 0.119 = 2.127.
#
# It must survive scores of ±1000, and so must its gradient, which autograd will compute through
# your function: stay with tensors all the way. A chance of e⁻¹⁰⁰⁰ is rounded to 0, and its
# logarithm is infinite, but the loss is simply 1000. Networks do produce such scores, and one
# infinity ends a training run. So put the formula of the chance into −ln p and simplify, before you
# compute anything: −ln(1 / (1 + e^−z)) = ln(1 + e^−z).
#
# <details><summary>A nudge</summary>For the chance, <code>torch.sigmoid</code> is sound. For the
# label 0 the loss is the same as for 1, with the sign of the score turned.</details>
# <details><summary>A plan</summary>Both cases are ln(1 + e^a) with <code>a = (1 - 2 * label) *
# score</code>. Where a is large, this is simply a, but <code>torch.exp(a)</code> is infinite. A
# <code>torch.where</code> between the two gives the right loss and a gradient that is NaN: autograd
# goes through both branches.</details>
# <details><summary>Nearly all</summary>ln(1 + e^a) is ln(e^0 + e^a), and for the logarithm of a
# sum of exponentials there is a function that does not overflow: <code>return torch.sigmoid(score),
# torch.logaddexp(a, torch.zeros_like(a))</code>.</details>


# %%
def logistic_and_loss(
    score: Float[Tensor, "N"], label: Float[Tensor, "N"]
) -> tuple[Float[Tensor, "N"], Float[Tensor, "N"]]:
    """The chance of a yes, and −ln of the chance given to the label, which is 0 or 1."""
    ### BEGIN SOLUTION
    against = (1 - 2 * label) * score  # positive where the score is on the wrong side
    return torch.sigmoid(score), torch.logaddexp(against, torch.zeros_like(against))
    ### END SOLUTION


logistic_and_loss = check("1.5", logistic_and_loss)

# %% [markdown]
# Two losses could now judge a chance: this one, and the squared error, which has served us well.
# **Predict, then run.**

# %%
ask("1.d")

# %%
scores = torch.linspace(-10, 10, 101, requires_grad=True)
losses_of = {
    "log loss": logistic_and_loss(scores, torch.ones(101))[1],
    "squared error": (logistic_and_loss(scores, torch.ones(101))[0] - 1).square(),
}
pushes = {
    name: torch.autograd.grad(each.sum(), scores)[0] for name, each in losses_of.items()
}
plots.lines(
    {name: (scores, -push) for name, push in pushes.items()},
    "score of an example with label 1",
    "push upwards (−derivative)",
    finding="Where the model is most wrong, only the log loss still pushes",
)

# %% [markdown]
# Left of −5 the model is sure, and wrong. The squared error has a slope there, but the logistic
# in between is flat, and rates in a row multiply: almost nothing comes through. The log loss has
# been made for the logistic. Its logarithm undoes the exponential, and what comes through is the
# plainest gradient there could be: **chance − label**.
#
# It takes two rates to derive it: that of $\ln u$ is $1/u$, and $e^u$ is its own rate. With the
# label 1 and the score $s$ the loss is $\ln(1 + e^{-s})$. Three wheels turn in it: $-s$ with the
# rate $-1$, the exponential with $e^{-s}$, the logarithm with $1/(1 + e^{-s})$. Their product is
# $-e^{-s}/(1 + e^{-s})$, which is −(1 − chance), or chance − 1. With the label 0 the loss is
# $\ln(1 + e^s)$, and its rate, $e^s/(1 + e^s)$, is the chance itself, or chance − 0.
#
# ### Exercise 1.6 · What flows back through a neuron
# ★★☆ · 10 min · Rumelhart, Hinton and Williams 1986
#
# A weighted sum followed by a bend is a **neuron**; ours bends with the logistic function. Carry
# chance − label one wheel further, from the score to the weights: this is backpropagation, in its
# smallest case. The score of an example is $w \cdot x + b$, and of a whole batch, in which each
# row of `x` is an example, `x @ weights + bias`. Return three things: the error of each example,
# chance − label, of shape (N,); the derivative of the *mean* log loss by each weight, (D,); and its
# derivative by the bias.
#
# By hand, one example with the single input 0.5, weight 2, bias −1, label 1: the score is 0, the
# chance 0.5, the error −0.5. A nudge of the weight moves the score 0.5 times as far, so its
# derivative is −0.25; a nudge of the bias moves the score as far as itself: −0.5.
#
# <details><summary>A nudge</summary>It is exercise 1.3 again: there the error was prediction − y,
# here it is chance − label, and the 2 is gone.</details>
# <details><summary>A plan</summary>For weight number i, average <code>error * x[:, i]</code> over
# the examples. For the bias, average <code>error</code>.</details>
# <details><summary>Nearly all</summary><code>error = torch.sigmoid(x @ weights + bias) -
# label</code>. All weights at once are the product of <code>x.T</code>, of shape (D, N), with
# <code>error</code>, of shape (N,): <code>return error, x.T @ error / len(x),
# error.mean()</code>.</details>


# %%
def neuron_gradient(
    weights: Float[Tensor, "D"],
    bias: Number,
    x: Float[Tensor, "N D"],
    label: Float[Tensor, "N"],
) -> tuple[Float[Tensor, "N"], Float[Tensor, "D"], Number]:
    """Error of each example, derivatives of the mean log loss by weights and bias."""
    ### BEGIN SOLUTION
    error = torch.sigmoid(x @ weights + bias) - label  # (N,)
    return error, x.T @ error / len(x), error.mean()
    ### END SOLUTION


neuron_gradient = check("1.6", neuron_gradient)

# %% [markdown]
# Now train. One thing first: salary and debt have other sizes and another middle, which makes the
# bowl long and narrow. We measure both from their means, in **standard deviations**, the typical
# distance from the mean, and where descent will start, at weights of zero, the bowl is nearly
# round. To see it, compare its curvature in the direction where it is largest with the one where it
# is smallest (both are read off the second derivatives):


# %%
def longest_to_shortest(inputs: Tensor) -> float:
    """Largest curvature of the loss at weights and bias of zero, over the smallest."""

    def loss(p: Tensor) -> Tensor:
        score = inputs.double() @ p[:2] + p[2]
        return learning.logistic_and_loss(score, approved.double())[1].mean()

    start = torch.zeros(3, dtype=torch.float64)
    curvatures = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, start))
    return (curvatures[-1] / curvatures[0]).item()


middle, spread = applicants.mean(dim=0), applicants.std(dim=0)
inputs = (applicants - middle) / spread  # (60, 2)
print(f"as they come: {round(longest_to_shortest(applicants), -3):,.0f} to 1")
print(f"standardised: {longest_to_shortest(inputs):.2f} to 1")

# %% [markdown]
# A learning rate that suits the steep direction of the first bowl would need tens of thousands of
# times as many steps along the level one. (Chapter 05 does something similar inside the network,
# and calls it LayerNorm.)

# %%
weights, bias = torch.zeros(2), torch.tensor(0.0)
for step in range(61):
    if step % 20 == 0:
        loss = logistic_and_loss(inputs @ weights + bias, approved)[1].mean()
        print(f"step {step:2}: loss {loss:.3f}")
    _, by_weights, by_bias = neuron_gradient(weights, bias, inputs, approved)
    weights -= by_weights  # learning rate 1
    bias -= by_bias


# %%
def chance_of_credit(people: Tensor) -> Tensor:
    """What the neuron makes of (salary, debt), (N, 2) -> (N,)."""
    return torch.sigmoid((people - middle) / spread @ weights + bias)


plots.decision(
    applicants,
    approved,
    chance_of_credit,
    "One neuron divides the plane with one straight line",
    axes=("salary, thousands a year", "debt, thousands"),
    classes=("refused", "approved"),
)

# %% [markdown]
# The loss begins at 0.693, the coin toss: with weights of zero every score is zero. After 60
# steps it still falls. Where does it end? We train on, with copies, so that the picture stays
# true:

# %%
w, b = weights.clone(), bias.clone()
for step in range(1, 4001):
    _, by_weights, by_bias = neuron_gradient(w, b, inputs, approved)
    w, b = w - by_weights, b - by_bias
    if step % 2000 == 0:
        _, end = logistic_and_loss(inputs @ w + b, approved)
        print(f"after {step:,} more steps: loss {end.mean():.3f}")

# %% [markdown]
# It stops at 0.108, and should not reach 0. The clerks' moods are in no input, so some decisions
# cannot be told from salary and debt, and near the line an honest model says "one half". For new
# applicants there is a floor below which no model at all can go. Such floors will stay with us;
# for the stories of chapter 02 we can even compute one.

# %% [markdown]
# ### A few examples at a time
#
# Each of these steps has looked at all sixty applicants. A GPT learns from thousands of millions of
# words, and nobody reads all of them before every step. Take a few examples at random, step against
# *their* gradient, and take a few others. Such a **mini-batch** gives a gradient that is right on
# average, and a little wrong each time. This is **stochastic gradient descent**, SGD for short, and
# reading all examples once is an **epoch**. Let us pay by what is read, twenty epochs for each:


# %%
def descend_in_batches(size: int, epochs: int = 20) -> list[float]:
    """The loss on all sixty, before the first epoch and after each."""
    dice = torch.Generator().manual_seed(0)
    w, b = torch.zeros(2), torch.tensor(0.0)
    history = []
    for _ in range(epochs + 1):
        history.append(logistic_and_loss(inputs @ w + b, approved)[1].mean().item())
        for chosen in torch.randperm(60, generator=dice).split(size):
            some = inputs[chosen], approved[chosen]
            _, by_weights, by_bias = neuron_gradient(w, b, *some)
            w, b = w - by_weights, b - by_bias  # learning rate 1
    return history


plots.lines(
    {f"{size} at a time": descend_in_batches(size) for size in (60, 6, 1)},
    "times all sixty were read",
    "log loss on all sixty",
    "Small batches learn most from one reading, and single examples shake most",
    y_from=0,
    digits=2,
)

# %% [markdown]
# One look at everybody is one step; in tens of steps on six at a time, the same reading gets much
# further. Single examples get there as fast and do not come to rest, for each pulls its own way. A
# GPT is trained on mini-batches, of a few texts for a small one and of millions of words for the
# largest, and chapter 07 asks how large they should be.
#
# %% [markdown]
# ## Why one line is not enough
#
# Four points, the smallest problem that a neuron can't solve: say yes if *exactly one* of two
# inputs is 1. A neuron would need
#
#     bias < 0                 (0, 0) is a no          w₁ + bias > 0    (1, 0) is a yes
#     w₁ + w₂ + bias < 0       (1, 1) is a no          w₂ + bias > 0    (0, 1) is a yes
#
# Add up the two on the right: w₁ + w₂ + 2 · bias > 0. Add up the two on the left: the same sum is
# below 0. No weights can do it, and no training: the model *has no such function in it*.
#
# Two neurons, whose outputs a third one sums up, can. Neurons that stand between input and output
# are called **hidden units**, and those side by side are a **layer**. Between the layers there
# must be a bend, or the sum of sums is just another sum; the simplest bend is **ReLU**, which
# keeps positive numbers and makes the others 0. The first hidden unit counts the ones, the second
# sees only whether there are two:
#
#     hidden₁ = relu(x₁ + x₂)          hidden₂ = relu(x₁ + x₂ − 1)
#     output  = hidden₁ − 2 · hidden₂

# %%
w1, b1 = torch.tensor([[1.0, 1.0], [1.0, 1.0]]), torch.tensor([0.0, -1.0])
w2, b2 = torch.tensor([[1.0], [-2.0]]), torch.tensor([0.0])
diagrams.network(
    w1,
    b1,
    w2,
    b2,
    "Two neurons with a bend and one that adds them up: exactly one of two",
)

# %% [markdown]
# Books call such a stack of layers a **multilayer perceptron**, MLP for short, and the bend its
# **activation function**. Each edge is a weight, and all of them together are two matrices.
#
# ### Exercise 1.7 · A network of two layers
# ★★☆ · 4 min · Rumelhart, Hinton and Williams 1986
#
# Compute such a network for a whole batch. `w1` has a row for each input and a column for each
# hidden unit, and `w2` a row for each hidden unit and a column for each output. Return all three
# stages: `before` the ReLU, `hidden` after it, and `output`, to which no bend is applied: it is a
# score. Stay with tensors all the way: autograd will go through your function.
#
# For the input (1, 1) and the network above: before = (2, 1), hidden = (2, 1), output = 2 − 2 · 1
# = 0. For (0, 0) it is 0 as well, from before = (0, −1) and hidden = (0, 0).
#
# <details><summary>A nudge</summary>A layer is <code>@</code> and a bias. The shapes tell you
# what goes where: (N, D) @ (D, H) is (N, H).</details>
# <details><summary>A plan</summary>First <code>x</code>, <code>w1</code> and <code>b1</code> make
# <code>before</code>; <code>torch.relu</code> makes a new tensor of it; then the second layer reads
# the hidden values.</details>
# <details><summary>Nearly all</summary><code>before = x @ w1 + b1</code>, <code>hidden =
# torch.relu(before)</code>, and <code>return before, hidden, hidden @ w2 + b2</code>.</details>


# %%
def two_layer(
    x: Float[Tensor, "N D"],
    w1: Float[Tensor, "D H"],
    b1: Float[Tensor, "H"],
    w2: Float[Tensor, "H K"],
    b2: Float[Tensor, "K"],
) -> tuple[Float[Tensor, "N H"], Float[Tensor, "N H"], Float[Tensor, "N K"]]:
    """The stages of the network: before the ReLU, hidden, output."""
    ### BEGIN SOLUTION
    before = x @ w1 + b1  # (N, H)
    hidden = torch.relu(before)
    output = hidden @ w2 + b2  # (N, K)
    return before, hidden, output
    ### END SOLUTION


two_layer = check("1.7", two_layer)

# %%
corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
_, _, output = two_layer(corners, w1, b1, w2, b2)
print(output[:, 0].tolist())

# %% [markdown]
# 0, 1, 1, 0: solved by hand. The point of learning is that nobody has to. Here is a harder
# problem, a disc inside a ring, for the same network with eight hidden units, its weights drawn
# at random and then trained by the same few lines of descent as the line.

# %%
dice = torch.Generator().manual_seed(0)
spots = 3 * torch.rand(150, 2, generator=dice) - 1.5  # (150, 2)
distance = spots.norm(dim=1)
spots = spots[(distance - 0.95).abs() > 0.1]  # a gap between disc and ring
inside = (spots.norm(dim=1) < 0.95).float()


# %%
def train_network(n_hidden: int, seed: int, n_steps: int = 1000):
    """Two layers, from random weights; returns its chance function and its losses."""
    dice = torch.Generator().manual_seed(seed)
    shapes = [(2, n_hidden), (n_hidden,), (n_hidden, 1), (1,)]
    network = [2 * torch.rand(shape, generator=dice) - 1 for shape in shapes]
    for parameter in network:
        parameter.requires_grad_()

    def score(at: Tensor) -> Tensor:
        return two_layer(at, *network)[2][:, 0]

    history = minimise(
        lambda: logistic_and_loss(score(spots), inside)[1].mean(), network, 0.5, n_steps
    )
    return lambda at: torch.sigmoid(score(at)), history


eight, history = train_network(n_hidden=8, seed=0)
print(f"loss {history[0]:.2f} before, {history[-1]:.2f} after 1,000 steps")

# %%
plots.decision(
    spots,
    inside,
    eight,
    "Eight hidden units enclose the disc with a line of straight pieces",
    classes=("ring", "disc"),
)

# %% [markdown]
# Each hidden unit contributes one straight fold, and the output pieces them together. With enough
# of them such a network comes as close as you like to any continuous function on a bounded region
# (Cybenko 1989 and Hornik 1991 for bends like the logistic function, Leshno and others 1993 for
# ReLU as well). That says that good weights *exist*. Whether descent finds them is another
# question. Three hidden units are enough for this disc; we train them three times, from different
# random weights:

# %%
for seed, n_steps in {0: 1000, 1: 1000, 2: 3000}.items():
    _, history = train_network(n_hidden=3, seed=seed, n_steps=n_steps)
    for n in range(1000, n_steps + 1, 2000):
        print(f"seed {seed}: loss {history[n - 1]:.3f} after {n:,} steps")

# %% [markdown]
# Same network, same data, same rule. Two arrive, and one is as good as stuck: three times as many
# steps bring its loss only from 0.414 to 0.407. The bowl of the line has one bottom; the
# landscape of a network has many hollows, and descent finds *a* low place, not the lowest. In
# large networks truly bad hollows turn out to be rare, which is an observation of thirty years
# and not a theorem.
#
# PyTorch has the layers ready-made. `nn.Linear` keeps its weights the other way round, (outputs,
# inputs), otherwise it is what you have written:

# %%
from torch import nn

model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
first, _, second = model
ours = two_layer(spots, first.weight.T, first.bias, second.weight.T, second.bias)
package = learning.two_layer(
    spots, first.weight.T, first.bias, second.weight.T, second.bias
)
for name, theirs in {"nn.Sequential": model(spots), "utils.llm": package[2]}.items():
    print(f"{name} differs by at most {(theirs - ours[2]).abs().max():.4f}")

# %% [markdown]
# ### Find the bug
#
# A colleague has written the loop for such a network himself, with `backward` and `.grad`. It runs
# without a complaint, and the loss falls, for a while.


# %%
def train_badly(start, at, label, learning_rate, n_steps):
    """The losses of n_steps steps of descent, and the network that came of them."""
    w1, b1, w2, b2 = network = [p.clone().requires_grad_() for p in start]
    history = []
    for _ in range(n_steps):
        hidden = torch.relu(at @ w1 + b1).data
        score = (hidden @ w2 + b2)[:, 0]
        loss = logistic_and_loss(score, label)[1].mean()
        loss.backward()
        with torch.no_grad():
            for parameter in network:
                if parameter.grad is not None:
                    parameter -= learning_rate * parameter.grad
        history.append(loss.item())
    return history, [p.detach() for p in network]


# %%
dice = torch.Generator().manual_seed(0)
shapes = [(2, 8), (8,), (8, 1), (1,)]
start = [2 * torch.rand(shape, generator=dice) - 1 for shape in shapes]
bad, _ = train_badly(start, spots, inside, 0.5, 600)
slower, _ = train_badly(start, spots, inside, 0.05, 600)
plots.lines(
    {"his loop": bad, "his loop, a tenth of the rate": slower},
    "step",
    "log loss",
    "The loss falls, turns, and rises again, at either rate",
    y_from=0,
    digits=1,
)

# %% [markdown]
# With your `minimise` eight hidden units came down to 0.01 at the same rate. The learning rate is
# not to blame: with a tenth of it the loss only turns later.
#
# ### Exercise 1.9 · Find the bug
# ★★☆ · 8 min · from the life of everybody who trains
#
# There are two faults in the loop. One makes the loss turn, the other does its harm in silence. Write
# the loop anew without them, with the same arguments and results: the loss *before* each step, and
# the four parameters at the end. `start` itself stays as it is. Any cure will do.
#
# <details><summary>A nudge</summary>Run the loop for one step, and for two, and print after each how
# far each of the four parameters has moved. Which of them never moves? And what is in
# <code>.grad</code> when the second step begins?</details>
# <details><summary>A plan</summary>A gradient that is None is a symptom: the line that asks for it
# hides that something has been cut off on the way to the first layer. And <code>backward</code>
# adds to <code>.grad</code>: the second step walks along two gradients, the tenth along
# ten.</details>
# <details><summary>Nearly all</summary>Leave out <code>.data</code>, and the <code>if</code> with
# it; and after each <code>parameter -= learning_rate * parameter.grad</code> write
# <code>parameter.grad = None</code>.</details>


# %%
def train_soundly(start, at, label, learning_rate, n_steps):
    """The losses of n_steps steps of descent, and the network that came of them."""
    ### BEGIN SOLUTION
    w1, b1, w2, b2 = network = [p.clone().requires_grad_() for p in start]
    history = []
    for _ in range(n_steps):
        hidden = torch.relu(at @ w1 + b1)
        score = (hidden @ w2 + b2)[:, 0]
        loss = logistic_and_loss(score, label)[1].mean()
        loss.backward()
        with torch.no_grad():
            for parameter in network:
                parameter -= learning_rate * parameter.grad
                parameter.grad = None
        history.append(loss.item())
    return history, [p.detach() for p in network]
    ### END SOLUTION


train_soundly = check("1.9", train_soundly)

# %%
good, _ = train_soundly(start, spots, inside, 0.5, 600)
plots.lines(
    {"his loop": bad, "yours": good},
    "step",
    "log loss",
    "Without the two faults the same network learns the disc",
    y_from=0,
    digits=1,
)

# %% [markdown]
# Gradients that add up are not always a misfortune: a step along the sum of the past gradients is a
# ball that rolls, and with some friction it is the *momentum* of chapter 07. Without friction it
# rolls up the other wall. The silent fault is the worse one. Half of the network was never trained,
# and the loss fell all the same, since the other half made the best of it. Print now and then how
# far each parameter has moved.

# %% [markdown]
# ## Learning by heart
#
# Is a bigger model better? Let us take a family in which size is one number: polynomials. Degree
# 1 is our line; degree 9 has ten weights. A polynomial is a weighted sum of 1, $x$, $x^2$, …, so
# least squares still finds the bottom at once, and descent can't be blamed for anything. Twelve
# points to learn from, forty more, of the same kind, to be tested on:


# %%
def truth(at: Tensor) -> Tensor:
    return torch.sin(2.5 * at)


def sample(n: int, dice: torch.Generator) -> tuple[Tensor, Tensor]:
    """n points of the truth, measured with an error of up to 0.3."""
    at = 2 * torch.rand(n, generator=dice, dtype=torch.float64) - 1
    return at, truth(at) + 0.6 * torch.rand(
        n, generator=dice, dtype=torch.float64
    ) - 0.3


dice = torch.Generator().manual_seed(4)
train_x, train_y = sample(12, dice)
test_x, test_y = sample(40, dice)

# %% [markdown]
# **Predict, then run.**

# %%
ask("1.e")

# %%
degrees = range(11)
fits = [learning.least_squares(learning.powers(train_x, d), train_y) for d in degrees]
plots.polynomials(
    train_x,
    train_y,
    [fits[1], fits[3], fits[9]],
    truth,
    "Degree 1 is too stiff, 3 is about right, 9 follows the noise",
)

# %%
errors = {
    name: [
        float(mean_squared_error(learning.powers(at, d) @ fits[d], y_at))
        for d in degrees
    ]
    for name, at, y_at in [
        ("the twelve it learned from", train_x, train_y),
        ("forty others (validation)", test_x, test_y),
    ]
}
plots.lines(
    errors,
    "degree of the polynomial",
    "mean squared error",
    log_y=True,
    markers=True,
    finding="More parameters always fit the known points better; on others degree 3 is best",
)

# %% [markdown]
# This is **overfitting**. From degree 3 on one curve falls and the other rises: what the model
# now learns is the noise of these twelve points, and noise does not come back. So nobody judges a
# model by the data it was trained on. One keeps some aside, the **validation** data, and every
# loss curve in this course that deserves belief was computed on text that the model has not seen.
#
# Two remedies: a smaller model, or more data. GPTs use the second: far more text than they have
# weights.

# %% [markdown]
# ## Is deeper better?
#
# If two layers are good, are twelve better? (GPT-2 small has twelve blocks.) By the chain rule
# the gradient for the first layer comes through all the others, and rates in a row multiply.
#
# **Predict, then run.**

# %%
ask("1.f")


# %% [markdown]
# Let us measure it. A chain of twelve layers, thirty-two units wide; one passes through `step`,
# given what comes in and the layer's weights. Autograd gives the gradient of the end with respect
# to what stood at *every* layer, and we note its length, the root of the sum of its squares.


# %%
def gradient_by_layer(step, gain: float = 1.0, n_layers: int = 12, width: int = 32):
    """Length of the gradient at the input of each layer, and at the end."""
    dice = torch.Generator().manual_seed(0)
    stations = [torch.rand(width, generator=dice, requires_grad=True)]
    for _ in range(n_layers):
        weights = 2 * torch.rand(width, width, generator=dice) - 1
        weights = weights * gain * math.sqrt(3 / width)  # keeps the size of what passes
        stations.append(step(weights, stations[-1]))
    gradients = torch.autograd.grad(stations[-1].sum(), stations)
    return [gradient.norm().item() for gradient in gradients]


# %%
chains = {
    "logistic": gradient_by_layer(lambda w, h: torch.sigmoid(w @ h)),
    "ReLU": gradient_by_layer(lambda w, h: torch.relu(w @ h), gain=math.sqrt(2)),
    "logistic, added to its input": gradient_by_layer(
        lambda w, h: h + torch.sigmoid(w @ h)
    ),
}
plots.lines(
    chains,
    "layer (the loss is at the right)",
    "length of the gradient",
    log_y=True,
    finding="Through twelve logistic layers the gradient vanishes; "
    "with the input added it survives",
)

# %%
lost = chains["logistic"][-1] / chains["logistic"][0]
print(f"logistic: at the first layer one {round(lost / 1e6)}-millionth of the end's")
ratio = chains["logistic, added to its input"]
print(f"with the input added: {ratio[0] / ratio[-1]:.1f} times the end's")

# %% [markdown]
# The first logistic layer receives next to nothing; whatever it should learn, it will never hear
# of it. This is why deep networks were long thought to be untrainable. ReLU, whose rate is 1 for
# whatever is positive, with weights of just the right size, keeps the gradient alive. The third
# curve is the most remarkable: the *same* logistic with the *same* weights, and one thing
# changed. The layer's output is **added** to its input instead of replacing it. The rate of that
# path is 1 plus something small, and a product of ones does not vanish.
#
# Keep this figure in mind. Added to its input: that is the residual connection, and a GPT is a
# stack of them (chapter 05). And a recurrent network that reads a sentence is such a chain with a
# link for each word; how attention replaces the chain by a direct way is the story of chapter 03.

# %% [markdown]
# ## What a GPT has in common with a line
#
# | | the line | a GPT (GPT-2 small) |
# |---|---|---|
# | parameters | 2 | 124,439,808 |
# | function | slope · x + intercept | 12 blocks, each with attention and a two-layer network |
# | what it predicts | a number | a chance for each of 50,257 tokens |
# | loss | mean squared error | log loss of the token that came, as in exercise 1.5 |
# | gradient | by hand, then autograd | autograd |
# | step | − learning rate · gradient | the same, with a learning rate for each parameter (AdamW) |
# | a step looks at | all four points | a mini-batch of its text |
# | judged on | its own four points (the polynomials: on forty others) | text it has not seen |
#
# Only the function is bigger. Weeks 2 and 3 build that function; nearly everything around it, you
# have built today.

# %% [markdown]
# ## What people get wrong
#
# *"Gradient descent finds the global minimum."* Of a bowl, yes. You have seen three hidden units
# as good as stuck with one seed in three.
#
# *"The gradient points to the minimum."* It points to where the loss grows fastest, its opposite
# to where it falls fastest *just here*. On our bowl the arrows missed it widely.
#
# *"A loss of 0 is the goal."* On noisy data it is an alarm. The polynomial that comes closest to
# 0 on the twelve points was the worst on the others.
#
# *"More parameters always fit better."* Always on the data they are fitted to, which is why that
# data may not judge. (And the validation curve needn't keep rising either: far beyond the point
# where a model can learn everything by heart it often falls again, which is called double
# descent.)
#
# *"Sum or mean, that is a matter of taste."* The minimum is the same, the gradient is N times as
# large, and so a learning rate that was right for the mean explodes for the sum. Who doubles the
# batch and keeps the sum has doubled the learning rate.
#
# *"A loss of 0.7 is bad."* Compared with what? For a yes or no, 0.693 is a coin toss; for the
# next of 50,257 tokens it would be a sensation.
#
# *"If the shapes don't fit, PyTorch will tell me."* Not always. A prediction of shape (4, 1)
# against a target of shape (4,) is quietly *broadcast* to all sixteen pairs, and the loss is a
# wrong number without an error:

# %%
column = (1.92 * x + 1.17)[:, None]  # (4, 1), as networks return it
print(f"loss of the best line: {((column[:, 0] - y) ** 2).mean():.2f}")
print(
    f"with shapes that don't fit: {((column - y) ** 2).mean():.2f}, "
    f"from {(column - y).numel()} errors"
)

# %% [markdown]
# The package's `learning.mean_squared_error` refuses such a pair. If a loss does not fall and
# everything looks right, print the shapes.

# %% [markdown]
# ## Questions for the meeting
#
# 1. Somebody types 68 instead of 6.8 for the fourth point. What happens to the line of least
#    squares, and what would happen if we averaged the sizes of the errors instead of their
#    squares? When do you want which?
# 2. A colleague's loss falls for forty steps, then grows, then is `nan`. What do you look at, and
#    in which order?
# 3. Salary comes in won instead of in thousands of dollars, debt as before. What happens to the
#    bowl, to the gradient and to the learning rate? And does the best model change?
# 4. The credit model has learned from decisions of clerks. What exactly has it learned? Would a
#    lower validation loss make it a fairer model?
# 5. Did *elimination* learn, in the first section? And least squares? Where would you draw the
#    border between computing and learning?
# 6. Degree 9 fails with twelve points. Why is a model with 124 million parameters not hopeless?

# %% [markdown] tags=["solution-only"]
# ### Answers for whoever leads the meeting
#
# **1.** The square of an error of about 60 is 3,600, and it rules the mean: the line rises
# steeply to meet the one wrong point (try it: the slope becomes 20.28). With the mean of sizes
# the wrong point pulls no harder than any other, and the line stays with the three good ones.
# Squares are right when errors are many and small, as with bell-shaped noise, where least squares
# is the most likely line; sizes when a few values may be nonsense. The square estimates the mean,
# the size the median.
#
# **2.** First the learning rate: divide it by ten. If it still grows from the first step on, a
# sign. If it falls longer and breaks later, the landscape has become steeper on the way: look at
# the length of the gradient at each step, and clip it (chapter 07). Then the data of step 40: an
# empty batch, a division by zero, a `nan` in the file. Then numbers: a logarithm of 0, an `exp`
# of something large. Print the first tensor that contains a `nan`, not the last.
#
# **3.** A salary of 50 becomes some 70,000,000. The same best model exists, with a weight that is
# smaller by as much, and the loss at the bottom is the same. But the curvature in that direction
# grows with the square of the factor, a million million times, the largest learning rate that
# does not diverge shrinks by as much, and along the other parameters nothing moves any more. That
# is why one standardises. Least squares and other exact solutions don't care (up to rounding).
#
# **4.** To imitate the clerks, moods and prejudices included, as far as these show in the inputs.
# It has not learned who pays back: that was never in the labels. A lower validation loss makes it
# a better *imitation*, since the validation labels come from the same clerks. Leaving out an
# input does not help where another stands in for it (a postcode for an origin). The label is the
# decision to discuss. For a GPT, likewise: it learns what people write, not what is true.
#
# **5.** There is no wrong answer here, only a border to be drawn. A useful one: elimination reads
# off two given facts; from the moment there are more examples than parameters, and the answer
# must hold for points *not seen*, it is learning. How the bottom is found (a formula, steps) is
# not what matters; whether one checks on other data is.
#
# **6.** It has seen far more tokens than it has parameters (GPT-2: some 40 GB of text, around ten
# billion tokens), so it can't learn most of it by heart, though it does so with passages that
# come up often. Then, descent from small weights reaches smooth solutions first, and one stops
# early. And the measure is the same as here, the loss on text it has not seen. Enormous models
# with little data do overfit: chapter 07 shows it with four sizes.

# %% [markdown]
# ## Recap
#
# A **model** is a function with parameters. A **loss** says with one number how wrong it is. The
# **gradient** says how the loss answers to a nudge of each parameter, and the chain rule computes
# it: rates in a row multiply. A **step** goes against it, by the learning rate. What counts is
# the loss on data the model has not seen.
#
# Sources, all worth a look. Least squares: A.-M. Legendre, *Nouvelles méthodes pour la
# détermination des orbites des comètes*, 1805; C. F. Gauss, *Theoria motus*, 1809. Descent: A.
# Cauchy, *Méthode générale pour la résolution des systèmes d'équations simultanées*, 1847.
# Logistic regression: D. R. Cox, *The regression analysis of binary sequences*, 1958. The neuron
# that learns: F. Rosenblatt, *The perceptron*, 1958; what one layer can't do: M. Minsky and S.
# Papert, *Perceptrons*, 1969. Backpropagation: S. Linnainmaa's thesis, 1970; D. Rumelhart, G.
# Hinton and R. Williams, *Learning representations by back-propagating errors*, 1986. What two
# layers can do: G. Cybenko, 1989; K. Hornik, 1991; M. Leshno, V. Lin, A. Pinkus and S. Schocken,
# *Multilayer feedforward networks with a nonpolynomial activation function can approximate any
# function*, 1993. Vanishing gradients: S. Hochreiter's diploma
# thesis, 1991; Y. Bengio, P. Simard and P. Frasconi, *Learning long-term dependencies with
# gradient descent is difficult*, 1994. Added to its input: K. He and others, *Deep residual
# learning for image recognition*, 2015. Double descent: M. Belkin and others, *Reconciling modern
# machine-learning practice and the classical bias–variance trade-off*, 2019.
#
# | English | 한국어 | in a sentence |
# |---|---|---|
# | model, parameter | 모델, 매개변수 (파라미터) | a function, and the numbers in it that are learned |
# | weight, bias | 가중치, 편향 | the factors of a weighted sum, and what is added to it |
# | slope, intercept | 기울기, 절편 | the two parameters of a line |
# | error | 오차 | what was predicted minus what was measured |
# | loss, mean squared error | 손실, 평균 제곱 오차 | how wrong, in one number |
# | least squares, normal equations | 최소 제곱법, 정규 방정식 | the line at the bottom of the bowl, and how to solve for it |
# | derivative, gradient | 미분 계수 (도함수), 기울기 (그래디언트) | how the loss answers to a nudge; all of these together |
# | chain rule | 연쇄 법칙 | rates in a row multiply |
# | gradient descent, learning rate | 경사 하강법, 학습률 | a step against the gradient, and how far |
# | automatic differentiation, backpropagation | 자동 미분, 역전파 | the chain rule with bookkeeping, from the loss backwards |
# | score (logit), logistic function (sigmoid) | 점수 (로짓), 로지스틱 함수 (시그모이드) | any number, and what makes a chance of it |
# | likelihood, log loss (cross-entropy) | 가능도 (우도), 로그 손실 (교차 엔트로피) | how likely the data are under the model; minus its logarithm |
# | neuron, hidden layer, activation function | 뉴런, 은닉층, 활성화 함수 | a weighted sum and a bend; many side by side; the bend |
# | mini-batch, stochastic gradient descent (SGD), epoch | 미니배치, 확률적 경사 하강법, 에폭 | a few examples at a time, steps by their gradients, one reading of all |
# | multilayer perceptron (MLP), nonlinear | 다층 퍼셉트론, 비선형 | layers with bends between them; what is no weighted sum |
# | overfitting, validation data | 과적합, 검증 데이터 | learning by heart, and what reveals it |
# | vanishing gradient | 기울기 소실 | a product of many rates below one |
# | residual connection | 잔차 연결 | a layer's output is added to its input |
#
# In Korean *slope* and *gradient* are often the same word, 기울기; a gradient is indeed nothing else
# than a slope in many directions.
#
# Next: text is not made of numbers. Chapter 02 turns the one into the other, and asks what it
# would mean to predict it well.
