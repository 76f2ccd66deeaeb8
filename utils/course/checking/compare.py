"""Compare two results, and say in the field's words where the first difference lies."""

from __future__ import annotations

import math
import numbers
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

# A mask of −1e9 hides a score as well as one of −inf does: after exp() both are zero.
HIDDEN = -1e4


@dataclass(frozen=True)
class Difference:
    """The first difference; `kind` says that not the value but the type, shape or dtype departs.

    `remark` is what it looks like ("twice what it should be"): true of this result, and a guess
    about the next.
    """

    values: str
    kind: bool = False
    remark: str = ""

    @property
    def text(self) -> str:
        """The remark and the values in one."""
        return f"{self.remark}: {self.values}" if self.remark else self.values

    def within(self, place: str) -> Difference:
        """The same difference, told by where it lies in a larger result."""
        return Difference(f"{place}: {self.text}", self.kind)


class Remark(str):
    """A word about a result, which an exercise's `call` adds to its members; it is no member.

    Results that differ in nothing else differ by it. It may also stand in a result's place.
    """


def difference(
    expected: Any, got: Any, rtol: float = 1e-4, atol: float = 1e-6
) -> Difference | None:
    """None where `got` is as good as `expected`, else the first difference.

    Lists and tuples stand for one another, as do numbers and tensors without dimensions, NumPy
    arrays and tensors, and all widths of floats. Where −inf is expected, any number below −1e4 is
    accepted, since it hides a score just as well.

    >>> difference([1, 2], (1, 2)) is None
    True
    >>> difference([1, 2], [1, 3]).text
    'at index 1: expected 2, got 3'
    """
    if got is None and expected is not None:
        said = f"expected {show(expected)}, got None: is there a `return` on every path?"
        return Difference(said, kind=True)
    if isinstance(got, Remark) and not isinstance(expected, Remark):
        return Difference(str(got))
    if isinstance(expected, Tensor | np.ndarray | np.generic):
        return _arrays(expected, got, rtol, atol)
    if isinstance(expected, bool | numbers.Number):
        return _numbers(expected, got, rtol, atol)
    if isinstance(expected, str | bytes):
        if not isinstance(got, type(expected)):
            return _types(expected, got)
        return None if expected == got else Difference(_values(expected, got))
    if isinstance(expected, Mapping):
        return _mappings(expected, got, rtol, atol)
    if isinstance(expected, list | tuple):
        return _sequences(expected, got, rtol, atol)
    if isinstance(expected, Set):
        return _sets(expected, got)
    return _others(expected, got)


def _types(expected: Any, got: Any) -> Difference:
    return Difference(f"expected {_a_kind(expected)}, got {_a_kind(got)}", kind=True)


def _values(expected: Any, got: Any) -> str:
    """Both in few characters, floats with as many digits as they need to differ."""
    shown = show(expected), show(got)
    if isinstance(expected, float) and isinstance(got, float):
        digits = 4
        while shown[0] == shown[1] and digits < 17:
            digits += 1
            shown = f"{expected:.{digits}g}", f"{got:.{digits}g}"
    return f"expected {shown[0]}, got {shown[1]}"


def _others(expected: Any, got: Any) -> Difference | None:
    if type(expected) is not type(got):
        return _types(expected, got)
    if expected is got or not hasattr(type(expected), "__eq__"):
        return None
    try:
        same = bool(expected == got)
    except Exception:
        same = False
    return None if same else Difference(_values(expected, got))


def _numbers(expected: Any, got: Any, rtol: float, atol: float) -> Difference | None:
    if isinstance(got, Tensor | np.ndarray | np.generic):
        if got.ndim:
            return _no_number(got)
        got = got.item()
    if isinstance(expected, bool) != isinstance(got, bool) or not isinstance(got, numbers.Number):
        return _types(expected, got)
    if isinstance(expected, int) and not isinstance(got, numbers.Integral):
        return _types(expected, got)
    if isinstance(expected, complex) or isinstance(got, complex):
        return None if expected == got else Difference(_values(expected, got))
    if _close(float(expected), float(got), rtol, atol):
        return None
    whole = isinstance(expected, int)  # a count or an id: a multiple of it tells nothing
    remark = "" if whole else _ratio(float(expected), float(got))
    return Difference(_values(expected, got), remark=remark)


def _no_number(got: Any) -> Difference:
    said = f"expected one number, got {_a_kind(got)}; is a sum or a mean missing?"
    return Difference(said, kind=True)


def _close(expected: float, got: float, rtol: float, atol: float) -> bool:
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(expected) and math.isnan(got)
    if expected == -math.inf:
        return got <= HIDDEN
    if math.isinf(expected) or math.isinf(got):
        return expected == got
    return abs(expected - got) <= atol + rtol * abs(expected)


def _ratio(expected: float, got: float) -> str:
    """A remark for a result that is a telling multiple of the expected one."""
    if not expected or not got or not math.isfinite(expected) or not math.isfinite(got):
        return ""
    if math.isclose(got, -expected, rel_tol=1e-4):
        return "the sign is flipped"
    for factor in (2, 0.5):
        if math.isclose(got, factor * expected, rel_tol=1e-4):
            return f"{'twice' if factor == 2 else 'half'} what it should be"
    return ""


def _sequences(expected: Any, got: Any, rtol: float, atol: float) -> Difference | None:
    if isinstance(expected, tuple) and isinstance(got, Tensor | np.ndarray) and got.ndim == 1:
        got = tuple(got)  # it unpacks like the tuple that was asked for
    if not isinstance(got, list | tuple):
        return _types(expected, got)
    fixed = isinstance(expected, tuple)  # several results, each with its own place
    (expected, known), (got, said) = _without_remarks(expected), _without_remarks(got)
    count = f"expected {_items(expected)}, got {_items(got)}" * (len(expected) != len(got))
    if count and fixed:
        return Difference(count, kind=True)
    for i, (e, g) in enumerate(zip(expected, got, strict=False)):
        found = difference(e, g, rtol, atol)
        if found:
            lengths = f" (and {_items(expected)} expected, got {len(got)})" if count else ""
            return Difference(f"at index {i}: {found.text}{lengths}", found.kind)
    if count:
        return Difference(count, kind=True)
    return None if known == said else Difference("; ".join(said or known))


def _without_remarks(values: Any) -> tuple[list[Any], list[Remark]]:
    remarks = [value for value in values if isinstance(value, Remark)]
    return [value for value in values if not isinstance(value, Remark)], remarks


def _items(values: Any) -> str:
    return f"{len(values)} item" + "s" * (len(values) != 1)


def _mappings(expected: Any, got: Any, rtol: float, atol: float) -> Difference | None:
    if not isinstance(got, Mapping):
        return _types(expected, got)
    if isinstance(expected, Counter):
        expected = {key: n for key, n in expected.items() if n}
        got = {key: n for key, n in got.items() if n}
    missing = [key for key in expected if key not in got]
    if missing:
        return Difference(f"the key {show(missing[0])} is missing")
    extra = [key for key in got if key not in expected]
    if extra:
        return Difference(f"the key {show(extra[0])} should not be there")
    for key, value in expected.items():
        found = difference(value, got[key], rtol, atol)
        if found:
            return found.within(f"at key {show(key)}")
    return None


def _sets(expected: Any, got: Any) -> Difference | None:
    if not isinstance(got, Set):
        return _types(expected, got)
    if expected == got:
        return None
    missing, extra = sorted(map(repr, expected - got)), sorted(map(repr, got - expected))
    said = [f"{missing[0]} is missing"] * bool(missing) + [f"{extra[0]} is too much"] * bool(extra)
    return Difference("; ".join(said))


def _family(dtype: torch.dtype) -> str:
    if dtype == torch.bool:
        return "bool"
    return "float" if dtype.is_floating_point else "complex" if dtype.is_complex else "int"


def _dtypes(families: tuple[str, str], got: Tensor) -> str:
    if families[0] != "bool":
        return f"expected the dtype {families[0]}, got {families[1]}"
    values = set(got.unique().tolist())
    kind = "numbers"
    if values <= {0, 1}:
        kind = "ones and zeros"
    elif families[1] == "float" and min(values) <= HIDDEN:
        kind = "numbers to add to the scores"
    return f"expected True and False (dtype bool), got {kind} (dtype {families[1]})"


def _arrays(expected: Any, got: Any, rtol: float, atol: float) -> Difference | None:
    if isinstance(got, numbers.Number) and not expected.ndim:
        got = torch.tensor(got)
    if not isinstance(got, Tensor | np.ndarray | np.generic):
        return _types(expected, got)
    expected, got = (torch.as_tensor(x).detach().cpu() for x in (expected, got))
    if expected.shape != got.shape and not expected.ndim:
        return _no_number(got)
    if expected.shape != got.shape:
        turned = expected.ndim >= 2 and expected.mT.shape == got.shape
        hint = " (transposed?)" if turned else ""
        return Difference(
            f"expected the shape {tuple(expected.shape)}, got {tuple(got.shape)}{hint}", kind=True
        )
    families = _family(expected.dtype), _family(got.dtype)
    if families[0] != families[1] and not (expected.ndim == 0 and families == ("float", "int")):
        return Difference(_dtypes(families, got), kind=True)
    if families[0] in ("bool", "int"):
        wrong = expected != got
    else:
        tolerance = max(rtol, 4 * torch.finfo(got.dtype).eps)
        expected, got = expected.double(), got.double()
        hidden = (expected == -math.inf) & (got <= HIDDEN)
        wrong = ~(torch.isclose(got, expected, tolerance, atol, equal_nan=True) | hidden)
    if not wrong.any():
        return None
    return Difference(_words(expected, got, wrong))


def _words(expected: Tensor, got: Tensor, wrong: Tensor) -> str:
    """The difference of two tensors of one shape, in the most telling words that are true."""
    index = tuple(int(i) for i in wrong.nonzero()[0])
    where = f"at {list(index)}: " if index else ""
    values = where + _values(expected[index].item(), got[index].item())
    if got.isnan().any() and not expected.isnan().any():
        first = [int(i) for i in got.isnan().nonzero()[0]]
        return f"NaN (not a number) at {first}; look for 0/0, log(0) or inf − inf. {values}"
    leak = _leak(expected, got)
    if leak:
        return f"{leak}. {values}"
    if expected.dtype == torch.bool:
        return values
    rows = _rows(expected, got)
    if rows:
        return f"{rows}. {values}"
    multiple = _multiple(expected, got)
    return f"{multiple}. {values}" if multiple else values


def _leak(expected: Tensor, got: Tensor) -> str:
    """A remark where a mask, or rows of weights, may not look ahead and the result does."""
    if expected.ndim < 2 or expected.shape[-1] != expected.shape[-2] or expected.shape[-1] < 2:
        return ""
    if expected.triu(1).any() or not got.triu(1).any() or not _are_weights(expected):
        return ""
    *_, row, column = (int(i) for i in got.triu(1).nonzero()[0])
    return f"the future leaks: row {row} looks at column {column}, which comes after it"


def _are_weights(expected: Tensor) -> bool:
    """Whether the rows are a mask, or numbers of at least 0 that sum to 1."""
    if expected.dtype == torch.bool:
        return bool(expected.diagonal(dim1=-2, dim2=-1).all()) if expected.ndim > 1 else False
    if not expected.is_floating_point() or (expected < 0).any():
        return False
    sums = expected.sum(-1)
    return torch.allclose(sums, torch.ones_like(sums), atol=1e-4)


def _rows(expected: Tensor, got: Tensor) -> str:
    if not expected.ndim or expected.shape[-1] < 2 or not _are_weights(expected):
        return ""
    sums = got.sum(-1)
    bad = (sums - 1).abs() > 1e-3
    if not bad.any():
        return ""
    index = tuple(int(i) for i in bad.nonzero()[0])
    name = f"the row {list(index)}" if index else "the row"
    return f"{name} does not sum to 1 but to {show(sums[index])}"


def _multiple(expected: Tensor, got: Tensor) -> str:
    if expected.numel() < 2 or not expected.is_floating_point():
        return ""
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


def _a_kind(value: Any) -> str:
    if isinstance(value, Tensor | np.ndarray):
        name = "a tensor" if isinstance(value, Tensor) else "an array"
        return f"{name} of shape {tuple(value.shape)}"
    names = {"int": "an int", "NoneType": "None"}
    name = type(value).__name__
    return names.get(name, f"an {name}" if name[0] in "aeiou" else f"a {name}")


def show(value: Any, limit: int = 76) -> str:
    """A value in few characters, floats to four digits: `[0.7311, 0.2689]`."""
    text = _show(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _show(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        return f"{value + 0.0:.4g}"  # + 0.0 makes 0 of −0
    if isinstance(value, np.integer):
        return str(int(value))
    if isinstance(value, Tensor | np.ndarray):
        if value.ndim == 0:
            return _show(value.item())
        if int(np.prod(value.shape)) > 16:
            return _a_kind(value).split(" ", 1)[1]
        return _show(value.tolist())
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_show(k)}: {_show(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple):
        inner = ", ".join(_show(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, list):
        return "[" + ", ".join(_show(v) for v in value) + "]"
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    return repr(value)
