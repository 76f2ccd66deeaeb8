"""One answer through one check, and what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from mutants.cases import ANY, Answer
from utils.course.checking import check, registry
from utils.course.checking.exercise import Exercise

REJECTED, SURVIVED, NOT_ATTEMPTED = "rejected", "survived", "not attempted"
CRASHED, KILLED = "crashed", "killed"  # `judge` raised; the process died or did not come back
OUTCOMES = (REJECTED, SURVIVED, NOT_ATTEMPTED, CRASHED, KILLED)


@dataclass(frozen=True)
class Trial:
    """What came of an answer: `sentence` is the exercise's own among what was said, if any was.

    `wrong_about` is true where that sentence is none of those that are true of the answer.
    """

    exercise: str
    name: str
    outcome: str
    said: str = ""
    sentence: str | None = None
    wrong_about: bool = False
    seconds: float = 0.0


class _Explanations:
    """Stands in for an exercise's `explain` and remembers all that it says."""

    def __init__(self, explain: Any) -> None:
        self.explain, self.said = explain, list[str]()

    def __call__(self, *args: Any) -> str | None:
        said = self.explain(*args)
        if said:
            self.said.append(said)
        return said


def sentence_in(said: str, exercise: Exercise, explained: list[str]) -> str | None:
    """The sentence of the exercise's own that `said` begins with."""
    together = [" ".join(pair) for pair in getattr(exercise, "together", {})]
    own = [*exercise.mistakes, *together, *explained]
    return max((each for each in own if said.startswith(each)), key=len, default=None)


def attempt(
    id: str,
    name: str,
    answer: Answer,
    says: tuple[str, ...] = (ANY,),
    timeout: float | None = None,
    plain: bool = False,
) -> Trial:
    """Put an answer through the check of exercise `id`; whatever `judge` raises is a crash.

    `plain` only sees whether it falls, without the exercise's own sentences: ten times as fast.
    """
    exercise = registry.exercise(id)
    spy = _Explanations(exercise.explain)
    watched = replace(exercise, explain=spy if exercise.explain else None)
    if timeout is not None:
        watched = replace(watched, timeout=timeout)
    if plain:
        watched = replace(watched, explain=None, mistakes={}, together={})
    start = time.perf_counter()
    try:
        verdict = check.judge(watched, answer)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the one thing that `judge` must never do
        return Trial(id, name, CRASHED, f"{type(error).__name__}: {error}"[:300])
    seconds = time.perf_counter() - start
    said = verdict.diagnosis or ""
    known = {check.RIGHT: SURVIVED, check.NOT_ATTEMPTED: NOT_ATTEMPTED}
    outcome = known.get(verdict.status, REJECTED)
    sentence = sentence_in(said, exercise, spy.said) if outcome == REJECTED else None
    untrue = sentence is not None and ANY not in says and not said.startswith(says)
    return Trial(id, name, outcome, said, sentence, untrue, seconds)


def fault(trial: Trial, says: tuple[str, ...], is_sound: bool = False) -> str | None:
    """Why an answer did not come out as it must, None where it did."""
    if is_sound:
        return None if trial.outcome == SURVIVED else f"sound, and {trial.outcome}: {trial.said}"
    if trial.outcome != REJECTED:
        return f"wrong, and {trial.outcome}: {trial.said}"
    if trial.wrong_about:
        return f"told what is not true of it: {trial.said}"
    if says and ANY not in says and not trial.said.startswith(says):
        return f"to be told “{says[0]} …”, and told: {trial.said}"
    return None
