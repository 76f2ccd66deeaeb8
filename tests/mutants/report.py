"""What the trials came to: a line for each exercise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mutants.trial import CRASHED, KILLED, NOT_ATTEMPTED, REJECTED, SURVIVED, Trial

COLUMNS = ("tried", "rejected", "named", "false", "survived", "crashed", "died", "not attempted")


def counts(trials: Sequence[Trial]) -> tuple[int, ...]:
    """The numbers of `COLUMNS`: `judge` crashed; an answer ended its process, and so died."""
    outcomes = [trial.outcome for trial in trials]
    return (
        len(trials),
        outcomes.count(REJECTED),
        sum(trial.sentence is not None for trial in trials),
        sum(trial.wrong_about for trial in trials),
        outcomes.count(SURVIVED),
        outcomes.count(CRASHED),
        outcomes.count(KILLED),
        outcomes.count(NOT_ATTEMPTED),
    )


def _place(id: str) -> tuple[int, str]:
    chapter, number = id.split(".")
    return int(chapter), number.rjust(3)


def table(title: str, trials: Iterable[Trial]) -> str:
    """The counts per exercise, and of all together with what they are per hundred."""
    by_exercise: dict[str, list[Trial]] = {}
    for trial in trials:
        by_exercise.setdefault(trial.exercise, []).append(trial)
    rows = [(id, *counts(by_exercise[id])) for id in sorted(by_exercise, key=_place)]
    everything = [trial for each in by_exercise.values() for trial in each]
    if not everything:
        return f"{title}: none"
    total = counts(everything)
    shares = [f"{100 * each / len(everything):.1f}" for each in total[1:]]
    rows += [("all", *total), ("%", "", *shares)]
    head = "  ".join(f"{name:>{max(len(name), 6)}}" for name in ("", *COLUMNS))
    lines = [
        "  ".join(
            f"{value:>{max(len(name), 6)}}" for name, value in zip(("", *COLUMNS), row, strict=True)
        )
        for row in rows
    ]
    return "\n".join([title, head, *lines])


def detail(trial: Trial) -> str:
    """One answer, and what it was told."""
    kind = "FALSE" if trial.wrong_about else "named" if trial.sentence else trial.outcome
    return f"{trial.exercise} {trial.name} [{kind}]\n   {trial.said}".rstrip()
