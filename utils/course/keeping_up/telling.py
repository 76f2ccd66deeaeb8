"""What an update says of itself, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from utils.course.keeping_up.merge import Merged
from utils.course.keeping_up.update import LEFT, MERGED, NEW, REPLACED, SAME, Chapter, Plan

__all__ = ["finish", "told"]

MARKS = {NEW: "✅", REPLACED: "✅", MERGED: "✅", SAME: "⬜", LEFT: "❌"}
MOST_LINES = 6  # of what changed in one exercise
LONGEST = 150  # of those: a sentence is a line


def told(plan: Plan) -> str:
    """A line for each chapter that is touched, what changed in answered exercises, the rest."""
    if plan.is_empty and all(chapter.kind == SAME for chapter in plan.chapters):
        own = " Where that is your own fork, name the course: --from https://…"
        hint = own if plan.release.name.startswith("origin/") else ""
        return f"Nothing is newer in {plan.release.name}.{hint}"
    lines = [f"From {plan.release.name}:"]
    for chapter in plan.chapters:
        if chapter.kind != SAME:
            lines += _chapter(chapter)
    same = sum(chapter.kind == SAME for chapter in plan.chapters)
    lines += [f"  ⬜ {_count(same, 'chapter')} as before"] if same else []
    others = len(plan.writes) + len(plan.removes)
    others -= sum(chapter.kind not in (SAME, LEFT) for chapter in plan.chapters)
    lines += [f"  ✅ {_count(others, 'other file')} of the course"] if others > 0 else []
    lines += [*_by_hand(plan)]
    return "\n".join(lines)


def _chapter(chapter: Chapter) -> Iterator[str]:
    name = f"{chapter.path.stem[:2]} {chapter.path.stem[3:].replace('_', ' ')}"
    said = {
        NEW: "new",
        REPLACED: "the newer version; nothing in it is yours",
        LEFT: f"left alone: {chapter.why}",
    }
    work = chapter.work
    yield f"  {MARKS[chapter.kind]} {name}: {said.get(chapter.kind) or _kept(work)}"
    yield from _changed(work) if work else ()


def _changed(work: Merged) -> Iterator[str]:
    """What a release changed in answered exercises, in lines of theirs and of its own."""
    for id_, change in work.reworded.items():
        yield f"       {id_}: its text or hints changed"
        yield from _shown(change)
    for id_, change in work.changed.items():
        yield f"       {id_}: its cell changed; a note below your answer shows the new one"
        yield from _shown(change)


def _shown(change: str) -> Iterator[str]:
    lines = change.splitlines()
    for line in lines[:MOST_LINES]:
        yield f"         {line if len(line) <= LONGEST else line[: LONGEST - 1] + '…'}"
    yield from ["         …"] if len(lines) > MOST_LINES else []


def _kept(work: Merged) -> str:
    others = work.edited + work.added + work.beside
    yours = [_count(len(work.answers), "answer")] if work.answers else []
    yours += [_count(others, "other cell" if work.answers else "cell")] if others else []
    said = [f"{' and '.join(yours)} of yours kept"] if yours else []
    said += [f"{old} is now {new}" for old, new in work.moved.items()]
    if work.beside:
        said.append(f"{work.beside} of them below the release's newer version")
    if work.removed:
        said.append(f"no longer asked, kept at the end: {', '.join(work.removed)}")
    if work.fresh:
        said.append(f"new: {', '.join(work.fresh)}")
    return "; ".join(said)


def _by_hand(plan: Plan) -> Iterator[str]:
    written = {write.path for write in plan.writes}
    for path in plan.changed_by_hand:
        name = path.relative_to(plan.root).as_posix()
        what = "the release's now, yours is kept aside" if path in written else "stays yours"
        yield f"  ⬜ {name}, which you changed: {what}"
    for path in plan.left:
        yield f"  ❌ {path.relative_to(plan.root).as_posix()}: no file, and left alone"


def finish(plan: Plan, kept: Path | None) -> str:
    """What was kept where, and what is left to do."""
    lines = []
    if kept is not None:
        lines.append(f"What was yours, as it was: {kept}")
    lines.append("A chapter that is open in JupyterLab: File, Reload Notebook from Disk.")
    if any(write.path.name in ("pyproject.toml", "constraints.txt") for write in plan.writes):
        lines.append("`make lab` installs what the release needs anew.")
    if plan.release.commit and not plan.chapters_only:
        ends = f'git commit -m "Update" && git merge -s ours {plan.release.commit[:12]}'
        if (plan.root / ".git" / "MERGE_HEAD").exists():
            ends = "git commit --no-edit"
        lines.append(f"So that git knows of it: git add -A && {ends}")
    return "\n".join(lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
