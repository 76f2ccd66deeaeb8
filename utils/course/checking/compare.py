"""Compare two results, and say in the field's words where the first difference lies."""

from __future__ import annotations

import math
import numbers
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np
from torch import Tensor

from utils.course.checking import tensors
from utils.course.checking.show import Step, a_kind, place, show
from utils.course.checking.tensors import HIDDEN

__all__ = ["HIDDEN", "Difference", "Remark", "difference", "show"]


@dataclass(frozen=True)
class Difference:
    """The first difference; `kind` says that not the value but the type, shape or count departs.

    `remark` is what it looks like ("twice what it should be"): true of this result, and a guess
    about the next. `path` leads from the whole result to what departs, `nan` says that it is NaN.
    """

    values: str
    kind: bool = False
    remark: str = ""
    path: tuple[Step, ...] = ()
    nan: bool = False

    @property
    def text(self) -> str:
        """The remark and the values in one."""
        return f"{self.remark}: {self.values}" if self.remark else self.values

    @property
    def factor(self) -> str:
        """What the remark says, whether of one number or of all."""
        one = {"the sign is flipped": "-1", "twice what it should be": "2"}
        one |= {"every sign is flipped": "-1", "half what it should be": "0.5"}
        every = self.remark.removeprefix("every number is ").removesuffix(
            " times what it should be"
        )
        return one.get(self.remark, every)

    def within(self, step: Step, more: str = "") -> Difference:
        """The same difference, told by where it lies in a larger result."""
        return replace(self, values=f"at {step}: {self.values}{more}", path=(step, *self.path))


class Remark(str):
    """A word about a result, which an exercise's `call` adds to its members; it is no member.

    Results that differ in nothing else differ by it. It may also stand in a result's place.
    """


def difference(
    expected: Any, got: Any, rtol: float = 1e-4, atol: float = 1e-6
) -> Difference | None:
    """None where `got` is as good as `expected`, else the first difference.

    Lists and tuples stand for one another, as do numbers and tensors without dimensions, NumPy
    arrays and tensors, and all widths of floats. Whole numbers must be the same. Where −inf is
    expected, any number below −1e4 is accepted, since it hides a score just as well.

    >>> difference([1, 2], (1, 2)) is None
    True
    >>> difference([1, 2], [1, 3]).text
    'at index 1: expected 2, got 3'
    """
    if got is None and expected is not None:
        return Difference(f"expected {show(expected)}, got None", kind=True)
    if isinstance(got, Remark) and not isinstance(expected, Remark):
        return Difference(str(got))
    if isinstance(expected, Tensor | np.ndarray | np.generic):
        return _arrays(expected, got, rtol, atol)
    if isinstance(expected, bool | numbers.Number):
        return _numbers(expected, got, rtol, atol)
    if isinstance(expected, str | bytes):
        return _texts(expected, got)
    if isinstance(expected, Mapping):
        return _mappings(expected, got, rtol, atol)
    if isinstance(expected, list | tuple):
        return _sequences(expected, got, rtol, atol)
    if isinstance(expected, Set):
        return _sets(expected, got)
    return _others(expected, got)


_CALLS = BuiltinFunctionType | FunctionType | MethodType


def _types(expected: Any, got: Any) -> Difference:
    kinds = a_kind(expected), a_kind(got)
    if kinds[0] == kinds[1]:
        kinds = kinds[0], f"another class of that name ({type(got).__module__})"
    not_called = isinstance(got, _CALLS) and not isinstance(expected, _CALLS)
    call = ": the brackets of a call are missing, `()`" * not_called
    return Difference(f"expected {kinds[0]}, got {kinds[1]}{call}", kind=True)


def _texts(expected: str | bytes, got: Any) -> Difference | None:
    plain = bytes if isinstance(expected, bytes) else str
    if not isinstance(got, plain):
        return _types(expected, got)
    same = plain.__eq__(plain(expected), plain.__getitem__(got, slice(None)))
    return None if same else Difference(tensors.values(expected, got))


def _others(expected: Any, got: Any) -> Difference | None:
    if type(expected) is not type(got):
        return _types(expected, got)
    if isinstance(expected, BaseException):  # returned, in whatever words
        return None
    if expected is got or not hasattr(type(expected), "__eq__"):
        return None
    try:
        same = bool(expected == got)
    except Exception:
        same = False
    return None if same else Difference(tensors.values(expected, got))


def _numbers(expected: Any, got: Any, rtol: float, atol: float) -> Difference | None:
    if isinstance(got, Tensor | np.ndarray | np.generic):
        plain = tensors.plain(got)
        if plain is None:
            return _types(expected, got)
        if plain.ndim:
            return _no_number(got)
        got = plain.item()
    if isinstance(expected, bool) != isinstance(got, bool) or not isinstance(got, numbers.Number):
        return _types(expected, got)
    if isinstance(expected, int):
        return _wholes(expected, got)
    if isinstance(expected, complex) or isinstance(got, complex):
        same = expected == got
        return None if same else Difference(tensors.values(expected, got))
    wanted, came = tensors.as_float(expected), tensors.as_float(got)
    if _close(wanted, came, rtol, atol):
        return None
    said, nan = tensors.values(expected, got), math.isnan(came)
    return Difference(said, remark=tensors.ratio(wanted, came), nan=nan)


def _wholes(expected: int, got: Any) -> Difference | None:
    """Counts and ids must be the same; a multiple of one tells nothing."""
    if not isinstance(got, numbers.Integral):
        return _types(expected, got)
    same = int(expected) == int(got)
    return None if same else Difference(tensors.values(int(expected), int(got)))


def _no_number(got: Any) -> Difference:
    said = f"expected one number, got {a_kind(got)}; is a sum or a mean missing?"
    return Difference(said, kind=True)


def _close(expected: float, got: float, rtol: float, atol: float) -> bool:
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(expected) and math.isnan(got)
    if expected == -math.inf:
        return got <= HIDDEN
    if math.isinf(expected) or math.isinf(got):
        return expected == got
    return abs(expected - got) <= atol + rtol * abs(expected)


def _sequences(expected: Any, got: Any, rtol: float, atol: float) -> Difference | None:
    if isinstance(expected, tuple) and isinstance(got, Tensor | np.ndarray) and got.ndim == 1:
        got = tuple(got)  # it unpacks like the tuple that was asked for
    if isinstance(expected, list) and _is_row(got) and all(map(_is_number, expected)):
        got = got.tolist()
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
            more = f" (and {_items(expected)} expected, got {len(got)})" if count else ""
            return found.within(Step("index", i), more)
    if count:
        return Difference(count, kind=True)
    return None if known == said else Difference("; ".join(said or known))


def _is_row(got: Any) -> bool:
    return isinstance(got, Tensor | np.ndarray) and got.ndim == 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _without_remarks(values: Sequence[Any]) -> tuple[list[Any], list[Remark]]:
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
        return Difference(f"the key {show(missing[0])} is missing", kind=True)
    extra = [key for key in got if key not in expected]
    if extra:
        return Difference(f"the key {show(extra[0])} should not be there", kind=True)
    for key, value in expected.items():
        found = difference(value, got[key], rtol, atol)
        if found:
            return found.within(Step("key", key))
    return None


def _sets(expected: Any, got: Any) -> Difference | None:
    if not isinstance(got, Set):
        return _types(expected, got)
    expected, got = set(expected), set(got)
    if expected == got:
        return None
    missing, extra = sorted(map(repr, expected - got)), sorted(map(repr, got - expected))
    said = [f"{missing[0]} is missing"] * bool(missing) + [f"{extra[0]} is too much"] * bool(extra)
    return Difference("; ".join(said))


def _arrays(expected: Any, got: Any, rtol: float, atol: float) -> Difference | None:
    """The difference of a tensor or array from what stands where it is expected."""
    wanted, came = tensors.plain(expected), got
    real = isinstance(got, numbers.Number) and not isinstance(got, complex)
    if real and not expected.ndim:
        came = got if isinstance(got, int) and abs(got) < 2**63 else tensors.as_float(got)
    elif not isinstance(got, Tensor | np.ndarray | np.generic):
        return _types(expected, got)
    came = tensors.plain(came)
    if came is None:
        dtype = str(getattr(got, "dtype", "")).removeprefix("torch.")
        return Difference(f"expected numbers, got {a_kind(got)} and dtype {dtype}", kind=True)
    if wanted.shape != came.shape and not wanted.ndim:
        return _no_number(got)
    if wanted.shape != came.shape:
        turned = wanted.ndim >= 2 and wanted.mT.shape == came.shape
        hint = " (transposed?)" if turned else ""
        shapes = f"expected the shape {tuple(wanted.shape)}, got {tuple(came.shape)}{hint}"
        return Difference(shapes, kind=True)
    families = tensors.family(wanted.dtype), tensors.family(came.dtype)
    number = wanted.ndim == 0 and families == ("float", "int")
    if families[0] != families[1] and not number:
        return Difference(tensors.dtypes(families, came), kind=True)
    found = tensors.first_wrong(wanted, came, rtol, atol)
    if found is None:
        return None
    at = f"at {place(found.path)}: " if found.path else ""
    fact = f"{found.fact}. " if found.fact else ""
    return Difference(fact + at + found.values, remark=found.remark, path=found.path, nan=found.nan)
