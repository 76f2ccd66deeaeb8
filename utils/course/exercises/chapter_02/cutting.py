"""Chapter 02: the windows that a GPT trains on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.llm.tokenizer.windows import windows

Windows = tuple[Tensor, Tensor]


def cut_windows(ids: Sequence[int], context_length: int) -> Windows:
    """Inputs and targets, each (N, T), end to end; a target is the input one id further on."""
    return windows(ids, context_length)


def _rows(ids: Sequence[int], starts: Sequence[int], length: int, shift: int) -> Tensor:
    return torch.tensor([list(ids[i + shift : i + shift + length]) for i in starts])


def _cut(ids: Sequence[int], length: int, *, wrong: Wrong = frozenset()) -> Any:
    """The windows, with the slips named in `wrong`: where they begin, or what becomes of them."""
    ends = len(ids) - length
    starts: dict[str, Sequence[int]] = {
        "overlapping": range(ends),
        "gap": range(0, ends, length + 1),
        "one lost": range(0, ends - length, length) or [0],
        "first lost": range(1, ends, length) or [0],
        "first only": [0],
    }
    begin = next((starts[slip] for slip in wrong & starts.keys()), range(0, ends, length))
    inputs = _rows(ids, begin, length, 0)
    targets: dict[str, Callable[[], Tensor]] = {
        "same": inputs.clone,
        "last target": lambda: _rows(ids, begin, length, 1)[:, -1],
        "rolled": lambda: inputs.roll(-1, dims=1),
        "rolled back": lambda: inputs.roll(1, dims=1),
        "next window": lambda: inputs.roll(-1, dims=0),
    }
    aim = next((targets[s] for s in wrong & targets.keys()), lambda: _rows(ids, begin, length, 1))()
    if "inputs only" in wrong:
        return inputs
    if "flat" in wrong:
        inputs, aim = inputs.flatten(), aim.flatten()
    if "turned" in wrong:
        inputs, aim = inputs.mT, aim.mT
    if "lists" in wrong:
        return inputs.tolist(), aim.tolist()
    if "floats" in wrong:
        inputs, aim = inputs.float(), aim.float()
    return (aim, inputs) if "crossed" in wrong else (inputs, aim)


def _viewed(
    ids: Sequence[int], length: int, n: int, start: int = 0, shift: int = 1
) -> tuple[Tensor, Tensor]:
    """n windows from a row that is one tensor, the first at `start`."""
    row, size = torch.tensor(ids), n * length
    rows = (row[at : at + size] for at in (start, start + shift))
    inputs, targets = (part.view(n, length) for part in rows)
    return inputs, targets


def _padded(ids: Sequence[int], length: int) -> Windows:
    n = -(-(len(ids) - 1) // length)
    return _viewed([*ids, *[0] * length], length, n)


def _sizes_turned(ids: Sequence[int], length: int) -> Windows:
    row, n = torch.tensor(ids), (len(ids) - 1) // length
    return row[: n * length].view(length, n), row[1 : n * length + 1].view(length, n)


def _one_target_short(ids: Sequence[int], length: int) -> Windows:
    row, n = torch.tensor(ids), len(ids) // length
    inputs = row[: n * length].view(n, length)
    targets = row[1 : n * length + 1].view(n, length)
    return inputs, targets


def _by_columns(ids: Sequence[int], length: int) -> Windows:
    row, n = torch.tensor(ids), (len(ids) - 1) // length
    return row[: n * length].view(length, n).T, row[1 : n * length + 1].view(length, n).T


_SAID = {
    "same": "Inputs and targets are the same: the model would only learn to copy. The targets "
    "begin one id further on.",
    "overlapping": "The windows overlap. They lie end to end: the second begins context_length ids "
    "after the first.",
    "last target": "One target for a whole window wastes the rest. Every position has its own next "
    "token: give the targets the shape of the inputs.",
    "rolled": "The last target of a window is its own first id, as roll leaves it. It should be "
    "the id that follows the window in the text.",
    "rolled back": "The targets look back: a target is the id after its input, not the one before.",
    "next window": "Your targets are the next window: a target is its input one id further on.",
    "gap": "Each window begins one id further on than it should, counted from the one before: step "
    "by context_length, and let neighbours share an id.",
    "one lost": "A whole window is lost at the end. With n ids there are (n − 1) // context_length "
    "windows.",
    "first lost": "The first window begins at the second id: begin with the first.",
    "first only": "You cut the first window only: go on to the end of the row.",
    "inputs only": "The targets are missing: return two tensors, inputs and targets.",
    "flat": "The ids are right, but they stand in one row: give the tensors the shape "
    "(n, context_length).",
    "turned": "Your tensors are turned: a row for each window, a column for each position.",
    "lists": "The windows are right, but they are lists: make tensors of them, torch.tensor(…).",
    "floats": "Ids are whole numbers: leave the tensors as integers.",
    "crossed": "Inputs and targets are exchanged: the model reads the earlier ids and predicts the "
    "later ones.",
}
_APART = [
    "overlapping | gap | one lost | first lost | first only",
    "same | last target | rolled | rolled back | next window",
    "inputs only | same | last target | rolled | rolled back | next window | crossed",
    "same | crossed",
    "flat | turned | last target",
    "lists | floats | inputs only",
    "inputs only | flat | turned",
    "lists | crossed",
    "rolled | rolled back | next window | crossed",
    "first only | next window",
]


def _cut_with_numpy(ids: Sequence[int], length: int) -> tuple[np.ndarray, np.ndarray]:
    row = np.array(ids)
    whole = (len(row) - 1) // length * length
    return row[:whole].reshape(-1, length), row[1 : whole + 1].reshape(-1, length)


def _said_of_its_form(args: tuple[Any, ...], expected: Windows, got: Any) -> str | None:
    """Names the loss of the one window that ends exactly with the row."""
    (ids, length), inputs = args, torch.as_tensor(got[0])
    n = len(expected[0])
    if (len(ids) - 1) % length or inputs.ndim != 2 or inputs.shape[1] != length:
        return None
    if len(inputs) == n - 1 and torch.equal(inputs.long(), expected[0][:-1]):
        return (
            "The last window is lost where the row ends exactly with its last target: it begins at "
            "len(ids) − context_length − 1, and a range leaves its end out."
        )
    return None


WINDOWS = Exercise(
    id="2.7",
    title="Windows",
    minutes=7,
    stars=2,
    reference=cut_windows,
    probes=[
        ([7, 9, 8, 4, 7, 2, 8, 8], 3),
        ([5, 6], 1),
        ([1, 2, 3], 2),
        ([10, 11, 12, 13, 14], 2),
        ([10, 11, 12, 13, 14, 15], 2),
        ([7, 7, 8, 9, 7, 8, 8, 4, 2], 3),
        (list(range(100, 150)), 8),
        (list(range(300, 349)), 16),
    ],
    mistakes=alone(_cut, _SAID)
    | {
        "The last target needs one id more: there are (len(ids) − 1) // T windows, not "
        "len(ids) // T.": _one_target_short,
        "One window too few: (len(ids) − 1) // context_length of them fit.": lambda ids, length: (
            _viewed(ids, length, (len(ids) - 1) // length - 1)
        ),
        "A window may be missing at the end: (len(ids) − 1) // context_length of them fit, not "
        "(len(ids) − context_length) // context_length.": lambda ids, length: _viewed(
            ids, length, (len(ids) - length) // length
        ),
        "The last window was filled up: what doesn't fill a window is left out.": _padded,
        "The targets are two ids further on: one, so that each is the next of its input.": (
            lambda ids, length: _viewed(ids, length, (len(ids) - 2) // length, shift=2)
        ),
        "You cut from the end, and the beginning is left over: the first window begins with the "
        "first id.": lambda ids, length: _viewed(
            ids, length, (len(ids) - 1) // length, start=(len(ids) - 1) % length
        ),
        "The two sizes stand the wrong way round: a window is a row, .view(n, "
        "context_length).": _sizes_turned,
        "Your targets run on to the end of the row, so they do not fit the windows: cut them to "
        "the n · context_length ids that begin one place later.": lambda ids, length: (
            _viewed(ids, length, (len(ids) - 1) // length)[0],
            torch.tensor(ids)[1:].view((len(ids) - 1) // length, length),
        ),
        "You added 1 to the ids themselves: a target is the id that stands one place "
        "further on.": lambda ids, length: (
            inputs := _viewed(ids, length, (len(ids) - 1) // length)[0],
            inputs + 1,
        ),
        "The ids run down the columns: a window is a row, so take .view(n, context_length) as it "
        "is.": _by_columns,
    },
    together=in_pairs(_cut, _SAID, _APART),
    alternatives={
        "a loop over slices": _cut,
        "numpy.reshape": _cut_with_numpy,
        "chunks of one id more": lambda ids, length: tuple(
            torch.tensor([ids[i : i + length + 1] for i in range(0, len(ids) - length, length)])[
                :, part
            ]
            for part in (slice(None, -1), slice(1, None))
        ),
    },
    parts=("inputs", "targets"),
    explain_form=_said_of_its_form,
)
