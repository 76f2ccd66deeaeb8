"""Files that are whole or absent: each is written beside its place, then moved there in one step.

A power cut, a `kill -9` or a full disk leaves what stood there before. The new file has the mode of
the one whose place it takes, or the one that the umask gives; a link is followed to what it names.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import platform
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["replacing", "replacing_path"]

HOST = re.sub(r"\W", "", platform.node())[:16] or "host"
_count = itertools.count()


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write, which takes the place of `path` when the block ends without an error.

    Raises ValueError where `path` is a folder, a device or a pipe; OSError, with the path in its
    `filename`, where the folder is gone or not writable, or the disk is full.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "note.txt")
    >>> with replacing(path) as file:
    ...     _ = file.write(b"whole")
    >>> path.read_bytes(), len(list(path.parent.iterdir()))
    (b'whole', 1)
    """
    with replacing_path(path) as partial, partial.open("wb") as file:
        yield file


@contextlib.contextmanager
def replacing_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """As `replacing`, for libraries that open their file themselves: yields the path to write to.

    Each writer has a name of its own, so that two at once don't share a half-written file.
    """
    target = _followed(Path(path))
    partial = target.with_name(f".{target.name}.{HOST}-{os.getpid()}-{next(_count)}.partial")
    try:
        mode = _created(partial, target)
        yield partial
        _push_out(partial)
        partial.chmod(mode)
        partial.replace(target)
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(partial)):
            error.filename = str(path)
        raise
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    _push_out(target.parent)
    _sweep(target)


def _followed(path: Path) -> Path:
    """The file that a link leads to, or the path itself; ValueError for what is no file."""
    try:
        target = path.resolve() if path.is_symlink() else path
    except (OSError, RuntimeError) as error:  # a link that leads to itself
        raise ValueError(f"{path} is a link that leads nowhere: {error}.") from error
    if target.is_dir():
        raise ValueError(f"{path} is a folder: give the path of a file, as {path / 'name'}.")
    if target.exists() and not target.is_file():
        raise ValueError(f"{path} is a device or a pipe: give the path of a file.")
    return target


def _created(partial: Path, target: Path) -> int:
    """Make the empty file; the mode that it shall have in the end."""
    number = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    os.close(number)
    return stat.S_IMODE((target if target.exists() else partial).stat().st_mode)


def _push_out(path: Path) -> None:
    """Push a file, or the names in a folder, out to the disk.

    Raises OSError where a file can't be; not every system can do so for a folder.
    """
    folder = path.is_dir()
    if folder and os.name != "posix":
        return
    with contextlib.suppress(OSError) if folder else contextlib.nullcontext():
        number = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _sweep(target: Path) -> None:
    """Remove what writers of this file left behind that were killed on this machine."""
    if os.name != "posix":
        return
    name = re.compile(rf"\.{re.escape(target.name)}\.{HOST}-(\d+)-\d+\.partial")
    with contextlib.suppress(OSError):
        for path in target.parent.iterdir():
            found = name.fullmatch(path.name)
            if found and not _lives(int(found[1])):
                path.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
