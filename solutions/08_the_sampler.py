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
# # 08 · The sampler
#
# **A model gives chances. Who decides which word is written?**
#
# The model of chapter 07 has never written a word. It reads, and gives each of 369 words a chance
# to come next. Between these chances and a story stands a small program, the **sampler**, and it
# decides more than one would think. The same model tells one and the same story forever, or a new
# one each time, or nonsense, by the turn of one knob. Here the story world can judge: for each
# setting of the knobs we shall know how many of 500 stories are possible at all.
#
# You will build: the greedy step, temperature, top-k, the nucleus, a dart thrown at a pie, the loop
# with its stop token, min-p, a step of beam search, and the cache that makes writing fast; and you
# will find a bug in a loop that looks sound. It takes some two and a quarter hours, about 80 minutes
# of them in the exercises.
#
# First run everything: **Run → Run All Cells**. It takes less than a minute. Then begin again at
# the top.

# %%
import json
import math
import time
from dataclasses import dataclass
from importlib.resources import files
from itertools import takewhile

import torch
from torch import Tensor
from torch.nn import functional as F
from utils.course import ask, check
from utils.data import storyworld
from utils.data.storyworld import judge as story_judge
from utils.data.storyworld import tokens as story_tokens
from utils.llm import sampling, tokenizer
from utils.llm.counting.ngram import NGramModel
from utils.llm.gpt import GPT, GPTConfig
from utils.llm.gpt.counts import kv_bytes_per_token, parameter_table
from utils.llm.machine import costs
from utils.viz import diagrams, plots, widgets

# %% [markdown]
# ## What the model gives
#
# The course brings a model along that has read 60,000 stories more than once; the recipe is chapter
# 07's, and `python -m utils.data.storyworld.make_checkpoint` makes it again. It reads words, a token a
# word, and token 0 is the mark between two stories.

# %%
model = GPT.load("stories").eval()
VOCABULARY, END_ID = story_tokens.VOCABULARY, story_tokens.END_ID


def read(text: str) -> list[int]:
    """The ids of a beginning, the mark that starts a story in front."""
    return [END_ID, *story_tokens.encode(text)]


@torch.no_grad()
def next_logits(text: str) -> Tensor:
    """The model's scores for the word after a beginning, (V,)."""
    return model(torch.tensor([read(text)]))[0, -1]


print(f"{model.num_parameters():,} parameters, {len(VOCABULARY)} words")

# %% [markdown]
# A beginning, and what may come next. Beside the pie that the model believes stands the pie that
# is: the stories come from a program, and the program tells.

# %%
day = (
    "Mina had a blue kite . One morning there was fog over the mill . It was a good "
    "day to see the castle , which was two days away . Mina took the blue kite and a "
    "shirt . On the first day she met an owl who was going there too . On the second day"
)


def shares(chances: Tensor) -> dict[str, float]:
    """Chances (V,) as a dictionary from words, for the figures."""
    exact = chances.double()
    return dict(zip(VOCABULARY, (exact / exact.sum()).tolist(), strict=True))


plots.pie_pair(
    storyworld.next_words(day),
    shares(next_logits(day).softmax(-1)),
    "On the second day …: the model has nearly learned the pie, and adds crumbs",
    most=3,
)

# %% [markdown]
# Three words can come: *they* (argued, slept, got lost …), *the* (owl), or *Mina*. All of this
# chapter is about what to do with the right-hand pie. And mind the crumbs, the sliver called
# *other*: 366 words that cannot come, and of which each has been given a little. Nor are the slices
# quite right: *they* has 63 % and should have 57.
#
# ## Always the largest
#
# The simplest sampler takes the largest slice. It is called **greedy**.
#
# ### Exercise 8.1 · The greedy step
# ★☆☆ · 3 min · Phuong and Hutter 2022, Alg. 14
#
# The model gives logits (B, T, V): for each of B texts, a row of scores at *each* of its T places.
# Return for each text the token with the largest logit at its last place, (B,); of equal ones the
# lowest id. By hand, for one text of two tokens and V = 3:
#
#     logits   [[[9, 0, 0], [1, 2, 5]]]         the last place is [1, 2, 5]
#     out      [2]
#
# <details><summary>A nudge</summary>Which place of a text says what comes after the text?</details>
# <details><summary>More</summary><code>logits[:, -1]</code> is the last place of each text, (B, V).
# <code>argmax</code> says where the largest stands, and of equal ones it names the first.</details>
# <details><summary>Nearly all</summary><code>logits[:, -1].argmax(dim=-1)</code> is (B,).</details>


# %%
def greedy_step(logits: Tensor) -> Tensor:
    """The next token of each text: the largest logit at its last place, (B,)."""
    ### BEGIN SOLUTION
    return logits[:, -1].argmax(dim=-1)
    ### END SOLUTION


greedy_step = check("8.1", greedy_step)

# %% [markdown]
# Take it, put it behind the text, read again. That is the whole of the **autoregressive loop**:

# %%
ids = [END_ID]
for _ in range(150):
    with torch.no_grad():
        ids.append(int(greedy_step(model(torch.tensor([ids])))[0]))
written = " ".join(story_tokens.decode(ids[1:])).split(f" {storyworld.END}")
print(storyworld.prose(written[0], width=88))
bits = -storyworld.log2_probability(written[0])
print(f"\nits chance in the story world: 1 in 2^{bits:.0f}")

# %% [markdown]
# A whole story, and not a word in it is impossible: one such word, and its chance would be 0. Run
# the cell again, and again: it is this story and no other. And behind it, since nobody has told our
# loop to stop, another one begins:

# %%
print(storyworld.prose(written[1].split()[:14]), "…")

# %% [markdown]
# We come back to that.
#
# ### Greedy goes round in circles
#
# Let something weaker write greedily: chapter 02's bigram, which looks at one word and takes what
# mostly follows it. And the trigram, which looks at two.

# %%
ask("8.a")

# %%
told = f" {storyworld.END} ".join(storyworld.stories(3000)).split()


def write_greedily(chain: NGramModel, words: list[str], n: int) -> str:
    """The words, and n more: each time the one that the n-gram thinks likeliest."""
    words = list(words)
    for _ in range(n):
        chances = chain.next_words(words[-chain.order + 1 :])
        words.append(max(chances, key=chances.get))
    return storyworld.prose(words, width=88)


bigram = NGramModel(2, strength=0.5).fit(told, VOCABULARY)
trigram = NGramModel(3, strength=0.5).fit(told, VOCABULARY)
print(write_greedily(bigram, ["Mina"], 40))
print()
print(write_greedily(trigram, ["Mina", "had"], 80))

# %% [markdown]
# The bigram says one sentence for ever, the trigram four. This is no accident but must be so. What
# a greedy n-gram says next depends on the last n − 1 words alone, and on no dice. So as soon as n − 1
# words come a second time, all that followed them follows again. A GPT is a Markov chain, too
# (chapter 06), its state is as long as its context, and there are so many states that it may take
# very long; we shan't wait for it. But large models have been caught at it early: a sentence that
# has stood there twice becomes likelier the third time, and greedy can't get out (Holtzman and
# others 2020).
#
# ## Heat
#
# So let chance in. First we shape the pie that we shall throw at; then we throw.
#
# **Temperature** divides the logits by a number before the softmax, T for short. (In the parts on
# heat T is never a length.) In odds: if one word is four
# times as likely as another, then at T = 2 it is √4 = 2 times as likely, at T = ½ it is 4² = 16
# times. Above 1 the pie is levelled, below 1 the large slices grow. It is the knob of chapter 03,
# where the bandwidth of a kernel did the same to weights.

# %%
ask("8.b")

# %% [markdown]
# ### Exercise 8.2 · Temperature
# ★☆☆ · 6 min · Ackley, Hinton and Sejnowski 1985
#
# From logits (…, V) and a temperature, return the chances. Temperature 0 is the limit: all on the
# largest logit, of equal ones on the lowest id. A logit may be large, 200 say. By hand, for two
# tokens:
#
#     logits         [ln 4, ln 1] = [1.386, 0]          chances at T = 1: [0.8, 0.2]
#     divided by 2   [0.693, 0]                         e^0.693 = 2, e^0 = 1
#     chances        [2/3, 1/3]
#
# <details><summary>A nudge</summary>Divide, then a softmax. For 0, division is no good: treat it
# first.</details>
# <details><summary>More</summary>The softmax runs along the last axis. At 0,
# <code>argmax(dim=-1)</code> finds the token, and <code>F.one_hot(ids, V)</code> makes a row of V
# whole numbers of it.</details>
# <details><summary>Nearly all</summary><pre><code>if temperature == 0:
#     return F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).float()</code></pre></details>


# %%
def heat(logits: Tensor, temperature: float) -> Tensor:
    """The chances at this temperature; at 0 all on the largest logit, (…, V)."""
    ### BEGIN SOLUTION
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).float()
    return (logits / temperature).softmax(dim=-1)
    ### END SOLUTION


heat = check("8.2", heat)

# %%
logits = next_logits(day)
plots.pies(
    {f"T = {t:g}": shares(heat(logits, t)) for t in (0.25, 0.5, 1, 2, 4)},
    "Heat levels the pie, and all the crumbs with it",
    most=3,
)

# %% [markdown]
# Cold, *they* takes it all. Hot, the three slices become equal, as one would wish. But so do the
# 366 crumbs, and there are many of them. At T = 2 they have become a slice like the others, and at
# T = 4 they are most of the pie. Heat doesn't know which words are impossible, only that they are
# small.
#
# The package's `sampling.temperature` works on logits and leaves the softmax for later:

# %%
theirs = sampling.temperature(0.7)(logits).softmax(-1)
print(f"from the package's: {(heat(logits, 0.7) - theirs).abs().max():.5f} at most")

# %% [markdown]
# ### Break it
#
# A tempting shortcut: the chances are there already, so divide those by T and take a softmax.

# %%
chances = logits.softmax(-1)
wrong = {f"T = {t:g}": shares((chances / t).softmax(-1)) for t in (0.5, 1, 2)}
plots.pies(wrong, "Temperature after the softmax: nothing is left of the pie", most=3)

# %% [markdown]
# Chances lie between 0 and 1, so divided by T they differ by 1/T at most, and e^(1/T) is the most
# that one word can be ahead of another: 2.7 times at T = 1, 7.4 times at T = ½. Against 368 others
# that is next to nothing. The numbers sum to 1, no error is raised, and the model seems to have
# forgotten all it knew. It is the second softmax of chapter 06 once more.
#
# ## Cut the crumbs
#
# One can also take slices away. What is cut gets the logit −∞, and so the chance 0; the others keep
# their odds and share out the rest.
#
# **Top-k** keeps the k largest.
#
# ### Exercise 8.3 · Top-k
# ★★☆ · 10 min · Fan, Lewis and Dauphin 2018
#
# From logits (…, V) return logits of the same shape: the k largest of each row *where they stand*,
# −∞ elsewhere (or a number like −10⁹, which hides a token just as well). Exactly k of them, even
# where several are equal (then any of the equal ones will do); all of them if k is V or more. By
# hand, for k = 2:
#
#     logits   [1, 5, 3, 3]
#     out      [−∞, 5, 3, −∞]        or  [−∞, 5, −∞, 3]
#
# <details><summary>A nudge</summary>A threshold would keep all that are equal at the border. Keep
# <i>places</i>, k of them.</details>
# <details><summary>More</summary><code>logits.topk(k, dim=-1)</code> gives values and
# <code>indices</code>; it refuses a k above V. Make a tensor full of −∞,
# <code>torch.full_like(logits, -torch.inf)</code>, and put the values back where they came
# from.</details>
# <details><summary>Nearly all</summary><pre><code>values, ids = logits.topk(min(k, logits.shape[-1]), dim=-1)
# cut = torch.full_like(logits, -torch.inf)
# cut.scatter(-1, ids, values)</code></pre></details>


# %%
def top_k(logits: Tensor, k: int) -> Tensor:
    """The k largest logits of each row where they stand, −inf elsewhere, (…, V)."""
    ### BEGIN SOLUTION
    values, ids = logits.topk(min(k, logits.shape[-1]), dim=-1)  # (…, k) both
    return torch.full_like(logits, -torch.inf).scatter(-1, ids, values)
    ### END SOLUTION


top_k = check("8.3", top_k)

# %% [markdown]
# But which k? After *One morning there was*, eight kinds of weather are equally likely; after *and
# the blue*, only the kite can come. A k that suits the one is wrong for the other. So **top-p**,
# the **nucleus**, fixes the share, not the number: take slices from the largest down until they
# have p of the pie together.

# %%
ask("8.c")

# %% [markdown]
# ### Exercise 8.4 · The nucleus
# ★★★ · 12 min · Holtzman and others 2020
#
# From chances (…, V), not sorted, return chances of the same shape. Of each row keep the fewest
# tokens that have at least p together, taken from the largest down. The one that crosses p belongs
# to them. One token is kept at least. Of equal ones any will do. The kept ones are rescaled to sum
# to 1, where they stand; the others get 0. By hand, for p = 0.7:
#
#     chances   [0.2, 0.5, 0.3]
#     sorted    0.5, 0.3, 0.2        their sums 0.5, 0.8, 1.0: two are needed
#     out       [0, 0.625, 0.375]    that is 0.5 / 0.8 and 0.3 / 0.8
#
# <details><summary>A nudge</summary><code>chances.sort(dim=-1, descending=True)</code> gives sizes
# and ids. A slice is kept if all the larger ones together have less than p; the first is kept
# always.</details>
# <details><summary>More</summary>What the larger ones have is <code>sizes.cumsum(-1) -
# sizes</code>. In the end <code>torch.zeros_like(chances).scatter(-1, ids, …)</code> brings every
# size back to its place.</details>
# <details><summary>Nearly all</summary><pre><code>sizes, ids = chances.sort(dim=-1, descending=True)
# kept = sizes.cumsum(dim=-1) - sizes &lt; p
# kept[..., 0] = True
# sizes = sizes * kept</code></pre></details>


# %%
def nucleus(chances: Tensor, p: float) -> Tensor:
    """The fewest tokens with at least p together, rescaled to 1; 0 elsewhere, (…, V)."""
    ### BEGIN SOLUTION
    sizes, ids = chances.sort(dim=-1, descending=True)
    before = sizes.cumsum(dim=-1) - sizes  # what the larger slices have together
    kept = before < p
    kept[..., 0] = True
    sizes = sizes * kept
    sizes = sizes / sizes.sum(dim=-1, keepdim=True)
    return torch.zeros_like(chances).scatter(-1, ids, sizes)
    ### END SOLUTION


nucleus = check("8.4", nucleus)

# %%
theirs = sampling.top_p(0.9)(logits).softmax(-1)
mine = nucleus(logits.softmax(-1), 0.9)
print(f"top-p, furthest from the package's chances: {(mine - theirs).abs().max():.5f}")
theirs = sampling.top_k(5)(logits).softmax(-1)
mine = top_k(logits, 5).softmax(-1)
print(f"top-k, furthest from the package's chances: {(mine - theirs).abs().max():.5f}")

# %% [markdown]
# A third rule is younger. **Min-p** measures a slice against the largest: cut what is less than p
# times as likely as the likeliest. Where the model is sure, the bar is high; where it wavers, low.
# Here are the three rules on three beginnings. We heat the pies to T = 2 before, so that the crumbs
# can be seen.

# %%
weather = "Mina had a blue kite . One morning there was"
memory = day.replace(
    " On the second day", " On the second day the owl carried the blue"
)
hot = {
    "… carried the blue": heat(next_logits(memory), 2),
    "On the second day": heat(next_logits(day), 2),
    "there was": heat(next_logits(weather), 2),
}
rules = {
    "top-k, 4": sampling.top_k(4),
    "top-p, 0.9": sampling.top_p(0.9),
    "min-p, 0.1": sampling.min_p(0.1),
}
plots.cuts(
    hot, rules, "In the heat: top-k is too many or too few, top-p lets crumbs in"
)

# %% [markdown]
# In the middle column, four is one too many. On the right it is four too few: half of the weather
# can no longer come. Top-p asks for nine tenths of the pie, and where the crumbs have more than the
# tenth that is left over, it has to take crumbs, a good many of them. Min-p keeps 1, 3 and 8, as
# the story world would. One shouldn't conclude that it is the best rule for everything: here every
# possible word has well over a tenth of the likeliest one's chance, and every crumb less, and that
# suits it.
#
# ## Throw
#
# Now the pie has its shape, and we throw a dart at it. One number u between 0 and 1 is enough: lay
# the slices end to end, in the order of their ids, and see in which of them u falls.
#
# ### Exercise 8.5 · Throw a dart
# ★★☆ · 8 min · inverse transform sampling
#
# Pies (B, V) and a dart for each, (B,), a number in [0, 1). Return the id of the slice that each
# dart hits, (B,). A slice reaches from the sum before it, included, to the sum with it, excluded.
# By hand:
#
#     chances   [0.25, 0.5, 0.25]    sums  0.25, 0.75, 1.0
#     dart      0.75                 the first two end at 0.25 and 0.75: they are passed
#     out       2
#
# A slice of size 0 is never hit, and many pies end in such slices once a nucleus has been cut out
# of them. Rounding may leave the last sum a little below 1, and no dart may fly past the board.
#
# <details><summary>A nudge</summary>How many slices has a dart passed? That number is an
# id.</details>
# <details><summary>More</summary>Count the sums that are not above the dart:
# <code>chances.cumsum(-1) &lt;= darts[:, None]</code>. First multiply each dart by its row's last
# sum; then none can get past.</details>
# <details><summary>Nearly all</summary><pre><code>sums = chances.cumsum(dim=-1)  # (B, V)
# darts = darts * sums[:, -1]
# (sums &lt;= darts[:, None]).sum(dim=-1)</code></pre></details>


# %%
def throw(chances: Tensor, darts: Tensor) -> Tensor:
    """The id of the slice that each dart in [0, 1) hits; (B, V), (B,) -> (B,)."""
    ### BEGIN SOLUTION
    sums = chances.cumsum(dim=-1)  # (B, V)
    darts = darts * sums[:, -1]
    return (sums <= darts[:, None]).sum(dim=-1)
    ### END SOLUTION


throw = check("8.5", throw)

# %%
dice = torch.Generator().manual_seed(0)
darts = torch.rand(1000, generator=dice)
hits = throw(heat(logits, 1.0).expand(1000, -1), darts).bincount(minlength=369)
for word, count in zip(VOCABULARY, hits.tolist(), strict=True):
    if count >= 10:
        true = storyworld.next_words(day).get(word, 0)
        print(f"{word:>6}: {count:4} of 1,000; in the story world {1000 * true:.0f}")
print(
    f"crumbs: {hits[hits < 10].sum():4} of 1,000, each of them hit fewer than 10 times"
)

# %% [markdown]
# ### Throw yourself
#
# Shape the pie with temperature, k and p, and throw: a button throws at random, a click on the board
# throws there, and another button goes through the beginnings. The darts stay where they are while
# you move a slider, and the slices move below them. (Tab goes from one control to the next, the
# arrow keys move a slider, the space bar presses a button.) Find settings for which the pie on the
# left comes as near as it can to that on the right, for all of the beginnings. Why is none exact?

# %%
beginnings = [weather, day, memory, "Mina had a blue kite", "", "Mina had a"]
widgets.dart_explorer(next_logits, beginnings, VOCABULARY, storyworld.next_words)

# %% [markdown]
# ## The loop, and when to stop
#
# The loop from the beginning needs two things more: any way to choose, and an end. The model has
# learned when a story is over, since in what it read the mark came there; a token that ends a text
# is a **stop token**. It is a sign for the loop and no part of the text.
#
# ### Exercise 8.6 · The loop
# ★★☆ · 8 min · Phuong and Hutter 2022, Alg. 14
#
# `model(ids)` takes (1, T) and gives (1, T, V); `choose(logits)` takes the logits of one place,
# (V,), and gives a token; it may throw dice, so ask it once for each token. Return the *new*
# tokens, as a list: at most `max_new_tokens`, and only those before the stop token. The prompt may
# hold the stop token (ours begins with it), and that stops nothing. Leave `ids` as it is. By hand,
# with a model that counts upwards, and a choice that takes the largest:
#
#     ids [3], at most 10, stop 6        3 → 4, 4 → 5, 5 → 6: stop
#     out [4, 5]
#
# <details><summary>A nudge</summary>Keep the new tokens in a list of their own; whether to go on
# depends on their number alone, and on the newest.</details>
# <details><summary>More</summary>The model reads <code>torch.tensor([ids + new])</code>, and
# <code>choose</code> the scores at the last place of that. Look at the token before you append
# it.</details>
# <details><summary>Nearly all</summary><pre><code>new = []
# while len(new) &lt; max_new_tokens:
#     token = choose(model(torch.tensor([ids + new]))[0, -1])
#     if token == stop_id:
#         break
#     new.append(token)</code></pre></details>


# %%
def write(
    model, ids: list[int], max_new_tokens: int, choose, stop_id: int
) -> list[int]:
    """The new tokens alone, up to the stop token, which is no part of the text."""
    ### BEGIN SOLUTION
    new: list[int] = []
    while len(new) < max_new_tokens:
        token = choose(model(torch.tensor([ids + new]))[0, -1])
        if token == stop_id:
            break
        new.append(token)
    return new
    ### END SOLUTION


write = check("8.6", write)

# %% [markdown]
# Everything together: heat, cut, throw, in a loop.

# %%
dice = torch.Generator().manual_seed(4)


def choose(logits: Tensor) -> int:
    """Temperature 0.9, the nucleus of 0.98, and a dart."""
    chances = nucleus(heat(logits, 0.9), 0.98)
    return int(throw(chances[None], torch.rand(1, generator=dice))[0])


with torch.no_grad():
    story = story_tokens.decode(write(model, read("Minho had"), 130, choose, END_ID))
story = ["Minho", "had", *story]
print(storyworld.prose(story, width=88))
bits = -storyworld.log2_probability(story)
print(f"\nits chance in the story world: 1 in 2^{bits:.0f}")

# %% [markdown]
# The package has this as `generate`. It takes many texts at once, and it is a *generator* in
# Python's sense as well: it hands out every token as soon as there is one. So a program can show
# the text while it is written. That is all there is to **streaming**.

# %%
sampler = sampling.Sampler(sampling.temperature(0.9), sampling.top_p(0.98))
start = torch.tensor(read("Yuna"))
tokens = sampling.generate(model, start, 130, sampler, stop_ids=[END_ID], seed=1)
print("Yuna", end=" ")
column = 5
for piece in sampling.stream_text(tokens, sampling.WordDecoder(VOCABULARY)):
    if column + len(piece) > 80:
        print()
        column, piece = 0, piece.lstrip()
    print(piece, end="", flush=True)
    column += len(piece)

# %% [markdown]
# One thing can go wrong. A token of a real tokenizer is a piece of *bytes*, and a character may
# have three (chapter 02). Whoever shows each token at once shows halves of characters, as �. So the
# decoder holds back what is not whole yet. Here the tokens are single bytes:

# %%
bytes_only = tokenizer.train_bpe("", 257)
decoder = sampling.TextDecoder(bytes_only)
for byte in "안녕!".encode():
    alone = bytes_only.decode([byte])
    print(f"{byte:3}  at once {alone!r}  held back {decoder.push(byte)!r}")

# %% [markdown]
# ## The judge
#
# Which temperature, then, and which p? Opinions on this are many. For our stories we can know. The
# story world says of each story whether it is possible at all, and if so, how likely. And the
# sampler can count its own dice: each word that it draws with chance q has cost it −log₂ q bits of
# chance, and what a whole story costs on average is the entropy of the sampler. It is a measure of
# how varied it writes: with 10 bits, it has as much choice as among 2¹⁰ equally likely stories.

# %%
ask("8.d")

# %% [markdown]
# A hundred stories at each of three temperatures. They are written together, as a batch.

# %%
live = {}
for t in (0.7, 1.0, 1.5):
    sampler = sampling.Sampler(sampling.temperature(t))
    live[t] = story_judge.write_stories(model, 100, sampler, seed=1)
    verdict = story_judge.judge(live[t])
    print(
        f"T = {t}: {100 * verdict.possible:3.0f} of 100 possible, "
        f"{verdict.chance:3.0f} bits of chance in a story"
    )

# %% [markdown]
# For the curves we need more: 500 stories at each of a dozen temperatures, and others. It takes
# some minutes, so they come from a record, which `python tests/bench/judged_stories.py` makes. The
# rings are what you have just measured.

# %%
logs = files("utils.data") / "logs"
record = json.loads((logs / "judged_stories.json").read_text(encoding="utf-8"))
PLAIN = {"temperature": 1.0, "top_p": 1.0, "min_p": 0.0, "penalty": 1.0}


def rows_along(name: str, **fixed: float) -> list[dict]:
    """The rows of the record in which only this setting differs from plain sampling."""
    others = {**PLAIN, **fixed}
    same = [key for key in PLAIN if key != name]
    rows = [r for r in record["rows"] if all(r[key] == others[key] for key in same)]
    return sorted(rows, key=lambda row: row[name])


def curves(name: str, **fixed: float) -> list[list[float]]:
    """Values of the setting, possible, different, and bits of chance."""
    rows = rows_along(name, **fixed)
    return [[row[k] for row in rows] for k in (name, "possible", "different", "chance")]


# %%
shares_now = {t: story_judge.judge(stories).possible for t, stories in live.items()}
plots.judged(
    *curves("temperature"),
    record["true_bits"],
    500,
    "temperature",
    "Hot, hardly a story is possible; at 0, all are the same one",
    live=shares_now,
)

# %%
recorded = dict(zip(*curves("temperature")[:2], strict=True))
for t, share in shares_now.items():
    spread = math.sqrt(max(recorded[t] * (1 - recorded[t]), 0.01) * (1 / 100 + 1 / 500))
    apart = abs(share - recorded[t]) / spread
    print(
        f"T = {t}: {100 * share:3.0f} % now, {100 * recorded[t]:3.0f} % in the record, "
        f"{apart:.1f} deviations apart"
    )

# %% [markdown]
# From left to right. At 0 there is one story, 500 times: all are possible, and the orange line,
# which counts the *different* ones among the possible, stands at 1. With a little heat the two
# lines are one: there are so many stories in the story world that nobody meets one twice. So look
# at the right-hand panel, where the dashed line is the story world's own entropy. A sampler that
# throws at the true pie would be on it, with all 500 stories possible. At T = 1 we throw at the pie
# that the model believes, which is nearly that, and some stories are lost. Below 1 fewer are lost.
# (Between 8 of 500 and 17 there is little telling: a count of 12 varies by about its root, 3 or 4.)
# (That the bits hardly fall until T is small is peculiar to our stories: most of their dice have
# equal sides, and equal slices stay equal at any temperature. Of ordinary text much would be
# missing.) Above 1 the chance in a story rises and rises, but it is no longer chance among stories.
# At 2.0 nobody writes one that is possible. Here is a beginning from there:

# %%
sampler = sampling.Sampler(sampling.temperature(2.0))
salad = story_judge.write_stories(model, 1, sampler, seed=0).stories[0]
print(storyworld.prose(salad[:40], width=88))

# %% [markdown]
# (The word is physics', and so is the formula. A system at temperature T is in a state of energy E with
# a chance proportional to e to the power of −E / T; logits are energies with the sign turned. Whoever
# looks for the best of very many states begins hot and cools down slowly, which is called
# **simulated annealing**. A sampler doesn't: it stays at one temperature, since it wants a story and not
# the likeliest one.)
#
# ### Why so sudden?
#
# A story has about a hundred words, and a single dart among the crumbs spoils it. We can compute
# what must come of that. At each place of a story sum up the chances of all words that are possible
# there, and multiply along the story: that is the chance that nothing goes wrong.


# %%
@torch.no_grad()
def chance_to_stay_possible(words: list[str], temperatures: list[float]) -> Tensor:
    """The product over a story of what the possible words have together, for each T."""
    logits = model(torch.tensor([[END_ID, *story_tokens.encode(words)]]))[0]
    mask = torch.zeros_like(logits, dtype=torch.bool)
    for place, possible in enumerate(storyworld.distributions(words)):
        mask[place, story_tokens.encode([*possible])] = True
    return torch.stack([(heat(logits, t) * mask).sum(-1).prod() for t in temperatures])


# %%
temperatures = [0.5, 0.7, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 2.0]
true_stories = [story.split() for story in storyworld.stories(100, seed=5)]
all_of_them = torch.stack(
    [chance_to_stay_possible(words, temperatures) for words in true_stories]
)
computed = all_of_them.mean(0)

# %% [markdown]
# Beside it we put what the judge has counted. Neither is exact: the one is a mean over a hundred
# stories, the other a count among 500, and each has its standard error, drawn as a bar.

# %%
counted = torch.tensor([recorded[t] for t in temperatures])
errors = {
    "computed from the crumbs": 100 * all_of_them.std(0) / len(true_stories) ** 0.5,
    "what the model wrote": 100 * (computed * (1 - computed) / 500).sqrt(),
}
plots.lines(
    {
        "computed from the crumbs": (temperatures, 100 * computed),
        "what the model wrote": (temperatures, 100 * counted),
    },
    "temperature",
    "possible stories, % (with standard errors)",
    "The crumbs explain it: each word must miss them",
    markers=True,
    y_from=0,
    spread=errors,
)

# %% [markdown]
# How many crumbs is that for a single word? If each of a story's words escapes them with the same
# chance, then that chance, multiplied as often as there are words, is what we have computed. So it
# is a root of it.

# %%
n_words = record["true_bits"] / record["entropy_per_word"]
print(f"a story has {n_words:.0f} words on average")
crumbs = 1 - computed ** (1 / n_words)
for t in (0.7, 1.0, 1.5):
    share = 100 * crumbs[temperatures.index(t)].item()
    print(f"T = {t}: about {share:.1g} % of a board are crumbs")

# %%
both = torch.stack([*errors.values()]).square().sum(0).sqrt()  # of the difference
for t, one, other, error in zip(temperatures, computed, counted, both, strict=True):
    print(
        f"T = {t:4}: computed {100 * one:3.0f} %, judged {100 * other:3.0f} %, "
        f"{(100 * (one - other)).abs() / error:.1f} standard errors apart"
    )

# %% [markdown]
# Of nine differences, a third should be larger than their standard error by chance alone, so there
# is nothing left to explain. (Each setting of the record was written with dice of its own. With the
# same dice for all of them, its points would lean to one side together, and look like a law.)
#
# So a model that is right 999 times out of 1,000 still spoils every tenth story. This is why one
# cuts. Here is the same for top-p, at temperature 1:

# %%
plots.judged(
    *curves("top_p"),
    record["true_bits"],
    500,
    "p",
    "A little cut saves the stories; more costs variety and saves nothing",
)

# %% [markdown]
# At p = 1 nothing is cut. Cutting the last two hundredths already takes most of the crumbs away.
# Further to the left, what is cut are words that could have come: the bits fall, and at p = 0 we
# are back at greedy. Nor do all stories become possible on the way. One or two in a hundred still
# go wrong. Here is a place where they do:

# %%
trip = (
    "Omar found a red drum . One morning there was fog over the station . It was a "
    "good day to see the"
)
pie = next_logits(trip).softmax(-1)
largest = pie.topk(12)
drawn = {
    VOCABULARY[i]: 100 * share
    for i, share in zip(largest.indices.tolist(), largest.values.tolist(), strict=True)
}
plots.bars(
    drawn,
    "the model's chance, %",
    "Where Omar is already, the model would send him as well",
    highlight=["station"],
    digits=1,
)

# %%
possible = storyworld.next_words(trip)
print(f"places that can come: {len(possible)}, each {100 / len(possible):.1f} %")
print(f"and the station: {100 * possible.get('station', 0):.1f} %")
kept = nucleus(pie, 0.5)
print(
    "kept by top-p 0.5:",
    ", ".join(word for word, share in shares(kept).items() if share),
)

# %% [markdown]
# Nobody sets out for the place where they are. That the model hasn't learned: it knows that a place
# comes, and gives all twelve nearly the same. Such a slice is no crumb. A cut goes by size, so it
# can't tell it from the others, and no sampler knows better than its model. Both knobs together:

# %%
grid_t, grid_p = [1.0, 1.5, 2.0], [0.5, 0.8, 0.9, 0.95, 1.0]
plain = [r for r in record["rows"] if r["min_p"] == 0 and r["penalty"] == 1]
table = {(r["temperature"], r["top_p"]): r for r in plain}
plots.heatmap(
    [[100 * table[t, p]["possible"] for p in grid_p] for t in grid_t],
    [f"T = {t:g}" for t in grid_t],
    [f"{p:g}" for p in grid_p],
    "A low p makes up for heat, up to a point",
    xlabel="p",
    value="possible stories, %",
)

# %% [markdown]
# Against heat min-p was made (Nguyen and others 2025), and it is the shortest of the three rules.
#
# ### Exercise 8.9 · Min-p
# ★☆☆ · 4 min · Nguyen and others 2025
#
# From logits (…, V) return logits of the same
# shape: as they are where a token's chance is at least p times the largest chance of its row, −∞
# elsewhere. By hand, for p = 0.3:
#
#     logits    [ln 2, ln 5, ln 1]       chances [0.25, 0.625, 0.125]
#     the bar   0.3 · 0.625 = 0.1875     the last is below it
#     out       [ln 2, ln 5, −∞]
#
# At p = 0 nothing is cut, at p = 1 the largest stays, with all that equal it.
#
# <details><summary>A nudge</summary>What is compared are chances, each with the largest of its own
# row.</details>
# <details><summary>More</summary><code>chances.amax(dim=-1, keepdim=True)</code> is the largest of
# each row, (…, 1), and <code>logits.masked_fill(cut, -torch.inf)</code> puts −∞ where
# <code>cut</code> is True.</details>
# <details><summary>Nearly all</summary><pre><code>chances = logits.softmax(dim=-1)
# bar = p * chances.amax(dim=-1, keepdim=True)
# logits.masked_fill(chances &lt; bar, -torch.inf)</code></pre></details>


# %%
def min_p(logits: Tensor, p: float) -> Tensor:
    """The logits whose chance is at least p times their row's largest, −inf elsewhere."""
    ### BEGIN SOLUTION
    chances = logits.softmax(dim=-1)  # (…, V)
    bar = p * chances.amax(dim=-1, keepdim=True)  # (…, 1)
    return logits.masked_fill(chances < bar, -torch.inf)
    ### END SOLUTION


min_p = check("8.9", min_p)

# %%
theirs = sampling.min_p(0.1)(logits)
apart = (min_p(logits, 0.1).softmax(-1) - theirs.softmax(-1)).abs().max()
print(f"furthest from the package's chances: {apart:.5f}")
sampler = sampling.Sampler(sampling.temperature(1.5), lambda logits: min_p(logits, 0.1))
verdict = story_judge.judge(story_judge.write_stories(model, 100, sampler, seed=1))
print(
    f"T = 1.5, your min-p 0.1: {100 * verdict.possible:.0f} of 100 possible, "
    f"{verdict.chance:.0f} bits of chance in a story"
)

# %% [markdown]
# Without a cut, more than seventy were lost at this temperature. And from the record:

# %%
compared = {
    f"T = 1.5, min-p {r['min_p']:g}": r for r in rows_along("min_p", temperature=1.5)
}
for t, p in ((1.5, 0.9), (1.5, 0.8), (2.0, 0.5)):
    compared[f"T = {t}, top-p {p:g}"] = table[t, p]
for name, row in compared.items():
    print(
        f"{name:20} {100 * row['possible']:3.0f} % possible, "
        f"{row['chance']:3.0f} bits of chance"
    )
print(f"{'the story world':20} 100 % possible, {record['true_bits']:3.0f} bits")

# %% [markdown]
# In moderate heat a p of 0.8 or 0.9 undoes the harm, and so does min-p, which leaves as many bits
# of chance as the story world has, whether p is 0.05 or 0.2. In great heat only a top-p as low as a
# half does: with more, the nucleus must be filled up with crumbs. And it takes a good part of the
# variety with it: at T = 2 a p of 0.5 still saves 97 stories of 100, 0.8 saves fewer than half of
# them, and 0.9 next to none.
#
# What this shows holds for our model and our stories, where one wrong word in a hundred spoils
# everything. In a chat nobody counts impossible words. But for ordinary text, too, it has been
# found that greedy repeats itself, that the uncut pie of a large model leads astray, and that a cut
# between the two comes nearest to what people write (Holtzman and others 2020).
#
# ## Don't repeat yourself
#
# Against loops there is a blunt tool, the **repetition penalty**. Every token that stands in the
# text already has its logit lowered: divided by a number above 1 if positive, multiplied by it if
# negative. (The formula of the paper divides either, Keskar and others 2019.)

# %%
scores, said = torch.tensor([2.0, -2.0, 0.0]), torch.tensor([0, 1])
rows = {
    "before": scores,
    "both divided": scores / torch.tensor([2.0, 2.0, 1.0]),
    "the penalty": sampling.repetition_penalty(2.0)(scores, said),
}
for name, row in rows.items():
    print(f"{name:12}", "  ".join(f"{share:.2f}" for share in row.softmax(-1)))

# %% [markdown]
# Tokens 0 and 1 have been said. Divided, the second becomes *likelier*, and only the penalty lowers
# its share. The bigram's circle:

# %%
last, penalty = ["Mina"], sampling.repetition_penalty(2.0)
for _ in range(19):
    chances = bigram.next_words(last[-1:])
    logits = torch.tensor([chances[word] for word in VOCABULARY]).log()
    seen = torch.tensor(story_tokens.encode(last))
    last.append(VOCABULARY[int(penalty(logits, seen).argmax())])
print(storyworld.prose(last, width=88))

# %% [markdown]
# The circle is broken. And what does it do to a model that had no need of it? Our stories *must*
# repeat themselves: the kite stays blue, and the owl stays an owl. From the record, at temperature
# 1:

# %%
plots.bars(
    {
        f"penalty {row['penalty']:g}": 100 * row["possible"]
        for row in rows_along("penalty")
    },
    "possible stories, %",
    "A weak penalty does little harm, a strong one spoils most stories",
)

# %% [markdown]
# A cure for a model that loops is, in a strong dose, a disease for one that remembers. If a good
# model repeats itself, look at the sampler first: is it greedy, or very cold?
#
# ## Several beginnings at once
#
# Greedy is short-sighted in another way, too. It takes the likeliest *word*, and that need not lead
# to the likeliest *sentence*. Here is our day again. The likeliest word is *they*, but its share is
# then divided among four things that they may do. After *the* only *owl* can come, so its share
# stays whole.

# %%
two_words = {}
for first in ("they", "the", "Mina"):
    own = storyworld.next_words(f"{day} {first}")
    for second, share in own.items():
        two_words[f"{first} {second}"] = storyworld.next_words(day)[first] * share
plots.bars(
    dict(sorted(two_words.items(), key=lambda pair: -pair[1])),
    "chance of both words",
    "The likeliest first word doesn't begin the likeliest two",
    highlight=["the owl"],
)

# %% [markdown]
# **Beam search** keeps the best few beginnings, not one. At each step every one of them is
# continued by every word, all those candidates are compared, and the best few survive.
#
# ### Exercise 8.7 · One step of beam search
# ★★★ · 12 min · Sutskever, Vinyals and Le 2014; Wu and others 2016
#
# A beam is a pair: the list of its new tokens, and the sum of their log chances. `log_chances(ids)`
# gives the list of ln p for every token of the vocabulary, after the prompt and these new tokens.
# Return the best `width` texts after one more token, best first. Texts are ranked by their sum
# *divided by the number of their tokens*; else the short ones would win, since each further token
# makes a sum smaller. What is kept is the sum itself. A text whose last token is the stop token has
# ended: it stays a candidate as it is, and its stop token counts among its tokens. By hand (round
# numbers, which needn't sum to 1), V = 3, width 2, stop token 0:
#
#     beams              ([1], −0.5), ([2], −1.0)
#     log_chances([1])   [−3, −1, −2]       [1, 0] −3.5, [1, 1] −1.5, [1, 2] −2.5
#     log_chances([2])   [−0.1, −4, −4]     [2, 0] −1.1, [2, 1] −5.0, [2, 2] −5.0
#     out                ([2, 0], −1.1), ([1, 1], −1.5)
#
# In the next step, ([2, 0], −1.1) is not continued; it competes with its mean, −0.55.
#
# <details><summary>A nudge</summary>Collect all candidates in one list, sort it by <code>total /
# len(ids)</code>, and cut it at the width.</details>
# <details><summary>More</summary>A beam gives V candidates, <code>([*ids, token], total +
# own)</code>, or itself if it has ended. The search begins with <code>[([], 0.0)]</code>, which has
# no last token yet: <code>if ids and ids[-1] == stop_id</code>.</details>
# <details><summary>Nearly all</summary><pre><code>candidates = []
# for ids, total in beams:
#     if ids and ids[-1] == stop_id:
#         candidates.append((ids, total))
#         continue
#     for token, own in enumerate(log_chances(ids)):
#         candidates.append(([*ids, token], total + own))
# candidates.sort(key=lambda beam: beam[1] / len(beam[0]), reverse=True)</code></pre></details>


# %%
def beam_step(beams: list, log_chances, width: int, stop_id: int) -> list:
    """The best `width` texts after one more token, best first, by their mean."""
    ### BEGIN SOLUTION
    candidates = []
    for ids, total in beams:
        if ids and ids[-1] == stop_id:
            candidates.append((ids, total))
            continue
        for token, own in enumerate(log_chances(ids)):
            candidates.append(([*ids, token], total + own))
    candidates.sort(key=lambda beam: beam[1] / len(beam[0]), reverse=True)
    return candidates[:width]
    ### END SOLUTION


beam_step = check("8.7", beam_step)


# %%
@torch.no_grad()
def after_day(ids: list[int]) -> list[float]:
    """ln p of every word after the day's beginning and these words."""
    return model(torch.tensor([read(day) + ids]))[0, -1].log_softmax(-1).tolist()


for width in (1, 2):
    beams = [([], 0.0)]
    for _ in range(2):
        beams = beam_step(beams, after_day, width, END_ID)
    ids, total = beams[0]
    print(f"width {width}: {' '.join(story_tokens.decode(ids))}, {math.exp(total):.2f}")
found = sampling.beam_search(model, torch.tensor(read(day)), 2, beams=2)
print("the package:", " ".join(story_tokens.decode(found.best[0].ids)))

# %% [markdown]
# With a width of 1 it is greedy, and with 2 it finds what is likelier. Here is the tree of such
# searches. A thick line leads to the best text, a grey dashed box has been dropped, and behind each
# word stands the chance of all words up to it. Try the first beginning with one beam, with two,
# with three: which width finds the likeliest text?

# %%
journeys = [
    "Mina had a blue kite",
    day,
    f"{weather} fog over the mill .",
    "Mina had a blue kite . One morning there was fog over the mill . So Mina went for "
    "a walk . Then Mina sneezed , and the blue kite was gone .",
]
widgets.beam_explorer(model, journeys, read, VOCABULARY, beams=3, steps=6)

# %% [markdown]
# Where there is nearly one right answer, beam search helps; translation has long been done with it
# (Sutskever, Vinyals and Le 2014). For stories it is a disappointment. Let five beams search a
# whole one. `length_penalty=0.0` ranks by the sum itself, since here we ask for the likeliest whole
# story; 1 would be your mean.

# %%
found = sampling.beam_search(
    model, torch.tensor([END_ID]), 130, 5, length_penalty=0.0, stop_ids=[END_ID]
)
best = story_tokens.decode(found.best[0].ids)
print(storyworld.prose(best, width=88))

# %%
likely = {"greedy": written[0].split(), "five beams": best}
for name, words in likely.items():
    told_ids = torch.tensor([[*read(" ".join(words)), END_ID]])
    with torch.no_grad():
        own = F.cross_entropy(
            model(told_ids[:, :-1])[0], told_ids[0, 1:], reduction="sum"
        )
    print(
        f"{name:>10}: {-storyworld.log2_probability(words):.1f} bits by the dice, "
        f"{own.item() / math.log(2):.1f} by the model"
    )
print(f"a story of the story world, on average: {record['true_bits']:.1f} bits")

# %% [markdown]
# The first column is what the story world's own dice say, −log₂ of the true chance; the second is
# the model's opinion. One bit less means twice the chance. By the dice the two tie, at about 18
# times the chance of a story of average price (4.2 bits less). The model believes the beams' story
# a little likelier; greedy had found one nearly as good with a fifth of the work. And again it is
# the only one: the same beginning, the same search, the same story. The stories that people and
# story worlds tell are not the likeliest. They are a few among very many, each of them unlikely.
# With real models it is worse: what a wide beam finds is often short, empty or repetitive, and much
# likelier than anything that a person would write (Holtzman and others 2020).
#
# ### Why it can't stream
#
# A sampler can show each word at once, since it will never be taken back. In a beam search, a word
# is certain only when *all* beams agree on it. How many words had all beams of the search above in
# common, step by step?

# %%
for step in (10, 20, 40, 60, len(best)):
    alive = [n.index for n in found.nodes if n.step == step and n.fate == "kept"]
    paths = ([node.token for node in found.path(index)] for index in alive)
    alike = takewhile(lambda words: len(set(words)) == 1, zip(*paths, strict=True))
    print(f"{step} words searched, {len(list(alike))} of them certain")

# %% [markdown]
# ## The cache
#
# Our loop has a flaw that one doesn't see in its stories, only on the clock.

# %%
ask("8.e")

# %% [markdown]
# Let us count. A hook on the first block notes how many tokens come by:

# %%
counted, written_twice = [], []
hook = model.blocks[0].register_forward_pre_hook(
    lambda block, args: counted.append(args[0].shape[0] * args[0].shape[1])
)
for cache in (False, True):
    counted.clear()
    tokens = sampling.generate(model, torch.tensor([END_ID]), 100, cache=cache)
    written_twice.append([int(token) for token in tokens])
    print(f"cache {cache}: 100 new tokens, {sum(counted):,} tokens read")
hook.remove()
alike = sum(one == other for one, other in zip(*written_twice, strict=True))
print(f"the same in both: {alike} of 100 tokens")

# %%
plots.tokens_read(
    24, "Without a cache every word is read again for each one that follows"
)

# %% [markdown]
# Why may we leave them out? Since the attention is causal, a token never looks at what comes after
# it. So in every layer its vector stays what it was, whatever is appended later; in particular its
# *key* and its *value*. These two are all that later tokens want of it. So we keep them, for each
# layer: the **key-value cache**. A new token is read alone. It makes one query, one key and one
# value; appends the last two; and its query looks at all keys that are there. (No query is ever
# wanted again, so queries aren't kept.)

# %%
diagrams.cache(
    "Yuna had a green hat".split(),
    8,
    "The newest word is read alone: its key and value go to the others, its query looks",
)

# %% [markdown]
# This holds while the text fits into the context. Once its beginning must be cut off, every token
# stands at another place, and what was kept is no longer true. Then `generate` keeps the last half
# of the context, reads it anew, and goes on from there.
#
# It would be slow to make a longer tensor for each token, since that copies everything. So the
# memory is taken once, with room for the longest text, and filled from the front.


# %%
@dataclass
class Cache:
    """Keys and values of one layer, (B, H, room, D); the first `length` are in use."""

    keys: Tensor
    values: Tensor
    length: int = 0


# %% [markdown]
# ### Exercise 8.8 · Append to the cache
# ★★☆ · 8 min · Pope and others 2022, section 3
#
# `k` and `v` are the keys and values of n new tokens, (B, H, n, D). Write them behind what is kept,
# *in place*, move `length` on, and return all keys and all values so far, (B, H, length, D). If
# they don't all fit, raise a `ValueError` and leave the cache as it is: PyTorch alone wouldn't
# always notice. By hand, with B = H = D = 1 and room for 4:
#
#     keys [7, 8, 0, 0], length 2      k = [9]
#     keys [7, 8, 9, 0], length 3      returned [7, 8, 9]
#
# <details><summary>A nudge</summary>First ask whether all of them fit, then write, then move the
# length on.</details>
# <details><summary>More</summary>The new end is <code>cache.length + k.shape[2]</code>. Assign to
# <code>cache.keys[:, :, cache.length : end]</code>, and to the values likewise.</details>
# <details><summary>Nearly all</summary><pre><code>end = cache.length + k.shape[2]
# if end &gt; cache.keys.shape[2]:
#     raise ValueError(f"{end} tokens don't fit")
# cache.keys[:, :, cache.length : end] = k
# cache.values[:, :, cache.length : end] = v
# cache.length = end</code></pre></details>


# %%
def append(cache: Cache, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Keep k and v (B, H, n, D); all keys and all values so far, (B, H, T, D).

    Raises ValueError where they don't fit.
    """
    ### BEGIN SOLUTION
    end = cache.length + k.shape[2]
    if end > cache.keys.shape[2]:
        room = cache.keys.shape[2]
        raise ValueError(f"{end} tokens don't fit: there is room for {room}")
    cache.keys[:, :, cache.length : end] = k
    cache.values[:, :, cache.length : end] = v
    cache.length = end
    return cache.keys[:, :, :end], cache.values[:, :, :end]
    ### END SOLUTION


append = check("8.8", append)

# %% [markdown]
# Now the whole model runs on your cache, one for each layer. All it asks of a cache is its length
# (that is the position of the next token), and to append.


# %%
class HandMade:
    """A cache as the model wants it, around the one that we built."""

    def __init__(self, room: int) -> None:
        shape = 1, model.config.n_heads, room, model.config.d_head
        self.cache = Cache(torch.zeros(shape), torch.zeros(shape))

    def __len__(self) -> int:
        return self.cache.length

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        return append(self.cache, k, v)


caches = [HandMade(room=160) for _ in model.blocks]
given, by_hand = torch.tensor([read("Yuna had")]), []
with torch.no_grad():
    for _ in range(60):
        token = greedy_step(model(given, caches=caches))  # (1,)
        by_hand.append(int(token))
        given = token[:, None]  # from here on, the new token alone
    whole = write(model, read("Yuna had"), 60, lambda logits: int(logits.argmax()), -1)
alike = sum(one == other for one, other in zip(by_hand, whole, strict=True))
print(f"as without a cache: {alike} of 60 tokens")
print("kept in each layer:", len(caches[0]), "tokens")

# %% [markdown]
# One prompt of three tokens, then 59 of the 60 new ones: the last has not been read yet.

# %% [markdown]
# ### The loop with its cache
#
# A colleague has built the cache into the loop: read the prompt once, and then every new token alone.
# It runs, it is fast, and what it writes is sound grammar.


# %%
def colleague(model, ids: list[int], max_new_tokens: int, choose) -> list[int]:
    """The new tokens, written with a cache for each layer."""
    caches, new = model.make_caches(1), []
    model(torch.tensor([ids]), caches=caches)  # read the prompt
    while len(new) < max_new_tokens:
        last = [*ids, *new][-1]
        logits = model(torch.tensor([[last]]), caches=caches)[0, -1]  # (V,)
        new.append(choose(logits))
    return new


# %%
def largest(logits: Tensor) -> int:
    """The choice that throws no dice."""
    return int(logits.argmax())


def first_other(write_it, beginning: str) -> int:
    """Of 60 tokens, how many come before the first that the loop without a cache denies."""
    prompt = read(beginning)
    with torch.no_grad():
        pairs = zip(
            write_it(model, prompt, 60, largest),
            write(model, prompt, 60, largest, -1),
            strict=True,
        )
        return next((i for i, (a, b) in enumerate(pairs) if a != b), 60)


beginnings = ["Yuna had", "Minho had", "Mina had a blue kite"]
for beginning in beginnings:
    n = first_other(colleague, beginning)
    print(f"{beginning:20} as without a cache: {n} of 60 tokens")

# %% [markdown]
# Once it is right to the end, which is how such a bug gets through its first test.
#
# ### Exercise 8.10 · Find the bug: one token twice
# ★★☆ · 12 min · as it stands in many a first loop with a cache
#
# A sound cache changes nothing but the time. Find out what goes wrong, and write a `write_cached`
# that takes the same arguments and gives the very tokens of the loop without a cache, for prompts of
# one token too, and for no new tokens at all; and that reads each token once, not anew for each step.
# (`model.make_caches(1)` makes an empty cache for each layer; the 1 says for how many texts.)
#
# <details><summary>A nudge</summary>Write down, for a prompt of three tokens, what the model reads in its first
# call, in its second, in its third. How many tokens does the cache hold then?</details>
# <details><summary>More</summary>When the prompt has been read, the scores at its last place are there
# already, and they choose the first new token. What is read a second time is kept a second
# time, and all that follows stands one place too far.</details>
# <details><summary>Nearly all</summary><pre><code>caches, new, given = model.make_caches(1), [], ids
# while len(new) &lt; max_new_tokens:
#     logits = model(torch.tensor([given]), caches=caches)[0, -1]
#     new.append(choose(logits))
#     given = new[-1:]</code></pre></details>


# %%
def write_cached(model, ids: list[int], max_new_tokens: int, choose) -> list[int]:
    """The new tokens; the prompt is read once, and then every new token alone."""
    ### BEGIN SOLUTION
    caches, new, given = model.make_caches(1), [], ids
    while len(new) < max_new_tokens:
        logits = model(torch.tensor([given]), caches=caches)[0, -1]
        new.append(choose(logits))
        given = new[-1:]
    return new
    ### END SOLUTION


write_cached = check("8.10", write_cached)

# %%
same = [first_other(write_cached, beginning) for beginning in beginnings]
print("as without a cache, of 60 tokens each:", same)

# %% [markdown]
# ### What it buys, what it takes
#
# Reading a text of T tokens takes time in proportion to T (and attention's part to T²), with the
# cache one token's worth, and the look back over T keys, which is little at first. A larger model,
# untrained, with room for 1,024 tokens:

# %%
torch.manual_seed(0)
roomy = GPT(GPTConfig(369, 1024, n_layers=4, n_heads=4, d_model=128)).eval()
text = torch.randint(369, (1, 1024))


@torch.no_grad()
def milliseconds(length: int, cached: bool) -> float:
    """The least time of five for the next token after a text of this length."""
    times = []
    caches = roomy.make_caches(1)
    for _ in range(5):
        for cache in caches:
            cache.clear()
        if cached:
            roomy(text[:, : length - 1], caches=caches)
        given = text[:, length - 1 : length] if cached else text[:, :length]
        start = time.perf_counter()
        roomy(given, caches=caches if cached else None)
        times.append(1000 * (time.perf_counter() - start))
    return min(times)


# %%
lengths = [16, 64, 128, 256, 512, 768, 1024]
took = {
    "without a cache": [milliseconds(n, cached=False) for n in lengths],
    "with a cache": [milliseconds(n, cached=True) for n in lengths],
}
plots.lines(
    {name: (lengths, values) for name, values in took.items()},
    "tokens of the text so far",
    "milliseconds for the next token",
    "Without a cache each token takes longer than the one before",
    markers=True,
    y_from=0,
    words="without: grows with the length; with: nearly level",
)

# %% [markdown]
# A clock tells of this machine, and of what else it does just now. The same on every machine is a
# count: the numbers that the operations for the next token read and write.


# %%
@torch.no_grad()
def numbers_touched(length: int, cached: bool) -> int:
    caches = roomy.make_caches(1) if cached else None
    if cached:
        roomy(text[:, : length - 1], caches=caches)
    given = text[:, length - 1 : length] if cached else text[:, :length]
    with costs.Watch() as watch:
        roomy(given, caches=caches)
    return watch.touched


for length in (16, 128, 1024):
    without, with_it = (numbers_touched(length, cached) for cached in (False, True))
    print(f"{length:5,} tokens: without {without:10,}, with a cache {with_it:9,}")

# %% [markdown]
# And the price is memory. For each token, each layer keeps a key and a value of C numbers each:
# 2 · L · C numbers a token, for as long as the text is being written, and for every text of a batch.

# %%
sizes = {"our story model": (model.config, torch.float32)}
for name in ("gpt2", "gpt2-xl"):
    sizes[name] = GPTConfig.preset(name), torch.float16
for name, (config, dtype) in sizes.items():
    own = kv_bytes_per_token(config, dtype)
    full = own * config.context_length / 2**20
    weights = sum(parameter_table(config).values()) * dtype.itemsize / 2**20
    print(
        f"{name:16} {own / 1024:4.0f} KiB a token, {full:5.1f} MiB for a full context; "
        f"weights {weights:7,.1f} MiB"
    )

# %% [markdown]
# Three hundred megabytes for one text of GPT-2 XL, in half precision, and its weights are ten times
# that. Serve a dozen people with full contexts at once, and the caches are larger than the model.
# Much of what is newer in architectures is there to make this number smaller, first of all
# grouped-query attention, where several heads share one key and value.
#
# ### A token at a time
#
# All together: what the model believes (dashed), what heat and cut have made of it, which word the
# dart has hit, and what was read for it. It opens hot, at T = 1.5, where a dart has just hit a
# crumb. Go back with the arrow keys and see how long it went well. Then cut with p, or cool down.

# %%
shown = ("(start)", *VOCABULARY[1:])
starts = ["", "Mina had a blue kite .", day, weather]
widgets.step_explorer(
    model, starts, read, shown, stop_id=END_ID, most=60, step=54, heat=1.5
)

# %% [markdown]
# ## What people get wrong
#
# *"Temperature makes a model creative."* It levels all slices, those of nonsense with them. What is
# new in a hot text is mostly wrong.
#
# *"Temperature 0 is the most correct."* It is the likeliest word at each step, and that is neither
# the likeliest text nor a typical one. For a question with one answer it may be what you want.
#
# *"Temperature and top-p do the same."* One changes the odds of what is kept, the other what is
# kept. And the order matters: after heat, the nucleus of p = 0.9 is a larger one.
#
# *"Top-k of 50 is always 50 sensible words."* It is 50 words. Where one is possible, 49 are crumbs.
#
# *"top-p 0.9 cuts a tenth of the words."* It cuts words that have at most a tenth together. Of our
# 369 that may be 368, and never fewer than 36.
#
# *"Sampling is random, so it can't be reproduced."* The dice have a seed. With the same seed and
# the same model, the same text is written, on the same machine for certain.
#
# *"The stop token is a word of the answer."* It is a sign for the loop. If it stands in your
# output, the loop shows what it should have eaten.
#
# *"Beam search is greedy, only better."* It often finds likelier texts, as with *the owl*. Whether
# these are better is another question.
#
# *"The cache is an approximation."* It gives the same logits, but for rounding. *"The cache holds
# words."* It holds keys and values, in every layer; the words are elsewhere.
#
# ## Questions for the meeting
#
# 1. Look at the judge's figures, and choose a setting that you would ship, each for themselves.
#    Which one, and what would you want to know about the users first?
# 2. A customer says that the model gives another answer each time. A colleague sets the temperature
#    to 0, and it still does, on a large server. How can that be?
# 3. Top-p before temperature, or after: what is different? Find a pie for which it matters.
# 4. Why are there all these filters, and not simply a better model?
# 5. The mean of log chances, or their sum: which texts does beam search prefer under each? What
#    would an exponent between 0 and 1 on the length do?
# 6. An answer of 500 tokens after a prompt of 4,000: which part takes the time, without a cache and
#    with one? Which can be done in parallel?
# 7. Could BERT use such a cache?

# %% [markdown] tags=["solution-only"]
# ### Answers for whoever leads the meeting
#
# **1.** There is no right one. For our stories something like 0.7 to 0.9, or T = 1 with p = 0.98.
# Who wants one correct answer goes lower; who draws many and picks the best (chapter 09) may go
# higher, since they need variety more than each being right.
#
# **2.** Ties and near-ties. Sums of floating-point numbers depend on their order, and on a server
# the order depends on how many requests share a batch. A logit moves in its last bits, two
# candidates change places, and from there on it is another text. Dropout left on would do it, too.
#
# **3.** Chances 0.6, 0.3, 0.1, p = 0.8, T = 3. Cut first: 0.6 and 0.3 stay, and no heat brings the
# third back. Heat first: 0.43, 0.34, 0.23; the first two have less than 0.8, so all three stay. The
# package's `Sampler` applies its filters in the order in which they are given.
#
# **4.** The softmax gives nothing the chance 0, so there are always crumbs, and a text has very
# many words. A better model has fewer of them; ours needs hardly any cut. Filters are also cheap,
# and can be changed after training.
#
# **5.** The sum prefers short texts, in the extreme the empty one, since each further token makes
# it smaller. The mean prefers texts with many easy tokens, thus long ones. An exponent between the
# two trades: total / length^α with α = 0 is the sum, α = 1 the mean; translation has often used 0.6
# to 1.
#
# **6.** Without a cache 500 readings of 4,000 to 4,500 tokens: some two million tokens. With one,
# 4,000 tokens at once (the prompt, in parallel, limited by arithmetic), and then 500 times one
# token, one after the other, limited by reading the weights and the cache from memory. Hence the
# wait for the first word, and the steady drip after it.
#
# **7.** No. Without a causal mask, each new token changes the vectors of all earlier ones, and with
# them their keys and values. Nothing that was kept would be true.

# %% [markdown]
# ## Recap
#
# A model gives logits; a **sampler** makes a token of them. **Greedy** takes the largest: one text
# for each beginning, and circles, sooner or later. **Temperature** divides the logits, above 1 it
# levels the pie and with it the crumbs. **Top-k**, **top-p** and **min-p** cut: a number, a share,
# what is small beside the largest. One uniform number then is a **dart** that finds its slice. The
# **loop** ends at the **stop token** and hands out tokens as they come: **streaming**. Judged by
# the story world: hot, nothing is possible, at 0 nothing is new, and a small cut takes the crumbs.
# A **repetition penalty** cures loops, and harms texts that must repeat. **Beam search** often
# finds likelier texts, which aren't better stories, and can't stream. The **key-value cache** keeps
# what can't change: reading one token for each new one, in place of all; 2 · L · C numbers a token.
#
# Sources. The loop: M. Phuong and M. Hutter, *Formal Algorithms for Transformers*, 2022, algorithm
# 14. Temperature: D. Ackley, G. Hinton and T. Sejnowski, *A Learning Algorithm for Boltzmann
# Machines*, 1985. Top-k: A. Fan, M. Lewis and Y. Dauphin, *Hierarchical Neural Story Generation*,
# 2018. The nucleus, and what is wrong with the likeliest text: A. Holtzman and others, *The Curious
# Case of Neural Text Degeneration*, 2020. Min-p: M. Nguyen and others, *Turning Up the Heat*, 2025.
# Repetition penalty: N. Keskar and others, *CTRL*, 2019. Beam search: I. Sutskever, O. Vinyals and
# Q. Le, *Sequence to Sequence Learning with Neural Networks*, 2014; with a length penalty: Y. Wu
# and others, *Google's Neural Machine Translation System*, 2016. The cache, and what it costs: R.
# Pope and others, *Efficiently Scaling Transformer Inference*, 2022; a smaller one: N. Shazeer,
# *Fast Transformer Decoding: One Write-Head is All You Need*, 2019.
#
# | English | 한국어 | in a sentence |
# |---|---|---|
# | sampler | 샘플러 | makes a token out of logits |
# | autoregressive generation | 자기회귀 생성 | each new token is read again with the text |
# | greedy decoding | 탐욕적 디코딩 | always the largest |
# | temperature | 온도 | divides the logits; heat levels the pie |
# | top-k sampling | 상위 k 샘플링 | only the k largest may come |
# | nucleus (top-p) sampling | 핵 샘플링 (상위 p 샘플링) | the fewest that have p together |
# | min-p sampling | 최소 p 샘플링 | what is not too small beside the largest |
# | inverse transform sampling | 역변환 샘플링 | one uniform number finds its slice |
# | seed | 시드 (난수 초깃값) | the same dice again |
# | stop token | 종료 토큰 | ends a text and is no part of it |
# | streaming | 스트리밍 | showing tokens while they come |
# | repetition penalty | 반복 페널티 | lowers what has been said already |
# | beam search | 빔 서치 (빔 탐색) | goes on with the best few beginnings |
# | length penalty | 길이 페널티 | makes short and long texts comparable |
# | entropy of a sampler | 샘플러의 엔트로피 | how many bits of chance are in a text |
# | key-value cache | 키-값 캐시 | keys and values of all tokens so far |
# | latency | 지연 시간 | how long one waits for a token |
#
# Next: thinking out loud. Many samples of one question, and a vote.
