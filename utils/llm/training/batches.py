"""Batches for training: random windows of one long row of tokens, in memory or in a file.

Which windows a step reads follows from the seed and the step's number alone. So the position in
the data is a single number, a training that was stopped goes on with the very batches it would
have read, and processes that share the work agree on them without a word.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from utils.llm.machine.files import replacing

Ids = Tensor | np.ndarray | Sequence[int]
_STRETCH = 1 << 24  # tokens looked at in one go, so that a large file never lies in memory whole


class RandomWindows:
    """Windows of `context_length` tokens and their targets, drawn with a seed.

    With `start_token`, windows begin only where that token stands: at the beginnings of the
    stories, say, so that all that is to be recalled is in the window.

    Raises ValueError where the ids hold no whole window.

    >>> windows = RandomWindows(torch.arange(100), context_length=4, seed=0)
    >>> inputs, targets = windows.batch(step=7, size=2)
    >>> inputs.shape, bool((targets == inputs + 1).all())
    (torch.Size([2, 4]), True)
    """

    def __init__(
        self, ids: Ids, context_length: int, seed: int = 0, start_token: int | None = None
    ) -> None:
        self.ids, self.context_length, self.seed = as_row(ids), context_length, seed
        self.n_starts = len(self.ids) - context_length
        if self.n_starts < 1:
            raise ValueError(
                f"The corpus has {len(self.ids):,} tokens, too few for one window: a context of "
                f"{context_length} needs {context_length + 1}. Give more text or a shorter context."
            )
        self.starts = None
        if start_token is not None:
            self.starts = places(self.ids[: self.n_starts], start_token)
            self.n_starts = len(self.starts)
            if not self.n_starts:
                raise ValueError(
                    f"Token {start_token} stands nowhere in the corpus with {context_length} "
                    "tokens behind it; give more text, a shorter context, or no start_token."
                )

    def batch(self, step: int, size: int) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
        """Inputs and targets, each (size, T) int64, of the step with this number."""
        chosen = np.random.default_rng([self.seed, step]).integers(self.n_starts, size=size)
        starts = chosen if self.starts is None else self.starts[chosen]
        offsets = np.arange(self.context_length + 1)
        places = starts[:, None] + offsets  # (B, T + 1)
        rows = torch.from_numpy(self.ids[places].astype(np.int64))
        return rows[:, :-1], rows[:, 1:]


def as_row(ids: Ids) -> np.ndarray:
    """One row of whole numbers as a numpy array; a memory map stays one."""
    if isinstance(ids, Tensor):
        ids = ids.detach().cpu().numpy()
    row = ids if isinstance(ids, np.ndarray) else np.asarray(ids)
    if row.ndim != 1:
        raise ValueError(f"ids have the shape {row.shape}; give one row of token ids.")
    if len(row) and row.dtype.kind not in "iu":
        raise TypeError(f"ids are of type {row.dtype}; token ids are whole numbers.")
    return row


def places(row: np.ndarray, token: int) -> np.ndarray:
    """Where the token stands, looked for a stretch at a time."""
    found = [
        np.flatnonzero(row[start : start + _STRETCH] == token) + start
        for start in range(0, len(row), _STRETCH)
    ]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def write_tokens(
    path: str | os.PathLike[str], pieces: Iterable[Sequence[int] | Tensor], vocab_size: int
) -> int:
    """Write token ids to a file, piece by piece, and return how many there are.

    The file is numpy's .npy, two bytes a token for a vocabulary of up to 65,536, four above. It
    appears under its name only when it is whole. The pieces may come from a generator: no more
    than one of them is in memory at a time.
    """
    dtype = np.dtype(np.uint16 if vocab_size <= 1 << 16 else np.uint32).newbyteorder("<")
    count = 0
    with replacing(path) as file:
        start = _write_header(file, dtype, 0)
        for piece in pieces:
            row = as_row(piece)
            if len(row) and not 0 <= int(row.min()) <= int(row.max()) < vocab_size:
                raise ValueError(
                    f"ids go from {row.min()} to {row.max()}, but vocab_size is {vocab_size}."
                )
            file.write(row.astype(dtype).tobytes())
            count += len(row)
        file.seek(0)
        if _write_header(file, dtype, count) != start:  # numpy leaves room for the length to grow
            raise ValueError(f"{count:,} tokens are too many for the header of {path}")
    return count


def _write_header(file: IO[bytes], dtype: np.dtype, count: int) -> int:
    fields = {"descr": dtype.str, "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(file, fields)
    return file.tell()


def open_tokens(path: str | os.PathLike[str]) -> np.memmap:
    """The ids of a token file as a memory map: only what is looked at is read from the disk.

    Raises ValueError for a file that is not one, FileNotFoundError for none.
    """
    path = Path(path)
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is no token file ({error}); write it anew.") from error
    as_row(found)
    return found
