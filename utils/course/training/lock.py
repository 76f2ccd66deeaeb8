"""One training at a time in a folder: a lock that goes when its process goes."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

__all__ = ["locked"]

NAME = ".lock"
_FAR = 1 << 30  # Windows lets nobody read a byte that is locked: not one of the words


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made where it is not there; let go of it at the end, or on death.

    Made folders that are empty at the end are taken away again. Raises ValueError, with the process
    and when it began, where another one holds the folder; OSError where it can't be made.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _held(folder / NAME):
            yield
    finally:
        for made in missing:
            with contextlib.suppress(OSError):
                made.rmdir()  # fails where something lies in it


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    file = _take(path)
    try:
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"process": os.getpid(), "since": _now()}))
        file.flush()
        yield
    finally:
        if fcntl:
            _take_away(path)  # while it is ours: nobody else's goes
        file.close()
        if not fcntl:
            _take_away(path)  # which Windows refuses where somebody has it open


def _take_away(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _take(path: Path) -> IO[str]:
    """The open file, locked; it may be one that its holder takes away, then there is another."""
    while True:
        file = path.open("a+", encoding="utf-8")
        try:
            _lock(file)
        except (BlockingIOError, PermissionError):
            told = _told(path)
            file.close()
            raise ValueError(
                f"{path.parent} is in use: {told} trains in it. Wait for it, or name another "
                "folder with --out."
            ) from None
        except OSError:  # a file system without locks: better to train than not
            return file
        if not fcntl or _is_still(file, path):
            return file
        file.close()


def _lock(file: IO[str]) -> None:
    if fcntl:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)


def _is_still(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _told(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"process {holder['process']}, begun {holder['since']},"
    except (OSError, ValueError, KeyError, TypeError):  # it is just about to say
        return "another process"


def _now() -> str:
    return datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
