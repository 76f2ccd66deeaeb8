"""`course assemble`: the learner's own attention, block, GPT and sampler, put together and run."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import textwrap
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from utils.course.assembling.assembled import PARTS, places
from utils.course.assembling.extract import Piece, piece_to_json, pieces, source_of
from utils.course.checking.check import NOT_ATTEMPTED, RAISED, RIGHT, TIMED_OUT
from utils.course.grading.check_notebooks import find_chapters
from utils.data.texts.models import DEFAULT, open_model
from utils.llm.machine.files import replacing

__all__ = ["Parts", "assemble", "gather", "program"]

START_PATIENCE = 120.0  # seconds until the process that tries the parts says its first word
PATIENCE = 60.0  # between two of its words
STORY_PATIENCE = 240.0
_WIDTH = 88


@dataclass
class Parts:
    """What was gathered: for each exercise with a place, whether it is theirs, and if not why.

    `theirs` are the exercises whose answers are used, `why` says of every other why not.
    """

    wanted: list[str]
    found: dict[str, Piece] = field(default_factory=dict)
    verdicts: dict[str, list[str]] = field(default_factory=dict)
    theirs: list[str] = field(default_factory=list)
    misfits: dict[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """What is theirs, and what is the course's."""
        own = len(self.theirs)
        if not own:
            attempted = any(self._status(id) != NOT_ATTEMPTED for id in self.wanted)
            why = "none of yours is right yet" if attempted else "you have solved none of them yet"
            first = f"All {len(self.wanted)} parts are the course's: {why}."
        elif own == len(self.wanted):
            first = f"All {own} parts are yours."
        else:
            first = f"{own} of {len(self.wanted)} parts are yours:"
        return [first, *(self._line(id) for id in self.wanted)]

    def _status(self, id: str) -> str:
        return self.verdicts.get(id, [NOT_ATTEMPTED])[0]

    def _line(self, id: str) -> str:
        what, status = f"{id} {PARTS[id]}", self._status(id)
        if id in self.theirs:
            return f"✅ {what}: yours"
        if status == NOT_ATTEMPTED:
            return f"⬜ {what}: the course's"
        said = {RAISED: "raises an error", TIMED_OUT: "takes too long"}.get(status, "is wrong")
        if status == RIGHT:
            said = f"does not fit in: {self.misfits.get(id, 'it was not tried')}"
        return f"❌ {what}: the course's; yours {said}"


def notebooks_of(chapters: str | os.PathLike[str] | None) -> list[Path]:
    """The notebooks to look into: of a folder, or of the one that this process works in."""
    here = Path.cwd()
    if chapters is not None:
        folder = Path(chapters)
    elif any(here.glob("[0-9][0-9]_*.ipynb")):
        folder = here
    else:
        folder = find_chapters()
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise ValueError(f"there is no notebook of a chapter in {folder}")
    return found


def gather(chapters: str | os.PathLike[str] | None = None, model: str = DEFAULT) -> Parts:
    """Find the learner's answers in their notebooks, and those that are right and fit together.

    The notebooks are read, not run: each answer is tried with what it needs of its notebook, in
    a process of its own. Nothing that it does is raised here. Raises ValueError where there are
    no notebooks, and what `open_model` raises.
    """
    parts = Parts(places(open_model(model).model.config.positions))
    parts.found = pieces(notebooks_of(chapters))
    ids = _with_needs(parts)
    fits: list[str] = []
    for _ in range(2 * len(ids) + 1):  # each new process goes on behind what ended the last
        ended = _try(parts, ids, fits, model)
        if ended is None:
            break
        begun, hung = ended
        if begun.startswith("fit "):
            said = "it never ends" if hung else "it ends the program"
            parts.misfits[begun.removeprefix("fit ")] = said
        else:
            parts.verdicts[begun] = [TIMED_OUT if hung else RAISED, ""]
    parts.theirs = [id for id in parts.wanted if id in fits]
    return parts


def _with_needs(parts: Parts) -> list[str]:
    """The exercises to be judged, what they need before them."""
    ids: list[str] = []

    def add(id: str) -> None:
        if id in ids or id not in parts.found:
            return
        for need in parts.found[id].needs:
            if need.exercise != id:
                add(need.exercise)
        ids.append(id)

    for id in parts.wanted:
        add(id)
    return ids


def _try(parts: Parts, ids: list[str], fits: list[str], model: str) -> tuple[str, bool] | None:
    """Judge what is not judged yet.

    Returns None at its end, or what was begun when the process ended too early, or fell silent
    (True).
    """
    order = {
        "pieces": {id: piece_to_json(parts.found[id]) for id in ids},
        "ids": [id for id in ids if id not in parts.misfits],
        "verdicts": parts.verdicts,
        "fits": fits,
        "model": str(model),
    }
    command = [sys.executable, "-m", "utils.course.assembling.child"]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(child, order, lines), daemon=True).start()
    begun, hung = "", False
    try:
        while True:
            message = _message(lines.get(timeout=PATIENCE if begun else START_PATIENCE))
            if message is None:
                break
            begun = message.get("begin", begun)
            if "done" in message:
                return None
            if "verdict" in message:
                parts.verdicts[message["id"]] = message["verdict"]
            elif "fit" in message and message["fault"]:
                parts.misfits[message["fit"]] = message["fault"]
            elif "fit" in message:
                fits.append(message["fit"])
    except queue.Empty:
        hung = True
    finally:
        child.kill()
        child.wait()
    if not begun:
        raise RuntimeError("The process that tries the parts did not start; see `course doctor`.")
    return begun, hung


def _read(child: subprocess.Popen, order: dict[str, Any], lines: queue.Queue[bytes]) -> None:
    try:
        child.stdin.write(json.dumps(order).encode())
        child.stdin.close()
        for line in child.stdout:
            lines.put(line)
    except (OSError, ValueError):
        pass
    lines.put(b"")


def _message(line: bytes) -> dict[str, Any] | None:
    """A line from the child; None at its end."""
    if not line:
        return None
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def program(parts: Parts) -> str:
    """The file: the learner's parts in full, the course's by name, and how to run them."""
    right = [id for id, verdict in parts.verdicts.items() if verdict[0] == RIGHT]
    source, names = source_of(parts.theirs, parts.found, right)
    rows = []
    for id in parts.wanted:
        value = names[id] if id in parts.theirs else f'course_part("{id}")'
        rows.append(f'    "{id}": {value},  # {PARTS[id]}')
    said = textwrap.fill(
        f"{len(parts.theirs)} of its {len(parts.wanted)} parts are mine"
        + (f": exercises {', '.join(parts.theirs)}." if parts.theirs else "."),
        _WIDTH,
    )
    table = "\n".join(rows)
    return (
        f'"""A language model of my own, put together by `course assemble`.\n\n{said}\n'
        'python my_llm.py --prompt "Mina had" writes a text with it.\n"""\n\n'
        f"from utils.course.assembling.assembled import course_part, main\n{source.rstrip()}\n\n\n"
        f'PARTS = {{\n{table}\n}}\n\nif __name__ == "__main__":\n    main(PARTS)\n'
    )


def assemble(
    chapters: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] = "my_llm.py",
    model: str = DEFAULT,
    prompt: str = "Mina had",
    seed: int = 0,
) -> Parts:
    """Put the parts together, say whose they are, leave the file, and let it write a text."""
    opened = open_model(model)
    opened.encode(prompt)  # complains before anything is tried
    parts = gather(chapters, model)
    print("\n".join(parts.lines()), end="\n\n", flush=True)
    text = program(parts)
    with replacing(Path(out)) as file:
        file.write(text.encode())
    print(_story(text, model, prompt, seed))
    print(f"\n{Path(out).name} holds it all: python {Path(out).name} runs it again.")
    return parts


def _story(text: str, model: str, prompt: str, seed: int) -> str:
    """What the assembled program writes, in a process of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "my_llm.py"
        path.write_text(text, encoding="utf-8")
        words = ["--model", model, "--prompt", prompt, "--seed", str(seed)]
        try:
            done = subprocess.run(
                [sys.executable, str(path), *words],
                capture_output=True,
                timeout=STORY_PATIENCE,
                encoding="utf-8",
                env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            )
        except subprocess.TimeoutExpired:
            return "It did not come to an end of its text; look for a loop that never ends."
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it ended at once"]
        return f"Together they do not write: {last[0]}"
    return "\n".join(textwrap.fill(line, _WIDTH) for line in done.stdout.strip().splitlines())
