"""Checkpoints of a training that is under way: whole or absent, whatever happens to the machine.

A power cut or a `kill -9` leaves either the one before or the new one, and a full disk leaves the
one before (see `utils.llm.machine.files`). A digest of the content tells a bit that has flipped.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from utils.llm.machine.files import replacing

FORMAT = 2
_PARTS = {"model": dict, "optimizer": dict, "config": dict, "history": dict, "precision": str}


class SnapshotError(ValueError):
    """A snapshot that can't be gone on from: says which, why, and what to do."""


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
            torch.save({**state, "format": FORMAT, "digest": _digest(state)}, watched)
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
    if not isinstance(state, dict) or state.pop("format", None) != FORMAT:
        raise SnapshotError(f"{path} was written by another version; train without resume.")
    if state.pop("digest", None) != _digest(state) or not all(
        isinstance(state.get(name), kind) for name, kind in _PARTS.items()
    ):
        raise SnapshotError(
            f"{path} is damaged: its content is not what was written; delete it and train "
            "without resume."
        )
    return state


def _digest(state: dict[str, Any]) -> str:
    """Of all tensors and values, whatever the order of the names."""
    found = hashlib.blake2b(digest_size=16)
    for piece in _pieces(state):
        found.update(piece)
    return found.hexdigest()


def _pieces(value: Any) -> Iterator[bytes | memoryview]:
    """Everything in it as bytes, each told from what could be put in its place."""
    if isinstance(value, Tensor):
        row = value.detach().cpu().contiguous()
        yield f"{row.dtype}{tuple(row.shape)}".encode()
        yield memoryview(row.view(-1).view(torch.uint8).numpy())
    elif isinstance(value, dict):
        yield f"dict of {len(value)}".encode()
        for name in sorted(value, key=repr):
            yield f"{name!r}:".encode()
            yield from _pieces(value[name])
    elif isinstance(value, list | tuple):
        yield f"{len(value)} values".encode()
        for each in value:
            yield from _pieces(each)
    else:
        yield f"{value!r},".encode()
