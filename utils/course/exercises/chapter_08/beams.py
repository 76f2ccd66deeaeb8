"""Chapter 08, beam search: one step of it."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from utils.course.checking.exercise import Exercise

Beam = tuple[list[int], float]
LogChances = Callable[[list[int]], list[float]]

# 8.7 · one step


class Chances:
    """ln p of every next token, from a table: as a model's they depend on the tokens before."""

    __name__ = "log_chances"

    def __init__(self, vocabulary: int, seed: int, stop: int, ends: float = 0.0) -> None:
        dice = torch.Generator().manual_seed(seed)
        scores = 3 * torch.rand(5, vocabulary, dtype=torch.float64, generator=dice)  # no ties
        scores[:, stop] += ends
        self.table = scores.log_softmax(-1).tolist()

    def __call__(self, ids: list[int]) -> list[float]:
        """ln p of each token after these; a list of numbers, one for each of the vocabulary."""
        row = 0
        for token in ids:
            row = (2 * row + int(token) + 1) % len(self.table)
        return list(self.table[row])

    def __repr__(self) -> str:
        return "log_chances"


def beam_step(beams: list[Beam], log_chances: LogChances, width: int, stop_id: int) -> list[Beam]:
    """The best `width` texts after one more token, best first, by total / number of tokens."""
    return _step(beams, log_chances, width, stop_id)


def _mean(beam: Beam) -> float:
    return beam[1] / len(beam[0])


def _has_ended(ids: list[int], stop: int) -> bool:
    return bool(ids) and ids[-1] == stop


def _step(
    beams: list[Beam],
    log_chances: LogChances,
    width: int,
    stop: int,
    *,
    score: Callable[[Beam], float] = _mean,
    add: Callable[[float, float], float] = lambda total, own: total + own,
    ended: Callable[[list[int], int], bool] = _has_ended,
    stays: bool = True,
    each: int | None = None,
    best_first: bool = True,
) -> list[Beam]:
    """The step, with a bend where a wrong turn wants one; `each` beam may give so many texts."""
    candidates: list[Beam] = []
    for ids, total in beams:
        if ended(ids, stop):
            candidates += [(ids, total)] * stays
            continue
        own = log_chances(ids)
        grown = [([*ids, token], add(total, of_token)) for token, of_token in enumerate(own)]
        candidates += grown if each is None else sorted(grown, key=score)[-each:]
    return sorted(candidates, key=score, reverse=best_first)[:width]


def _bent(**changes: Any) -> Callable[..., list[Beam]]:
    return lambda *args: _step(*args, **changes)


def _by_the_old_length(
    beams: list[Beam], log_chances: LogChances, width: int, stop: int
) -> list[Beam]:
    ranked: list[tuple[float, Beam]] = []
    for ids, total in beams:
        if _has_ended(ids, stop):
            ranked.append((total / len(ids), (ids, total)))
            continue
        for token, own in enumerate(log_chances(ids)):
            grown = [*ids, token], total + own
            ranked.append((grown[1] / max(1, len(ids)), grown))
    return [beam for _, beam in sorted(ranked, key=lambda each: each[0], reverse=True)[:width]]


def _all_of_each(beams: list[Beam], log_chances: LogChances, width: int, stop: int) -> list[Beam]:
    """The best `width` of each beam, and all of these."""
    found: list[Beam] = []
    for beam in beams:
        found += _step([beam], log_chances, width, stop)
    return sorted(found, key=_mean, reverse=True)


def _ended_first(beams: list[Beam], log_chances: LogChances, width: int, stop: int) -> list[Beam]:
    done = [beam for beam in beams if _has_ended(beam[0], stop)]
    growing = [beam for beam in beams if not _has_ended(beam[0], stop)]
    return [*done, *_step(growing, log_chances, width, stop)][:width]


def _first_come(beams: list[Beam], log_chances: LogChances, width: int, stop: int) -> list[Beam]:
    everything = _step(beams, log_chances, 10**6, stop)
    return [beam for beam in everything if beam[0][:-1] == everything[0][0][:-1]][:width]


def _one_list(
    beams: list[Beam],
    log_chances: LogChances,
    width: int,
    stop: int,
    *,
    keep: Callable[[list[int]], list[int]] = lambda ids: ids,
) -> list[Beam]:
    candidates: list[Beam] = []
    for ids, total in beams:
        if _has_ended(ids, stop):
            candidates.append((ids, total))
            continue
        for token, own in enumerate(log_chances(list(ids))):
            ids.append(token)
            candidates.append((keep(ids), total + own))
    return sorted(candidates, key=_mean, reverse=True)[:width]


def _most_likely_ranked_by_mean(
    beams: list[Beam], log_chances: LogChances, width: int, stop: int
) -> list[Beam]:
    likely = _step(beams, log_chances, width, stop, score=lambda beam: beam[1])
    return sorted(likely, key=_mean, reverse=True)


def _without_the_stop(stop: int) -> Callable[[Beam], float]:
    """The mean that does not count a stop token at the end."""
    return lambda beam: beam[1] / max(1, len(beam[0]) - (beam[0][-1] == stop))


def _ended_besides(beams: list[Beam], log_chances: LogChances, width: int, stop: int) -> list[Beam]:
    done = [beam for beam in beams if _has_ended(beam[0], stop)]
    growing = [beam for beam in beams if not _has_ended(beam[0], stop)]
    return sorted([*done, *_step(growing, log_chances, width, stop)], key=_mean, reverse=True)


def _mean_kept(beams: list[Beam], log_chances: LogChances, width: int, stop: int) -> list[Beam]:
    best = _step(beams, log_chances, width, stop)
    return [(ids, total / len(ids)) for ids, total in best]


def _never_stopping(
    beams: list[Beam], log_chances: LogChances, width: int, stop: int
) -> list[Beam]:
    every = _step(beams, log_chances, 10**6, stop)
    old = [ids for ids, _ in beams]
    return [(ids, total) for ids, total in every if ids[-1] != stop or ids in old][:width]


def _mean_in_the_total(
    beams: list[Beam], log_chances: LogChances, width: int, stop: int
) -> list[Beam]:
    old = [ids for ids, _ in beams]
    every = _step(beams, log_chances, 10**6, stop)
    divided = [(ids, total if ids in old else total / len(ids)) for ids, total in every]
    return sorted(divided, key=lambda beam: beam[1], reverse=True)[:width]


def _new_tokens_alone(
    beams: list[Beam], log_chances: LogChances, width: int, stop: int
) -> list[Beam]:
    return [(ids[-1:], total) for ids, total in _step(beams, log_chances, width, stop)]


def _by_numpy(beams: list[Beam], log_chances: LogChances, width: int, stop: int) -> list[Beam]:
    done = [beam for beam in beams if _has_ended(beam[0], stop)]
    growing = [beam for beam in beams if not _has_ended(beam[0], stop)]
    if growing:
        own = np.array([log_chances(ids) for ids, _ in growing])
        totals = own + np.array([[total] for _, total in growing])
        lengths = np.array([[len(ids) + 1] for ids, _ in growing])
        rows, tokens = np.unravel_index(np.argsort(-totals / lengths, axis=None), totals.shape)
        for row, token in zip(rows[:width], tokens[:width], strict=True):
            done.append(([*growing[row][0], int(token)], totals[row, token]))
    return sorted(done, key=_mean)[::-1][:width]


def _with_a_heap(beams: list[Beam], log_chances: LogChances, width: int, stop: int) -> list[Beam]:
    heap: list[tuple[float, int, list[int], float]] = []
    for ids, total in beams:
        own = [0.0] if ids[-1:] == [stop] else log_chances(ids)
        for token, of_token in enumerate(own):
            text = ids if len(own) == 1 else [*ids, token]
            entry = ((total + of_token) / len(text), -len(heap), text, total + of_token)
            heapq.heappush(heap, entry)
            if len(heap) > width:
                heapq.heappop(heap)
    return [(text, total) for _, _, text, total in sorted(heap, reverse=True)]


_NEXT = Chances(4, seed=871, stop=0)
_ENDING = Chances(3, seed=872, stop=2, ends=1.5)
_WIDE = Chances(6, seed=873, stop=1, ends=0.5)

BEAM_STEP = Exercise(
    id="8.7",
    title="One step of beam search",
    minutes=12,
    stars=3,
    reference=beam_step,
    probes=[
        ([([], 0.0)], _NEXT, 2, 0),
        ([([1], -0.5), ([3], -2.0)], _NEXT, 2, 0),
        ([([1, 2], -1.25), ([3, 1], -1.5), ([0], -1.5)], _NEXT, 3, 0),
        ([([1, 3, 2, 0], -2.0), ([0], -0.9), ([2, 1], -6.0)], _NEXT, 2, 0),
        ([([0, 2], -1.0), ([1, 1], -1.125), ([2], -1.75)], _ENDING, 3, 2),
        ([([2], -0.75), ([0, 2], -4.0)], _ENDING, 3, 2),
        ([([2], 0.0), ([1, 0], -3.5)], _ENDING, 3, 2),
        ([([4, 1], -3.5), ([0, 5, 3], -2.5), ([3, 3, 2], -2.75), ([2, 0, 1], -3.0)], _WIDE, 4, 1),
        ([([5, 0], -2.0), ([1], -2.5)], _WIDE, 5, 1),
        ([([1, 4, 1], -9.0), ([0, 2, 4], -3.0), ([5, 2, 2], -8.0)], _WIDE, 3, 1),
    ],
    mistakes={
        "Texts of different lengths were compared by their totals, and every further token makes a "
        "total smaller: compare total / number of tokens.": _bent(score=lambda beam: beam[1]),
        "Texts that have ended were continued, and all were compared by their totals: one that has "
        "ended stays as it is, and the mean ranks, total / number of tokens.": _bent(
            score=lambda beam: beam[1], ended=lambda ids, stop: False
        ),
        "A text that begins with the stop token has ended for you, and none that ends with it: ask "
        "for its last token, ids[-1].": _bent(ended=lambda ids, stop: ids[:1] == [stop]),
        "Each text was divided by its length before the new token, and one that has ended by its "
        "own: divide by the number of all tokens, the new one among them.": _by_the_old_length,
        "The length is one too large: divide by the number of new tokens, the latest among "
        "them.": _bent(score=lambda beam: beam[1] / (len(beam[0]) + 1)),
        "The stop token counts as well: divide by the number of all tokens of the text.": (
            lambda beams, chances, width, stop: _step(
                beams, chances, width, stop, score=_without_the_stop(stop)
            )
        ),
        "The length is one too small: divide by the number of all tokens of the text, the new one "
        "among them.": _bent(score=lambda beam: beam[1] / max(1, len(beam[0]) - 1)),
        "The best were chosen by their totals, and put in order by the mean only then: rank all "
        "candidates by the mean, and cut after that.": _most_likely_ranked_by_mean,
        "You returned chances: keep the sum of ln p as it is, without exp.": (
            lambda *args: [(ids, math.exp(total)) for ids, total in _step(*args)]
        ),
        "log_chances got the last token alone: give it all the new tokens of the text.": (
            lambda beams, chances, *rest: _step(beams, lambda ids: chances(ids[-1:]), *rest)
        ),
        "Token 0 was taken for the stop token: ask for stop_id.": _bent(
            ended=lambda ids, stop: bool(ids) and ids[-1] == 0
        ),
        "The search begins with a beam without tokens, which has no last one: ask whether there is "
        "any before you look at ids[-1].": _bent(ended=lambda ids, stop: ids[-1] == stop),
        "All the candidates came back: keep the best `width`.": (
            lambda beams, chances, width, stop: _step(beams, chances, 10**6, stop)
        ),
        "Texts that have ended came on top of the `width` others: `width` of all together.": (
            _ended_besides
        ),
        "A beam is the pair (ids, total), in this order.": (
            lambda *args: [(total, ids) for ids, total in _step(*args)]
        ),
        "You divided by the root of the length: divide by the number of tokens.": _bent(
            score=lambda beam: beam[1] / math.sqrt(len(beam[0]))
        ),
        "The total was multiplied by the length, so that long texts are punished twice: divide.": (
            _bent(score=lambda beam: beam[1] * len(beam[0]))
        ),
        "The mean was kept in place of the total: rank by the mean, and keep the total, to which "
        "the next token's ln p is added.": _mean_kept,
        "Each new total was divided at once, so a mean is kept, and those that have ended were "
        "compared by their totals: keep the total, and rank by total / number of tokens.": (
            _mean_in_the_total
        ),
        "A text that has ended was continued: behind the stop token nothing comes.": _bent(
            ended=lambda ids, stop: False
        ),
        "The stop token was never offered, so no text can end: it is a candidate like all "
        "others.": _never_stopping,
        "Texts that have ended were lost: they stay candidates, as they are.": _bent(stays=False),
        "Texts that have ended keep their place here whatever comes: they must hold it against the "
        "others.": _ended_first,
        "Each beam went on by its single best token: the best `width` may stem from one "
        "beam.": _bent(each=1),
        "All texts stem from the best beam: compare the continuations of all beams with each "
        "other.": _first_come,
        "You kept the best `width` of each beam: `width` of all together.": _all_of_each,
        "You kept as many texts as there were beams: keep `width`; the search begins with a single "
        "one.": lambda beams, chances, width, stop: _step(beams, chances, len(beams), stop),
        "The new token's ln p took the place of the total: add it to the total.": _bent(
            add=lambda total, own: own
        ),
        "You multiplied ln p: chances are multiplied, their logarithms added.": _bent(
            add=lambda total, own: total * own
        ),
        "You added a chance to a total of logarithms: these are ln p already, without exp.": _bent(
            add=lambda total, own: total + math.exp(own)
        ),
        "The worst come first: ln p is below 0, and the largest is the best, reverse=True.": _bent(
            best_first=False
        ),
        "These are the right texts, but the best comes first, not last.": (
            lambda *args: beam_step(*args)[::-1]
        ),
        "All the candidates share one list of ids, which grew with each: make a new list, "
        "[*ids, token].": _one_list,
        "Each candidate goes on from the one before it, since ids.append makes the beam's own list "
        "longer: make a new list, [*ids, token].": partial(_one_list, keep=list),
        "The tokens before the new one are lost: [*ids, token].": _new_tokens_alone,
    },
    alternatives={
        "numpy, flattened": _by_numpy,
        "a heap": _with_a_heap,
        "the best of each beam, then of all": lambda beams, chances, width, stop: _step(
            beams, chances, width, stop, each=width
        ),
    },
)
