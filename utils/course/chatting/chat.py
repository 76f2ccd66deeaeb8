"""A conversation in a terminal, or through a pipe."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TextIO

from utils.data.texts.conversation import Conversation

__all__ = ["Wrapped", "chat"]

YOU = "you> "
HELP = """\
/temperature 0.7   how bold: 0 is always the likeliest token, 1 the model's own chances
/top_p 0.9         draw from the likeliest tokens that have this much chance together
/reset             forget what was said
/help              this list
Ctrl-C stops an answer, Ctrl-D ends the conversation."""
COMMANDS = "/temperature, /top_p, /reset and /help"


class Wrapped:
    """Writes text as it comes, and breaks lines between words instead of within them."""

    def __init__(self, file: TextIO, width: int | None) -> None:
        self._file, self._width = file, width
        self._column, self._gap, self._word = 0, "", ""

    def push(self, piece: str) -> None:
        """Write what is certain; a word is when the space behind it has come."""
        if self._width is None:
            self._write(piece)
            return
        for part in re.findall(r"\n|[^\S\n]+|\S+", piece):
            if part.isspace():
                self._end_word()
                self._gap = part
            else:
                self._word += part
            if len(self._word) > self._width:  # too long for a line: it need not be waited for
                self._end_word()
        self._file.flush()

    def flush(self) -> None:
        """Write the last word."""
        self._end_word()
        self._gap, self._column = "", 0
        self._file.flush()

    def _end_word(self) -> None:
        if "\n" in self._gap:
            self._write("\n")
        elif self._word:
            fits = self._column + len(self._gap + self._word) <= (self._width or 0)
            self._write(self._gap if fits else "\n" * bool(self._column))
        self._write(self._word)
        self._gap = self._word = ""

    def _write(self, text: str) -> None:
        self._file.write(text)
        newline = text.rfind("\n")
        self._column = self._column + len(text) if newline < 0 else len(text) - newline - 1
        if self._width is None:
            self._file.flush()


def chat(conversation: Conversation, source: TextIO, out: TextIO, errors: TextIO) -> int:
    """Answer every line of `source` until it ends. Returns the exit status.

    Where nobody types, nothing but the answers is written to `out`; the status is then 1 if a
    line could not be answered.
    """
    typed = source.isatty() and out.isatty()
    failed = False
    if typed:
        out.write(f"{conversation.opened.title}: write to it. /help lists what else it takes.\n")
    for line in _typed_lines(out) if typed else source:
        text = line.strip()
        if not text:
            continue
        if text.startswith("/"):
            said = obey(conversation, text)
        else:
            said = answer(conversation, text, out, typed)
        if said is not None:
            failed = failed or said.startswith("course: ")
            print(said, file=out if typed else errors, flush=True)
    if typed:
        out.write("\n")
    return int(failed and not typed)


def _typed_lines(out: TextIO) -> Iterator[str]:
    """Lines as they are typed, up to Ctrl-D; Ctrl-C only gives up a line."""
    with suppress(ImportError):
        import readline  # noqa: F401  (`input` then knows the arrow keys)
    while True:
        try:
            yield input(YOU)
        except EOFError:
            return
        except KeyboardInterrupt:
            out.write("\n(Ctrl-D ends the conversation)\n")


def answer(conversation: Conversation, text: str, out: TextIO, typed: bool) -> str | None:
    """Write the answer to `out`; returns what else is to be said, if anything."""
    try:
        pieces = conversation.ask(text)
    except ValueError as error:
        return f"course: {' '.join(str(error).split())}"
    lines = Wrapped(out, shutil.get_terminal_size().columns - 1 if typed else None)
    interrupted = False
    try:
        started = False
        for piece in pieces:
            shown = piece if started else piece.lstrip()
            started = started or bool(shown)
            lines.push(shown)
    except KeyboardInterrupt:
        if not typed:
            raise
        interrupted = True
        conversation.stop()
        pieces.close()
    lines.flush()
    out.write("\n")
    out.flush()
    if typed and conversation.cut():
        return f"(cut at {conversation.settings.max_tokens:,} tokens: --max-tokens lets it go on)"
    return "(stopped)" if interrupted else None


def obey(conversation: Conversation, command: str) -> str:
    """Do what a line that begins with / asks for; returns what to say."""
    name, _, value = command[1:].partition(" ")
    simple: dict[str, Callable[[], str]] = {
        "help": lambda: HELP,
        "reset": lambda: _reset(conversation),
    }
    if name in simple and not value.strip():
        return simple[name]()
    if name not in ("temperature", "top_p"):
        return f"course: there is no {command!r} here; there are {COMMANDS}."
    if not value.strip():
        return f"{name} is {getattr(conversation.settings, name):g}"
    try:
        conversation.set(**{name: float(value)})
    except ValueError as error:
        known = str(error).startswith(name)
        return f"course: {error if known else f'{name} takes a number, not {value.strip()!r}.'}"
    return f"{name} is {getattr(conversation.settings, name):g} from now on"


def _reset(conversation: Conversation) -> str:
    conversation.reset()
    return "what was said is forgotten"


def run(conversation: Conversation) -> int:
    """Chat on this process's own terminal or pipes."""
    try:
        return chat(conversation, sys.stdin, sys.stdout, sys.stderr)
    except BrokenPipeError:  # whoever read the answers has read enough
        sys.stdout = None  # so that Python does not complain about it on leaving
        return 0
