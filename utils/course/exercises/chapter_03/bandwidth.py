"""Exercise 3.7: measure the best bandwidth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.compare import Remark
from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_03 import trial
from utils.course.exercises.probing import number, within
from utils.course.exercises.steps import at_one_step
from utils.llm.attention import smoothing

Draw = Callable[[int], tuple[Tensor, Tensor]]


def _measured(truth: Callable[[Tensor], Tensor], n: int) -> tuple[Tensor, Tensor]:
    x = 4 * torch.rand(n) - 2
    return x, truth(x) + 1.2 * torch.rand(n) - 0.6


def draw_hilly(n: int) -> tuple[Tensor, Tensor]:
    """n places between −2 and 2, and what was measured there of the chapter's curve."""
    return _measured(lambda x: torch.sin(3 * x) + 0.5 * x, n)


def draw_gentle(n: int) -> tuple[Tensor, Tensor]:
    """The same of a curve that turns a third as fast."""
    return _measured(torch.sin, n)


#: From here to there the error is at most half as large again as the best, the noise taken off;
#: found with hundreds of draws and bandwidths 8 % apart.
SOUND = {
    ("draw_hilly", 60): (0.064, 0.22),
    ("draw_gentle", 60): (0.165, 0.56),
    ("draw_hilly", 240): (0.045, 0.15),
}
HOLD = (
    "while you compare bandwidths (some fifteen, from 0.01 to 1), hold the n_points known points "
    "still and the new ones to judge by; add up the mean squared differences of several draws."
)


def best_bandwidth(n_points: int, draw: Draw) -> float:
    """The bandwidth whose mean squared error on new points is least, over a few draws."""
    return _best(n_points, draw)


def _own_points(known: tuple[Tensor, Tensor], draw: Draw) -> tuple[Tensor, Tensor]:
    return known


def _squared(guess: Tensor, truth: Tensor) -> Tensor:
    return (guess[:, 0] - truth).square().mean()


def _best(
    n_points: int,
    draw: Draw,
    *,
    known: Callable[[int, Draw], tuple[Tensor, Tensor]] = lambda n_points, draw: draw(n_points),
    judges: Callable[[tuple[Tensor, Tensor], Draw], tuple[Tensor, Tensor]] = (
        lambda known, draw: draw(200)
    ),
    offer: Callable[[], Tensor] = lambda: torch.logspace(-2, 0, 16),
    error: Callable[[Tensor, Tensor], Tensor] = _squared,
    choose: Callable[[Tensor, Tensor], float] = lambda widths, errors: float(
        widths[errors.argmin()]
    ),
) -> float:
    """The experiment with a bend where a wrong turn wants one."""
    widths = offer()
    errors = torch.zeros(len(widths))
    for _ in range(5):
        x, y = known(n_points, draw)
        new_x, new_y = judges((x, y), draw)
        for i, width in enumerate(widths.tolist()):
            guess = smoothing.nadaraya_watson(new_x[:, None], x[:, None], y[:, None], width)
            errors[i] += error(guess, new_y)
    return choose(widths, errors)


def _call(answer: Callable[..., Any], n_points: int, draw: Draw) -> Any:
    """The middle of the sound ones for any of them; else what the experiment did, seen again."""
    low, high = SOUND[draw.__name__, n_points]
    state = torch.get_rng_state()
    result = within(low, high, HOLD)(answer, n_points, draw)
    if not isinstance(result, Remark):
        return result
    torch.set_rng_state(state)
    with trial.watched(draw) as seen:
        measured = number(answer(n_points, seen.draw))
    why = None if measured is None else trial.why(seen, measured, n_points, (low, high))
    return Remark(why) if why else result


_STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    "known": {trial.OTHER_NUMBER: lambda n_points, draw: draw(2000)},
    "judges": {trial.OWN_POINTS: _own_points},
    "offer": {trial.NONE_NEAR: lambda: torch.linspace(1, 5, 9)},
    "error": {
        "You summed the errors with their signs, so that they cancel: square each before you "
        "average.": lambda guess, truth: (guess[:, 0] - truth).mean(),
        trial.TABLE: lambda guess, truth: (guess - truth).square().mean(),
    },
    "choose": {
        "You chose the bandwidth with the largest error.": lambda widths, errors: float(
            widths[errors.argmax()]
        ),
        trial.CHOICE: lambda widths, errors: float(widths[0]),
        trial.PLACE: lambda widths, errors: float(errors.argmin()),
        trial.LEAST_ERROR: lambda widths, errors: float(errors.min() / 5),
        trial.UNTRIED: lambda widths, errors: 0.9,
        "You returned the middle of what you tried, whatever the errors were.": (
            lambda widths, errors: float(widths.mean())
        ),
    },
}


def _each_left_out(n_points: int, draw: Draw) -> float:
    """Every point left out once and predicted from the others, and no new points at all."""
    widths = torch.logspace(-2, 0, 25)
    errors = torch.zeros(len(widths))
    for _ in range(6):
        x, y = draw(n_points)
        gap = -(x[:, None] - x).square() / 2
        gap.fill_diagonal_(-torch.inf)
        for i, width in enumerate(widths.tolist()):
            errors[i] += ((gap / width**2).softmax(dim=1) @ y - y).square().mean()
    return float(widths[errors.argmin()])


def _by_halving(n_points: int, draw: Draw) -> Tensor:
    """A coarse search and a finer one round its best, on the same draws."""
    draws = [(draw(n_points), draw(300)) for _ in range(6)]

    def error(width: float) -> float:
        found = [
            smoothing.nadaraya_watson(q[:, None], x[:, None], y[:, None], width)[:, 0] - wanted
            for (x, y), (q, wanted) in draws
        ]
        return float(torch.stack(found).abs().square().mean())

    best = min((0.01 * 2**k for k in range(8)), key=error)
    return torch.tensor(min((best * 2 ** (k / 4) for k in range(-4, 5)), key=error))


BEST_BANDWIDTH = Exercise(
    id="3.7",
    title="Measure the best bandwidth",
    minutes=15,
    stars=3,
    reference=best_bandwidth,
    probes=[(60, draw_hilly), (60, draw_gentle), (240, draw_hilly)],
    mistakes=at_one_step(_best, _STEPS) | {trial.NOTHING_DRAWN: lambda n_points, draw: 0.1},
    alternatives={
        "a search over new points": _best,
        "each point left out once": _each_left_out,
        "coarse, then fine": _by_halving,
    },
    call=_call,
    timeout=40.0,
)
