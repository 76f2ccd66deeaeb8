"""`course assemble`: the learner's own attention, block, GPT and sampler, put together and run."""

from __future__ import annotations

import os
import tempfile
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from utils.course.assembling.assembled import first_words
from utils.course.assembling.extract import Piece, piece_to_json, pieces, source_of
from utils.course.assembling.keeping import check_place, write_program
from utils.course.assembling.places import CALLED_BY, PARTS, places
from utils.course.assembling.talking import TOGETHER, Silent, messages
from utils.course.assembling.watching import at_work
from utils.course.building.place import Progress, find_chapters, progress
from utils.course.checking.check import NOT_ATTEMPTED, RAISED, RIGHT, TIMED_OUT
from utils.data.texts.models import DEFAULT, open_model
from utils.data.texts.real_models import REAL_MODELS, kept_model

__all__ = ["Parts", "assemble", "gather", "program"]

_WIDTH = 88
STAND_IN = "stories-modern"  # of the build of the real models, for where none was fetched


@dataclass
class Parts:
    """What was gathered: for each exercise with a place, whether it is theirs, and if not why.

    `theirs` are the exercises whose answers are used, `misfits` says of right ones why they are
    not, and `idle` are those that fit in and had nothing to do when the text was written. What
    `handed` ones return is of another kind than the course's, and turned into it.
    """

    wanted: list[str]
    found: dict[str, Piece] = field(default_factory=dict)
    verdicts: dict[str, list[str]] = field(default_factory=dict)
    theirs: list[str] = field(default_factory=list)
    misfits: dict[str, str] = field(default_factory=dict)
    idle: list[str] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """What is theirs, and what is the course's."""
        own = len(self.theirs)
        if not own and not self.idle:
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
        if id in self.idle:
            caller = CALLED_BY.get(id)
            own = f"your own {caller} does not call it" if caller in self.theirs else ""
            why = own or (f"it waits for your own {caller}" if caller else "nothing calls it")
            return f"⬜ {what}: the course's; yours is right, but {why}"
        said = {RAISED: "raises an error", TIMED_OUT: "takes too long"}.get(status, "is wrong")
        if status == RIGHT:
            said = self.misfits.get(id, "was not tried")
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


def gather(
    chapters: str | os.PathLike[str] | None = None,
    model: str = DEFAULT,
    show: Progress = lambda _: None,
    wanted: list[str] | None = None,
) -> Parts:
    """Find the learner's answers in their notebooks, and those that are right and fit together.

    The notebooks are read, not run: each answer is tried with what it needs of its notebook, in
    a process of its own. Nothing that it does is raised here. `wanted` are the exercises with a
    place in the model, which is opened for them where they are not given. Raises ValueError where
    there are no notebooks, and what `open_model` raises.
    """
    parts = Parts(places(open_model(model)) if wanted is None else wanted)
    parts.found = pieces(notebooks_of(chapters))
    ids = _with_needs(parts)
    fits: list[str] = []
    together = True
    for _ in range(2 * len(ids) + 2):  # each new process goes on behind what ended the last
        ended = _try(parts, ids, fits, together, model, show)
        if ended is None:
            break
        begun, hung = ended
        if begun == TOGETHER:
            together = False
        elif begun.startswith("fit "):
            said = "it never ends" if hung else "it ends the program"
            parts.misfits[begun.removeprefix("fit ")] = f"does not fit in: {said}"
        else:
            parts.verdicts[begun] = [TIMED_OUT if hung else RAISED, ""]
    parts.theirs = [id for id in parts.wanted if id in fits and id not in parts.misfits]
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


def _try(
    parts: Parts, ids: list[str], fits: list[str], together: bool, model: str, show: Progress
) -> tuple[str, bool] | None:
    """Judge what is not judged yet.

    Returns None at its end, or what was begun when the process ended too early, or fell silent
    (True).
    """
    order = {
        "pieces": {id: piece_to_json(parts.found[id]) for id in ids},
        "ids": ids,
        "verdicts": parts.verdicts,
        "handed": parts.handed,
        "misfits": parts.misfits,
        "fits": fits,
        "together": together,
        "model": str(model),
    }
    begun, hung = "", False
    try:
        for message in messages(order):
            if "done" in message:
                return None
            begun = message.get("begin", begun)
            tried = "parts together" if begun == TOGETHER else begun.removeprefix("fit ")
            show(f"Trying your {tried} …")
            if "verdict" in message:
                parts.verdicts[message["id"]] = message["verdict"]
                parts.handed += [message["id"]] * message["handed"]
            elif "fit" in message and message["fault"]:
                parts.misfits[message["fit"]] = f"does not fit in: {message['fault']}"
            elif "fit" in message:
                fits.append(message["fit"])
    except Silent:
        hung = True
    if not begun:
        raise RuntimeError("The process that tries the parts did not start; see `course doctor`.")
    return begun, hung


def program(parts: Parts, model: str = DEFAULT, example: str = "Mina had") -> str:
    """The file: the learner's parts in full, the course's by name, and how to run them."""
    source, names = source_of(parts.theirs, parts.found, _usable(parts), parts.handed)
    rows = []
    for id in parts.wanted:
        value = names[id] if id in parts.theirs else f'course_part("{id}")'
        rows.append(f'    "{id}": {value},  # {PARTS[id]}')
    said = textwrap.fill(
        f"{len(parts.theirs)} of its {len(parts.wanted)} parts are mine"
        + (f": exercises {', '.join(parts.theirs)}." if parts.theirs else "."),
        _WIDTH,
    )
    table, own = "\n".join(rows), "" if model == DEFAULT else f", {str(model)!r}"
    return (
        f'"""A language model of my own, put together by `course assemble`.\n\n{said}\n'
        f'python my_llm.py --prompt "{example}" runs it.\n"""\n\n'
        "from utils.course.assembling.assembled import "
        f"{'as_checked, ' * ('as_checked(' in source)}course_part, main\n{source.rstrip()}\n\n\n"
        f'PARTS = {{\n{table}\n}}\n\nif __name__ == "__main__":\n    main(PARTS{own})\n'
    )


def _usable(parts: Parts) -> list[str]:
    """The right answers, without those that have a place and do not keep it."""
    right = [id for id, verdict in parts.verdicts.items() if verdict[0] == RIGHT]
    return [id for id in right if id in parts.theirs or id not in parts.wanted]


def assemble(
    chapters: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] = "my_llm.py",
    model: str = DEFAULT,
    prompt: str | None = None,
    seed: int = 0,
) -> Parts:
    """Put the parts together, let them write a text, say whose they are, and leave the file.

    Where a real model has not been fetched, a small one of its build takes its place. Without a
    prompt it gets one of the course's. Raises ValueError for a prompt that the model cannot read,
    and what `gather` raises.
    """
    check_place(Path(out))
    model = _at_hand(model)
    opened = open_model(model)
    example, wanted = first_words(opened), places(opened)
    prompt = example if prompt is None else prompt
    opened.encode(prompt)  # complains before anything is tried
    del opened  # a real one takes half a gigabyte, and the process that tries the parts has its own
    with progress("Reading your notebooks …") as show:
        parts = gather(chapters, model, show, wanted)
        texts = write_with(parts, model, prompt, seed, show)
    print("\n".join(parts.lines()), end="\n\n", flush=True)
    kept = write_program(Path(out), program(parts, model, example))
    print("\n\n".join(texts))
    if kept is not None:
        print(f"\nThe {Path(out).name} that was changed by hand is kept as {kept.name}.")
    print(f"\n{Path(out).name} holds it all: python {Path(out).name} runs it again.")
    return parts


def _at_hand(model: str | os.PathLike[str]) -> str:
    """The name of the model, or that of its stand-in, which is said."""
    name = str(model)
    if name not in REAL_MODELS or kept_model(name) is not None:
        return name
    print(
        f"{name} is not on this machine (`course fetch {name}` brings it); {STAND_IN}, a small "
        "model of the same build, takes its place."
    )
    return STAND_IN


def write_with(
    parts: Parts, model: str, prompt: str, seed: int, show: Progress = lambda _: None
) -> list[str]:
    """What the parts write together, in a process of its own: a text, and one without dice.

    A part that fails on the way becomes the course's, and the text is written again. Then `theirs`
    are those that were called while it was written.
    """
    while True:
        texts, calls, fault = _write(parts, model, prompt, seed, show)
        if not fault:
            break
        parts.misfits.update(dict.fromkeys(fault[0], fault[1]))
        parts.theirs = [id for id in parts.theirs if id not in parts.misfits]
    parts.idle = [id for id in parts.theirs if not calls.get(id)]
    parts.theirs = [id for id in parts.theirs if calls.get(id)]
    first, *rest = [_wrapped(text) for text in texts]
    return [
        first,
        *(f"Without dice, always the likeliest token, it begins:\n{text}" for text in rest),
    ]


def _write(
    parts: Parts, model: str, prompt: str, seed: int, show: Progress
) -> tuple[list[str], dict[str, int], tuple[list[str], str] | None]:
    """The texts and the calls of each part; or the parts that are at fault, and what they did."""
    tokens, said = 0, "it ends the program"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        trace = Path(folder) / "at_work"
        order = {
            "pieces": {id: piece_to_json(piece) for id, piece in parts.found.items()},
            "theirs": parts.theirs,
            "handed": parts.handed,
            "right": _usable(parts),
            **{"model": str(model), "prompt": prompt, "seed": seed, "trace": str(trace)},
        }
        culprit = None
        try:
            for message in messages(order):
                tokens = message.get("tokens", tokens)
                show(f"Writing: {tokens} tokens …")
                if "texts" in message:
                    return message["texts"], message["calls"], None
                if "fault" in message:
                    culprit, said = message["fault"], message["error"]
        except Silent:
            said = "it never ends"
        culprit = culprit or at_work(trace)
    if not parts.theirs:
        raise RuntimeError(f"The course's own parts do not write: {said}; see `course doctor`.")
    why = f"fails while it writes, {_after(tokens)}: {said}"
    return [], {}, ([culprit] if culprit in parts.theirs else list(parts.theirs), why)


def _after(tokens: int) -> str:
    return f"after {tokens} tokens" if tokens else "at the first token"


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.fill(line, _WIDTH) for line in text.strip().splitlines())
