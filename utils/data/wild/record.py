"""The real model where it was fetched, a small one of its kind else; and what the real one said."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from utils.data.texts.models import TextModel, open_model
from utils.data.texts.real_models import kept_model

__all__ = [
    "REAL",
    "SMALL",
    "careful_lesson",
    "designs",
    "designs_by_rate",
    "open_a_real_one",
    "recorded",
]

REAL, SMALL = "smollm2", "stories-modern"


def open_a_real_one() -> tuple[TextModel, bool]:
    """SmolLM2 where `course fetch smollm2` has brought it, else the small story model of its kind.

    Beside it, whether it is the real one.
    """
    real = kept_model(REAL) is not None
    return open_model(REAL if real else SMALL), real


@cache
def _log(name: str) -> dict[str, Any]:
    path = files("utils.data") / "logs" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def recorded(part: str) -> Any:
    """A part of the record that `python -m utils.data.wild.make_log` made with the real model.

    Raises KeyError for a part that it does not have.
    """
    return _log("real_one")[part]


def designs() -> tuple[dict[str, list[float]], float]:
    """Bits a word by design, a number for each seed, and the floor: `tests/bench/modern.py`'s."""
    log, found = _log("modern"), {}
    for run in log["runs"]:
        found.setdefault(run["name"], []).append(run["bits"])
    return found, log["floor"]


def designs_by_rate() -> dict[str, dict[float, float]]:
    """Bits a word by design and learning rate, one seed each: `modern.py --rates`."""
    found: dict[str, dict[float, float]] = {}
    for run in _log("modern_rates")["runs"]:
        found.setdefault(run["name"], {})[run["rate"]] = run["bits"]
    return found


def careful_lesson() -> dict[str, Any]:
    """What `python -m utils.data.wild.make_adapter` recorded: before, after, and the losses."""
    return _log("study_group")
