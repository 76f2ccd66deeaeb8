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
# # 07 · Training
#
# **How do a few hundred thousand rolled numbers become a model that tells stories, and how do we
# know when there is nothing left to learn?**
#
# Chapter 06 built a whole GPT, and left its training to a function that nobody looked into. The
# loop inside is short, and each of its lines hides a decision: what is asked, how far to step, in
# which direction, how many texts at a time. Here you write it. And since our stories come from a
# program, we can see how far a loss curve still is from the best there is.
#
# You will build: the shifted loss, the schedule, the clipping, one step of AdamW, accumulation,
# the numbers by which models are compared, and a loop that knows when to stop; and you will
# measure which rate is best. It takes some 100 minutes, about 60 of them in the exercises.
#
# First run everything: **Run → Run All Cells**. It takes a minute or two, most of it a real
# training. Then begin again at the top.

# %%
import copy
import json
import math
import tempfile
from collections import Counter
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path

import torch
from torch.nn import functional as F
from utils.course import ask, check
from utils.course.challenging.entry import entry
from utils.course.challenging.table import ranked, worked
from utils.course.training import gpu
from utils.data import storyworld
from utils.data.storyworld.model import fresh_story_model
from utils.data.storyworld.scores import bits_per_word, true_bits_per_word
from utils.data.storyworld.telling import Storyteller, marked, tell
from utils.data.storyworld.tokens import END_ID, VOCABULARY, stream

# %%
from utils.llm.counting.ngram import NGramModel
from utils.llm.gpt import GPT, GPTConfig
from utils.llm.training import TrainConfig, TrainingError, launch, train
from utils.llm.training.batches import RandomWindows
from utils.llm.training.callbacks import Progress
from utils.llm.training.optimizer import parameter_groups
from utils.viz import diagrams, plots, widgets
from utils.viz.plots import training as figures

# %% [markdown]
# ## Every place is a lesson
#
# Take four tokens, *Mina had a kite*, and let these be all the words there are. A model reads them
# and gives, at each place, a chance for every word to come next. Here are its answers, made up:

# %%
words = ["Mina", "had", "a", "kite"]
chances = torch.tensor(
    [
        [1 / 6, 1 / 2, 1 / 6, 1 / 6],  # after Mina
        [1 / 4, 1 / 4, 1 / 4, 1 / 4],  # after Mina had
        [3 / 8, 1 / 4, 1 / 4, 1 / 8],  # after Mina had a
        [1 / 4, 1 / 4, 1 / 4, 1 / 4],  # after Mina had a kite
    ]
)

# %%
ask("7.a")

# %% [markdown]
# The first row is asked for *had*, the second for *a*, the third for *kite*. The fourth is asked
# for nothing: the text ends. So rows and targets are **shifted** against each other by one. Each
# target costs −ln of the chance that it was given, in *nats*; with log₂ it would be bits.

# %%
for place in range(3):
    target = words[place + 1]
    chance = chances[place, place + 1].item()
    print(f"{target:>5}: chance {chance:.3f}, loss {-math.log(chance):.2f} nats")
paid = [-math.log(chances[i, i + 1]) for i in range(3)]
print(f"mean {sum(paid) / 3:.2f} nats, or {sum(paid) / 3 / math.log(2):.0f} bits")

# %% [markdown]
# The causal mask is what makes this honest: row 1 has not seen *a*. So one pass through the model
# gives as many lessons as the text has tokens, less one.
#
# ### Exercise 7.1 · The shifted loss
# ★★☆ · 6 min · Phuong and Hutter 2022, Alg. 13
#
# `logits` are (B, T, V), a score for each of V tokens at each place; `ids` (B, T) are the tokens
# that went in. Return the mean of −ln p over all targets of the batch, in nats. Shorter texts are
# filled up behind. The model read some token in those places, but in `ids` they are marked −1,
# which is never a target. Every target counts the same, in whichever text it stands. A logit may
# be large, 200 say. Return a tensor: we shall call `backward` on it.
#
# By hand: two texts, one with three targets that cost 1, 2 and 3, and one with a single target that
# costs 6. The loss is (1 + 2 + 3 + 6) / 4 = 3. The mean of the two means would be (2 + 6) / 2 = 4.
#
# <details><summary>A nudge</summary>At which places is there a target, and which token is it? Write
# down two short rows, the logits' and the ids', and draw the pairs.</details>
# <details><summary>More</summary>The logits of all places but the last, <code>logits[:,
# :-1]</code>, go with the ids from the second on. <code>F.cross_entropy</code> wants (N, V) and
# (N): <code>flatten(0, 1)</code> and <code>flatten()</code>. Its argument <code>ignore_index</code>
# names a target that doesn't count.</details>
# <details><summary>Nearly all</summary><pre><code>scores, targets = logits[:, :-1], ids[:, 1:]
# F.cross_entropy(scores.flatten(0, 1), targets.flatten(), ignore_index=-1)</code></pre></details>


# %%
def shifted_loss(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Mean −ln p of each token given those before it; the id −1 is filling."""
    ### BEGIN SOLUTION
    scores, targets = logits[:, :-1], ids[:, 1:]
    return F.cross_entropy(scores.flatten(0, 1), targets.flatten(), ignore_index=-1)
    ### END SOLUTION


shifted_loss = check("7.1", shifted_loss)

# %%
by_hand = shifted_loss(chances.log()[None], torch.tensor([[0, 1, 2, 3]]))
print(f"the four tokens again: {by_hand.item():.2f} nats")

# %% [markdown]
# Before anything is learned, what does a real model pay? Here is one, the preset `story` with 2
# layers, and 10,000 stories as one long row of tokens. A word is a token, and so is the end of a
# story.

# %%
ask("7.b")

# %%
train_stories = storyworld.stories(10_000, seed=0)
train_ids = stream(train_stories)
held_out = storyworld.stories(60, seed=2)
val_ids = stream(held_out)
n_words = sum(len(story.split()) for story in held_out)
print(f"{len(train_ids):,} tokens of {len(VOCABULARY)}; held out: {n_words:,} words")

# %%
model = fresh_story_model()
ids = train_ids[:122][None]
first_loss = shifted_loss(model(ids), ids).item()
print(
    f"{model.num_parameters():,} parameters, {first_loss / math.log(2):.1f} bits a word"
)

# %% [markdown]
# A little more than 8.5, which is log₂ 369: rolled weights aren't indifferent, they have opinions,
# and wrong ones.
#
# (GPT's weights start with a standard deviation of 0.02. Ours start at 0.06, the embeddings at
# 0.3: found by trying, since this model is narrow and is to learn in seconds.)
#
# ## The loop, written out
#
# Read a batch, measure the loss, find the direction, step, and again. `RandomWindows` cuts windows
# from the long row, each from the beginning of a story. It hands out inputs and targets, shifted
# already; our loss does the shifting itself, so we lay the two together again. PyTorch adds new
# gradients to the old ones until these are set to zero, so that is a line too.

# %%
windows = RandomWindows(train_ids, context_length=60, seed=0, start_token=END_ID)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
losses = []
for step in range(12):
    inputs, targets = windows.batch(step, size=8)
    ids = torch.cat([inputs, targets[:, -1:]], dim=1)  # (B, T + 1)
    loss = shifted_loss(model(ids), ids)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(f"from {losses[0]:.1f} to {losses[-1]:.1f} nats in 12 steps")

# %%
n, length = ids.shape
diagrams.training_loop(
    {
        "inputs": f"{n} × {length} ids",
        "logits": f"{n} × {length} × {len(VOCABULARY)}",
        "loss": "one number",
        "gradients": f"{model.num_parameters():,} weights",
        "weights": "new weights",
    },
    "Ask, measure, find the direction, step, and round again",
)

# %% [markdown]
# ### Break it
#
# Leave out `zero_grad`, and every step uses the sum of all gradients so far. Nothing raises an
# error. Here is the same batch three times:

# %%
broken, norms = fresh_story_model(), []
for _ in range(3):
    inputs, targets = windows.batch(0, size=8)  # the same one each time, and no step
    F.cross_entropy(broken(inputs).flatten(0, 1), targets.flatten()).backward()
    norms.append(sum(p.grad.square().sum() for p in broken.parameters()).sqrt().item())
print("their size against the first:", [round(norm / norms[0], 2) for norm in norms])

# %% [markdown]
# Now with steps. Plain descent is thrown about by the sum. AdamW, which comes below, divides by
# the gradient's usual size, so the fault hides: the loss falls all the same, only not as far.


# %%
def after_25_steps(optimizer, zero: bool) -> float:
    """The loss in nats, with the gradients set to zero before each step, or never."""
    model = fresh_story_model("story-small")
    optimizer = optimizer(model.parameters())
    for step in range(25):
        inputs, targets = windows.batch(step, size=8)
        loss = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
        if zero:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


adamw, descent = partial(torch.optim.AdamW, lr=5e-3), partial(torch.optim.SGD, lr=0.5)
print(f"AdamW: {after_25_steps(adamw, True):.1f} nats, with zero_grad")
print(f"AdamW: {after_25_steps(adamw, False):.1f} nats, without")
lost = after_25_steps(descent, False)
print(f"plain descent: {min(lost, 100):.0f} nats or more, without")

# %% [markdown]
# ## How far to step
#
# The direction comes from the gradient, the length from the **learning rate**. Here is a model of
# half the size, `story-small`, three times, 80 steps each, with a rate that fits, one too small,
# and one too large. (`warm_up`, `min_rate` and `clip` come below. In each run the rate falls to 0
# at the end, so even the third comes down again.)

# %%
short = TrainConfig(steps=80, warm_up=2, batch_size=8)
short = replace(short, context_length=60, start_token=END_ID)
eighty = replace(short, warm_up=10, min_rate=0.0, clip=None)


def trained(**settings) -> tuple[range, torch.Tensor, list[float]]:
    """Steps, bits in means of ten, and the size of every gradient, of a run of 80."""
    history = train(
        fresh_story_model("story-small"), train_ids, None, replace(eighty, **settings)
    )
    tens = torch.tensor(history.losses).view(8, 10).mean(1) / math.log(2)
    return range(5, 80, 10), tens, history.norms


rates = {"0.03": 0.03, "0.0001": 1e-4, "1.0": 1.0}
runs = {name: trained(learning_rate=rate) for name, rate in rates.items()}
for name in ("0.03", "0.0001"):
    print(f"rate {name}: {runs[name][1][-1]:.1f} bits a word at the end")
behind = runs["1.0"][1][-1] - runs["0.03"][1][-1]
print(f"rate 1.0: more than {behind // 4 * 4:.0f} bits behind the best")

# %%
figures.watched(
    {f"rate {name}": run[:2] for name, run in runs.items()},
    "bits per word, mean of ten steps",
    "One rate gets there, one crawls, one throws the weights about",
    words="0.03 falls fast, 0.0001 slowly; 1.0 climbs far above both and comes back "
    "to where the rate 0.0001 ends",
)

# %% [markdown]
# No single rate fits a whole training. At first the weights are rolled and the optimiser has not
# yet seen how large the gradients are, so it begins with small steps: the **warm-up**. At the end
# the model is near its goal, and long steps carry it past, again and again: so the rate falls,
# along half a **cosine**. Between the two it may be large. Here is the rate that fitted, once
# without each:

# %%
runs["no warm-up"] = trained(learning_rate=0.03, warm_up=0)
runs["no fall"] = trained(learning_rate=0.03, min_rate=0.03)
for name in ("no warm-up", "no fall"):
    more = runs[name][1][-1] - runs["0.03"][1][-1]
    print(f"{name}: about {round(4 * more.item()) / 4:.2f} bits behind at the end")
figures.watched(
    {
        "both, rate 0.03": runs["0.03"][:2],
        "no warm-up": runs["no warm-up"][:2],
        "no fall": runs["no fall"][:2],
    },
    "bits per word, mean of ten steps",
    "Without warm-up it stays behind; without the fall it stops early",
    words="without warm-up about a bit behind all the way; without the fall even with "
    "the best until the middle, and a quarter of a bit behind at the end",
)

# %% [markdown]
# The warm-up costs a few slow steps, and lets the rate be large afterwards.
#
# ### Exercise 7.2 · Warm-up and cosine
# ★★☆ · 8 min · Goyal et al. 2017; Loshchilov and Hutter 2017
#
# Return the rate of `step`, counted from 0, in a training of `steps`. The first `warm_up` steps
# climb in a line: peak / warm_up, 2 · peak / warm_up, … up to the peak. From step number `warm_up`
# on, half a cosine leads from the peak to `min_rate`, which it would reach at step number `steps`.
# From that step on the rate is `min_rate`, also where the warm-up takes all the steps (it never
# takes more).
#
# For 6 steps with peak 1, 2 of warm-up and min_rate 0:
#
#     step   0     1     2     3     4     5     6
#     rate   0.50  1.00  1.00  0.85  0.50  0.15  0.00
#
# <details><summary>A nudge</summary>Three cases: in the warm-up, behind the end, and between the
# two.</details>
# <details><summary>More</summary>Between, let progress go from 0 to 1: (step − warm_up) / (steps −
# warm_up). (1 + cos(π · progress)) / 2 falls from 1 to 0. It scales the way from min_rate up to
# peak, which is peak − min_rate long.</details>
# <details><summary>Nearly all</summary><pre><code>if step &lt; warm_up:
#     return peak * (step + 1) / warm_up
# if step &gt;= steps:
#     return min_rate
# progress = (step - warm_up) / (steps - warm_up)</code></pre></details>


# %%
def learning_rate(
    step: int, steps: int, peak: float, warm_up: int, min_rate: float
) -> float:
    """The rate of a step: a line up to the peak, then half a cosine down."""
    ### BEGIN SOLUTION
    if step < warm_up:
        return peak * (step + 1) / warm_up
    if step >= steps:
        return min_rate
    progress = (step - warm_up) / (steps - warm_up)
    share = 0.5 * (1 + math.cos(math.pi * progress))
    return min_rate + (peak - min_rate) * share
    ### END SOLUTION


learning_rate = check("7.2", learning_rate)

# %%
plots.lines(
    {
        f"warm-up {warm_up}, down to {least}": [
            learning_rate(step, 150, 0.006, warm_up, least) for step in range(150)
        ]
        for warm_up, least in ((0, 0.0), (15, 0.0), (60, 0.002))
    },
    "step",
    "learning rate",
    "A line up, half a cosine down; without warm-up it starts at the peak",
)

# %% [markdown]
# ## When one batch shouts
#
# Now and then a batch has a gradient several times as long as the others. Here are the lengths in
# two of the runs above:

# %%
figures.watched(
    {
        name: (range(1, 81), runs[key][2])
        for name, key in (("with warm-up", "0.03"), ("without", "no warm-up"))
    },
    "norm of the gradient",
    "Most gradients are of one size, and a few are several times as long",
    words="both mostly between 0.4 and 1; peaks of two to three around step 10",
)

# %% [markdown]
# In plain descent a step is as long as the gradient, times the rate. AdamW divides by the usual
# size, but there too a long gradient outweighs the rest in what it remembers. So all the gradients
# together are seen as one long vector, and where it is longer than a limit, it is shortened to
# that limit. The direction stays.
#
# ### Exercise 7.3 · Clip by the global norm
# ★★☆ · 6 min · Pascanu, Mikolov and Bengio 2013, Alg. 1
#
# `gradients` is a list of tensors of any shapes. Their norm is the root of the sum of the squares of
# *all* their numbers. Where it is above `max_norm`, multiply every tensor by the same factor, so
# that the norm becomes `max_norm`; else leave them as they are. Return the list and the norm before
# clipping: `clipped, norm`. Work on copies.
#
# By hand: [3] and [4] have the norm √(9 + 16) = 5. With max_norm 1 they become [0.6] and [0.8].
#
# <details><summary>A nudge</summary>One norm for all tensors together, and one factor for
# all.</details>
# <details><summary>More</summary>The norm of the norms is the norm of all. The factor is max_norm /
# norm, but never above 1. Think of a gradient of zeros.</details>
# <details><summary>Nearly all</summary><pre><code>norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
# factor = (max_norm / norm).clamp(max=1.0)</code></pre></details>


# %%
def clip(
    gradients: list[torch.Tensor], max_norm: float
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """The gradients, together no longer than max_norm; and their norm before."""
    ### BEGIN SOLUTION
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / norm).clamp(max=1.0)
    return [gradient * factor for gradient in gradients], norm
    ### END SOLUTION


clip = check("7.3", clip)

# %% [markdown]
# If each tensor were clipped by itself, the whole would turn: [40] and [3] would both become [1].
# Here is another such pair, 3 and 0.6, as an arrow in the plane, with the limit 1:

# %%
together, _ = clip([torch.tensor([3.0]), torch.tensor([0.6])], 1.0)
apart = [clip([g], 1.0)[0][0] for g in (torch.tensor([3.0]), torch.tensor([0.6]))]
plots.lines(
    {
        "the gradient": ([0, 3.0], [0, 0.6]),
        "clipped together": ([0, together[0].item()], [0, together[1].item()]),
        "clipped one by one": ([0, apart[0].item()], [0, apart[1].item()]),
    },
    "first tensor",
    "second tensor",
    "One factor for all keeps the direction; a factor each turns it",
    markers=True,
    square=True,
)

# %% [markdown]
# What is it worth? Here are the two runs once more, with a limit of 0.5:

# %%
for name, warm_up in (("no warm-up", 0), ("0.03", 10)):
    _, clipped, _ = trained(learning_rate=0.03, warm_up=warm_up, clip=0.5)
    won = runs[name][1][-1] - clipped[-1]
    won = round(4 * won.item()) / 4
    print(f"warm-up of {warm_up:2}: clipping wins about {won:.2f} bits")

# %% [markdown]
# Here the warm-up and the limit guard against the same thing, first steps that are too long.
# Without a warm-up, the limit wins about half of what the warm-up would; beside it, nothing. But
# when a batch shouts later on, only the limit can help.
#
# ## A step of one's own length for each number
#
# The embedding of a rare word seldom has a gradient, and a small one; that of a bias is large and
# always there. One rate can't suit both. **Adam** divides each number's step by the size that its
# gradient usually has. For that it keeps two running means for each number: of the gradient, which
# says where to go, and of its square, which says how large it usually is. A number β says how much
# of the old mean is kept. The step is the first mean divided by the root of the second; eps, a
# tiny number, keeps us from dividing by 0. Far from the goal nearly every number moves by the
# learning rate, whatever the size of its gradient.
#
# Both means start at 0, and so are too small in the beginning: after one step with β = 0.9, a
# tenth of the gradient. Dividing by 1 − βᵗ, at step t, mends that. The **W** is the *weight
# decay*: at each step every weight also shrinks a little. The decay must not go through the
# gradient, where the division would act on it too: weights with large gradients would hardly decay
# at all.
#
# ### Exercise 7.4 · One step of AdamW
# ★★☆ · 8 min · Loshchilov and Hutter 2019, Alg. 2
#
# `step` counts from 1; `betas` are (0.9, 0.95), say; `learning_rate` and `weight_decay` are rate
# and decay here. Work on copies. Return, in this order:
#
#     mean         β₁ · mean + (1 − β₁) · gradient
#     square       β₂ · square + (1 − β₂) · gradient²
#     fair_mean    mean / (1 − β₁^step)
#     fair_square  square / (1 − β₂^step)
#     parameter    parameter · (1 − rate · decay) − rate · fair_mean / (√fair_square + eps)
#
# (The last line is PyTorch's form; the paper multiplies the decay by the schedule alone, without
# the peak.)
#
# By hand: parameter 1, gradient 4, both means 0, step 1, rate 0.1, no decay. mean = 0.4 and
# square = 0.8; fair_mean = 0.4 / 0.1 = 4, fair_square = 0.8 / 0.05 = 16; and the parameter becomes
# 1 − 0.1 · 4 / 4 = 0.9. With a gradient of 4,000 it would be 0.9, too.
#
# <details><summary>A nudge</summary>Five lines, each of which needs the one before. Mind which of
# the two betas belongs to which.</details>
# <details><summary>More</summary>A power is <code>**</code>: <code>first**step</code>. The root is
# of fair_square alone, and eps is added to it. The decay touches the parameter and nothing
# else.</details>
# <details><summary>Nearly all</summary><pre><code>first, second = betas
# mean = first * mean + (1 - first) * gradient
# square = second * square + (1 - second) * gradient**2
# fair_mean = mean / (1 - first**step)
# fair_square = square / (1 - second**step)
# shrunk = parameter * (1 - learning_rate * weight_decay)</code></pre></details>


# %%
def adamw_step(
    parameter, gradient, mean, square, step, learning_rate, betas, eps, weight_decay
):
    """mean, square, fair_mean, fair_square and the new parameter, tensors all."""
    ### BEGIN SOLUTION
    first, second = betas
    mean = first * mean + (1 - first) * gradient
    square = second * square + (1 - second) * gradient**2
    fair_mean = mean / (1 - first**step)
    fair_square = square / (1 - second**step)
    shrunk = parameter * (1 - learning_rate * weight_decay)
    new = shrunk - learning_rate * fair_mean / (fair_square.sqrt() + eps)
    return mean, square, fair_mean, fair_square, new
    ### END SOLUTION


adamw_step = check("7.4", adamw_step)

# %% [markdown]
# Ten steps of yours beside PyTorch's, on the bowl x² + 100 y², which is a hundred times as steep in
# one direction as in the other:

# %%
steepness = torch.tensor([1.0, 100.0])
theirs = torch.nn.Parameter(torch.tensor([1.0, 1.0]))
adam = torch.optim.AdamW([theirs], lr=0.05, betas=(0.9, 0.95), weight_decay=0.1)
mine, mean, square = torch.tensor([1.0, 1.0]), torch.zeros(2), torch.zeros(2)
for step in range(1, 11):
    gradient = 2 * steepness * mine
    settings = 0.05, (0.9, 0.95), 1e-8, 0.1
    mean, square, _, _, mine = adamw_step(mine, gradient, mean, square, step, *settings)
    theirs.grad = 2 * steepness * theirs.detach()
    adam.step()
print(f"from PyTorch's: {(mine - theirs.detach()).abs().max():.4f} at most")
print("steep or flat, the same way:", [round(x, 2) for x in mine.tolist()])

# %% [markdown]
# And what if the decay does go through the gradient, as in the L2 penalty of older optimisers?
# Take two weights at 1 whose gradients change their sign at every step, so that only the decay
# moves them for good. One has gradients of size 0.1, the other of size 10. Before you run it:
# which of them will L2 leave alone?

# %%
for name in ("through the gradient", "apart"):
    weights, mean, square = torch.ones(2), torch.zeros(2), torch.zeros(2)
    for step in range(1, 201):
        gradient, decay = torch.tensor([0.1, 10.0]) * (-1) ** step, 0.5
        if name == "through the gradient":
            gradient, decay = gradient + decay * weights, 0.0
        settings = 0.01, (0.9, 0.95), 1e-8, decay
        state = adamw_step(weights, gradient, mean, square, step, *settings)
        mean, square, _, _, weights = state
    small, large = weights.tolist()
    print(
        f"decay {name}: {abs(small):.2f} where gradients are small, {large:.2f} large"
    )

# %% [markdown]
# Through the gradient, one weight is gone and the other has hardly shrunk. Apart, both have shrunk
# alike.
#
# Which weights should decay? Matrices: where their numbers are small, the output changes little
# when the input does, and the function is a smooth one. Not biases, and not the gains of norms: a
# gain belongs near 1, and nothing should pull it to 0. `parameter_groups` tells them apart by the
# number of their axes.

# %%
groups = parameter_groups(model, weight_decay=0.1)
for group in groups:
    count = sum(p.numel() for p in group["params"])
    print(f"decay {group['weight_decay']}: {count:,} numbers")

# %% [markdown]
# ## How many texts at a time
#
# What a step learns from is a mini-batch, as in chapter 01, mostly just called *batch*. Its
# gradient is a mean over its texts, and a larger batch gives a steadier mean. Memory is what
# bounds it: everything that the backward pass needs is kept, for each text. There is a way round,
# **accumulation**: compute the batch in parts, let the gradients add up, and step once.

# %%
ask("7.c")

# %% [markdown]
# ### Exercise 7.5 · Accumulate
# ★★☆ · 6 min · as in any training loop
#
# `gradient(part)` gives the gradient of the *mean* loss over some rows: a number for each weight,
# however many rows there are. There is memory for `size` rows at once, and no more. Return the
# gradient of the mean over all `rows`. The number of rows need not be a multiple of `size`.
#
# By hand: three rows whose own gradients are 1, 2 and 6, and size 2. The parts give 1.5 and 6. The
# mean of these is 3.75, and wrong; (2 · 1.5 + 1 · 6) / 3 = 3 is right.
#
# <details><summary>A nudge</summary>A mean times its number of rows is a sum, and sums can be
# added.</details>
# <details><summary>More</summary><code>rows.split(size)</code> cuts; the last part may be shorter,
# so weigh each by <code>len(part)</code>, and divide once, by <code>len(rows)</code>.</details>
# <details><summary>Nearly all</summary><code>sum(gradient(part) * len(part) for part in
# rows.split(size))</code> is the sum over all rows.</details>


# %%
def accumulate(gradient, rows: torch.Tensor, size: int) -> torch.Tensor:
    """The gradient of the mean over all rows, with at most `size` rows at once."""
    ### BEGIN SOLUTION
    parts = rows.split(size)
    return sum(gradient(part) * len(part) for part in parts) / len(rows)
    ### END SOLUTION


accumulate = check("7.5", accumulate)


# %%
def gradient_of(part: torch.Tensor) -> torch.Tensor:
    """All gradients of the model for a few windows, as one long vector."""
    model.zero_grad()
    shifted_loss(model(part), part).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()]).clone()


batch = windows.batch(0, size=8)[0]
whole = gradient_of(batch)
for size in (4, 3, 1):
    apart = (accumulate(gradient_of, batch, size) - whole).abs().max().item()
    print(f"{size} at a time: the gradient differs by {apart:.4f} at most")

# %% [markdown]
# Equal, but for rounding. `TrainConfig(batch_size=32, accumulation=4)` does the same, and needs
# memory for 8. (Here every row has the same number of targets. With filling, weigh the parts by
# their targets, not by their rows.)
#
# ## `train`
#
# That is all there is in `utils.llm.training.train`, besides an evaluation now and then. Here are
# six steps with nothing but your own functions, beside six of `train`.


# %%
def own_steps(limit: float) -> GPT:
    """Six steps by hand, the gradients clipped to that limit."""
    own = fresh_story_model("story-small")
    weights = list(own.parameters())
    means, squares = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    for step in range(6):
        inputs, targets = windows.batch(step, size=8)
        ids = torch.cat([inputs, targets[:, -1:]], dim=1)
        own.zero_grad()
        shifted_loss(own(ids), ids).backward()
        gradients, _ = clip([w.grad for w in weights], limit)
        rate = learning_rate(step, 6, 5e-3, 2, 0.0)
        for i, w in enumerate(weights):
            settings = rate, (0.9, 0.95), 1e-8, 0.1 if w.ndim > 1 else 0.0
            state = w.detach(), gradients[i], means[i], squares[i], step + 1
            means[i], squares[i], _, _, w.data = adamw_step(*state, *settings)
    return own


# %%
config = replace(short, steps=6, learning_rate=5e-3, clip=0.5)
by_train = fresh_story_model("story-small")
history = train(by_train, train_ids, None, config)
for name, limit in (("clipped as there", 0.5), ("not clipped", math.inf)):
    pairs = zip(own_steps(limit).parameters(), by_train.parameters(), strict=True)
    largest = max((a - b).abs().max().item() for a, b in pairs)
    print(f"{name}: the largest difference of two weights is {largest:.3f}")
print("their losses:", [round(loss, 1) for loss in history.losses])

# %% [markdown]
# ## Learning by heart
#
# A falling loss doesn't prove that anything has been understood. Here a model reads the first
# sixty words of ten stories, again and again.

# %%
ask("7.d")

# %%
ten = stream(train_stories[:10])
few = TrainConfig(
    steps=140, batch_size=8, learning_rate=5e-3, evaluate_every=14, evaluate_windows=20
)
few = replace(few, context_length=60, start_token=END_ID)
by_heart = train(fresh_story_model("story-small"), ten, val_ids, few)
own_bits, new_bits = (
    torch.tensor(values) / math.log(2)
    for values in (by_heart.train_loss, by_heart.val_loss)
)
print(f"the ten stories, at the end: {own_bits[-1]:.1f} bits a word")
print(f"new ones, at their best: {new_bits.min():.0f}, at the end: {new_bits[-1]:.0f}")
beginnings = [story.split()[:60] for story in train_stories[:10]]
price = -sum(map(storyworld.log2_probability, beginnings)) / 600
print(f"the dice pay for the beginnings of these ten: {price:.2f}")

# %%
figures.watched(
    {
        "the ten it reads": (by_heart.steps, own_bits),
        "stories it has not read": (by_heart.steps, new_bits),
    },
    "bits per word",
    "It goes on learning its ten stories by heart, and unlearns all others",
    words="the ten fall to a tenth of a bit; the others fall, turn, and rise again",
)

# %% [markdown]
# This is **overfitting**, and only the upper curve shows it. So a part of the text is never
# trained on: the **validation** part. One stops where its loss turns, or better, finds more text.
# The loss on the ten stories alone looks like success. Only because we know what the dice pay for
# these very words do we see that it is too good: whoever does not know the stories already pays at
# least that, on average. (A beginning costs more than the 0.45 bits a word of a whole story, in
# which much is told twice.)
#
# ## One number for a model
#
# Losses come in nats per token. e to that power is the **perplexity**: among how many equally
# likely tokens the model wavers. It compares models with the same tokenizer. With another
# tokenizer a token is another thing, and a fair comparison divides by something that all have in
# common, words or bytes: **bits per word**.
#
# ### Exercise 7.6 · Perplexity and bits per word
# ★☆☆ · 4 min · Jelinek et al. 1977
#
# You are given the loss in nats of each token of a text, and the number of its words. Return the
# perplexity per token and the bits per word.
#
# By hand: two tokens make one word and cost 0 and 2 nats. The perplexity is e^((0 + 2) / 2) = 2.72,
# and the word costs 2 / ln 2 = 2.89 bits.
#
# <details><summary>A nudge</summary>The mean over tokens for one, the sum over tokens for the
# other.</details>
# <details><summary>More</summary>The perplexity is e to the power of the mean, <code>.exp()</code>.
# A nat is 1 / ln 2 bits.</details>
# <details><summary>Nearly all</summary><code>losses.mean().exp()</code>, and <code>losses.sum() /
# math.log(2)</code> for the bits of the whole text.</details>


# %%
def perplexity(losses: torch.Tensor, n_words: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Perplexity a token, and bits a word, from the loss in nats of every token."""
    ### BEGIN SOLUTION
    return losses.mean().exp(), losses.sum() / math.log(2) / n_words
    ### END SOLUTION


perplexity = check("7.6", perplexity)

# %%
floor = storyworld.entropy_per_word()
at_floor, bits = perplexity(torch.full((100,), floor * math.log(2)), 100)
fresh, _ = perplexity(torch.full((100,), math.log(369)), 100)
print(f"a model without any opinion wavers among {fresh:.0f} words")
print(f"the story world itself, {bits:.2f} bits a word, among {at_floor:.2f}")

# %% [markdown]
# Most words of a story are nearly certain, so on average there is little to choose.
#
# ## Your own loop
#
# `train` hides two decisions: when to look at text that is not trained on, and what to do with
# what one sees there. Make them yourself. With the ten stories the last model was not the best. So
# a loop should **look** now and then, remember the weights of the best look, and stop when nothing
# gets better. That is **early stopping**, and how many looks without a gain it puts up with is its
# **patience**.
#
# Three things belong to a look. The model is in eval mode meanwhile, or dropout (chapter 04) blurs
# what it knows: `model.eval()` before, and `model.train()` after it. Nothing is recorded for a
# backward pass: `torch.no_grad()`. And `model.state_dict()` hands out the weights themselves,
# which the next step changes, so what is to be remembered must be copied.
#
# ### Exercise 7.7 · A loop that knows when to stop
# ★★★ · 12 min · Prechelt 1998
#
# Train `model` for at most `steps` steps, counted from 0. `loss_of(model, step)` gives the loss of
# that step's batch, to call `backward` on; `validate(model)` the loss on held-out text, a number.
# Look after `every` steps, after 2 · `every`, and so on. A look is a gain if its loss is *below* the
# best so far. After `patience` looks in a row without a gain, stop. Leave the model with the weights
# of the best look, and in training mode, and return the list of the held-out losses. Where no look
# has taken place, the list is empty and the weights are those of the last step.
#
# By hand, with a look after every 10 steps and a patience of 2:
#
#     after     10    20    30    40    50
#     loss      3.0   2.2   2.5   2.2          40 is no gain, and the second in a row: stop
#     returned  [3.0, 2.2, 2.5, 2.2], and the weights are those after step 20
#
# <details><summary>A nudge</summary>First the loop without any looks: zero_grad, loss, backward,
# step. Then a look inside it, where <code>(step + 1) % every == 0</code>.</details>
# <details><summary>More</summary>Keep three things between the looks: the best loss, a copy of its
# weights, and how many looks have brought nothing since. A gain sets the last to 0. Where no look has
# taken place, there are no weights to put back.</details>
# <details><summary>Nearly all</summary><pre><code>model.eval()
# with torch.no_grad():
#     held_out.append(float(validate(model)))
# model.train()
# if held_out[-1] &lt; best:
#     best, kept, waited = held_out[-1], copy.deepcopy(model.state_dict()), 0
# else:
#     waited += 1</code></pre></details>


# %%
def fit(model, optimizer, loss_of, validate, steps: int, every: int, patience: int):
    """The held-out losses; the model keeps the weights of the best look."""
    ### BEGIN SOLUTION
    best, kept, waited, held_out = math.inf, None, 0, []
    for step in range(steps):
        optimizer.zero_grad()
        loss_of(model, step).backward()
        optimizer.step()
        if (step + 1) % every:
            continue
        model.eval()
        with torch.no_grad():
            held_out.append(float(validate(model)))
        model.train()
        waited += 1
        if held_out[-1] < best:
            best, waited = held_out[-1], 0
            kept = copy.deepcopy(model.state_dict())
        if waited == patience:
            break
    if kept:
        model.load_state_dict(kept)
    return held_out
    ### END SOLUTION


fit = check("7.7", fit)

# %% [markdown]
# The ten stories once more, with your loop, which may stop where the held-out loss turns.

# %%
reads = RandomWindows(ten, context_length=60, seed=0, start_token=END_ID)
unread = RandomWindows(val_ids, context_length=60, seed=0, start_token=END_ID)


def loss_on(model: GPT, windows: RandomWindows, step: int, size: int) -> torch.Tensor:
    """The shifted loss on the windows of that step."""
    inputs, targets = windows.batch(step, size=size)
    ids = torch.cat([inputs, targets[:, -1:]], dim=1)
    return shifted_loss(model(ids), ids)


def at_a_look(model: GPT) -> float:
    """The loss on twenty windows of stories that are not trained on, in nats."""
    return loss_on(model, unread, step=0, size=20).item()


# %%
stopped = fresh_story_model("story-small")
optimizer = torch.optim.AdamW(stopped.parameters(), lr=5e-3)
lessons = partial(loss_on, windows=reads, size=8)
looks = fit(
    stopped,
    optimizer,
    lambda model, step: lessons(model, step=step),
    at_a_look,
    steps=140,
    every=7,
    patience=3,
)
best = looks.index(min(looks)) + 1
print(f"best after step {7 * best}, stopped after step {7 * len(looks)} of 140")
kept = abs(at_a_look(stopped) - min(looks))
print(f"the model that is left differs from its best look by {kept:.3f} nats")

# %% [markdown]
# A look costs time, and so does patience. And the best of many looks is a little lucky, so the
# loss that one reports should come from a third text, by which nothing has been chosen.
#
# ## Which rate?
#
# The run below will use a rate of 0.006. Where does such a number come from? It is measured. That
# is an experiment, and it can be done badly: what differs between two runs must be the rate, and
# nothing else.
#
# ### Exercise 7.8 · Measure the best rate
# ★★☆ · 10 min · Smith 2017 has the idea of a sweep
#
# `run(rate, seed, steps)` trains a fresh model with that rate, its numbers rolled with that seed, and
# gives the held-out loss after so many steps; `nan` where the weights blew up. Find the rate between
# 0.0001 and 1 that is best for trainings of 20 steps, within a factor of 2 of the true one. There is
# time for 40 runs, of 20 steps each. How to spend them is your decision: which rates, how many seeds.
# Where a rate has several seeds, the mean of their losses counts.
#
# Two hints: rates are compared by their *ratio*, so 0.001, 0.01 and 0.1 are equally far apart; and
# a lucky start may be worth more than a better rate.
#
# <details><summary>A nudge</summary>What must be the same in two runs, so that the difference of their losses
# is the rate's doing? Begin coarse.</details>
# <details><summary>More</summary>Ten or so rates, each two or three times the one before, all with the same
# seeds and 20 steps; the mean over the seeds; the rate with the lowest. A comparison with
# <code>nan</code> is always False, so look out for it: <code>math.isnan</code>.</details>
# <details><summary>Nearly all</summary><pre><code>rates = [10 ** (4 * k / 9 - 4) for k in range(10)]
# losses = [run(rate, 0, 20) + run(rate, 1, 20) for rate in rates]
# losses = [math.inf if math.isnan(loss) else loss for loss in losses]</code></pre></details>


# %%
def best_rate(run) -> float:
    """The rate between 0.0001 and 1 that pays least after 20 steps."""
    ### BEGIN SOLUTION
    rates = [10 ** (4 * k / 9 - 4) for k in range(10)]
    losses = [run(rate, 0, 20) + run(rate, 1, 20) for rate in rates]
    losses = [math.inf if math.isnan(loss) else loss for loss in losses]
    return min(zip(losses, rates, strict=True))[1]
    ### END SOLUTION


best_rate = check("7.8", best_rate)

# %% [markdown]
# The check's trainings are made up by a formula. Now the same function on real ones, of the small
# model, four stories a step; it takes a few seconds.

# %% tags=["nbval-ignore-output"] reason="losses of rates near the best differ in their digits by machine"
tried = {}


def run(rate: float, seed: int, steps: int) -> float:
    """The held-out loss after a short training; what it was is noted."""
    tiny = fresh_story_model("story-small", seed=seed)
    optimizer = torch.optim.AdamW(tiny.parameters(), lr=rate)
    for step in range(steps):
        optimizer.zero_grad()
        loss_on(tiny, windows, step, size=4).backward()
        optimizer.step()
    with torch.no_grad():
        tried[rate] = at_a_look(tiny) / math.log(2)
    return tried[rate]


measured = best_rate(run)
print(f"the best rate for 20 steps: {measured:.3f}")

# %% tags=["nbval-ignore-output"] reason="the losses in the figure differ by machine"
whole = sorted((rate, min(bits, 12)) for rate, bits in tried.items() if bits == bits)
plots.lines(
    {"after 20 steps, 12 at most": tuple(zip(*whole, strict=True))},
    "learning rate",
    "bits per word, held out",
    "Too small learns nothing yet, too large throws the weights about",
    log_x=True,
    markers=True,
    words="it falls from the small rates to a valley, and climbs steeply behind it",
)

# %% [markdown]
# A valley, gentle on the left and steep on the right; so when in doubt, take a smaller rate than
# the best. And it is the best for *20 steps without a warm-up*. The run below has 260 steps, twice
# the parameters and a schedule, and its rate is a smaller one. What carries over to a large
# training is not the number but how to find it.
#
# ## Down to the floor
#
# Now the real thing. First those who only count: the n-grams of chapter 02, on the same 10,000
# stories, judged on the same held-out ones, and the floor.

# %%
told = [story.split() for story in train_stories]
levels = {}
for order in range(1, 6):
    ngram = NGramModel(order).fit(told, storyworld.VOCABULARY)
    costs = [ngram.bits_per_word(s.split()) * len(s.split()) for s in held_out]
    levels[f"{order}-gram"] = sum(costs) / n_words
print({name: round(level, 2) for name, level in levels.items()})
truth = -sum(map(storyworld.log2_probability, held_out)) / n_words
print(f"the dice themselves: {truth:.3f} bits a word")

# %% [markdown]
# Then the model, 260 steps of 16 stories each. Now and then it is judged on the held-out stories,
# in bits for all of a story, divided by its words, as in chapter 02. (The lines of progress say
# bits per token. The end of a story is a token and no word, so a word costs 1 % more.) After 20
# steps, after 100 and at the end it tells a story, each time by its likeliest next word; the first
# word that the story world could not have written there stands between ›‹. You may interrupt it:
# it finishes its step, and what it has learned is kept.

# %% tags=["nbval-ignore-output"] reason="bits after many steps, and the seconds, differ from machine to machine"
at = [2, 5, 10, 20, 30, 45, 60, 80, 100, 140, 180, 220, 260]
live = TrainConfig(steps=260, batch_size=16, learning_rate=6e-3, warm_up=20)
live = replace(live, evaluate_every=at, evaluate_windows=None, weight_decay=0.01)
live = replace(live, context_length=121, start_token=END_ID)
model = fresh_story_model()
tokens_per_word = (len(val_ids) - 1) / n_words
picture = widgets.LossPlot(levels, truth, tokens_per_word=tokens_per_word)
teller = Storyteller(at=[20, 100])
shown = [Progress(lines=5, bits=True), picture, teller]
run = train(model, train_ids, val_ids, live, shown)
live_bits = [loss * tokens_per_word / math.log(2) for loss in run.val_loss]
print(f"{live_bits[-1]:.2f} bits a word in {run.seconds:.0f} s")
norms = torch.tensor(run.norms)
usual, clipped = norms.median(), (norms > live.clip).sum()
print(
    f"gradients: usually {usual:.2f} long, at most {norms.max():.2f}; {clipped} clipped"
)
print(f"after {live.steps} steps:\n{marked(tell(model))}")

# %%
passed = [name for name, level in levels.items() if live_bits[-1] < level]
print("passed on the way:", ", ".join(passed) or "none yet")
more = 100 * (live_bits[-1] / truth - 1)
print(f"it still pays about {20 * round(more / 20)} % more than the dice")

# %% [markdown]
# The stories say what the number doesn't. First come the words that are always likely, round and
# round; then sentences, most of them sound; and at the end a story whose slips are slips of
# memory.
#
# 260 steps are not enough to come close to the floor. The story model that comes with the course
# was trained by the same `train`, with more of everything (`python -m
# utils.data.storyworld.make_checkpoint`), and the record of its run is drawn beside yours. (It was
# judged on other held-out stories, whose own floor is 0.453; the lines drawn are those of ours.)

# %%
logs = files("utils.data") / "logs"
record = json.loads((logs / "story_run.json").read_text(encoding="utf-8"))
rows = record["rows"]
long_steps = [row["step"] for row in rows]
long_bits = [row["bits"] for row in rows]
print(f"{record['parameters']:,} parameters, {record['steps']:,} steps, ", end="")
print(f"{record['words_per_step']:,} words each, {record['seconds'] / 60:.0f} minutes")

# %%
figures.race_to_the_floor(
    {
        "the run just made": (run.steps, live_bits),
        "the shipped model, from its record": (long_steps, long_bits),
    },
    levels,
    truth,
    "Your run passes the n-grams one by one; the longer one settles on the floor",
    words="bits per word over steps: two falling curves, below the five n-grams at "
    "the end; the longer one ends at the floor",
)

# %%
ahead = record["floor"]
for name, level in levels.items():
    step = next(s for s, b in zip(long_steps, long_bits, strict=True) if b < level)
    print(f"passes the {name} by step {step}")
above = 100 * (long_bits[-1] / ahead - 1)
print(f"after {long_steps[-1]} steps, {above:.1f} % above the floor")

# %% [markdown]
# The model itself is here too, so let us judge it on other stories, by the dice's own price for
# these:

# %%
shipped = GPT.load("stories")
unseen = storyworld.stories(40, seed=123)
paid, must = bits_per_word(shipped, unseen), true_bits_per_word(unseen)
print(f"{shipped.config.n_layers} layers of width {shipped.config.d_model}: ", end="")
print(f"{paid:.2f} bits a word; the dice pay {must:.2f}")
print(f"that is {100 * (paid / must - 1):.1f} % above the floor")

# %% [markdown]
# Look at the shape. Within a dozen steps the model pays less than one that knows which words are
# frequent (the unigram), by step 44 less than one that knows which word follows which (the
# bigram), by step 72 which follows two others (the trigram). Whether it has learned just these
# things, the levels don't say. At about the level where counting ends the curve begins to flatten:
# what is missing there is memory. It bends down again when the model has found out that it can
# look things up, and then settles slowly, as the rate falls.
#
# ## When did it learn to remember?
#
# The loss is a mean over all words, and a mean hides its parts. The record also says, at each
# point, how often the model's likeliest word was right where a fact told before must come again.
# There are sixteen kinds of fact; we look at six. How many lessons does a story hold for each of
# them?

# %%
kinds = ["colour", "name", "thing", "weather", "weekday", "place"]
lessons = Counter(
    kind for story in held_out for _, kind, _ in storyworld.recalls(story.split())
)
for kind in kinds:
    print(f"{kind:>8}: {lessons[kind] / len(held_out):.1f} times a story")

# %%
ask("7.e")

# %%
shares = {kind: [row["recall"][kind] for row in rows] for kind in kinds}
figures.recall_by_step(
    long_steps,
    shares,
    "Recall comes kind by kind: the three frequent kinds first, the place last",
)

# %%
for kind, values in shares.items():
    pairs = list(zip(long_steps, values, strict=True))
    some, half, most = (next(s for s, x in pairs if x >= y) for y in (0.2, 0.5, 0.9))
    print(
        f"{kind:>8}: a fifth by step {some:>3}, half by {half:>3}, "
        f"nine tenths by {most:>3}"
    )

# %% [markdown]
# For dozens or hundreds of steps there is nothing but guesses, and then, within a point or two of
# the record, nearly a whole kind is there. Nothing in the loss announces it but a slight bend.
# Each kind has to be found anew: knowing where to look for a colour says nothing about where the
# weather was told. Colours, names and things come again two or three times a story, so there are
# many lessons; the place comes again 0.2 times, and is learned last. But the weekday overtakes the
# weather, which is asked more often, and why, these numbers don't tell: it is one run with one
# seed. To know when a model can do something, measure that, and not the mean.
#
# ## More parameters are not always better
#
# Suppose you have a **compute budget**: so many arithmetic operations, and no more. A large model
# uses them up on few words, a small one reads many. Four sizes of the same architecture got 1.5 ·
# 10¹² operations each. They are counted, not timed: in the forward pass two for each weight of a
# matrix and each word, a multiplication and an addition, and the products of attention; twice as
# many again in the backward pass.

# %%
ask("7.f")

# %%
sizes = json.loads((logs / "sizes.json").read_text(encoding="utf-8"))
print("made by:", sizes["command"])
for size in sizes["sizes"]:
    *_, before, last = size["rows"]
    print(
        f"{size['name']:>12}: {size['parameters']:>7,} parameters, "
        f"{size['words'] / 1e6:.1f} million words, {last['bits']:.2f} bits a word, "
        f"{before['bits'] - last['bits']:.2f} won at last"
    )

# %%
figures.sizes_at_equal_compute(
    {
        size["name"]: (
            [row["flops"] for row in size["rows"]],
            [row["bits"] for row in size["rows"]],
        )
        for size in sizes["sizes"]
    },
    {size["name"]: size["parameters"] for size in sizes["sizes"]},
    sizes["floor"],
    "The smallest leads until the last point, where the second size passes it",
)

# %%
for place in (3, 6, 9, 11):
    spent = sizes["sizes"][0]["rows"][place]["flops"]
    ahead = sorted(sizes["sizes"], key=lambda size: size["rows"][place]["bits"])
    order = ", ".join(size["name"] for size in ahead)
    print(f"after {spent / 1e12:.2f} · 10¹² operations: {order}")

# %% [markdown]
# At first the smallest is ahead, and at the end the second. The smallest has read most, and its
# curve has nearly stopped falling, while the larger ones are still learning. The largest has read
# too little to be anywhere yet. So more parameters are not always better. How the best size grows
# with the budget, this table can't show: it has one crossing, at its last point, of four models
# with one seed and one rate each, and every schedule was made for the whole budget. [Hoffmann and
# others](https://arxiv.org/abs/2203.15556) measured it with more than four hundred models. Such
# curves are called *scaling laws*.
#
# ### What the small one leaves out
#
# What a model has read doesn't fit into it word for word. What does a small one give up first?
# Here is what the smallest of the four recalls at the end, beside the shipped model, which has
# nineteen times as many numbers and read longer:

# %%
smallest, largest = sizes["sizes"][0]["recall"], record["rows"][-1]["recall"]
for kind in kinds:
    print(f"{kind:>8}: {smallest[kind]:.0%}, the shipped model {largest[kind]:.0%}")

# %% [markdown]
# Names, colours, things and weekdays are sharp. Weather and place are gone: of eight kinds of
# weather it hits the right one about as often as a die would. Yet there is no gap where they were,
# for a softmax always has a likeliest word. What comes out is some word, as sure as ever, and the
# fact is made up. (Why these two, one run can't tell.)
#
# ## What makes it faster
#
# **bfloat16** keeps 8 binary digits of a number where float32 keeps 24, and the same range.
# Products are made in it; sums and weights stay float32, so it is called **mixed precision**.
# Processors that multiply it in hardware gain on large matrices; with ours the conversions may
# cost more than they save. **Compiling** makes one program of many small operations, which takes
# half a minute at first and needs a C++ compiler, so it isn't in the next cell
# (`TrainConfig(compile=True)`). **Accumulation** saves memory, and no time. On this machine, with
# a small model:


# %% tags=["nbval-ignore-output"] reason="speeds differ from machine to machine"
def speed(**choices) -> float:
    """Tokens per second, after a step to warm up."""
    tiny = fresh_story_model("story-small")
    choice = replace(short, batch_size=16, context_length=120, **choices)
    train(tiny, train_ids, None, replace(choice, steps=1, warm_up=0))
    return train(tiny, train_ids, None, replace(choice, steps=5)).tokens_per_second


plain = speed()
ways = {
    "float32": {},
    "bfloat16": {"precision": "bfloat16"},
    "4 parts": {"accumulation": 4},
}
for name, choices in ways.items():
    tokens = speed(**choices)
    print(f"{name:>9}: {tokens:8,.0f} tokens a second, {tokens / plain:.2f} × float32")

# %% [markdown]
# The first line is float32 measured a second time: how far it is from 1.00 shows how far such
# timings waver.
#
# ## Stop and go on
#
# Trainings are cut off: by power cuts, by colleagues, by the end of a lease. `snapshot` keeps the
# state of a training in a file, a **checkpoint**, that is whole or absent, whatever happens.
# (Ctrl-C is gentler: `train` finishes its step, and returns.)

# %%
ask("7.g")


# %%
class PowerCut(Exception):
    """What our training is ended by."""


def stop_at_six(report) -> None:
    """A callback that ends the training at once."""
    if report.step == 6:
        raise PowerCut


twelve = replace(short, steps=12, snapshot_every=3)
without_break = fresh_story_model("story-small")
train(without_break, train_ids, None, twelve)
with tempfile.TemporaryDirectory() as folder:
    file, model = Path(folder) / "snapshot.pt", fresh_story_model("story-small")
    try:
        train(model, train_ids, None, twelve, [stop_at_six], snapshot=file)
    except PowerCut:
        print("cut off")
    other = fresh_story_model("story-small")
    resumed = train(other, train_ids, None, twelve, snapshot=file, resume=True)
print(f"{len(resumed.losses)} steps in all")

# %%
pairs = zip(without_break.parameters(), other.parameters(), strict=True)
differ = sum(int((a != b).sum()) for a, b in pairs)
print(f"{differ} of {other.num_parameters():,} weights differ, to the last bit")

# %% [markdown]
# Not nearly equal: equal. Which windows a step reads follows from the seed and the number of the
# step alone, so the place in the data is a single number to keep.
#
# ### Break it
#
# A rate far too large can end in a loss that is no number. We get there sooner, by writing NaN
# into one row of the embedding. The written-out loop would step along it, and from then on every
# weight is NaN. `train` refuses.

# %%
spoilt = fresh_story_model("story-small")
with torch.no_grad():
    spoilt.token_embedding.weight[END_ID] = torch.nan
try:
    train(spoilt, train_ids, None, replace(short, steps=3))
except TrainingError as error:
    print(str(error).split(".")[0])

# %% [markdown]
# ## Two processes
#
# The batch can be cut among processes as well as into parts. Each has the whole model and computes
# the gradient of its share; before the step they exchange the mean. That is called **data
# parallel** training. `launch.together` starts so many Pythons with the same program, and tells
# each which one it is. Here are two on this machine, talking over 127.0.0.1, without a network.

# %%
program = """
import torch
from utils.llm.training import distributed
from utils.llm.gpt import GPT, GPTConfig
from utils.llm.training import TrainConfig, train

with distributed.process_group("cpu"):
    torch.manual_seed(0)
    model = GPT(GPTConfig(50, 16, 1, 2, 16))
    ids = torch.arange(600) * 7 % 50
    history = train(model, ids, None, TrainConfig(steps=6, batch_size=8))
    if distributed.team().leads:
        print([round(loss, 2) for loss in history.losses])
"""
print("two:", launch.together(program, processes=2).strip())

# %%
torch.manual_seed(0)
alone = GPT(GPTConfig(50, 16, 1, 2, 16))
ids = torch.arange(600) * 7 % 50
history = train(alone, ids, None, TrainConfig(steps=6, batch_size=8))
print("one:", [round(loss, 2) for loss in history.losses])

# %% [markdown]
# The same losses: the mean of two means over halves is the mean over the whole. On one machine two
# processes gain nothing over two threads; over many graphics cards it is how large models are
# trained. There PyTorch's own starter does what `together` did here:
# `torchrun --nproc-per-node 8 -m utils.course.cli train …`.
#
# ## A graphics card
#
# One line changes. `train` works where the model is, and brings every batch there.

# %%
device = "cuda" if torch.cuda.is_available() else "cpu"
model = fresh_story_model("story-small").to(device)
history = train(model, train_ids, None, replace(short, steps=2))
elsewhere = [p for p in model.parameters() if p.device.type != device]
print(
    f"{len(history.losses)} steps, and {len(elsewhere)} of its tensors stand elsewhere"
)

# %% [markdown]
# Where there is a card, `make gpu` measures how much faster it is. What it found is kept with the
# course:

# %%
print(gpu.told())

# %% [markdown]
# From the shell all this is one command, on stories or on a text of your own:
# `course train --corpus my_notes/ --preset story`. It leaves a folder with the weights, the
# tokenizer, the log and a figure of the loss, and `--resume` goes on after whatever has happened.
#
# ## The challenge
#
# Now you know all the knobs, and you know the floor. So here is a contest: **who comes nearest to
# the floor with 3 · 10¹² operations?** They are counted as above, not timed, so all machines are
# equal; on two cores it is some three minutes. Write your settings into a file:
#
#     # my_config.py
#     name = "Ada"
#     n_layers, n_heads, d_model = 2, 4, 96
#     positions = "rotary"
#     batch_size = 16
#     learning_rate = 6e-3
#
# You may set what a `GPTConfig` and a `TrainConfig` have, except the vocabulary, the windows of a
# story and the number of steps. The steps follow from the rest, since the budget pays for so many
# and no more:

# %%
for settings in ({}, {"d_model": 160}, {"d_model": 64}, {"d_model": 64, "n_layers": 4}):
    given = entry("mine", **settings)
    print(f"{given.training.steps:5,} steps with", settings or "the settings above")

# %% [markdown]
# `course challenge my_config.py`, in a terminal, trains it, measures the bits of a word on 200
# stories that nobody has trained on, lets the model write 200 of its own and counts the possible
# ones, and adds a line to `runs/challenge.csv`. Send each other these files: `course challenge
# ada.csv ben.csv` shows all their lines in one table. Three entries of ours, not tuned, are there
# to be beaten:

# %%
print("\n".join(ranked(worked())))

# %% [markdown]
# Change one thing at a time, and write down what you expected. A story of a hundred words is
# possible only if none of them is wrong, so a few percent are worth much.
#
# ## What people get wrong
#
# *"The loss falls, so it learns."* It learns the training text. Only text that it has not read
# shows whether it has learned more.
#
# *"A loss of 0.3 is good."* In nats or bits, per token or per word, with which tokenizer, on which
# text? Without a floor, only comparisons mean anything.
#
# *"Adam finds its own rate, so the rate doesn't matter."* It finds the *ratio* between the
# numbers' steps. How long they are all together, you say.
#
# *"Weight decay is L2."* In plain descent it is. In Adam L2 is divided away where gradients are
# large.
#
# *"Clipping is for gradients that explode."* It is for the few batches that shout. Clipping at
# every step gives every step of plain descent the same length; in AdamW, which divides by the size
# anyway, it only makes every batch weigh the same in the two means.
#
# *"More parameters, lower loss."* With enough words to read. At a fixed budget there is a best
# size.
#
# ## Questions for the meeting
#
# 1. Your training loss falls below the entropy of the text. Name three ways in which that can
#    happen, and how you would tell them apart.
# 2. You double the batch. What would you do with the learning rate, and what with the number of
#    steps?
# 3. Why do gains and biases not decay, and what would happen if they did?
# 4. Where our curve bends, around step 100, somebody wants to stop: "it has converged". What
#    would you look at?
# 5. Two colleagues report 3.1 and 2.9 nats per token for the same text. Who is better?

# %% [markdown] tags=["solution-only"]
# ### Answers for whoever leads the meeting
#
# **1.** The model has seen the text before (learned by heart: validation is far higher); it sees
# the answer (a leak in the mask or in the targets: validation is below the floor as well); or the
# counting is wrong (filling in the divisor, tokens for words: a fresh model doesn't pay ln V).
#
# **2.** The gradient gets steadier, by √2 in its noise. In practice the rate goes up by 1.4 to 2,
# as long as it stays stable, and the steps go down, though not by half: beyond some size a batch
# has no more to say than a smaller one.
#
# **3.** A gain multiplies a normalised vector, and its natural value is near 1. Pulled to 0 it
# would make the layer quieter without making the function simpler. With a small decay one hardly
# sees it; with a large one the layers fade.
#
# **4.** The parts. The mean over all words stands still while recall is about to begin. Whoever has
# only the mean can look at the loss by position or by the frequency of words; and one can compare
# with the n-grams: a transformer that pays what a 5-gram pays has not yet used what it has more.
#
# **5.** Nobody knows. With another tokenizer a token is another amount of text. Ask for bits per
# byte or per word, on the same held-out text.

# %% [markdown]
# ## Recap
#
# At every place but the last the model is asked for the next token: the **shifted loss**, a mean
# over all targets of the batch. A step goes along the gradient: **clipped** as a whole, each
# number scaled by its usual size (**AdamW**), with a rate that **warms up** and falls along a
# **cosine**. **Accumulation** and several processes change where a batch is computed, not what is
# learned. **Validation** tells understanding from learning by heart, and when to stop.
# **Perplexity** compares models of one tokenizer, **bits per word** all. On a text with a known
# floor one sees how far there is to go: frequencies first, then neighbours, then memory, late and
# suddenly. More parameters are not better at every budget.
#
# Sources. The loop: M. Phuong and M. Hutter, *Formal Algorithms for Transformers*, 2022, Alg. 13.
# Warm-up: P. Goyal and others, *Accurate, Large Minibatch SGD*, 2017. Cosine: I. Loshchilov and F.
# Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2017. Clipping: R. Pascanu, T.
# Mikolov and Y. Bengio, *On the Difficulty of Training Recurrent Neural Networks*, 2013. Adam: D.
# Kingma and J. Ba, *Adam: A Method for Stochastic Optimization*, 2015; AdamW: I. Loshchilov and F.
# Hutter, *Decoupled Weight Decay Regularization*, 2019. Perplexity: F. Jelinek and others,
# *Perplexity, a Measure of the Difficulty of Speech Recognition Tasks*, 1977. Early stopping: L.
# Prechelt, *Early Stopping, but When?*, 1998. A sweep of rates: L. Smith, *Cyclical Learning Rates for
# Training Neural Networks*, 2017. The start of GPT's
# weights: A. Radford and others, *Improving Language Understanding by Generative Pre-Training*, 2018.
# Precision: P. Micikevicius and others, *Mixed Precision Training*, 2018 (float16); D. Kalamkar and
# others, *A Study of BFLOAT16 for Deep Learning Training*, 2019. Several processes: S. Li and others,
# *PyTorch Distributed: Experiences on Accelerating Data Parallel Training*, 2020. Size and budget:
# J. Hoffmann and others, *Training Compute-Optimal Large Language Models*, 2022.
#
# | English | 한국어 | in a sentence |
# |---|---|---|
# | loss | 손실 | what the model pays, −ln of the chance of what came |
# | target | 타깃 (정답) | the token that a place is asked for |
# | learning rate | 학습률 | how long a step is |
# | warm-up | 웜업 | small steps at the beginning |
# | schedule | 스케줄 | the rate over the steps |
# | gradient clipping | 그래디언트 클리핑 | a gradient that is too long is shortened |
# | weight decay | 가중치 감쇠 | every weight shrinks a little at each step |
# | batch, batch size | 배치, 배치 크기 | the texts that one step learns from |
# | gradient accumulation | 그래디언트 누적 | a batch computed in parts |
# | overfitting | 과적합 | learning by heart |
# | early stopping | 조기 종료 | stop where the held-out loss turns, and keep the best weights |
# | validation | 검증 | judging on text that was not trained on |
# | perplexity | 퍼플렉서티 (혼란도) | among how many tokens the model wavers |
# | checkpoint | 체크포인트 | the state of a training in a file |
# | mixed precision | 혼합 정밀도 | products in few bits, sums in many |
# | data parallel | 데이터 병렬 | every process has the model and a share of the batch |
# | compute budget | 연산 예산 | how many operations may be spent |
#
# Next: the sampler, which lets the model write.
