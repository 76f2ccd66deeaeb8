"""The machinery of the course: exercises and their checks, questions, the builder, the tools."""

from __future__ import annotations

from typing import Any

__all__ = ["ask", "check", "progress"]


def __getattr__(name: str) -> Any:
    # Loaded on first use: the command line starts without paying for torch.
    if name == "check":
        from utils.course.checking.check import check

        return check
    if name == "ask":
        from utils.course.asking.ask import ask

        return ask
    if name == "progress":
        from utils.course.grading.progress_box import progress

        return progress
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
