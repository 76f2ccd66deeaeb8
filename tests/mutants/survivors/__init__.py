"""The mutants that pass, and why each is no fault of the check: `chapter_NN.toml` beside this.

["4.2"]
"line before → line after" = "why the two are the same, or why the text leaves it open"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from mutants.trial import Trial

HERE = Path(__file__).parent


@cache
def _argued(chapter: str) -> dict[str, dict[str, str]]:
    path = HERE / f"chapter_{chapter}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def why(exercise: str, change: str) -> str | None:
    """Why a mutant may pass, None where nobody has said so yet."""
    return _argued(exercise.split(".")[0].zfill(2)).get(exercise, {}).get(change)


def listed(trials: Iterable[Trial]) -> str:
    """The mutants that passed as such a file holds them, with `?` where the reason is missing."""
    lines: dict[str, list[str]] = {}
    for trial in trials:
        reason = why(trial.exercise, trial.name) or "?"
        lines.setdefault(trial.exercise, []).append(f"{_text(trial.name)} = {_text(reason)}")
    return "\n\n".join("\n".join([f'["{id}"]', *rows]) for id, rows in lines.items())


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
