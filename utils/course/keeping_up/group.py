"""`course group`: the forks of a study group, read as they lie, and what they say together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from utils.course.checking import registry
from utils.course.checking.check import RIGHT, WRONG
from utils.course.checking.exercise import Exercise
from utils.course.grading.progress import Chapter, read_course, verdicts
from utils.course.keeping_up import git

__all__ = ["Learner", "Stop", "addresses", "forks_in", "mistakes_met", "read_fork", "stops"]

_WRONG = re.compile(rb"(?:%s|\\u274c) \d+\.\d" % "❌".encode())  # as a notebook's file has it

Met = tuple[str, str]  # an exercise and the sentence of a mistake


@dataclass(frozen=True)
class Learner:
    """One fork: its chapters, and the named mistakes that its owner has met, now or before."""

    name: str
    chapters: Sequence[Chapter] = ()
    met: frozenset[Met] = field(default_factory=frozenset)

    @property
    def solved(self) -> int:
        return sum(chapter.solved for chapter in self.chapters)

    @property
    def at(self) -> Chapter | None:
        """The last chapter with an exercise that was worked on."""
        begun = [c for c in self.chapters if {RIGHT, WRONG} & {*c.said.values()}]
        return begun[-1] if begun else None


@dataclass(frozen=True)
class Stop:
    """An exercise, and how many it holds up: `wrong` now, or `passed` over for later ones."""

    exercise: Exercise
    solved: int
    wrong: int
    passed: int

    @property
    def stopped(self) -> int:
        return self.wrong + self.passed


def forks_in(folder: Path) -> list[Path]:
    """The learners' copies in a folder, one a folder. Raises ValueError where there is none."""
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}")
    found = [p for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith(".")]
    if (folder / "chapters").is_dir():
        return [folder]
    if not found:
        raise ValueError(f"there is no fork in {folder}: it should hold a folder for each learner")
    return found


def addresses(file: Path) -> dict[str, str]:
    """The forks that a list names: an address a line, a name before it where one likes.

    Raises ValueError for a line of more words.
    """
    found: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8-sig").splitlines():
        words = line.partition("#")[0].split()
        if len(words) > 2:
            raise ValueError(f"{file}: a line holds an address, or a name and an address: {line}")
        if words:
            found[words[0] if len(words) == 2 else owner(words[0])] = words[-1]
    return found


def owner(address: str) -> str:
    """Whose a fork is, by its address: `ana` of `https://github.com/ana/course.git`."""
    parts = address.removesuffix("/").removesuffix(".git").replace(":", "/").split("/")
    return parts[-2] if len(parts) > 1 and parts[-2] else parts[-1]


def read_fork(folder: Path, name: str) -> Learner:
    """What a copy of the course says, and what its history said; no chapter where it has none."""
    inside = folder / "chapters"
    chapters = read_course(inside if inside.is_dir() else folder)
    met = {pair for chapter in chapters for pair in _named(chapter.told.items())}
    if git.has_git(folder):
        met |= set(_met_before(folder))
    return Learner(name, chapters, frozenset(met))


def _met_before(folder: Path) -> Iterator[Met]:
    for name in git.blobs_of(folder, ["HEAD"], "chapters/*.ipynb"):
        try:
            content = git.blob(folder, name)
            said = verdicts(content) if _WRONG.search(content) else []
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
        yield from _named((id_, words) for mark, id_, words in said if mark == "❌")


def _named(told: Iterable[tuple[str, str]]) -> Iterator[Met]:
    """Of what was told, the sentences that the exercises have for mistakes."""
    known = registry.exercises()
    for id_, words in told:
        if id_ not in known:
            continue
        said = words.removeprefix(f"{known[id_].title}: ")
        sentences = [s for s in known[id_].mistakes if said.startswith(s.partition("\n")[0])]
        if sentences:
            yield id_, max(sentences, key=len)


def stops(learners: Sequence[Learner]) -> list[Stop]:
    """The exercises that hold somebody up, those that hold up most first."""
    said = [{k: v for c in learner.chapters for k, v in c.said.items()} for learner in learners]
    order = {id_: i for i, id_ in enumerate(registry.exercises())}
    last = [max((order[id_] for id_, s in each.items() if s == RIGHT), default=-1) for each in said]
    found = []
    for id_, exercise in registry.exercises().items():
        words = [each.get(id_) for each in said]
        passed = [
            w not in (None, RIGHT, WRONG) and order[id_] < n
            for w, n in zip(words, last, strict=True)
        ]
        found.append(Stop(exercise, words.count(RIGHT), words.count(WRONG), sum(passed)))
    return sorted((s for s in found if s.stopped), key=lambda s: (-s.stopped, order[s.exercise.id]))


def mistakes_met(learners: Sequence[Learner]) -> list[tuple[Exercise, str, int]]:
    """The named mistakes, and how many learners have met each, the commonest first."""
    counts = Counter(met for learner in learners for met in learner.met)
    order = [*registry.exercises()]
    ranked = sorted(counts.items(), key=lambda item: (-item[1], order.index(item[0][0]), item[0]))
    return [(registry.exercise(id_), sentence, count) for (id_, sentence), count in ranked]
