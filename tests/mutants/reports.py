"""What learners have sent, the files of `course report`: does each verdict still hold?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mutants.trial import NOT_ATTEMPTED, SURVIVED, Trial
from utils.course.checking import registry
from utils.course.keeping_up.sending import KIND


@dataclass(frozen=True)
class Sent:
    """An answer, and what its learner was told of it."""

    exercise: str
    verdict: str
    function: str
    code: str


def read(folder: Path) -> dict[Sent, int]:
    """The answers in a folder of reports, or in one, and how many have sent each.

    Raises ValueError, with the file, for a report that is none.
    """
    found: Counter[Sent] = Counter()
    for path in sorted(folder.rglob("*.json")) if folder.is_dir() else [folder]:
        try:
            found.update(_sent(json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValueError(f"{path} is no file of `course report`: {error!r}") from None
    return dict(found)


def _sent(content: dict) -> Iterator[Sent]:
    if content["kind"] != KIND:
        raise ValueError(f"it is of the kind {content['kind']!r}")
    for entry in content["answers"]:
        fields = (entry[name] for name in ("exercise", "verdict", "function", "code"))
        sent = Sent(*map(str, fields))
        if sent.exercise in registry.exercises():  # others are of another release
            yield sent


def differs(sent: Sent, trial: Trial) -> str | None:
    """Why an answer does not come out as its learner was told, None where it does."""
    now = {SURVIVED: "right", NOT_ATTEMPTED: "not attempted"}.get(trial.outcome, "wrong")
    if now == sent.verdict:
        return None
    return f"{sent.exercise}: was {sent.verdict}, is {now}: {trial.said}\n{sent.code}"


def unnamed(trials: Iterable[tuple[Sent, Trial]], counts: dict[Sent, int]) -> list[str]:
    """The wrong answers that get no sentence of the exercise's own, the most frequent first."""
    found = [
        (counts[sent], sent, trial)
        for sent, trial in trials
        if trial.outcome not in (SURVIVED, NOT_ATTEMPTED) and trial.sentence is None
    ]
    found.sort(key=lambda each: -each[0])
    return [f"{n} sent {s.exercise}, told: {t.said}\n{s.code}" for n, s, t in found]
