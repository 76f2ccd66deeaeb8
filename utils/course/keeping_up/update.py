"""`course update`: a newer release around the learner's answers; first planned, then carried out.

The plan holds every file as it shall be, so nothing is written before all of it is known. Then
what is the learner's is copied aside, and only after that each file is replaced in one step. An
update that was cut short is finished by the next.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from utils.course.building.plan import NotANotebook, notebook_of
from utils.course.keeping_up.bases import base_of, before_the_merge
from utils.course.keeping_up.cells import digest_of, in_bytes
from utils.course.keeping_up.merge import CannotMerge, Merged, merged
from utils.course.keeping_up.release import CHAPTER, Release, content_id
from utils.llm.machine.files import replacing

__all__ = ["KEPT", "Chapter", "Plan", "carry_out", "make_plan"]

KEPT = "before_update"
NEW, SAME, REPLACED, MERGED, LEFT = "new", "same", "replaced", "merged", "left alone"
#: Deleted by a learner, these come back: nothing runs without them.
NEEDED = ("utils/", "tools/")


@dataclass(frozen=True)
class Write:
    """A file to be written; `old` is what stands there and goes aside first, if that is so."""

    path: Path
    content: bytes
    old: Path | None = None
    is_program: bool = False


@dataclass(frozen=True)
class Chapter:
    """What becomes of a chapter; `work` says what was carried over, `why` why it was left alone."""

    path: Path
    kind: str
    work: Merged | None = None
    why: str = ""


@dataclass
class Plan:
    """All that an update does to the course in `root`."""

    root: Path
    release: Release
    chapters: list[Chapter] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    removes: list[Path] = field(default_factory=list)
    changed_by_hand: list[Path] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)
    chapters_only: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.writes or self.removes)


def make_plan(release: Release, folder: Path, root: Path, chapters_only: bool = False) -> Plan:
    """What an update of the chapters in `folder`, and of the course around them, would do.

    Raises OSError and GitError where something can't be read.
    """
    plan = Plan(root, release, chapters_only=chapters_only)
    for path in release.chapters:
        chapter, write = _chapter(path, folder, root, release)
        plan.chapters.append(chapter)
        if write is not None:
            plan.writes.append(write)
    if not chapters_only:
        for path in release.files:
            if not CHAPTER.fullmatch(path):
                _other(path, plan)
        for path, name in release.base.items():
            gone = path not in release.files and not CHAPTER.fullmatch(path)
            if gone and _id_on_disk(root / path) == name:
                plan.removes.append(root / path)
    return plan


def _chapter(path: str, folder: Path, root: Path, release: Release) -> tuple[Chapter, Write | None]:
    place = folder / Path(path).name
    old = _learners(place)
    new = release.read(path)
    if old is None:
        return Chapter(place, NEW), Write(place, new)
    content = old.read_bytes()
    if content_id(content) == release.files[path]:
        return Chapter(place, SAME), None
    if content_id(content) in release.known:
        return Chapter(place, REPLACED), Write(place, new, old if old != place else None)
    try:
        mine = _notebook(content, old, root)
        released = notebook_of(new)
        if digest_of(mine) and digest_of(mine) == digest_of(released):
            same = in_bytes(mine) if _is_unfinished(content) else None
            return Chapter(place, SAME), same and Write(place, same, old)
        work = merged(mine, base_of(mine, path, root, release), released)
        made = in_bytes(work.notebook)
    except (NotANotebook, CannotMerge) as error:
        return Chapter(place, LEFT, why=str(error)), None
    except ValueError as error:  # nbformat's, of what no notebook may hold
        said = str(error).partition("\n")[0]
        return Chapter(place, LEFT, why=f"JupyterLab could not open it: {said}"), None
    kind = MERGED if work.answers or work.removed or _others(work) else REPLACED
    return Chapter(place, kind, work), Write(place, made, old)


def _learners(place: Path) -> Path | None:
    """The learner's chapter of this number, under the name of an earlier release if need be."""
    if place.exists() or place.is_symlink():
        return place
    same_number = [p for p in place.parent.glob(f"{place.name[:3]}*.ipynb") if _is_ours(p)]
    return min(same_number, key=lambda path: (len(path.name), path.name), default=None)


def _is_ours(path: Path) -> bool:
    """Whether a notebook was made from a chapter: the builder's mark is in it."""
    try:
        return bool(digest_of(notebook_of(path.read_bytes())))
    except NotANotebook:
        return False


def _notebook(content: bytes, path: Path, root: Path) -> dict:
    """The learner's notebook, from before the merge where one has left its marks in it."""
    try:
        return notebook_of(content)
    except NotANotebook:
        before = before_the_merge(path, root) if _is_unfinished(content) else None
        if before is None:
            raise
        return notebook_of(before)


def _is_unfinished(content: bytes) -> bool:
    return any(line.startswith(b"<<<<<<< ") for line in content.splitlines())


def _others(work: Merged) -> int:
    return work.edited + work.beside + work.added


def _other(path: str, plan: Plan) -> None:
    """Plan a file that is no chapter: the release's, unless only the learner changed it."""
    release, place = plan.release, plan.root / path
    now, base, new = _id_on_disk(place), release.base.get(path), release.files[path]
    if place.is_dir() or (place.exists() and now is None):
        plan.left.append(place)
    elif now == new or (now is None and base and not path.startswith(NEEDED)):
        return
    elif now is not None and base == new:
        plan.changed_by_hand.append(place)
    else:
        is_theirs = now is not None and now != base and now not in release.known
        if is_theirs and base:
            plan.changed_by_hand.append(place)
        old = place if is_theirs else None
        plan.writes.append(Write(place, release.read(path), old, path in release.programs))


def _id_on_disk(path: Path) -> str | None:
    return content_id(path.read_bytes()) if path.is_file() else None


def carry_out(plan: Plan) -> Path | None:
    """Do what is planned; the folder with what was there before, None where all was the course's.

    Raises OSError with the file in it; the learner's files are then in their place or aside.
    """
    theirs = [write for write in plan.writes if write.old is not None]
    kept = _room(plan.root) if theirs else None
    for write in theirs:
        _copy(write.old, kept / _below(write.old, plan.root))
    for write in plan.writes:
        write.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(write.path) as file:
            file.write(write.content)
        if write.is_program:
            write.path.chmod(write.path.stat().st_mode | 0o111)
    for write in theirs:
        if write.old != write.path:  # a chapter of another name
            write.old.unlink()
    for path in plan.removes:
        path.unlink()
    return kept


def _copy(old: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with replacing(to) as file:
        file.write(old.read_bytes())


def _below(path: Path, root: Path) -> Path:
    try:
        return path.relative_to(root)
    except ValueError:  # chapters that lie elsewhere
        return Path(path.parent.name, path.name)


def _room(root: Path) -> Path:
    """A folder of its own for this update, which git does not see."""
    top = root / KEPT
    top.mkdir(exist_ok=True)
    (top / ".gitignore").write_text("*\n", encoding="utf-8")
    for path in _numbered(top):
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise AssertionError


def _numbered(top: Path) -> Iterable[Path]:
    return (top / str(number) for number in itertools.count(1))
