"""The little of git that an update and a group page need."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["GitError", "blob", "blobs_of", "clone", "contents", "has_git", "said", "tree"]

SECONDS = 300


class GitError(ValueError):
    """Git could not do it; the message is the last line of what it said."""


def git(folder: Path, *words: str) -> bytes:
    """What git puts out. Raises GitError where it fails, is missing, or asks for a password."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
        )
    except FileNotFoundError:
        raise GitError("git is not installed here") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {words[0]} did not end within {SECONDS} seconds") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it failed"]
        fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
        raise GitError(f"git {words[0]}: {(fatal or lines)[0].partition(': ')[2] or lines[0]}")
    return done.stdout


def said(folder: Path, *words: str) -> str | None:
    """What git says on one line; None where it fails."""
    try:
        return git(folder, *words).decode("utf-8", "replace").strip()
    except GitError:
        return None


def has_git(folder: Path) -> bool:
    """Whether the folder is the top of a clone."""
    return (folder / ".git").exists() and said(folder, "rev-parse", "--git-dir") is not None


def tree(folder: Path, commit: str) -> dict[str, tuple[str, bool]]:
    """The files of a commit: by path the id of the content, and whether it is a program."""
    found = {}
    for entry in filter(None, git(folder, "ls-tree", "-r", "-z", commit).split(b"\0")):
        about, _, path = entry.decode("utf-8", "surrogateescape").partition("\t")
        mode, _, name = about.split()
        if mode in ("100644", "100755"):  # neither links nor other repositories
            found[path] = (name, mode == "100755")
    return found


def blob(folder: Path, name: str) -> bytes:
    """The content with this id."""
    return git(folder, "cat-file", "blob", name)


def blobs_of(folder: Path, starts: Iterable[str], paths: str) -> Iterator[str]:
    """The ids of all contents that files like `paths` ever had, newest first, each once."""
    words = ("log", "-m", "--raw", "--no-abbrev", "--no-renames", "--format=", *starts)
    listed = said(folder, *words, "--", paths) or ""
    ids = (line.split()[k] for line in listed.splitlines() if line[:1] == ":" for k in (3, 2))
    yield from dict.fromkeys(id_ for id_ in ids if id_.strip("0"))


def contents(folder: Path, commit: str) -> frozenset[str]:
    """The ids of all that a commit and those before it hold."""
    listed = said(folder, "rev-list", "--objects", commit) or ""
    return frozenset(line[:40] for line in listed.splitlines())


def clone(address: str, folder: Path) -> None:
    """Bring a repository's main branch with its history. Raises GitError."""
    git(folder.parent, "clone", "--quiet", "--single-branch", "--", address, str(folder))
