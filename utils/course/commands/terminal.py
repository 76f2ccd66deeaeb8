"""Streams that take whatever the course says, on consoles and pipes of any encoding."""

from __future__ import annotations

import codecs
import sys
from typing import TextIO

__all__ = ["ready", "survive"]

ERRORS = "course.in-words"
#: What stands for a sign where an encoding has none; what else is missing becomes "?".
WORDS = {
    "✅": "[ok]", "❌": "[no]", "⬜": "[ ]", "→": "->", "←": "<-", "…": "...", "·": "-", "×": "x",
    "−": "-", "–": "-", "—": "-", "≥": ">=", "≤": "<=", "√": "sqrt", "π": "pi", "ε": "eps",
    "“": '"', "”": '"', "‘": "'", "’": "'", "★": "*", "☆": "-", "∞": "inf", "█": "#", "░": ".",
}  # fmt: skip


def ready() -> None:
    """What is written comes through in any encoding, and what is piped in is UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        survive(stream)
    if sys.stdin is not None and hasattr(sys.stdin, "reconfigure") and not sys.stdin.isatty():
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")


def survive(stream: TextIO | None) -> None:
    """Let a stream write signs that its encoding lacks in other signs."""
    if stream is not None and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=ERRORS)


def _in_words(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(WORDS.get(letter, "?") for letter in lost), error.end


codecs.register_error(ERRORS, _in_words)
