"""Checkpoints of a training that is under way: whole or absent, whatever happens to the machine.

A snapshot is written under another name, pushed out to the disk, and then moved to its place in
one indivisible step. A power cut or a `kill -9` leaves either the one before or the new one, and a
full disk leaves the one before.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import torch

FORMAT = 1


class SnapshotError(ValueError):
    """A snapshot that can't be gone on from: says which, why, and what to do."""


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write, which takes the place of `path` when the block ends without an error.

    Raises OSError where the folder is gone, not writable, or the disk is full; what stood at
    `path` before then still does.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")  # one that a killed process left is reused
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Push the new name out to the disk as well, where the system can."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


class _Watched:
    """A file for torch.save, which forgets why a write failed; this remembers."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.error = file, None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


def save_snapshot(path: str | os.PathLike[str], state: dict[str, Any]) -> None:
    """Write tensors and plain values. Raises OSError, and then leaves what was there before."""
    with replacing(path) as file:
        watched = _Watched(file)
        try:
            torch.save({**state, "format": FORMAT}, watched)
        except RuntimeError as error:
            raise watched.error or OSError(str(error).splitlines()[0]) from error


def load_snapshot(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What `save_snapshot` wrote, its tensors on the CPU.

    Raises SnapshotError where there is none, or it is not one. Nothing in the file is executed.
    """
    path = Path(path)
    if not path.is_file():
        raise SnapshotError(f"There is no snapshot at {path} to go on from; train without resume.")
    try:
        with path.open("rb") as file:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except PermissionError:
        raise
    except Exception as error:  # torch and pickle raise a dozen kinds for a damaged file
        raise SnapshotError(
            f"{path} is no snapshot of a training, or it is damaged "
            f"({type(error).__name__}); delete it and train without resume."
        ) from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise SnapshotError(f"{path} was written by another version; train without resume.")
    return state
