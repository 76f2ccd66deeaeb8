"""Chapter 07, a number to measure: which learning rate is best."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from utils.course.checking.compare import Remark
from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import number

# 7.8 · the best rate

STEPS, MOST = 20, 40
Run = Callable[[float, int, int], float]


def best_rate(run: Run) -> float:
    """The learning rate between 0.0001 and 1 that pays least after 20 steps."""
    return _sweep(run)


def _sweep(
    run: Run,
    *,
    rates: list[float] | None = None,
    seeds: Callable[[int], list[int]] = lambda i: [0, 1],
    steps: Callable[[int], int] = lambda i: STEPS,
    choose: Callable[[list[float], list[float]], Any] | None = None,
) -> Any:
    """A sweep, with a bend where a wrong turn wants one."""
    rates = rates or [10 ** (4 * k / 9 - 4) for k in range(10)]
    losses = []
    for i, rate in enumerate(rates):
        paid = [run(rate, seed, steps(i)) for seed in seeds(i)]
        losses.append(sum(paid) / len(paid))
    if choose:
        return choose(rates, losses)
    whole = [math.inf if math.isnan(loss) else loss for loss in losses]
    return rates[whole.index(min(whole))]


NO_RUN = "You ran nothing: try several rates, run(rate, seed, 20), and compare what they pay."
OTHER_STEPS = (
    "Your trainings were not all 20 steps long: a longer one pays less with any rate, and a "
    "shorter one wants a larger rate. Hold the steps still, at 20."
)
OTHER_SEEDS = (
    "The rates began from different starts, and a lucky start is worth more than a good rate: hold "
    "the seeds still, the same for every rate."
)
BLOWN_UP = (
    "You returned a rate whose run blew up: it says nan, which is no low loss. Leave such rates "
    "out, by math.isnan; a comparison with nan is always False."
)
A_LOSS = "That is a loss: return the rate that it belongs to."
A_NUMBER = "That is a place in your list: return the rate that stands there."
NOT_THE_BEST = (
    "You returned a rate that did not pay least of those you tried, in the mean over its seeds."
)
EDGE = "The best of your rates is the smallest or the largest that you tried: look beyond it."
COARSE = (
    "Your rates lie too far apart: there is a better one between the best and its neighbour. Try "
    "steps of a factor of about 2."
)
UNTRIED = "You returned a rate that you never tried."


class TooMany(Exception):
    """Raised by a laboratory that has been asked for more runs than there is time for."""


class Laboratory:
    """Trainings that take no time: what they pay is computed from the rate, the seed, the steps.

    As in real ones a start may be lucky, far too large a rate ends in nan, a short training wants
    a larger rate.
    """

    __name__ = "run"

    def __init__(self, best: float) -> None:
        self.best = best
        self.calls: list[tuple[float, int, int, float]] = []

    def __call__(self, rate: float, seed: int, steps: int) -> float:
        """The held-out loss after so many steps. Raises TooMany at the 41st run."""
        if len(self.calls) == MOST:
            raise TooMany(f"{MOST} runs are all the time there is: try fewer rates or seeds")
        if not rate > 0 or steps < 1:
            raise ValueError(f"a rate above 0 and a step at least, and got {rate} and {steps}")
        off = math.log(rate / (self.best * math.sqrt(STEPS / steps)))
        start = (seed * 0.7548776662 + 0.3) % 1 - 0.5
        waver = 0.02 * math.sin(37 * seed + 11 * off)
        loss = 2 + 3.5 * (1 - math.exp(-0.15 * off**2)) + start + waver + 20 / steps
        loss += 0.5 * max(0.0, off - 1) ** 2
        loss = math.nan if off > 3 else loss
        self.calls.append((float(rate), int(seed), int(steps), loss))
        return loss

    def paid(self) -> dict[float, float]:
        """What each rate paid on average."""
        rates = dict.fromkeys(rate for rate, *_ in self.calls)
        means = {}
        for rate in rates:
            losses = [loss for r, *_, loss in self.calls if r == rate]
            means[rate] = sum(losses) / len(losses)
        return means

    def __repr__(self) -> str:
        return f"run, best at {self.best:g}"


def _why(lab: Laboratory, answer: float) -> str:
    """What the runs did not hold still, or what was made of them, that led astray."""
    if not lab.calls:
        return f"{NO_RUN} (You returned {answer:g}.)"
    paid = lab.paid()
    tried = min(paid, key=lambda rate: abs(math.log(rate / answer)) if answer > 0 else rate)
    is_tried = answer > 0 and math.isclose(tried, answer, rel_tol=1e-6)
    if not is_tried and _is_a_loss(lab, answer):
        return A_LOSS
    if {steps for *_, steps, _ in lab.calls} != {STEPS}:
        return OTHER_STEPS
    alive = [rate for rate, loss in paid.items() if not math.isnan(loss)]  # nan ends a rate
    seeds = [sorted(s for r, s, *_ in lab.calls if r == rate) for rate in alive]
    if any(each != seeds[0] for each in seeds):
        return OTHER_SEEDS
    if not is_tried:
        return A_NUMBER if answer == _place_of_the_best(paid) else f"{UNTRIED} ({answer:g})"
    return _chosen_from(paid, tried)


def _is_a_loss(lab: Laboratory, answer: float) -> bool:
    """Whether a number is what a run paid, or the runs of one rate together or on average."""
    runs = [[loss for r, *_, loss in lab.calls if r == rate] for rate in lab.paid()]
    sums = [sum(each) for each in runs]
    means = [sum(each) / len(each) for each in runs]
    losses = [*sums, *means, *(loss for each in runs for loss in each)]
    return any(math.isclose(loss, answer, rel_tol=1e-6) for loss in losses)


def _place_of_the_best(paid: dict[float, float]) -> int:
    whole = [math.inf if math.isnan(loss) else loss for loss in paid.values()]
    return whole.index(min(whole))


def _chosen_from(paid: dict[float, float], chosen: float) -> str:
    if math.isnan(paid[chosen]):
        return BLOWN_UP
    whole = {rate: loss for rate, loss in paid.items() if not math.isnan(loss)}
    if chosen != min(whole, key=whole.__getitem__):
        return NOT_THE_BEST
    at_the_edge = chosen in (min(paid), max(paid)) and 1.1e-4 < chosen < 0.9
    return EDGE if at_the_edge else COARSE


def _not_held_still(lab: Laboratory, answer: float) -> str | None:
    """What makes a rate right by luck: nothing lower or higher was tried in just its way."""
    sides = [
        (seed, rate < answer)
        for rate, seed, steps, _ in lab.calls
        if steps == STEPS and not math.isclose(rate, answer, rel_tol=1e-6)
    ]
    if len({side for _, side in sides}) < 2:
        return OTHER_STEPS if {steps for *_, steps, _ in lab.calls} != {STEPS} else None
    below, above = ({seed for seed, side in sides if side is which} for which in (True, False))
    own = {s for r, s, n, _ in lab.calls if n == STEPS and math.isclose(r, answer, rel_tol=1e-6)}
    shared = own & below and own & above if own else below & above
    return None if shared else OTHER_SEEDS


def measured(answer: Callable[..., Any], lab: Laboratory) -> Any:
    """Let an answer experiment; a rate within a factor of 2 of the best stands for it."""
    found = answer(lab)
    rate = number(found)
    if rate is None or math.isnan(rate):
        return found
    if not lab.best / 2 <= rate <= lab.best * 2:
        return Remark(_why(lab, rate))
    why = _not_held_still(lab, rate) if lab.calls else None
    return Remark(why) if why else lab.best


def _by_thirds(run: Run) -> float:
    """Narrow the interval down, on the scale of the logarithm."""
    low, high = math.log(1e-4), math.log(1.0)

    def paid(x: float) -> float:
        loss = run(math.exp(x), 3, STEPS)
        return math.inf if math.isnan(loss) else loss

    for _ in range(9):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if paid(left) <= paid(right):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2)


def _coarse_then_fine(run: Run) -> float:
    def paid(rate: float) -> float:
        loss = sum(run(rate, seed, STEPS) for seed in (0, 1))
        return loss if loss == loss else math.inf

    best = min([1e-4, 1e-3, 1e-2, 1e-1, 1.0], key=paid)
    return min([best / 5, best / 2.5, best / 1.5, best, best * 1.5, best * 2.5, best * 5], key=paid)


def _least(rates: list[float], losses: list[float]) -> int:
    return min(range(len(rates)), key=losses.__getitem__)


BEST_RATE = Exercise(
    id="7.8",
    title="Measure the best rate",
    minutes=10,
    stars=2,
    reference=best_rate,
    probes=[(Laboratory(0.021),), (Laboratory(0.0034),), (Laboratory(0.13),), (Laboratory(0.007),)],
    mistakes={
        NO_RUN: lambda run: 3e-4,
        OTHER_STEPS: lambda run: _sweep(run, steps=lambda i: 200),
        OTHER_SEEDS: lambda run: _sweep(run, seeds=lambda i: [2 * i, 2 * i + 1]),
        BLOWN_UP: lambda run: _sweep(
            run,
            rates=[10 ** (-k / 3) for k in range(13)],
            choose=lambda rates, losses: rates[_least(rates, losses)],
        ),
        A_LOSS: lambda run: _sweep(run, choose=lambda rates, losses: min(losses)),
        A_NUMBER: lambda run: _sweep(run, choose=_least),
        NOT_THE_BEST: lambda run: _sweep(
            run,
            choose=lambda rates, losses: max(
                (loss, rate) for rate, loss in zip(rates, losses, strict=True) if loss == loss
            )[1],
        ),
        EDGE: lambda run: _sweep(run, rates=[1e-4, 2e-4, 4e-4, 8e-4]),
        COARSE: lambda run: _sweep(run, rates=[1e-4, 1e-3, 0.05, 1.0]),
    },
    alternatives={
        "thirds of the interval": _by_thirds,
        "coarse, then fine": _coarse_then_fine,
        "a finer grid, one seed": lambda run: _sweep(
            run, rates=[1e-4 * 1.3**k for k in range(36)], seeds=lambda i: [5]
        ),
    },
    call=measured,
)
