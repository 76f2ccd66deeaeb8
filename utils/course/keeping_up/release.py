"""A release of the course to update to: a commit, a folder or a zip. It is only read."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from utils.course.building.plan import NotANotebook, notebook_of
from utils.course.keeping_up import git

__all__ = ["CHAPTER", "NoRelease", "Release", "content_id", "open_release"]

CHAPTER = re.compile(r"chapters/(\d\d)_[^/]*\.ipynb")
#: Of a folder that somebody works in: what is made there, and belongs to no release.
MADE_THERE = {"__pycache__", "build", "dist", "runs", "downloads", "before_update", "node_modules"}
SHIPPED_DOTS = {".github", ".ci", ".devcontainer", ".gitignore", ".gitattributes", ".dockerignore"}
MOST_BYTES = 500_000_000  # of a zip, unpacked: the course has a tenth of it


class NoRelease(ValueError):
    """What was named is no release of the course; the message says why, and what to name."""


@dataclass(frozen=True)
class Release:
    """The files of a release by path, each with the id of its content, and how to read them.

    `base` has the ids in the commit that the learner's copy and the release have in common, and
    `commit` the release's own in the learner's repository; `history` is the repository that knows
    the release's past, and `known` all contents in it. They are empty where git can't tell.
    """

    name: str
    files: dict[str, str]
    read: Callable[[str], bytes]
    programs: frozenset[str] = frozenset()
    base: dict[str, str] = field(default_factory=dict)
    commit: str = ""
    history: Path | None = None
    known: frozenset[str] = frozenset()

    @property
    def chapters(self) -> list[str]:
        return sorted(path for path in self.files if CHAPTER.fullmatch(path))


def content_id(content: bytes) -> str:
    """The id that git gives to a content."""
    head = b"blob %d\0" % len(content)
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()


def open_release(given: str | None, root: Path) -> Release:
    """The release that `given` names: a zip, a folder, a branch as `upstream/main`, an address.

    Without a name it is the branch that a merge was begun with, or the main branch of the remote
    `upstream`, or else `origin`. Raises NoRelease and GitError.
    """
    release = _open(given, root)
    if not release.chapters:
        raise NoRelease(f"{release.name} holds no chapters/NN_name.ipynb: it is not the course")
    for path in release.chapters:
        try:
            notebook_of(release.read(path))
        except NotANotebook as error:
            raise NoRelease(f"{release.name} is damaged: {path} {error}") from None
    return release


def _open(given: str | None, root: Path) -> Release:
    if given is not None and Path(given).is_dir():
        return _from_folder(Path(given), root)
    if given is not None and Path(given).is_file():
        return _from_zip(Path(given))
    if not git.has_git(root):
        what = f"there is no {given}, and " if given else ""
        raise NoRelease(f"{what}{root} is no clone: name a release, --from FOLDER or course.zip")
    return _from_git(given, root)


def _from_folder(folder: Path, root: Path) -> Release:
    if folder.resolve() == root.resolve():
        raise NoRelease(f"{folder} is the course that would be updated: name another folder")
    tracked = _tracked(folder)
    found: dict[str, Path] = {}
    for path in _files_below(folder):
        name = path.relative_to(folder).as_posix()
        if tracked is None or name in tracked:
            found[name] = path
    if any(re.fullmatch(r"\d\d_[^/]*\.ipynb", name) for name in found):  # the chapters alone
        found = {f"chapters/{name}": path for name, path in found.items() if "/" not in name}
    ids = {name: content_id(path.read_bytes()) for name, path in found.items()}
    read = lambda name: found[name].read_bytes()  # noqa: E731
    if tracked is None:
        return Release(str(folder), ids, read)
    known = git.contents(folder, "HEAD")
    return Release(str(folder), ids, read, history=folder, known=known)


def _tracked(folder: Path) -> set[str] | None:
    """What git keeps of a folder; None where it is no clone."""
    if not git.has_git(folder):
        return None
    listed = git.git(folder, "ls-files", "-z").decode("utf-8", "surrogateescape")
    return set(listed.split("\0"))


def _files_below(folder: Path) -> Iterable[Path]:
    for path in sorted(folder.iterdir()):
        dotted = path.name.startswith(".") and path.name not in SHIPPED_DOTS
        if dotted or path.name in MADE_THERE or path.name.endswith(".egg-info"):
            continue
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from _files_below(path)
        elif path.is_file() and path.suffix != ".pyc":
            yield path


def _from_zip(path: Path) -> Release:
    try:
        archive = zipfile.ZipFile(path)
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise NoRelease(f"{path} would unpack to more than {MOST_BYTES / 1e6:.0f} MB")
        top = next((e.filename.partition("chapters/")[0] for e in entries if _is_top(e)), "")
        found = {e.filename.removeprefix(top): e for e in entries if e.filename.startswith(top)}
        found = {name: entry for name, entry in found.items() if _is_safe(name)}
        ids = {name: content_id(archive.read(entry)) for name, entry in found.items()}
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        RuntimeError,
        NotImplementedError,
        ValueError,
    ) as error:
        if isinstance(error, NoRelease):
            raise
        raise NoRelease(f"{path} is no zip that can be read: {error}") from None
    programs = frozenset(n for n, e in found.items() if e.external_attr >> 16 & 0o100)
    return Release(str(path), ids, lambda name: archive.read(found[name]), programs)


def _is_top(entry: zipfile.ZipInfo) -> bool:
    """Whether it is a chapter, as GitHub packs it: in `chapters/` below one folder or none."""
    top, _, _ = entry.filename.rpartition("chapters/")
    return top.count("/") <= 1 and CHAPTER.fullmatch(entry.filename.removeprefix(top)) is not None


def _is_safe(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return (
        bool(parts)
        and parts[0] not in ("/", ".git")
        and not {"..", ""} & {*parts}
        and not (re.search(r'[\\:*?"<>|\x00]', name))
    )


def _from_git(given: str | None, root: Path) -> Release:
    if given is None and git.said(root, "rev-parse", "--verify", "--quiet", "MERGE_HEAD"):
        given, commit = "the merge that was begun", _commit(root, "MERGE_HEAD")
    elif given is None:
        given, commit = _newest(root, _usual_remote(root))
    elif "://" in given or given.startswith("git@") or given.endswith(".git"):
        git.git(root, "fetch", "--quiet", "--", given)
        commit = _commit(root, "FETCH_HEAD")
    else:
        given, commit = _newest(root, given)
    files = git.tree(root, commit)
    ids = {path: name for path, (name, _) in files.items() if _is_safe(path)}
    common = git.said(root, "merge-base", "HEAD", commit)
    base = {path: name for path, (name, _) in git.tree(root, common).items()} if common else {}
    programs = frozenset(path for path, (_, program) in files.items() if program)
    known = git.contents(root, commit)
    read = lambda path: git.blob(root, ids[path])  # noqa: E731
    return Release(given, ids, read, programs, base, commit, root, known)


def _commit(root: Path, name: str) -> str:
    commit = git.said(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if commit is None:
        raise NoRelease(
            f"{name} is no zip, folder or branch here; name the course's, as --from upstream/main"
        )
    return commit


def _newest(root: Path, name: str) -> tuple[str, str]:
    """A branch, fetched anew where it is a remote's, and its commit."""
    remote = name.partition("/")[0]
    if remote in (git.said(root, "remote") or "").split():
        git.git(root, "fetch", "--quiet", remote)
        name = name if "/" in name else _main_branch(root, remote)
    return name, _commit(root, name)


def _usual_remote(root: Path) -> str:
    """The remote `upstream` where there is one, else the one that was cloned from."""
    remotes = (git.said(root, "remote") or "").split()
    if not remotes:
        raise NoRelease("this clone has no remote: name the release, as --from https://…")
    return next((name for name in ("upstream", "origin") if name in remotes), remotes[0])


def _main_branch(root: Path, remote: str) -> str:
    head = git.said(root, "symbolic-ref", "--short", f"refs/remotes/{remote}/HEAD")
    there = (git.said(root, "branch", "-r", "--format=%(refname:short)") or "").split()
    usual = (f"{remote}/{branch}" for branch in ("main", "master"))
    return head or next((name for name in usual if name in there), f"{remote}/main")
