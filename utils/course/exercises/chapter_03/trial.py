"""What a search for a bandwidth did: what it drew, what it smoothed, what it compared."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from utils.llm.attention import smoothing

Draw = Callable[[int], tuple[Tensor, Tensor]]

NOTHING_DRAWN = (
    "You never called draw, so nothing was measured: the best bandwidth differs by curve."
)
OTHER_NUMBER = (
    "The smoother did not know n_points points: give it draw(n_points), no more, no fewer."
)
OWN_POINTS = (
    "You asked the smoother about its own points. There the narrowest kernel on offer is always "
    "best, since it hears the point itself: draw new ones to judge by."
)
TABLE = (
    "You subtracted a row (M,) from a column (M, 1), or the other way round: that is a table of "
    "differences, (M, M), each guess less what was measured at every place. Take guess[:, 0]."
)
NONE_NEAR = (
    "None of the bandwidths that you tried is near the best: offer some fifteen between 0.01 and 1."
)
PLACE = "You returned the place of the best bandwidth in your list: return the bandwidth."
LEAST_ERROR = "You returned the least error: return the bandwidth that had it."
UNTRIED = "You returned a number that is none of the bandwidths that you tried."
CHOICE = (
    "Of the bandwidths that you tried, another has the least mean squared difference from what was "
    "measured at your new points: look at how you take the error, and which one you choose."
)


_SUBTRACTIONS = ("sub", "subtract", "rsub", "__sub__", "__rsub__", "mse_loss")


class _Guess(Tensor):
    """Estimates, which note where a row is subtracted from a column."""

    tables = 0

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in _SUBTRACTIONS:
            with torch._C.DisableTorchFunctionSubclass():  # a shape is asked for by a function, too
                shapes = sorted(
                    (tuple(a.shape) for a in args[:2] if isinstance(a, Tensor)), key=len
                )
            if [len(shape) for shape in shapes] == [1, 2] and shapes[1][1] == 1 < shapes[1][0]:
                cls.tables += 1
        return super().__torch_function__(func, types, args, kwargs or {})


@dataclass
class Seen:
    """An experiment: the points that were drawn, and for each smoothing what went in and out."""

    draw: Draw
    measured: dict[float, float] = field(default_factory=dict)  # at a place
    known: list[set[float]] = field(default_factory=list)  # places, smoothing by smoothing
    asked: list[list[float]] = field(default_factory=list)
    guesses: list[list[float]] = field(default_factory=list)
    bandwidths: list[float] = field(default_factory=list)

    def errors(self) -> dict[float, list[float]]:
        """For each bandwidth the mean squared differences; none where a place was not drawn."""
        found: dict[float, list[float]] = {}
        for asked, guesses, width in zip(self.asked, self.guesses, self.bandwidths, strict=True):
            if len(asked) != len(guesses) or not all(place in self.measured for place in asked):
                return {}
            squares = [(g - self.measured[x]) ** 2 for x, g in zip(asked, guesses, strict=True)]
            found.setdefault(width, []).append(sum(squares) / max(len(squares), 1))
        return found


@contextlib.contextmanager
def watched(draw: Draw) -> Iterator[Seen]:
    """Notes of what is drawn by `seen.draw`, and of what the package's smoother does meanwhile."""
    smooth = smoothing.nadaraya_watson

    def noted_draw(n: int) -> tuple[Tensor, Tensor]:
        x, y = draw(n)
        seen.measured |= dict(zip(x.tolist(), y.tolist(), strict=True))
        return x, y

    def noted(queries: Tensor, keys: Tensor, values: Tensor, bandwidth: float) -> Tensor:
        guess = smooth(queries, keys, values, bandwidth)
        seen.known.append(set(keys.flatten().tolist()))
        seen.asked.append(queries.flatten().tolist())
        seen.guesses.append(guess.flatten().tolist())
        seen.bandwidths.append(float(bandwidth))
        return guess.as_subclass(_Guess)

    seen, _Guess.tables = Seen(noted_draw), 0
    smoothing.nadaraya_watson = noted
    try:
        yield seen
    finally:
        smoothing.nadaraya_watson = smooth


def why(seen: Seen, returned: float, n_points: int, sound: tuple[float, float]) -> str | None:
    """What in an experiment led astray, where what it did shows it."""
    if not seen.measured:
        return f"{NOTHING_DRAWN} (You returned {returned:.4g}.)"
    if not seen.bandwidths:
        return None
    sizes = {len(known) for known in seen.known}
    if not sizes & {n_points, n_points - 1}:
        listed = " and ".join(map(str, sorted(sizes)))
        return f"{OTHER_NUMBER} (It knew {listed}, and n_points is {n_points}.)"
    if all(known.issuperset(asked) for known, asked in zip(seen.known, seen.asked, strict=True)):
        return OWN_POINTS
    if _Guess.tables:
        return TABLE
    return _chosen(seen, returned, sound)


def _chosen(seen: Seen, returned: float, sound: tuple[float, float]) -> str | None:
    tried, errors = list(dict.fromkeys(seen.bandwidths)), seen.errors()
    best = min(errors, key=lambda width: sum(errors[width])) if errors else None
    is_tried = any(math.isclose(width, returned, rel_tol=1e-4) for width in tried)
    if best is not None and not is_tried:
        least = sum(errors[best])
        if returned == tried.index(best):
            return PLACE
        if any(math.isclose(returned, e, rel_tol=1e-3) for e in (least, least / len(errors[best]))):
            return LEAST_ERROR
    span = f"{min(tried):.2g} to {max(tried):.2g}"
    if not is_tried:
        return f"{UNTRIED} (You tried {span}, and returned {returned:.4g}.)"
    if not any(sound[0] <= width <= sound[1] for width in tried):
        few = " and ".join(f"{width:.2g}" for width in sorted(tried))
        return f"{NONE_NEAR} (You tried {few if len(tried) < 4 else span}.)"
    if best is None or not sound[0] <= best <= sound[1]:
        return None
    return f"{CHOICE} ({best:.2g} has it, and you returned {returned:.2g}.)"
