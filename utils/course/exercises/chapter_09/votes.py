"""Exercises 9.3 and 9.4: many answers to one question, and how often their vote is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

from utils.course.checking.exercise import Exercise
from utils.llm.reasoning import votes as reasoning

Answers = Sequence[Any]
Tally = tuple[list[Any], int]

# 9.3 · majority vote


def majority_vote(answers: Answers) -> Tally:
    """All answers with the most votes, as they first came, and the votes of each."""
    winners, votes = reasoning.majority_vote(answers)
    return list(winners), votes


def _only_the_first(answers: Answers) -> Tally:
    winners, votes = majority_vote(answers)
    return winners[:1], votes


def _the_largest(answers: Answers) -> Tally:
    winners, votes = majority_vote(answers)
    return ([max(winners)] if winners else []), votes


def _the_last(answers: Answers) -> Tally:
    winners, votes = majority_vote(answers)
    return winners[-1:], votes


def _none_votes(answers: Answers) -> Tally:
    counts = Counter(answers)
    most = max(counts.values(), default=0)
    return [a for a, votes in counts.items() if votes == most], most


def _strict_majority(answers: Answers) -> Tally:
    winners, votes = majority_vote(answers)
    cast = sum(answer is not None for answer in answers)
    return (winners, votes) if 2 * votes > cast else ([], 0)


def _more_than_half_of_all(answers: Answers) -> Tally:
    winners, votes = majority_vote(answers)
    return (winners, votes) if 2 * votes > len(answers) else ([], 0)


def _nobody_in_a_tie(answers: Answers) -> Tally:
    winners, votes = majority_vote(answers)
    return (winners, votes) if len(winners) == 1 else ([], 0)


def _runs(answers: Answers) -> Tally:
    runs = [(a, len(list(run))) for a, run in groupby(answers) if a is not None]
    most = max((votes for _, votes in runs), default=0)
    return [answer for answer, votes in runs if votes == most], most


def _votes_of_all(answers: Answers) -> Tally:
    winners, votes = majority_vote(answers)
    return winners, votes * len(winners)


def _zero_is_silent(answers: Answers) -> Tally:
    return majority_vote([answer for answer in answers if answer])


def _sorted_winners(answers: Answers) -> Tally:
    winners, votes = majority_vote(answers)
    return sorted(winners), votes


def _empty_raises(answers: Answers) -> Tally:
    counts = Counter(answer for answer in answers if answer is not None)
    most = max(counts.values())
    return [answer for answer, votes in counts.items() if votes == most], most


def _as_share(answers: Answers) -> tuple[list[Any], float]:
    winners, votes = majority_vote(answers)
    return winners, votes / max(1, sum(answer is not None for answer in answers))


def _with_repeats(answers: Answers) -> Tally:
    winners, votes = majority_vote(answers)
    return [answer for answer in answers if answer in winners], votes


def _ranking(answers: Answers) -> Tally:
    ranked = Counter(answer for answer in answers if answer is not None).most_common()
    return [answer for answer, _ in ranked], majority_vote(answers)[1]


def _fewest(answers: Answers) -> Tally:
    counts = Counter(answer for answer in answers if answer is not None)
    least = min(counts.values(), default=0)
    return [answer for answer, votes in counts.items() if votes == least], least


def _vote_by_loop(answers: Answers) -> Tally:
    winners: list[Any] = []
    votes = 0
    for place, answer in enumerate(answers):
        if answer is None or answer in answers[:place]:
            continue
        count = sum(other == answer for other in answers)
        if count > votes:
            winners, votes = [answer], count
        elif count == votes:
            winners.append(answer)
    return winners, votes


def _vote_by_common(answers: Answers) -> Tally:
    ranked = Counter(answer for answer in answers if answer is not None).most_common()
    for votes, group in groupby(ranked, key=lambda pair: pair[1]):
        return [answer for answer, _ in group], votes
    return [], 0


def _cut(tally: Tally) -> Tally:
    return tally[0][:1], tally[1]


def _none_and_empty(answers: Answers) -> Tally:
    counts = Counter(answers)
    most = max(counts.values())
    return [answer for answer, votes in counts.items() if votes == most], most


_SILENT = (
    "A tie was broken in silence, by who came {}. Return all the winners: the caller must know "
    "that there was no favourite."
)
_NONE = "None won, or got votes: it says that there was no answer, and no answer has no vote."
_EMPTY = (
    "With no votes there are no winners and 0 votes; `max` of nothing raises. Give it default=0."
)

MAJORITY_VOTE = Exercise(
    id="9.3",
    title="Majority vote",
    minutes=5,
    stars=1,
    reference=majority_vote,
    probes=[
        ([7, 3, 3, 8],),
        ([7],),
        ([],),
        ([7, 3],),
        ([5, 2, 5, 2],),
        ([None, None, 4],),
        ([None, None],),
        ([0, 0, 5],),
        ([9, 2, 2, 9, 5],),
        ([1, 6, 2, 6, 2, 1, 8, None, None, None, None],),
        ([4, 4, 4, 1, 2, 3, 5],),
    ],
    mistakes={
        _SILENT.format("first"): _only_the_first,
        "A tie was broken in silence, by who came last. Return all the winners.": _the_last,
        "A tie was broken in silence, by who is the larger. Return all the winners.": _the_largest,
        _NONE: _none_votes,
        "You ask for more than half of the votes. The most votes win, however "
        "few.": _strict_majority,
        "You ask for more than half of all answers, None among them: the most votes win, however "
        "few.": _more_than_half_of_all,
        "In a tie you name nobody: all the winners are named.": _nobody_in_a_tie,
        "Only equal answers side by side were counted together: count all that are equal.": _runs,
        "These are the votes of all winners together: return how many each of them "
        "got.": _votes_of_all,
        "The answer 0 lost its votes: leave out what `is None`, not all that is "
        "false.": _zero_is_silent,
        "The winners are sorted: keep the order in which they first came.": _sorted_winners,
        _EMPTY: _empty_raises,
        "The number of votes was left out: return the winners and the votes of "
        "each.": lambda answers: majority_vote(answers)[0],
        "You return the votes first: return the winners, and then their votes.": (
            lambda answers: majority_vote(answers)[::-1]
        ),
        "You returned how many winners there are; return how many votes each of them got.": (
            lambda answers: (majority_vote(answers)[0], len(majority_vote(answers)[0]))
        ),
        "You returned how many voted at all; return how many votes each winner got.": (
            lambda answers: (majority_vote(answers)[0], sum(a is not None for a in answers))
        ),
        "You returned the winners' share of the votes; return their number.": _as_share,
        "Each winner stands there once for every vote: name it once.": _with_repeats,
        "These are all the answers that were given, in the order of their votes: return those with "
        "the most.": _ranking,
        "The winner stands alone, not in a list: there may be several, so it is a list always.": (
            lambda answers: ((majority_vote(answers)[0] or [None])[0], majority_vote(answers)[1])
        ),
        "Each winner stands beside its votes: the winners alone in a list, and the votes once.": (
            lambda answers: (
                [(winner, majority_vote(answers)[1]) for winner in majority_vote(answers)[0]],
                majority_vote(answers)[1],
            )
        ),
        "A set has no order, and the winners are named as they first came: return a list.": (
            lambda answers: (set(majority_vote(answers)[0]), majority_vote(answers)[1])
        ),
        "The least votes win here: ask for the largest count.": _fewest,
    },
    alternatives={"a loop": _vote_by_loop, "most_common": _vote_by_common},
    together={
        (_SILENT.format("first"), _NONE): lambda answers: _cut(_none_votes(answers)),
        (_NONE, _EMPTY): lambda answers: _none_and_empty(answers),
        (_SILENT.format("first"), _EMPTY): lambda answers: _cut(_empty_raises(answers)),
    },
    parts=("winners", "votes"),
)

# 9.4 · maj@k


def maj_at_k(samples: Sequence[Answers], truth: Answers, k: int) -> list[float]:
    """For each question, how often a group of k answers votes right."""
    return reasoning.maj_at_k(samples, truth, k).tolist()


def _groups(answers: Answers, k: int) -> list[Answers]:
    return [answers[i * k : (i + 1) * k] for i in range(len(answers) // k)]


def _credit(group: Answers, right: Any) -> float:
    winners, _ = majority_vote(group)
    return (right in winners) / max(1, len(winners))


def _maj(
    samples: Sequence[Answers],
    truth: Answers,
    k: int,
    *,
    cut: Callable[[Answers, int], list[Answers]] = _groups,
    credit: Callable[[Answers, Any], float] = _credit,
) -> list[float]:
    shares = []
    for answers, right in zip(samples, truth, strict=True):
        groups = cut(answers, k)
        shares.append(sum(credit(group, right) for group in groups) / len(groups))
    return shares


def _over_questions(samples: Sequence[Answers], truth: Answers, k: int) -> list[float]:
    table = [
        [_credit(group, right) for group in _groups(answers, k)]
        for answers, right in zip(samples, truth, strict=True)
    ]
    return [sum(column) / len(column) for column in zip(*table, strict=True)]


def _one_number(samples: Sequence[Answers], truth: Answers, k: int) -> float:
    shares = maj_at_k(samples, truth, k)
    return sum(shares) / len(shares)


def _with_the_rest(answers: Answers, k: int) -> list[Answers]:
    return [answers[i : i + k] for i in range(0, len(answers), k)]


def _overlapping(answers: Answers, k: int) -> list[Answers]:
    return [answers[i : i + k] for i in range(len(answers) - k + 1)]


def _first_wins(group: Answers, right: Any) -> float:
    winners, _ = majority_vote(group)
    return float(bool(winners) and winners[0] == right)


def _share_right(group: Answers, right: Any) -> float:
    return sum(answer == right for answer in group) / len(group)


MAJ_AT_K = Exercise(
    id="9.4",
    title="maj@k from samples",
    minutes=8,
    stars=2,
    reference=maj_at_k,
    probes=[
        ([[3, 7, 5]], [7], 1),
        ([[7]], [7], 1),
        ([[7, 3, 7]], [7], 3),
        ([[3, 7], [5, 5]], [7, 5], 2),
        ([[3, 7, 7, 7], [5, 5, 4, 6]], [7, 5], 2),
        ([[1, 2, 3, 3, 3, 1], [9, 6, 2, 2, 9, 6]], [2, 6], 3),
        ([[1, 1, 2, 2, 2], [4, 3, 3, 4, 4], [0, None, None, None, 0]], [2, 4, 0], 2),
        ([[1, 1, 2, 2, 2, 2, 1], [4, 3, 3, 4, 3, 3, 5]], [2, 3], 3),
        ([[8, 8, 1, 2, 8, 1, 1, 1]] * 2, [8, 1], 4),
    ],
    mistakes={
        "You averaged over the questions. Average over the groups of one question, and return a "
        "number for each question: the error bar comes from how these differ.": _over_questions,
        "This is the mean over all questions. Return a number for each: without them there is no "
        "error bar.": _one_number,
        "The answers left over at the end voted as a group of their own, smaller than k: leave "
        "them out.": lambda *args: _maj(*args, cut=_with_the_rest),
        "Only the first k answers voted. Cut all n answers into groups of k: the mean over them "
        "is far less noisy.": lambda *args: _maj(*args, cut=lambda a, k: [a[:k]]),
        "All the answers voted at once, whatever k is.": lambda *args: _maj(
            *args, cut=lambda a, k: [a]
        ),
        "The groups overlap, and so count the same answers several times: the second begins where "
        "the first ends.": lambda *args: _maj(*args, cut=_overlapping),
        "A tie went to whoever came first. With m winners, the right one counts 1 / m.": (
            lambda *args: _maj(*args, credit=_first_wins)
        ),
        "A tie counted as a full win. With m winners, the right one counts 1 / m.": (
            lambda *args: _maj(*args, credit=lambda g, r: float(r in majority_vote(g)[0]))
        ),
        "A tie counted as a loss. With m winners, the right one counts 1 / m.": (
            lambda *args: _maj(*args, credit=lambda g, r: float([r] == majority_vote(g)[0]))
        ),
        "A tie counted ½, however many are tied: the right one of m winners counts 1 / m.": (
            lambda *args: _maj(
                *args, credit=lambda g, r: _credit(g, r) and max(0.5, int(_credit(g, r)))
            )
        ),
        "`majority_vote` returns winners and votes, and you compared both with the truth: take the "
        "winners.": lambda *args: _maj(*args, credit=lambda g, r: float(majority_vote(g) == r)),
        "Nobody voted here: this is the share of right answers, maj@1, whatever k is.": (
            lambda *args: _maj(*args, credit=_share_right)
        ),
        "One right answer in a group was enough: that is pass@k. In a vote it must be the "
        "favourite.": lambda *args: _maj(*args, credit=lambda g, r: float(r in g)),
        "You return how many groups voted right; divide by the number of groups.": (
            lambda samples, truth, k: [
                sum(_credit(group, right) for group in _groups(answers, k))
                for answers, right in zip(samples, truth, strict=True)
            ]
        ),
        "You divide by the number of answers; divide by the number of groups, n // k.": (
            lambda samples, truth, k: [
                sum(_credit(group, right) for group in _groups(answers, k)) / len(answers)
                for answers, right in zip(samples, truth, strict=True)
            ]
        ),
        "You divide by n / k, which counts the answers left over as part of a group: divide by "
        "the number of groups, n // k.": lambda samples, truth, k: [
            sum(_credit(group, right) for group in _groups(answers, k)) / (len(answers) / k)
            for answers, right in zip(samples, truth, strict=True)
        ],
        "All questions are held against the first one's answer: each has its own in "
        "`truth`.": lambda samples, truth, k: maj_at_k(samples, [truth[0]] * len(samples), k),
        "You made k groups: it is groups of k, n // k of them.": lambda *args: _maj(
            *args,
            cut=lambda a, k: [a[i * (len(a) // k) : (i + 1) * (len(a) // k)] for i in range(k)],
        ),
        "Where nobody voted there are no winners, and you divide by their number, 0: such a group "
        "is worth 0.": lambda *args: _maj(
            *args, credit=lambda g, r: (r in majority_vote(g)[0]) / len(majority_vote(g)[0])
        ),
        "With m winners you gave 1 / m whether the right answer is among them or not.": (
            lambda *args: _maj(*args, credit=lambda g, r: 1 / max(1, len(majority_vote(g)[0])))
        ),
        "The first answers were left out: leave out what remains at the end.": lambda *args: _maj(
            *args, cut=lambda a, k: _groups(a[len(a) % k :], k)
        ),
        "You divide by k; divide by the number of groups, n // k.": lambda samples, truth, k: [
            share * (len(answers) // k) / k
            for share, answers in zip(maj_at_k(samples, truth, k), samples, strict=True)
        ],
        "Answers of None were taken out before you cut: a group is k of all n, and a None among "
        "them has no vote.": lambda samples, *rest: maj_at_k(
            [[a for a in answers if a is not None] for answers in samples], *rest
        ),
        "The answers of a group lie apart in yours; a group is k neighbours.": (
            lambda *args: _maj(
                *args,
                cut=lambda a, k: [
                    a[: len(a) // k * k][i :: len(a) // k] for i in range(len(a) // k)
                ],
            )
        ),
    },
    alternatives={
        "fractions": lambda samples, truth, k: [
            float(
                sum(Fraction(_credit(group, right)) for group in _groups(answers, k))
                / (len(answers) // k)
            )
            for answers, right in zip(samples, truth, strict=True)
        ],
    },
)
