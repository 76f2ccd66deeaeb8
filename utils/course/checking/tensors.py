"""What can be said of two tensors of one shape that differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utils.course.checking.show import Step, apart, show

# A mask of −1e9 hides a score as well as one of −inf does: after exp() both are zero.
HIDDEN = -1e4

ROW = "the row"  # how a remark on sums begins
CUT_OFF = (
    "the numbers are right, but autograd finds no way back to the arguments: "
    "stay with tensors, without `detach`, `item` or `no_grad`."
)
CUT_IN_PART = (
    "the numbers are right, but part of the gradient is lost on the way back to the arguments: "
    "look for `detach`, `.data` or `no_grad`."
)

Asked = tuple[Sequence[Any], Any]  # the arguments of a call, and its result


@dataclass(frozen=True)
class Wrong:
    """The first wrong number of a tensor: where, what, a fact about it all, and a guess."""

    path: tuple[Step, ...]
    values: str
    fact: str = ""
    remark: str = ""
    nan: bool = False


def plain(value: Any) -> Tensor | None:
    """A result as a dense tensor of numbers on the CPU, whatever class it is of; or None."""
    if isinstance(value, Tensor):
        with torch._C.DisableTorchFunctionSubclass():
            value = value.detach()
            if value.is_meta:
                return None
            dense = value if value.layout == torch.strided else value.to_dense()
            return dense.as_subclass(Tensor).cpu().resolve_conj().resolve_neg()
    array = np.array(value)  # a copy: torch takes no view that runs backwards
    if array.dtype.kind not in "biufc":
        return None
    if array.dtype == np.longdouble:
        array = array.astype(np.float64)
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))


def is_data(value: Any) -> bool:
    """Whether a result is made of numbers, text and tensors: equal where they hold the same."""
    if isinstance(value, tuple | list | dict):
        return all(map(is_data, value.values() if isinstance(value, dict) else value))
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biufcU"
    return value is None or isinstance(value, int | float | complex | str | Tensor | np.generic)


def family(dtype: torch.dtype) -> str:
    """The kind of number that a dtype holds: bool, float, complex or int."""
    if dtype == torch.bool:
        return "bool"
    return "float" if dtype.is_floating_point else "complex" if dtype.is_complex else "int"


def dtypes(families: tuple[str, str], got: Tensor) -> str:
    """The words for a result that holds numbers of another kind."""
    if families[0] != "bool":
        cut = ", whose whole numbers keep no fraction" * (families == ("float", "int"))
        return f"expected the dtype {families[0]}, got {families[1]}{cut}"
    values = set(got.unique().tolist())
    kind = "numbers"
    if values <= {0, 1}:
        kind = "ones and zeros"
    elif families[1] == "float" and min(values) <= HIDDEN:
        kind = "numbers to add to the scores"
    return f"expected True and False (dtype bool), got {kind} (dtype {families[1]})"


def as_float(value: Any) -> float:
    """Any real number as a float; one that is too large counts as infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def first_wrong(expected: Tensor, got: Tensor, rtol: float, atol: float) -> Wrong | None:
    """The first number that departs, None where all are close enough; shapes must be equal."""
    if family(expected.dtype) in ("bool", "int"):
        wrong = expected != got
    else:
        width = got.dtype if got.is_floating_point() else expected.dtype
        tolerance = max(rtol, 4 * torch.finfo(width).eps)
        wide = torch.complex128 if expected.is_complex() else torch.float64
        expected, got = expected.to(wide), got.to(wide)
        close = torch.isclose(got, expected, tolerance, atol, equal_nan=True)
        wrong = ~(close if expected.is_complex() else close | _both_hidden(expected, got))
    return _told(expected, got, wrong) if wrong.any() else None


def _both_hidden(expected: Tensor, got: Tensor) -> Tensor:
    return (expected == -math.inf) & (got <= HIDDEN)


def _told(expected: Tensor, got: Tensor, wrong: Tensor) -> Wrong:
    """The difference of two tensors of one shape, in the most telling words that are true."""
    nan = bool(got.isnan().any()) and not expected.isnan().any()
    index = tuple(int(i) for i in (got.isnan() if nan else wrong).nonzero()[0])
    path = tuple(Step("", i) for i in index)
    said = values(expected[index].item(), got[index].item())
    if nan:
        first = f" at {list(index)}" if index else ""
        fact = f"NaN (not a number){first}; look for 0/0, log(0) or inf − inf"
        return Wrong(path, said, fact, nan=True)
    fact = _leak(expected, got)
    if fact or expected.dtype == torch.bool or expected.is_complex():
        return Wrong(path, said, fact)
    return Wrong(path, said, remark=_rows(expected, got) or _multiple(expected, got))


def values(expected: Any, got: Any) -> str:
    """Both in few characters, with as many digits as they need to differ."""
    shown = apart(expected, got) or (show(expected), show(got))
    return f"expected {shown[0]}, got {shown[1]}"


def _leak(expected: Tensor, got: Tensor) -> str:
    """A fact where a mask, or rows of weights, may not look ahead and the result does."""
    if expected.ndim < 2 or expected.shape[-1] != expected.shape[-2] or expected.shape[-1] < 2:
        return ""
    if not are_weights(expected) or expected.triu(1).any() or not got.triu(1).any():
        return ""
    *_, row, column = (int(i) for i in got.triu(1).nonzero()[0])
    return f"the future leaks: row {row} looks at column {column}, which comes after it"


def are_weights(expected: Tensor) -> bool:
    """Whether the rows are a mask, or numbers of at least 0 that sum to 1."""
    if expected.dtype == torch.bool:
        return bool(expected.diagonal(dim1=-2, dim2=-1).all()) if expected.ndim > 1 else False
    if not expected.is_floating_point() or (expected < 0).any():
        return False
    sums = expected.sum(-1)
    return torch.allclose(sums, torch.ones_like(sums), atol=1e-4)


def _rows(expected: Tensor, got: Tensor) -> str:
    """A remark on the first row that does not sum to 1, where all rows should."""
    if not expected.ndim or expected.shape[-1] < 2 or not are_weights(expected):
        return ""
    sums = got.sum(-1)
    bad = ~((sums - 1).abs() <= 1e-3)
    if not bad.any():
        return ""
    index = tuple(int(i) for i in bad.nonzero()[0])
    name = f"{ROW} {list(index)}" if index else ROW
    return f"{name} does not sum to 1 but to {show(sums[index])}"


def ratio(expected: float, got: float) -> str:
    """A remark for a number that is a telling multiple of the expected one."""
    if not expected or not got or not math.isfinite(expected) or not math.isfinite(got):
        return ""
    if math.isclose(got, -expected, rel_tol=1e-4):
        return "the sign is flipped"
    for factor in (2, 0.5):
        if math.isclose(got, factor * expected, rel_tol=1e-4):
            return f"{'twice' if factor == 2 else 'half'} what it should be"
    return ""


def _multiple(expected: Tensor, got: Tensor) -> str:
    if not expected.is_floating_point():
        return ""
    if expected.numel() == 1:
        return ratio(expected.item(), got.item())
    usable = expected.isfinite() & got.isfinite() & (expected.abs() > 1e-8)
    if usable.sum() < 2 or not (expected.isfinite() == got.isfinite()).all():
        return ""
    if ((expected.abs() <= 1e-8) & (got.abs() > 1e-6)).any():
        return ""
    ratios = got[usable] / expected[usable]
    factor = ratios[0].item()
    if not torch.allclose(ratios, ratios[0].expand_as(ratios), rtol=1e-3) or abs(factor - 1) < 1e-3:
        return ""
    if abs(factor) < 1e-3:
        return ""
    if abs(factor + 1) < 1e-3:
        return "every sign is flipped"
    return f"every number is {show(factor)} times what it should be"


def way_back_lost(expected: Sequence[Asked], got: Sequence[Asked], closely: bool) -> str:
    """What is lost of the gradient by arguments that ask for one, where the results are equal.

    Nothing, or a sentence: that none comes back or, looking closely, that it is another.
    """
    pairs = list(zip(expected, got, strict=False))
    for (args, theirs), (_, ours) in pairs:
        if any(map(_asks, args)) and _loses_gradient(theirs, ours):
            return CUT_OFF
    found = ((_gradients(*one), _gradients(*other)) for one, other in pairs if closely)
    return CUT_IN_PART if any(one and other and _apart(one, other) for one, other in found) else ""


def _asks(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _loses_gradient(expected: Any, got: Any) -> bool:
    if isinstance(expected, list | tuple) and isinstance(got, list | tuple):
        return any(map(_loses_gradient, expected, got))
    return _asks(expected) and not _asks(got)


def _gradients(args: Sequence[Any], value: Any) -> list[Tensor | None]:
    """By each argument that asks, of a weighted sum of all results; none where there is none."""
    asking, leading = list(filter(_asks, args)), list(filter(_asks, _results(value)))
    if not asking or not leading:
        return []
    pulls = [torch.linspace(0.5, 1.5, r.numel(), dtype=r.dtype).view(r.shape) for r in leading]
    try:
        found = torch.autograd.grad(leading, asking, pulls, retain_graph=True, allow_unused=True)
    except RuntimeError:  # the answer has gone this way itself
        return []
    return list(found)


def _results(value: Any) -> Iterator[Any]:
    if not isinstance(value, list | tuple):
        yield value
        return
    for member in value:
        yield from _results(member)


def _apart(expected: Sequence[Tensor | None], got: Sequence[Tensor | None]) -> bool:
    """Whether gradients differ by more than roundings."""
    for theirs, ours in zip(expected, got, strict=False):
        if theirs is None:
            continue
        wanted = theirs.double()
        gap = wanted if ours is None else ours.double() - wanted
        if gap.norm() > 0.01 * wanted.norm() + 1e-4:
            return True
    return False
