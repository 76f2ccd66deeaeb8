"""Chapter 07, how large a step is: the schedule of the learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import floordiv, truediv

import numpy as np
import torch

from utils.course.checking.exercise import Exercise
from utils.llm.training.schedule import cosine_with_warm_up

# 7.2 · warm-up and cosine


def learning_rate(step: int, steps: int, peak: float, warm_up: int, min_rate: float) -> float:
    """The rate of `step`, counted from 0: a line up to the peak, then half a cosine down."""
    return cosine_with_warm_up(step, steps, peak, warm_up, min_rate)


def _half_a_cosine(progress: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * progress))


def _rate(
    step: int,
    steps: int,
    peak: float,
    warm_up: int,
    min_rate: float,
    *,
    first: int = 1,
    over: int = 0,
    offset: int | None = None,
    late: int = 0,
    last: int = 0,
    hold: bool = True,
    shape: Callable[[float], float] = _half_a_cosine,
    divide: Callable[[float, float], float] = truediv,
    least: str = "between",
) -> float:
    """The schedule, with a bend where a wrong turn wants one."""
    if step < warm_up + late:
        return peak * (step + first) / (warm_up + over)
    if hold and step >= steps:
        return {"zero": 0.0, "a share": peak * min_rate}.get(least, min_rate)
    start = warm_up if offset is None else offset
    share = shape(divide(step - start, steps - start - last))
    if least == "added":
        return min_rate + peak * share
    if least == "below":
        return max(min_rate, peak * share)
    end = 0.0 if least in ("forgotten", "zero") else min_rate
    return end + (peak - end) * share


def _bent(**changes: object) -> object:
    return lambda *args: _rate(*args, **changes)


def _no_warm_up(step: int, steps: int, peak: float, warm_up: int, min_rate: float) -> float:
    return _rate(step, steps, peak, 0, min_rate)


def _warmed_from_the_least(
    step: int, steps: int, peak: float, warm_up: int, min_rate: float
) -> float:
    if step < warm_up:
        return min_rate + (peak - min_rate) * (step + 1) / warm_up
    return _rate(step, steps, peak, warm_up, min_rate)


def _by_table(step: int, steps: int, peak: float, warm_up: int, min_rate: float) -> float:
    rise = [peak * (i + 1) / warm_up for i in range(warm_up)]
    angles = np.linspace(0, np.pi, steps - warm_up + 1)[:-1]
    fall = min_rate + (peak - min_rate) * (1 + np.cos(angles)) / 2
    return [*rise, *fall.tolist(), min_rate][min(step, steps)]


def _by_squared_cosine(step: int, steps: int, peak: float, warm_up: int, min_rate: float) -> float:
    if step < warm_up:
        return peak / warm_up * (step + 1)
    progress = (step - warm_up) / (steps - warm_up) if step < steps else 1.0
    return min_rate + (peak - min_rate) * math.cos(math.pi / 2 * progress) ** 2


def _at_the_peak_at_once(
    step: int, steps: int, peak: float, warm_up: int, min_rate: float
) -> float:
    return peak if step < warm_up else _rate(step, steps, peak, warm_up, min_rate)


def _cosine_alone(step: int, steps: int, peak: float, warm_up: int, min_rate: float) -> float:
    if step >= steps:
        return min_rate
    share = _half_a_cosine((step - warm_up) / (steps - warm_up))
    return min_rate + (peak - min_rate) * share


def _held_too_late(step: int, steps: int, peak: float, warm_up: int, min_rate: float) -> float:
    return _rate(step, steps, peak, warm_up, min_rate, hold=step > steps)


def _peak_for_ever(step: int, steps: int, peak: float, warm_up: int, min_rate: float) -> float:
    no_cosine = steps == warm_up and step >= steps
    return peak if no_cosine else _rate(step, steps, peak, warm_up, min_rate)


def _explain(args: tuple[int, int, float, int, float], expected: float, got: object) -> str | None:
    """Which stretch of the schedule the step is on, and what it asks for there."""
    step, steps, _, warm_up, _ = args
    if math.isclose(float(got), expected, rel_tol=1e-2):  # rounding, no wrong turn
        return None
    if step >= steps:
        return "From step number `steps` on the rate is min_rate."
    if step < warm_up:
        return (
            f"This is step {step + 1} of {warm_up} of the warm-up: peak · {step + 1} / {warm_up}."
        )
    if step == warm_up:
        return "The cosine begins at step number `warm_up`: its progress is 0, the rate the peak."
    progress = (step - warm_up) / (steps - warm_up)
    return (
        f"This step is on the cosine, its progress ({step} − {warm_up}) / ({steps} − {warm_up}) = "
        f"{progress:.2f}: of the way from min_rate up to peak, {_half_a_cosine(progress):.2f} is "
        "left."
    )


LEARNING_RATE = Exercise(
    id="7.2",
    title="Warm-up and cosine",
    minutes=8,
    stars=2,
    reference=learning_rate,
    probes=[
        (0, 7, 0.3, 3, 0.04),
        (1, 7, 0.3, 3, 0.04),
        (2, 7, 0.3, 3, 0.04),
        (3, 7, 0.3, 3, 0.04),
        (4, 7, 0.3, 3, 0.04),
        (6, 7, 0.3, 3, 0.04),
        (7, 7, 0.3, 3, 0.04),
        (4, 6, 1.0, 2, 0.0),
        (5, 6, 0.5, 2, 0.2),
        (0, 4, 0.5, 0, 0.1),
        (3, 4, 0.5, 0, 0.1),
        (9, 6, 0.7, 2, 0.2),
        (2, 10, 0.3, 5, 0.03),
        (7, 40, 0.004, 3, 0.001),
        (4, 5, 0.4, 5, 0.1),
        (5, 5, 0.4, 5, 0.1),
    ],
    mistakes={
        "The warm-up is off by one: step 0 is the first step and climbs already, to peak / "
        "warm_up; at 0 it would learn nothing.": _bent(first=0),
        "The warm-up is off by one: its last step, number warm_up − 1, has reached the peak. "
        "Divide by warm_up.": _bent(over=1),
        "There is no warm-up: below step number warm_up the rate climbs in a line.": _no_warm_up,
        "The cosine counts from step 0, so there is a jump where the warm-up ends: count its "
        "progress from warm_up on.": _bent(offset=0),
        "The cosine counts from step 0, and goes on behind the end: its progress is "
        "(step − warm_up) / (steps − warm_up), and 1 at most.": _bent(offset=0, hold=False),
        "The cosine is off by one: yours is at min_rate at step number steps − 1 already, and it "
        "is to be there at step number steps. Divide by steps − warm_up.": _bent(last=1),
        "This cosine goes down and up again: half of it is wanted, an angle from 0 to π.": _bent(
            shape=lambda x: _half_a_cosine(2 * x)
        ),
        "This is a quarter of a cosine's wave, and ends halfway: the angle goes from 0 to π.": (
            _bent(shape=lambda x: _half_a_cosine(x / 2))
        ),
        "Beyond the end the cosine climbs again: from step number steps on, the rate stays at "
        "min_rate.": _bent(hold=False),
        "It falls in a straight line: from the peak on, half a cosine is wanted.": _bent(
            shape=lambda x: 1 - x
        ),
        "min_rate was added on top, so the peak is too high: the cosine goes from peak to "
        "min_rate, a way of peak − min_rate.": _bent(least="added"),
        "The cosine was cut off at min_rate: it should arrive there only at the end.": _bent(
            least="below"
        ),
        "min_rate is forgotten: the cosine ends there, not at 0.": _bent(least="forgotten"),
        "min_rate is forgotten: the cosine ends there, not at 0, and there the rate stays.": _bent(
            least="zero"
        ),
        "min_rate is forgotten: the cosine leads to it and not to 0, and beyond the end the rate "
        "stays there.": _bent(least="forgotten", hold=False),
        "The warm-up has a step too many, and climbs above the peak: step number warm_up belongs "
        "to the cosine, so ask for step < warm_up.": _bent(late=1),
        "There is no warm-up: the first `warm_up` steps were at the peak at once, and should "
        "climb to it.": _at_the_peak_at_once,
        "There is no warm-up: before step number `warm_up` the progress of the cosine is "
        "negative, so it climbs there. Take a line, peak · (step + 1) / warm_up.": _cosine_alone,
        "Behind the warm-up the rate stays at the peak until the end: its progress is "
        "(step − warm_up) / (steps − warm_up), with `/`, since `//` drops what stands behind the "
        "point, and stays 0.": _bent(divide=floordiv),
        "Behind the end the rate is peak · min_rate: it is min_rate itself, no share of the "
        "peak.": _bent(least="a share"),
        "It climbs: 1 − cos goes from 0 to 2, and 1 + cos from 2 to 0.": _bent(
            shape=lambda x: 1 - _half_a_cosine(x)
        ),
        "The half is missing: 1 + cos goes from 2 to 0, and what is left of the way from 1 to 0. "
        "Divide by 2.": _bent(shape=lambda x: 2 * _half_a_cosine(x)),
        "This is a quarter of a cosine, flat at the start and steep at the end: half of one, "
        "(1 + cos(π · progress)) / 2, is flat at both.": _bent(
            shape=lambda x: math.cos(math.pi / 2 * x)
        ),
        "Where the warm-up takes all the steps, steps − warm_up is 0, and you divide by it: from "
        "step number `steps` on, step >= steps, return min_rate first.": _held_too_late,
        "Where the warm-up takes all the steps, there is no cosine: from step number `steps` on "
        "the rate is min_rate.": _peak_for_ever,
        "The warm-up starts from min_rate: in this course it climbs from 0.": (
            _warmed_from_the_least
        ),
        "The angle is in degrees: math.cos wants radians, π for half a turn.": _bent(
            shape=lambda x: 0.5 * (1 + math.cos(180 * x))
        ),
    },
    alternatives={
        "a table": _by_table,
        "a squared cosine": _by_squared_cosine,
        "torch": lambda *args: torch.tensor(_rate(*args), dtype=torch.float64),
    },
    explain=_explain,
)
