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
# # 09 · Thinking out loud
#
# **Can a model that doesn't know the answer find it, if we let it write, or let it try again?**
#
# A sampler feeds on its own words. Two ideas follow from that alone. Let the model write its way to
# the answer: what it has written, it can read. And ask it many times, since each answer is a draw
# from a distribution. At the end we join the two: a model writes many answers, a program says which
# are right, and the model learns from its own.
#
# You will build: a scratchpad, a reader of answers, the majority vote, maj@k, pass@k, best of n,
# the advantages of a group, and the loss of a policy gradient; and you will measure how many votes
# are enough. It takes some 110 minutes, about 55 of them in the exercises.
#
# First run everything: **Run → Run All Cells**. It takes one to two minutes, most of it four
# short trainings. Then begin again at the top.

# %%
import math

import numpy as np
import torch
from torch import Tensor
from utils.course import ask, check
from utils.data import puzzles
from utils.data.puzzles.models import complete, judge, log_chances, new_model
from utils.llm import reasoning
from utils.llm.gpt import GPT
from utils.llm.reasoning import mean_and_error, wilson_interval
from utils.llm.sampling import Sampler
from utils.llm.tuning.answers import exact_matches, train_on_answers
from utils.viz import plots, widgets

# %% [markdown]
# ## A puzzle
#
# What is the last digit of 8 + 6 + 7 + 1 + 2 + 4 + 7 + 5? On paper it is easy: go from left to
# right, and keep the last digit of the sum. Said at once, it is a guess. There are no half-right
# answers, and whoever guesses is right one time in ten. Change any one digit, and the answer
# changes. So there is nothing to be had from looking at a part of the question.
#
# A model can be taught to answer in different forms. A token is a character, there are sixteen of
# them, and the answer stands between `:` and `;`.

# %%
for form in ("direct", "scratchpad"):
    question = "479="
    text = question + puzzles.answer_text(question, form)
    print(f"{form:>10}  {puzzles.spaced(text)}")

# %% [markdown]
# ### Exercise 9.1 · Write the scratchpad
# ★☆☆ · 4 min · Nye et al. 2021
#
# The scratchpad holds two characters for each digit of the question: the digit again, then the
# sum so far, modulo ten. By hand, for `479=`:
#
#     4, and the sum so far is 4          44
#     7, and 4 + 7 = 11 ends in 1         71
#     9, and 1 + 9 = 10 ends in 0         90
#
# together `447190`. Return that, without the question in front and without the answer behind.
#
# <details><summary>A nudge</summary>Walk over the digits once, and keep one number on the
# way.</details>
# <details><summary>A plan</summary><code>question[:-1]</code> leaves the <code>=</code> out. Start
# with an empty text and a total of 0. At each digit add <code>int(digit)</code> to the total, keep
# its last digit by <code>% 10</code>, and write both behind the text.</details>
# <details><summary>Nearly all</summary><code>total = (total + int(digit)) % 10</code>, and then
# <code>lines += f"{digit}{total}"</code>.</details>


# %%
def scratchpad(question: str) -> str:
    """Each digit of a question such as "479=", and after it the sum so far modulo ten."""
    ### BEGIN SOLUTION
    lines, total = "", 0
    for digit in question[:-1]:
        total = (total + int(digit)) % 10
        lines += f"{digit}{total}"
    return lines
    ### END SOLUTION


scratchpad = check("9.1", scratchpad)

# %% [markdown]
# ### Exercise 9.2 · Parse an answer
# ★★☆ · 6 min · as in any evaluation
#
# Between a model and its score stands a small function that nobody looks at. Take the answer to
# the *last* question of a text; whatever stands before the last `=` belongs to other questions.
# After it, the first `;` ends the answer, and just before that there must be a `:` and one digit.
# Return the digit as a number, or `None` where no answer is given:
#
#     "479=447190:0;"      0
#     "12=:3;47=4471"      None, it is still writing; the 3 answers another question
#     "47=4471:1"          None, nothing says that it has ended
#     "47=:11;"            None, that is not one digit
#     "47=4471;:9;"        None, the first `;` ends the answer
#     "4471:1;"            1, without a `=` the whole text is the answer
#
# <details><summary>A nudge</summary>Cut the text twice, then look at the end of what is
# left.</details>
# <details><summary>A plan</summary><code>text.rpartition("=")[2]</code> is what stands behind the
# last <code>=</code>, and <code>.partition(";")</code> cuts it at the first <code>;</code>: it gives
# the piece before, the <code>;</code> itself or an empty text, and the rest. The piece must end with
# a colon and one digit.</details>
# <details><summary>Nearly all</summary>With
# <code>piece, end, rest = text.rpartition("=")[2].partition(";")</code>, return
# <code>int(piece[-1])</code> where <code>end</code> is <code>";"</code>,
# <code>piece[-2:-1] == ":"</code> and <code>piece[-1] in "0123456789"</code>; else
# <code>None</code>.</details>


# %%
def parse_answer(text: str) -> int | None:
    """The answer to the last question of a text, None where none is given."""
    ### BEGIN SOLUTION
    piece, end, _ = text.rpartition("=")[2].partition(";")
    given = end == ";" and piece[-2:-1] == ":" and piece[-1] in "0123456789"
    return int(piece[-1]) if given else None
    ### END SOLUTION


parse_answer = check("9.2", parse_answer)

# %% [markdown]
# ## At once, or on paper
#
# We train the same small GPT twice: two layers, four heads, 64 columns. It sees sums of eight
# digits, 64 at a time, and learns to write what comes after the `=`; the loss skips the question,
# whose digits are random. One question in ten is held out, by a rule on its digits, and only those
# are asked when we measure. There are 100 million questions of eight digits, and it reads 19,200.

# %%
ask("9.a")

# %% tags=["nbval-ignore-output"] reason="the seconds left, and losses, differ by machine"
asked = puzzles.questions(30_000, 8)
new = puzzles.questions(300, 8, held_out=True)
curves = {}
for form in ("direct", "scratchpad"):
    print(form)
    curves[form] = train_on_answers(
        new_model(),
        *puzzles.lessons(asked, form),
        steps=300,
        batch_size=64,
        learning_rate=6e-3,
        held_out=puzzles.lessons(new, form),
        evaluate_every=25,
        report=100,
    )

# %%
points = {}
for form, history in curves.items():
    bars = [wilson_interval(round(300 * share), 300) for share in history.exact]
    points[form] = (history.steps, history.exact, *zip(*bars, strict=True))
plots.accuracy(
    points, "step", "On paper it learns in 300 steps what it can't do at once"
)

# %%
tenths = {form: 10 * max(history.exact) for form, history in curves.items()}
print(f"of ten sums, at once: {math.ceil(tenths['direct'])} right at most")
print(f"on paper, in the end: {tenths['scratchpad']:.0f}")

# %% [markdown]
# The same network, the same sums, the same number of steps. A scratchpad counts as right here only
# if *every* character of it is right. Error bars in this chapter are 95 % intervals; for shares
# they are Wilson's, which stay honest where nothing, or everything, was right.
#
# Perhaps the first one only needs more time? Five more models come with the course (`python -m
# utils.data.puzzles.make_checkpoints` makes them again). Two of them have learned sums of one to
# eight digits: one on paper, in 900 steps, and one at once, in 1,500. The other three, further down,
# know sums of eight digits only: one with dots, trained for 600 steps, one that checks, for 900, and
# one that was stopped half-way.

# %%
direct, paper = GPT.load("sums-direct"), GPT.load("sums-scratchpad")


def measure(texts: list[str]) -> tuple[float, float, float]:
    """The share of right answers, and the ends of its 95 % interval."""
    asked = [text[: text.index("=") + 1] for text in texts]
    right = sum(
        puzzles.verify(question, parse_answer(text))
        for question, text in zip(asked, texts, strict=True)
    )
    return right / len(texts), *wilson_interval(right, len(texts))


def answers_to(model: GPT, starts: list[str]) -> list[str]:
    """What the model writes, greedily, after each start."""
    return [texts[0] for texts in complete(model, starts)]


# %%
unseen = puzzles.questions(500, 8, held_out=True)
at_once, on_paper = (measure(answers_to(model, unseen)) for model in (direct, paper))
print("500 held-out sums of 8 digits")
print(f"right at once: {at_once[0]:.0%}")
print(f"on paper:      {on_paper[0]:.0%}")

# %% [markdown]
# How does it depend on the number of digits? Sums of one or two digits can be learned by heart:
# there are only 110 of them, and nearly all were in the lessons. From three on, held-out questions
# are new. (Nine and ten digits neither model has ever seen.)

# %%
ask("9.b")

# %%
by_length = {}
for name, model in {"at once": direct, "on paper": paper}.items():
    found = [
        measure(answers_to(model, puzzles.questions(200, n, held_out=n > 2)))
        for n in range(1, 11)
    ]
    by_length[name] = (range(1, 11), *zip(*found, strict=True))
plots.accuracy(
    by_length,
    "digits of the sum",
    "At once it ends after a few digits, on paper where the lessons end",
)

# %%
at_once_by, on_paper_by = (by_length[name][1] for name in ("at once", "on paper"))
print(f"at once, 6 to 8 digits: at most {max(at_once_by[5:8]):.0%} right")
print(f"on paper, 3 to 8 digits: at least {min(on_paper_by[2:8]):.0%}")
print(f"on paper, 9 digits: {on_paper_by[8]:.0%}, 10 digits: {on_paper_by[9]:.0%}")

# %% [markdown]
# Why? Between the question and the first character of the answer lie two layers, whether the sum
# has three digits or eight. What takes more steps than there are layers must be known by heart, or
# found in some cleverer way that the model hasn't found. On paper there is a pass through both
# layers *for each character*. Each line needs one addition: the sum of the line before, plus one
# digit. Number of steps and number of digits grow together, and what is carried from one step to
# the next is written down. The scratchpad is **working memory**.
#
# It has learned a procedure, but not for any length. It probably finds the next digit by position,
# and the positions of a ninth digit's lines were never trained.
#
# ## Take the paper away
#
# Is it the writing, or what is written? We let the model begin, and then cut it short: after some
# lines we write `:` for it, so that it has to answer.


# %%
def cut(question: str, n_lines: int) -> str:
    """A question with the first lines of its scratchpad, and a colon."""
    return question + scratchpad(question)[: 2 * n_lines] + ":"


some = unseen[:200]
cuts = [measure(answers_to(paper, [cut(q, n) for q in some])) for n in range(9)]
plots.accuracy(
    {"lines left standing": (range(9), *zip(*cuts, strict=True))},
    "lines of the scratchpad before it must answer",
    "Cut short, it does no better than a guess",
)

# %%
print(f"with all lines: {cuts[8][0]:.0%} right; with the last one missing: ", end="")
print(f"{cuts[7][0]:.0%}, and never more than {max(s for s, *_ in cuts[:8]):.0%}")
for n in (8, 7, 3):
    print(puzzles.spaced(answers_to(paper, [cut(some[0], n)])[0]))

# %% [markdown]
# With a single addition left to do, it doesn't do it. After some numbers of lines it copies the last
# sum, right or not (above, after three: 4). After others it goes on as if the colon weren't there
# (after seven: a sum, which is wrong, a second colon, and a copy of that sum). Nothing is worked out
# behind the paper's back.
#
# Perhaps what matters is time, though: so many passes through the network, whatever is written. That
# can be tested. We put dots where the lines would stand; and, since that is unfair to a model that
# never saw dots, take another one, which was *trained* to write sixteen dots before it answers.

# %%
ask("9.c")

# %%
dots = GPT.load("sums-dots")
experiments = {
    "scratchpad": on_paper,
    "dots put in": measure(answers_to(paper, [q + "." * 16 + ":" for q in some])),
    "trained with dots": measure(answers_to(dots, some)),
    "at once": at_once,
}
plots.accuracy_bars(experiments, "It isn't the time: dots don't help")

# %%
print(", ".join(f"{name}: {share:.0%}" for name, (share, *_) in experiments.items()))

# %% [markdown]
# Dots add positions, not depth. Whatever layer two finds at one dot, no layer at the next dot can
# read it, except through the character that was written; and that is a dot. So the way from the
# question to the answer is two layers long, as before. (For some problems, which can be worked on
# side by side, models have been trained to use dots. See Pfau and others in the sources.)
#
# ### Break it
#
# Now a mistake. We write the first three lines for the model, the third of them with a sum that is
# off by one, and let it go on.


# %%
def mislead(question: str, form: str = "scratchpad", at: int = 2) -> str:
    """A question and its thought up to a line whose sum is off by one; there it stops."""
    pad = scratchpad(question)
    lines = [pad[i : i + 2] for i in range(0, 2 * at, 2)]
    if form == "checked":
        lines = [line + line[1] + "✓" for line in lines]
    digit, total = pad[2 * at : 2 * at + 2]
    return question + "".join(lines) + digit + str((int(total) + 1) % 10)


misled = answers_to(paper, [mislead(question) for question in some])
print("given:  ", puzzles.spaced(mislead(some[0])))
print(
    "written:", puzzles.spaced(misled[0]), "  right would be", puzzles.answer(some[0])
)
print(f"right answers: {measure(misled)[0]:.0%}")

# %%
off_by_one = [
    parse_answer(text) == (puzzles.answer(question) + 1) % 10
    for text, question in zip(misled, some, strict=True)
]
print(f"off by just one: {sum(off_by_one) / len(off_by_one):.0%}")

# %% [markdown]
# It doesn't notice. It was never told to, and in its lessons there was nothing to notice: a line
# was always right, so the best way to go on was to believe it. Everything after is computed
# correctly from a wrong number, and the answer is off by just the one that we put in.
#
# So the lessons must hold mistakes. In the **checked** form each sum is made a second time, from
# the line before, and the two are compared: ✓ if they agree, and if not, ✗ and the line once more.
# In its lessons some lines have a wrong sum: none of the eight, or one, or two, up to all, equally
# often. The loss skips the wrong sums. That there are mistakes is part of the lesson, to make them
# is not.

# %%
ids, mask = puzzles.lessons(["479="], "checked", mistakes=1.0, seed=3)
print("the lesson:", puzzles.spaced(puzzles.decode(ids[0])))
print("learned:   ", puzzles.decode(ids[0][mask[0]]))

# %%
checked = GPT.load("sums-checked")
noticed = answers_to(checked, [mislead(question, "checked") for question in some])
print("given:  ", puzzles.spaced(mislead(some[0], "checked")))
print("written:", puzzles.spaced(noticed[0]), "  right is", puzzles.answer(some[0]))
print(f"right in spite of the mistake: {measure(noticed)[0]:.0%}")

# %% [markdown]
# The same for a mistake in any of the eight lines:

# %%
recovery = {}
for name, model, form in (
    ("scratchpad", paper, "scratchpad"),
    ("checked", checked, "checked"),
):
    found = [
        measure(answers_to(model, [mislead(q, form, at) for q in some]))
        for at in range(8)
    ]
    recovery[f"{name}, misled"] = (range(1, 9), *zip(*found, strict=True))
plots.accuracy(
    recovery,
    "line with the mistake",
    "Who has learned to check recovers; who hasn't carries the mistake on",
)

# %%
undisturbed = measure(answers_to(checked, some))
print(f"checked, undisturbed: {undisturbed[0]:.0%} right")
print(
    f"checked, misled in some line: at least {min(recovery['checked, misled'][1]):.0%}"
)
print(f"scratchpad, misled: at most {max(recovery['scratchpad, misled'][1]):.0%}")

# %% [markdown]
# It has a price: a line is four characters long instead of two, and four more for each mistake. And
# it is no insight, but another thing that it has learned to write. How far does it go? Take new
# lessons with up to eight wrong lines, and count where every check, and all that it writes in
# between, is as it should be.

# %%
trial, mask = puzzles.lessons(new, "checked", mistakes=1.0, seed=7)
good = exact_matches(checked, trial, mask)
n_wrong = (trial == puzzles.WRONG_ID).sum(dim=1)
by_mistakes = [good[n_wrong == n].tolist() for n in range(9)]
bars = [(sum(g) / len(g), *wilson_interval(sum(g), len(g))) for g in by_mistakes]
plots.accuracy(
    {"all checks right": (range(9), *zip(*bars, strict=True))},
    "mistakes in one sum",
    "It mends one mistake or two, about half the texts with three to five, "
    "and none with seven or eight",
    floor=None,
    ylabel="texts with all checks right, %",
)

# %%
for n, (share, *_) in enumerate(bars):
    print(f"{n} mistakes: {share:4.0%} of {len(by_mistakes[n])} texts")

# %% [markdown]
# Where does it fail? Give it these lessons once more, and look at each character that it would have
# written otherwise. A line is four characters long, and the sum that is made again is its third.

# %%
with torch.no_grad():
    chosen = checked(trial[:, :-1]).argmax(dim=-1)  # (300, T - 1)
rows, at = ((chosen != trial[:, 1:]) & mask[:, 1:]).nonzero(as_tuple=True)
places = at - trial[0].tolist().index(puzzles.EQUALS_ID)  # 0 just behind the =
lines = sorted(set((places // 4 + 1).tolist()))
copied = (chosen[rows, at] == trial[rows, at]).float().mean()
again = (places % 4 == 2).float().mean()
print(f"sums made again: {again:.0%} of them")
print(f"copies of the first sum: {copied:.0%}")
print("in the written lines", lines)

# %% [markdown]
# It fails at nothing else, and at a few places only, in the tenth written line and from the
# thirteenth on, and there it copies the first sum instead of making it again. With one mistake or
# two, no wrong line stands at such a place.
#
# Copying is always near. When we made this chapter (not shown here), only one line in five was wrong
# at first in the lessons. That model wrote each second sum by copying the first, which is right four
# times out of five and needs no adding, and put ✓ behind every line, whatever stood there. A check
# that never says no costs as much as a real one, and looks like it.
#
# ## Ask many times
#
# The next model is half-trained. Its training was stopped when about half of its scratchpads were
# right to the last character, so it makes mistakes. We sample, at temperature 1, 512 answers to each
# of 48 new questions.

# %%
half = GPT.load("sums-half")
exam = puzzles.questions(48, 8, seed=9, held_out=True)
truth = [puzzles.answer(question) for question in exam]
written = complete(half, exam, sampler=Sampler(), n_samples=512, seed=9)
samples = [[parse_answer(text) for text in texts] for texts in written]
single = [
    sum(answer == right for answer in row) / len(row)
    for row, right in zip(samples, truth, strict=True)
]
mean, error = mean_and_error(single)
print(f"a single answer is right: {mean:.0%} of the time")
print(f"by question: from {min(single):.0%} to {max(single):.0%}")

# %% [markdown]
# ### Exercise 9.3 · Majority vote
# ★☆☆ · 5 min · Wang et al. 2022
#
# Return the answers that got the most votes, and how many votes each of them has: `winners, votes`.
# In a tie there are several, and all must be named, in the order in which they first came: a tie
# that is broken in silence looks like a favourite. `None` is no answer, and has no vote. For
# `[3, 7, 7, None, 3, 5]` the result is `([3, 7], 2)`, and without any vote `([], 0)`.
#
# <details><summary>A nudge</summary><code>collections.Counter</code> counts, and keeps the order of
# the first appearance.</details>
# <details><summary>A plan</summary>Count the answers that are not <code>None</code>. Find the largest
# count, 0 where there is none. Return all answers that have it, and it.</details>
# <details><summary>Nearly all</summary><code>most = max(counts.values(), default=0)</code>, and the
# winners are <code>[a for a, votes in counts.items() if votes == most]</code>.</details>


# %%
def majority_vote(answers: list) -> tuple[list, int]:
    """All answers with the most votes, as they first came, and the votes of each."""
    ### BEGIN SOLUTION
    counts = {}
    for answer in answers:
        if answer is not None:
            counts[answer] = counts.get(answer, 0) + 1
    most = max(counts.values(), default=0)
    return [answer for answer, votes in counts.items() if votes == most], most
    ### END SOLUTION


majority_vote = check("9.3", majority_vote)

# %% [markdown]
# ### Exercise 9.4 · maj@k from samples
# ★★☆ · 8 min · Wang et al. 2022
#
# How often is a vote of k right? For each question, cut its n answers into n // k groups of k, one
# after the other (leave out what remains), let each group vote, and return the share of groups that
# voted right: a list with a number for each question. Of m tied winners, the right one counts
# 1 / m, as if a die decided. By hand, with k = 2:
#
#     answers 3 7 7 7, the truth 7      3 7 is a tie, ½      7 7 is right, 1      0.75
#     answers 5 5 4 6, the truth 5      5 5 is right, 1      4 6 is wrong, 0      0.50
#
# <details><summary>A nudge</summary>Two loops: over the questions, and over the groups of
# one.</details>
# <details><summary>A plan</summary>Group i is <code>answers[i * k : (i + 1) * k]</code>, for i below
# <code>len(answers) // k</code>. Let each group vote by your <code>majority_vote</code>, add up what
# the votes are worth, and divide by the number of groups.</details>
# <details><summary>Nearly all</summary>With <code>winners, _ = majority_vote(group)</code> a group is
# worth <code>(right in winners) / max(1, len(winners))</code>: 1 / m where the truth is among m
# winners, and 0 otherwise, also where nobody won.</details>


# %%
def maj_at_k(samples: list[list], truth: list, k: int) -> list[float]:
    """For each question, the share of its groups of k that vote right."""
    ### BEGIN SOLUTION
    shares = []
    for answers, right in zip(samples, truth, strict=True):
        credits = []
        for i in range(len(answers) // k):
            winners, _ = majority_vote(answers[i * k : (i + 1) * k])
            credits.append(1 / len(winners) if right in winners else 0.0)
        shares.append(sum(credits) / len(credits))
    return shares
    ### END SOLUTION


maj_at_k = check("9.4", maj_at_k)

# %%
ask("9.d")

# %% [markdown]
# ### Measured against predicted
#
# Now measure, and predict. For the prediction we need no vote at all: if we know how often each
# answer comes singly, the number of votes for each follows the multinomial distribution, and the
# chance that the right one has the most can be computed exactly. (With two possible answers it is
# the binomial distribution, and the theorem is Condorcet's, of 1785.) The shares are taken from
# the first half of the samples and the votes from the second: a prediction that has seen its test
# would be no prediction.


# %%
def interval(values: list[float]) -> tuple[float, float, float]:
    """The mean of values, one for each question, and the ends of its 95 % interval."""
    mean, error = mean_and_error(values)
    return mean, max(0.0, mean - 1.96 * error), min(1.0, mean + 1.96 * error)


shares = [reasoning.answer_shares(row[:256]) for row in samples]
votes = [row[256:] for row in samples]
ks = [2**i for i in range(9)]
voted = {k: maj_at_k(votes, truth, k) for k in ks}
foretold = {
    k: [
        reasoning.predicted_maj_at_k(s, t, k)
        for s, t in zip(shares, truth, strict=True)
    ]
    for k in ks
}

# %%
measured = [interval(voted[k]) for k in ks]
predicted = [sum(foretold[k]) / len(exam) for k in ks]
plots.accuracy(
    {"a vote of k": (ks, *zip(*measured, strict=True))},
    "k, answers that vote",
    "The vote follows the prediction from single answers",
    predicted={"predicted from single answers": (ks, predicted)},
    log_x=True,
)

# %%
inside = [
    low <= p <= high for (_, low, high), p in zip(measured, predicted, strict=True)
]
print(f"predictions within the error bars: {sum(inside)} of {len(ks)}")
by_k = ", ".join(f"{k}: {measured[ks.index(k)][0]:.0%}" for k in (1, 16, 64, 256))
print(f"right by a vote of k = {by_k}")
package = torch.as_tensor(reasoning.maj_at_k(votes, truth, 16))
apart = (torch.tensor(voted[16]) - package).abs().max()
print(f"furthest from the package's maj@16, of 48 questions: {apart:.3f}")

# %% [markdown]
# Look at those error bars again. They are wide, since questions differ: some are easy, some are
# hard, and 48 are few. They say how much the curve would move with 48 *other* questions. But the
# prediction is about these. So compare the two question by question: in the differences, what makes
# a question easy or hard drops out.

# %%
differences = {
    k: [v - f for v, f in zip(voted[k], foretold[k], strict=True)] for k in ks
}
errors = {k: mean_and_error(differences[k]) for k in ks}
widths = {k: mean_and_error(voted[k])[1] for k in ks}
print(f"narrower at k = 16: {widths[16] / errors[16][1]:.0f} times")
largest = max(abs(m) for m, _ in errors.values())
print(f"the largest mean difference: {100 * largest:.1f} points")
most = max(abs(m) / e for m, e in errors.values())
print(f"in standard errors, at most: {most:.1f}")

# %% [markdown]
# ### When voting makes it worse
#
# The curve levels off, and not always at 100 %. A vote doesn't find what is right; it finds what
# comes *most often*. Where the favourite is wrong, more votes make it more certain to be wrong.
# First with numbers that we make up. The right answer comes in 30 of 100 samples, and one wrong
# answer in 40 of them.

# %%
trap = {7: 0.3, 8: 0.4, 1: 0.2, None: 0.1}
fair = {7: 0.3, 8: 0.25, 1: 0.2, None: 0.25}
worse, better = (
    [reasoning.predicted_maj_at_k(s, 7, k) for k in ks] for s in (trap, fair)
)
for k in (1, 16, 256):
    print(
        f"k = {k:>3}: {worse[ks.index(k)]:.2f} with a favourite that is wrong, "
        f"{better[ks.index(k)]:.2f} without"
    )

# %% [markdown]
# Try it. Raise the wrong answer's share past the right one's, a point at a time, and look at the far
# end of the curve. Then take answers away, until there is only one other.

# %%
widgets.vote_explorer(right=30, favourite=25)

# %% [markdown]
# ### Exercise 9.9 · How many votes are enough
# ★★☆ · 10 min · measure it
#
# How many answers must vote until the vote is right 95 times in 100? It depends on how often the
# right answer comes, and on how many wrong ones there are to share the rest. You can find out by an
# experiment: throw k dice, let them vote, do that some thousand times, and see how often the right
# answer wins. Then throw one more. What must be held still while k grows: the chance of the right
# answer, `share`; the `n_wrong` wrong ones, equally likely each; and that a tie of m counts 1 / m.
#
# Write the experiment and return the first k that reaches 0.95. An honest experiment is off by one
# or two, so whatever is near passes. (With `share` 0.5 and four wrong answers it is 18, and nothing
# beyond 50 is asked for.)
#
# <details><summary>A nudge</summary>You need only how often each answer was given, not who gave it
# when. <code>torch.multinomial</code> draws answers, and <code>F.one_hot</code> or
# <code>numpy</code>'s <code>multinomial</code> gives counts.</details>
# <details><summary>A plan</summary>For k = 1, 2, 3 …: draw 4,000 times the counts of k answers, an
# array (4000, 1 + n_wrong) whose first column is the right answer. The winners of a row are the
# places that equal its largest count. A row is worth 1 / (number of winners) if the first column is
# among them, else 0. Return k once the mean is 0.95.</details>
# <details><summary>Nearly all</summary>
# <code>counts = dice.multinomial(k, chances, size=4000)</code>,
# <code>winners = counts == counts.max(axis=1, keepdims=True)</code>, and the worth is
# <code>(winners[:, 0] / winners.sum(axis=1)).mean()</code>, with
# <code>dice = np.random.default_rng(0)</code> and
# <code>chances = [share] + [(1 - share) / n_wrong] * n_wrong</code>.</details>


# %%
def votes_needed(share: float, n_wrong: int) -> int:
    """How many answers must vote until the vote is right 95 times in 100, measured."""
    ### BEGIN SOLUTION
    dice = np.random.default_rng(0)
    chances = [share] + [(1 - share) / n_wrong] * n_wrong
    for k in range(1, 200):
        counts = dice.multinomial(k, chances, size=4000)  # (4000, 1 + n_wrong)
        winners = counts == counts.max(axis=1, keepdims=True)
        if (winners[:, 0] / winners.sum(axis=1)).mean() >= 0.95:
            return k
    return 200
    ### END SOLUTION


votes_needed = check("9.9", votes_needed)

# %%
for share, n_wrong in ((0.3, 9), (0.4, 9), (0.5, 9), (0.4, 4), (0.5, 4)):
    k = votes_needed(share, n_wrong)
    print(f"right {share:.0%} of the time, {n_wrong} wrong answers: {k} votes")

# %% [markdown]
# A model that is right half of the time needs a third of the votes of one that is right in 30 of
# 100. And the same share needs more votes where four wrong answers divide the rest than where nine
# do: what decides is not how often the right answer comes but how far it is ahead of the next.
#
# And among our 48 questions? A model that makes mistakes doesn't make them evenly: it has learned
# some additions, and some questions it gets wrong in the same way again and again. Each of those
# has a favourite that is wrong.


# %%
def lead(row: dict, right: int) -> float:
    """How far the right answer is ahead of the best wrong one."""
    wrong = [share for a, share in row.items() if a not in (right, None)]
    return row.get(right, 0.0) - max(wrong, default=0.0)


leads = [lead(row, t) for row, t in zip(shares, truth, strict=True)]
print("questions whose favourite is wrong:", sum(x < 0 for x in leads))

# %% [markdown]
# We take, of those whose favourite is at least ten points ahead, the one that is right most often
# when it is asked once. It was picked for its samples, and so they flatter it: a question that had
# luck in them is picked the sooner. So ask it anew, 4,096 times; predict from the first half of
# these, and let the second half vote.

# %%
clear = [i for i, x in enumerate(leads) if x <= -0.1]
hard = max(clear, key=lambda i: shares[i].get(truth[i], 0.0))
asked_anew = complete(half, [exam[hard]], sampler=Sampler(), n_samples=4096, seed=10)
answers = [parse_answer(text) for text in asked_anew[0]]
new_shares, voters = reasoning.answer_shares(answers[:2048]), answers[2048:]
falls = []
for k in ks:
    vote, n_groups = maj_at_k([voters], [truth[hard]], k)[0], len(voters) // k
    falls.append((vote, *wilson_interval(round(vote * n_groups), n_groups)))
forecast = [reasoning.predicted_maj_at_k(new_shares, truth[hard], k) for k in ks]
for k in (1, 16, 64):
    share, low, high = falls[ks.index(k)]
    print(f"a vote of {k:2}: {share:.0%} right, {low:.0%} to {high:.0%}")

# %%
wrong = [a for a in new_shares if a not in (truth[hard], None)]
named = {
    "the right answer": truth[hard],
    "the favourite": max(wrong, key=new_shares.get),
}
plots.accuracy_bars(
    {
        name: (new_shares[a], *wilson_interval(round(2048 * new_shares[a]), 2048))
        for name, a in named.items()
    },
    "This question has a favourite, and it is wrong",
    floor=None,
    xlabel="share of 2,048 answers, %",
)

# %%
plots.accuracy(
    {"a vote of k on this question": (ks, *zip(*falls, strict=True))},
    "k, answers that vote",
    "On this question the favourite is wrong, and more votes make it worse",
    predicted={"predicted from single answers": (ks, forecast)},
    log_x=True,
)

# %% [markdown]
# ### Exercise 9.5 · pass@k
# ★★☆ · 4 min · Chen et al. 2021, section 2.1
#
# If something can tell right from wrong, one right answer among k is enough. From n samples of
# which c are right, estimate the chance that k of them hold a right one: draw k of the n, without
# putting back. All k are wrong in (n − c choose k) of (n choose k) ways. By hand, for n = 4, c = 1,
# k = 2: there are 6 pairs, 3 of them without the right one, so 1 − 3 / 6 = 0.5.
#
# <details><summary>A nudge</summary>Ask for the chance that all k are wrong.</details>
# <details><summary>A plan</summary><code>math.comb(n, k)</code> counts the ways to choose, and is 0
# where there are none. Divide the ways that are all wrong by all ways, and take that from
# 1.</details>
# <details><summary>Nearly all</summary><code>1 - math.comb(n - c, k) / math.comb(n, k)</code></details>
# <details><summary>Why not 1 − (1 − c/n)ᵏ?</summary>That draws with putting back, and on average
# comes out too low: here 0.4375.</details>


# %%
def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that k of n answers, c of them right, hold a right one."""
    ### BEGIN SOLUTION
    return 1 - math.comb(n - c, k) / math.comb(n, k)
    ### END SOLUTION


pass_at_k = check("9.5", pass_at_k)

# %% [markdown]
# ### Exercise 9.6 · Best of n
# ★☆☆ · 2 min · Cobbe et al. 2021
#
# pass@k needs somebody who knows. In practice one has a **verifier** that gives a score: a test
# suite, a program, another model. Return the candidate with the highest score; of equal ones, the
# first. For `["a", "ccc", "bbb"]` and the score `len` it is `"ccc"`.
#
# <details><summary>A nudge</summary>Python's <code>max</code> can go by something else than the things
# themselves.</details>
# <details><summary>A plan</summary><code>max</code> takes a <code>key</code>, a function that gives
# each thing its number, and returns the first of equal ones.</details>
# <details><summary>Nearly all</summary><code>max(candidates, key=score)</code></details>


# %%
def best_of_n(candidates: list, score):
    """The candidate with the highest score, the first of equal ones."""
    ### BEGIN SOLUTION
    return max(candidates, key=score)
    ### END SOLUTION


best_of_n = check("9.6", best_of_n)

# %% [markdown]
# ### Two verifiers
#
# We try two verifiers. One is the model itself: how likely did it hold what it wrote? The other is
# the checked model of above. Nobody shows it the answer; it gets the scratchpad of the half-trained
# one, line by line, and says how likely it holds each sum when it makes it again. And a control: the
# model of the beginning that was trained to the end, and has never seen a ✓. It only says how likely
# it holds the text.

# %%
few = [texts[:64] for texts in written]
own = [dict(zip(texts, log_chances(half, texts), strict=True)) for texts in few]
judged = [dict(zip(texts, judge(checked, texts), strict=True)) for texts in few]
by_paper = [dict(zip(texts, log_chances(paper, texts), strict=True)) for texts in few]
small = [1, 2, 4, 8, 16, 32, 64]


def best_at(scores: list[dict], n: int) -> tuple[float, float, float]:
    """How often the best of the first n candidates is right, with its interval."""
    return measure([best_of_n(t[:n], s.get) for t, s in zip(few, scores, strict=True)])


# %%
n_right = [sum(a == t for a in row[:64]) for row, t in zip(samples, truth, strict=True)]
found = {
    "pass@n": [interval([pass_at_k(64, c, n) for c in n_right]) for n in small],
    "best of n, by the checker": [best_at(judged, n) for n in small],
    "by a trained model's chance": [best_at(by_paper, n) for n in small],
    "maj@n": [interval(maj_at_k(samples, truth, n)) for n in small],
    "best of n, by its own chance": [best_at(own, n) for n in small],
}
choices = {name: (small, *zip(*rows, strict=True)) for name, rows in found.items()}
plots.accuracy(
    choices,
    "n, answers sampled",
    "A good verifier finds most of what is there to be found",
    log_x=True,
    beside=True,
)

# %%
print(f"pass@64: {found['pass@n'][-1][0]:.0%}")
checker, trained, vote, itself = (
    rows[-1][0] for name, rows in found.items() if name != "pass@n"
)
print(f"the best of 64, by the checker: {checker:.0%}, by the control: {trained:.0%}")
print(f"the vote of 64: {vote:.0%}; the best by its own chance: {itself:.0%}")
surest = max(
    score
    for row, right in zip(own, truth, strict=True)
    for text, score in row.items()
    if parse_answer(text) != right
)
print(f"its surest wrong text has a chance of {math.exp(surest):.0%}")

# %% [markdown]
# With 64 answers to choose from, its own chance does no better than the vote: where the model is
# wrong it can be sure of it too. The checker does far better. Is that because it makes each sum
# again? The control says no: a model that only reads, and was trained as long, chooses as well.
# What both have over the model that wrote is that they have learned more.
#
# ### What the k-fold cost buys
#
# k answers cost k times as much. The checker has to read each of them as well, and in its form an
# answer is half as long again, so n checked answers cost 2.5 n. Draw what is right against what is
# paid, in characters that go through a model for each question. And since all these answers are
# sampled, put beside them what two models write greedily, on the 500 questions of the beginning:
# the half-trained one, and the one that was trained to the end.

# %%
length = sum(len(text) for text in few[0]) / 64
greedily = measure(answers_to(half, unseen))
bought = {
    "a vote of k": ([k * length for k in ks], *zip(*measured, strict=True)),
    "best of n, by the checker": (
        [2.5 * n * length for n in small],
        *zip(*found["best of n, by the checker"], strict=True),
    ),
    "half-trained, greedily": ([length], *([share] for share in greedily)),
    "fully trained, greedily": ([length], *([share] for share in on_paper)),
}
plots.accuracy(
    bought,
    "characters through a model, for one question",
    "The vote levels off, the checker goes on, a better model needs one answer",
    log_x=True,
    beside=True,
)

# %%
print(f"half-trained: one answer {measured[0][0]:.0%}, greedily {greedily[0]:.0%}")
print(f"a vote of 16: {measured[4][0]:.0%}, of 256: {measured[8][0]:.0%}")
print(f"fully trained, greedily, one answer: {on_paper[0]:.0%}")

# %% [markdown]
# From one answer to sixteen we pay sixteen times as much, and from 16 to 256 sixteen times again;
# the second step buys less. The checker buys more for the same. Greedily, the half-trained model
# is right about as often as a vote of sixteen, for the price of one answer. And the shortest way
# was to train it longer: in the first figure 25 more steps took such a model from about 60 % to
# 99 %. (The checker has been trained longer too, which this figure doesn't count.) Votes are for
# when that can't be had.
#
# ## Learn from one's own answers
#
# A verifier can do more than choose. If we can say which answers are right, the model can learn
# from those it wrote itself, and nobody has to write it any more scratchpads. But how? Right or
# wrong is no loss that one could differentiate: it doesn't change at all when a weight changes a
# little. What changes is the *chance* of each answer, and with it the reward that we may expect,
# Σ p(answer) · reward(answer). Its gradient can be written as a mean over sampled answers,
#
#     gradient of the expected reward  =  mean of  (reward − b) · gradient of log p(answer)
#
# because the gradient of p is p times the gradient of log p. This is a **policy gradient**. The
# **baseline** b may be any number that doesn't depend on the answer: the gradient of log p is zero
# on average, since chances always sum to one, so b changes nothing on average. It changes how much
# the samples scatter.
#
# Ten answers are few enough to see that. Let each have the same chance, one in ten, and let 7 be the
# right one. Estimate the gradient by the ten logits 4,000 times, from a group of eight samples each.

# %%
p, answers = torch.full((10,), 0.1), torch.eye(10)
exact = p[7] * (answers[7] - p)  # how the chance of 7 changes with each logit
torch.manual_seed(0)
groups = torch.multinomial(p, 4000 * 8, replacement=True).view(4000, 8)
reward = (groups == 7).float()  # (4000, 8)
slopes = answers[groups] - p  # (4000, 8, 10), the gradients of log p(answer)
print(f"exact:   by the logit of 7 {exact[7]:.2f}")
for b in (0.0, 0.1, 1.0):
    estimates = ((reward - b)[..., None] * slopes).mean(dim=1)  # (4000, 10)
    scatter = estimates.var(dim=0).sum().sqrt()
    print(
        f"b = {b:.1f}: on average {estimates.mean(dim=0)[7]:.2f}, scatter {scatter:.2f}"
    )

# %% [markdown]
# All three are right on average. With b = 1 a single estimate is three times as far off as with the
# two others, and the mean reward, 0.1, is the best of them. The mean is not known in advance, and
# it differs from question to question. So sample a *group* of answers to each question, score them
# (1 for right, 0 for wrong), and take the group's own mean for b. (It holds the answer's own reward
# too; on average that only makes the gradient smaller, by one part in G, the number of answers in a
# group.) What is left, reward less mean, is the answer's **advantage**.
#
# ### Exercise 9.7 · Group advantages
# ★★☆ · 7 min · Shao et al. 2024, section 4.1
#
# The rewards are (B, G): a row for each question, its G answers side by side. Return for each
# answer (reward − mean) / deviation, both over its own row, the deviation being the row's own
# (divide by G, not by G − 1). Where a row is all alike there is nothing to learn: all 0. By hand,
# for the rewards 1 0 0 0: the mean is 0.25, the deviation √(0.25 · 0.75) = 0.433, so
#
#     1.73  −0.58  −0.58  −0.58
#
# <details><summary>A nudge</summary>Mean and deviation are one number a row: keep them as a column, so
# that they meet each number of their row.</details>
# <details><summary>A plan</summary><code>rewards.mean(dim=1, keepdim=True)</code> is such a column,
# and <code>rewards.std(dim=1, correction=0, keepdim=True)</code> divides by G. Where a row is all
# alike, the deviation need not come out as exactly 0, since the mean of seven times 0.1 is rounded:
# ask whether it is above a millionth.</details>
# <details><summary>Nearly all</summary>
# <code>torch.where(deviation > 1e-6, better / deviation.clamp(min=1e-6), 0.0)</code>, where
# <code>better</code> is the rewards less their mean. Or add a millionth to the deviation.</details>


# %%
def group_advantages(rewards: Tensor) -> Tensor:
    """(reward − mean) / deviation within each row of (B, G); 0 where a row is all alike."""
    ### BEGIN SOLUTION
    better = rewards - rewards.mean(dim=1, keepdim=True)
    deviation = rewards.std(dim=1, correction=0, keepdim=True)
    return torch.where(deviation > 1e-6, better / deviation.clamp(min=1e-6), 0.0)
    ### END SOLUTION


group_advantages = check("9.7", group_advantages)

# %%
ask("9.e")

# %% [markdown]
# ### Exercise 9.8 · The policy-gradient step
# ★★★ · 10 min · Williams 1992, REINFORCE
#
# Now the step itself. An optimiser needs a loss, a number to go down on; so we want one whose
# gradient is minus the policy gradient. Take N answers of T tokens. `logits` (N, T, V) are the
# model's scores at each place of the answer, `targets` (N, T) the token that was sampled there,
# `learned` (N, T) is True up to the end of the answer and False behind it, and `advantages` (N) are
# yours. Return one number, a tensor that autograd can go back from,
#
#     − sum of advantage · log p(token)  over the learned tokens,  divided by how many these are
#
# By hand: two answers of one token, with the chances 0.5 and 0.25 and the advantages 1 and −1, give
# −(1 · log 0.5 − 1 · log 0.25) / 2 = −0.347. Going down on it makes the first more likely and the
# second less. With all advantages 1 it is the cross-entropy of chapter 07: to learn from rewards is
# to learn from one's own text, each token counted with its answer's advantage.
#
# <details><summary>A nudge</summary>Cross-entropy is minus the log of a chance, which you have taken
# since chapter 02. Weigh it before you add it up.</details>
# <details><summary>A plan</summary><code>logits.log_softmax(dim=-1)</code> are the logs of all chances
# (N, T, V). <code>.gather(-1, targets[..., None])</code> picks those of the tokens that were written.
# Multiply by <code>learned</code> and by <code>advantages[:, None]</code>, which meets every token of
# its answer.</details>
# <details><summary>Nearly all</summary>With <code>log_p</code> (N, T) from the plan,
# <code>-(log_p * learned * advantages[:, None]).sum() / learned.sum()</code>.</details>


# %%
def policy_loss(
    logits: Tensor, targets: Tensor, learned: Tensor, advantages: Tensor
) -> Tensor:
    """Minus the mean of advantage · log p(token) over the learned tokens of N answers."""
    ### BEGIN SOLUTION
    log_p = logits.log_softmax(dim=-1)  # (N, T, V)
    log_p = log_p.gather(-1, targets[..., None])[..., 0]  # (N, T)
    return -(log_p * learned * advantages[:, None]).sum() / learned.sum()
    ### END SOLUTION


policy_loss = check("9.8", policy_loss)

# %% [markdown]
# Does it do what it should? Ten logits, all 0, and the eight samples of one group: three of them
# said 7 and were paid. One step down your loss, and the chance of 7 has risen, that of what was said
# and not paid has fallen, and what nobody said has hardly moved.

# %%
said = torch.tensor([7, 3, 7, 1, 1, 7, 3, 9])
better = group_advantages((said == 7).float()[None])[0]
scores = torch.zeros(10, requires_grad=True)
loss = policy_loss(
    scores.expand(8, 1, 10), said[:, None], torch.ones(8, 1, dtype=torch.bool), better
)
(slope,) = torch.autograd.grad(loss, scores)
moved = (scores - slope).softmax(dim=-1).detach()
for token in (7, 3, 9, 0):
    print(f"{token}: from 0.100 to {moved[token]:.3f}")

# %% [markdown]
# ### Forty rounds
#
# The loop is `reasoning.self_teach`, with your advantages and your loss in it. In each round it
# draws 32 questions, samples eight answers to each, asks `puzzles.rewards` which are right, and
# takes one step of AdamW down the loss. It begins with the half-trained model. No right answer is
# shown to it at any time, only a 1 or a 0.

# %%
pupil = GPT.load("sums-half")
before = measure(
    [t for ts in complete(pupil, some, sampler=Sampler(), seed=1) for t in ts]
)
practice = torch.stack(puzzles.prompts(puzzles.questions(4000, 8, seed=5)))

# %% tags=["nbval-ignore-output"] reason="the seconds left, and shares while it learns, differ by machine"
told = reasoning.self_teach(
    pupil,
    practice,
    puzzles.rewards,
    rounds=40,
    prompts_a_round=32,
    max_new_tokens=20,
    stop_ids=[puzzles.END_ID],
    advantages=group_advantages,
    loss=policy_loss,
    report=10,
)

# %% tags=["nbval-ignore-output"] reason="shares of a model that was trained here differ by machine"
after = measure(
    [t for ts in complete(pupil, some, sampler=Sampler(), seed=1) for t in ts]
)
print(f"200 held-out sums, sampled: {before[0]:.0%} right before, {after[0]:.0%} after")

# %%
rounds = range(1, len(told.rewards) + 1)
plots.lines(
    {
        "paid, of its own samples": (rounds, [100 * r for r in told.rewards]),
        "right, of 200 held-out sums": (
            [0, rounds[-1]],
            [100 * before[0], 100 * after[0]],
        ),
    },
    "round",
    "right answers, %",
    "From less than half right to nearly nine in ten, by rewards alone",
    markers=True,
    y_from=0,
    words="both climb, from less than half to more than seven in ten",
)

# %% [markdown]
# ### Break it
#
# What if the verifier can be fooled? Suppose it pays for an answer of 7, whatever the question. The
# loop doesn't know what we meant. It does what is paid for. We note on the side how many of the
# same samples are right, which the loop is not told.

# %%
honest = []


def pays_sevens(ids: Tensor) -> list[float]:
    """1 for each text that answers 7; how many are right is noted on the side."""
    right = puzzles.rewards(ids)
    honest.append(sum(right) / len(right))
    return [float(puzzles.parse_answer(puzzles.decode(row)) == 7) for row in ids]


# %% tags=["nbval-ignore-output"] reason="the seconds left, and shares while it learns, differ by machine"
fooled = GPT.load("sums-half")
settings = {
    "max_new_tokens": 20,
    "stop_ids": [puzzles.END_ID],
    "prompts_a_round": 32,
    "advantages": group_advantages,
    "loss": policy_loss,
    "report": 10,
}
sevens = reasoning.self_teach(fooled, practice, pays_sevens, rounds=20, **settings)

# %%
rounds = range(1, len(honest) + 1)
plots.lines(
    {
        "paid: it says seven": (rounds, [100 * r for r in sevens.rewards]),
        "right": (rounds, [100 * share for share in honest]),
    },
    "round",
    "of 256 samples, %",
    "What is paid for climbs to all, what was meant falls to a guess",
    markers=True,
    y_from=0,
    words="paid: from about one in ten to nearly all; right: from about four in ten to one",
)

# %%
texts = answers_to(fooled, some)
n_sevens = sum(parse_answer(text) == 7 for text in texts)
print(f"200 held-out sums, of ten answers: {n_sevens / 20:.0f} say seven, ", end="")
print(f"{10 * measure(texts)[0]:.0f} is right")

# %% [markdown]
# The one number that the loop reports has gone up, and the model is worthless. This is **reward
# hacking**; to notice it, one has to measure something else than what was paid.
#
# ## What people get wrong
#
# *"The model thinks before it answers."* It writes before it answers. What it has not written it
# has not kept: whatever else it holds on to can be worked out again from the text.
#
# *"The scratchpad shows how the model found the answer."* Here it does, since we saw that the
# answer hangs on it. In general one has to test it as we did: cut it, change it, and see whether
# the answer follows. In large models it often doesn't.
#
# *"More votes, better answers."* More votes, more of the favourite.
#
# *"pass@100 is 90 %, so it can do it."* It can if somebody else knows which of the hundred is
# right. Without a verifier pass@k can't be had.
#
# *"Longer answers are better."* Dots are long, too.
#
# *"Reinforcement learning teaches new things."* It makes more likely what was sampled and paid.
# What never comes in a sample is never paid.
#
# ## Questions for the meeting
#
# 1. Our direct model has two layers. How many would it take to add eight digits at once, if a layer
#    can add pairs side by side?
# 2. A vote of three gives 0.648 where a single answer is right with 0.6 and there is one wrong
#    answer. What does it give with nine different, equally likely wrong answers: more or less?
# 3. The mask of the checked lessons leaves the wrong sums out. What would happen with them in?
# 4. In the group advantages, why divide by the deviation, and what does it do to very easy and
#    very hard questions?
# 5. You evaluate with maj@64 and a friend with pass@64. Which number is larger, and can the gap be
#    closed?
# 6. What would you change so that the scratchpad model could do twelve digits?

# %% [markdown] tags=["solution-only"]
# ### Answers for whoever leads the meeting
#
# **1.** Three: 8 digits make 4 sums, then 2, then 1. Two layers are too few for that, and the
# training found no other way in 1,500 steps. In principle a wide feed-forward layer can count how
# often each digit comes and look up the rest, so "two layers can't" would be saying too much:
# these two, trained so, don't.
#
# **2.** More, 0.733: the wrong votes split, and where all three differ, the die gives the right one
# a third. `reasoning.predicted_maj_at_k({0: 0.6} | {i: 0.4 / 9 for i in range(1, 10)}, 0, 3)` tells.
# With ten answers a share of 0.2 can be enough to win.
#
# **3.** It would learn to write wrong sums as well, at the first try of every second line, and to
# mend them. Greedily, little would change: of all first sums the right one would still be the
# likeliest by far, since the wrong ones are spread over nine digits. Sampled, it would make the
# mistakes that it was taught, write more, and sometimes fail to mend one.
#
# **4.** It gives each question the same weight: where one answer of eight is right, that one gets
# a large advantage. That is also the criticism (Liu and others 2025): very easy and very hard
# questions, whose deviation is small, count for more than their share.
#
# **5.** pass@64 is at least as large: to win a vote the right answer has to come once at least.
# Only a verifier closes the gap.
#
# **6.** Train on up to twelve digits; or use positions that don't name places (rotary ones help
# some), or write the question's rest into each line, so that nothing has to be found by counting.

# %% [markdown]
# ## Recap
#
# A **scratchpad** gives a network of fixed depth as many steps as it has characters to write; it is
# working memory, and dots are none. A mistake in it is carried on, unless checking has been
# learned. Many answers can **vote**: maj@k follows from the shares of single answers by the
# multinomial distribution; with many votes it goes to one where the right answer is the favourite,
# and to nothing where a wrong one is. **pass@k** says what is there to be found, estimated without
# putting back; a **verifier** and **best of n** find it. With a verifier a model can learn from its
# own answers: sample a group, compare each answer with the group's mean, and follow the **policy
# gradient**. It does what is paid for.
#
# Sources. Scratchpads: M. Nye and others, *Show Your Work*, 2021; J. Wei and others,
# *Chain-of-Thought Prompting Elicits Reasoning*, 2022. What the steps add: W. Merrill and
# A. Sabharwal, *The Expressive Power of Transformers with Chain of Thought*, 2023. Dots: J. Pfau,
# W. Merrill and S. Bowman, *Let's Think Dot by Dot*, 2024. Does the answer follow the thought:
# T. Lanham and others, *Measuring Faithfulness in Chain-of-Thought Reasoning*, 2023. Votes:
# N. de Condorcet, *Essai*, 1785; X. Wang and others, *Self-Consistency Improves Chain of Thought
# Reasoning*, 2022. pass@k: M. Chen and others, *Evaluating Large Language Models Trained on Code*,
# 2021. Verifiers: K. Cobbe and others, *Training Verifiers to Solve Math Word Problems*, 2021;
# H. Lightman and others, *Let's Verify Step by Step*, 2023. Learning from oneself: R. Williams,
# *Simple Statistical Gradient-Following Algorithms*, 1992; E. Zelikman and others, *STaR*, 2022;
# Z. Shao and others, *DeepSeekMath*, 2024; Z. Liu and others, *Understanding R1-Zero-Like
# Training*, 2025. Intervals: E. Wilson, *Probable Inference*, 1927.
#
# | English | 한국어 | in a sentence |
# |---|---|---|
# | chain of thought | 사고의 연쇄 (생각의 사슬) | steps written before the answer |
# | scratchpad | 스크래치패드 (연습장) | room to write them |
# | working memory | 작업 기억 | what is kept while one works |
# | held-out | 홀드아웃 (평가용 데이터) | never trained on |
# | majority vote, self-consistency | 다수결, 자기 일관성 | the answer given most often |
# | tie | 동점 | several have the most votes |
# | maj@k, pass@k | maj@k, pass@k | the vote of k is right; one of k is right |
# | unbiased estimator | 불편 추정량 | right on average |
# | verifier | 검증기 | says how good an answer is |
# | best of n | 베스트 오브 n | the one with the highest score |
# | policy gradient | 정책 경사 | make more likely what was paid |
# | reward | 보상 | what the verifier gives |
# | baseline | 기준선 (베이스라인) | what a reward is compared with |
# | advantage | 어드밴티지 (이득) | how much better than that |
# | reward hacking | 보상 해킹 | paid for something else than was meant |
# | error bar, interval | 오차 막대, 신뢰 구간 | what a number may be off by |
#
# Next: a model of your own, on your own machine, that does what it is told.
