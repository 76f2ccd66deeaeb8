"""What a *predict, then run* question is: data that `ask` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """One answer a reader may pick, and what picking it teaches."""

    text: str
    feedback: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question to answer before running the next cell, e.g. id `2.a`."""

    id: str
    text: str
    choices: Sequence[Choice]
