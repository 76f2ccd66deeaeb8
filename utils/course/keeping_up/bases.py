"""The release that a learner's chapter was made from, found by the mark that the builder left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from utils.course.building.build import digests
from utils.course.building.plan import NotANotebook, notebook_of
from utils.course.building.source import SourceError, read_source
from utils.course.keeping_up import git
from utils.course.keeping_up.cells import digest_of
from utils.course.keeping_up.release import Release

__all__ = ["base_of", "before_the_merge"]


def base_of(mine: dict[str, Any], path: str, root: Path, release: Release) -> dict[str, Any] | None:
    """The notebook of the release that `mine` was made from; None where it is not at hand.

    It is looked for in the history of the release, in the learner's own, and in the chapter's
    source as it lies in the learner's copy.
    """
    digest = digest_of(mine)
    if not digest:
        return _known(release.base.get(path), root)
    for notebook in _candidates(path, root, release):
        if digest_of(notebook) == digest:
            return notebook
    return None


def _candidates(path: str, root: Path, release: Release) -> Iterator[dict[str, Any]]:
    like = f"{path[: len('chapters/NN_')]}*.ipynb"
    if release.history is not None:
        for name in git.blobs_of(release.history, [release.commit or "HEAD"], like):
            notebook = _known(name, release.history)
            if notebook:
                yield notebook
    for name in git.blobs_of(root, ["HEAD"], like) if git.has_git(root) else ():
        notebook = _known(name, root)
        if notebook and not _is_edited(notebook):  # which the release's own never are
            yield notebook
    source = root / "solutions" / Path(path).with_suffix(".py").name
    if source.is_file():
        try:
            made = read_source(source).unsolved()
        except (SourceError, OSError, ValueError):
            return
        made.metadata["course"] = {"sources": digests(made)["sources"]}
        yield made


def _known(name: str | None, root: Path) -> dict[str, Any] | None:
    try:
        return notebook_of(git.blob(root, name)) if name else None
    except (NotANotebook, git.GitError):  # a shallow clone lacks what is old
        return None


def _is_edited(notebook: dict[str, Any]) -> bool:
    import nbformat

    try:
        return digests(nbformat.from_dict(notebook))["sources"] != digest_of(notebook)
    except (AttributeError, KeyError, TypeError):
        return True


def before_the_merge(path: Path, root: Path) -> bytes | None:
    """The learner's side of a file that a merge has left undone; None where there is none."""
    try:
        return git.git(root, "show", f":2:{path.relative_to(root).as_posix()}")
    except (git.GitError, ValueError):
        return None
