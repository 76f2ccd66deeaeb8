"""Hand a right answer on so that the chapter can use it: results of the reference's kind."""

from __future__ import annotations

import copy
import functools
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from utils.course.checking.exercise import Answer, Exercise
from utils.course.checking.running import Call, Outcome, guarded
from utils.course.checking.state import own_randomness


@dataclass(frozen=True)
class Kind:
    """What the reference returns, as a tree: a type, a tensor's dtype, the kinds of its members.

    `follows` says that a tensor's dtype is that of the arguments. `members` has one kind for each
    place of a tuple, and one for all items of a list or values of a dict; None stands for any.
    """

    type: type
    dtype: torch.dtype | None = None
    follows: bool = False
    members: tuple[Kind | None, ...] = ()


# The kind of None, and of the items of an empty list: it says nothing about the others.
UNKNOWN = Kind(type(None))


def handed_on(
    exercise: Exercise, answer: Answer, expected: list[Outcome], got: list[Outcome]
) -> tuple[Answer, str]:
    """A right answer to go on with, and a word on what becomes of its results, if anything.

    The answer itself where its results are of the reference's kind, its arguments are named as
    the reference's, and it takes tensors that ask for a gradient, as a model's own do; else a
    function around it that sees to all three. Classes stay as they are.
    """
    if isinstance(answer, type | nn.Module):
        return answer, ""
    kind = _merged_all(
        _kind(call.value, _float_dtype(call)) for outcome in expected for call in outcome.calls
    )
    said = ""
    for call in (call for outcome in got for call in outcome.calls):
        if call.error is None and not said:
            said = _told(kind, call.value, _float_dtype(call))
    names = _other_names(exercise.reference, answer)
    detach = _refuses_gradients(exercise, answer)
    if not said and not names and not detach:
        return answer, ""
    if detach:
        word = f"{said}," if said else "your results are handed on"
        return _wrapped(answer, kind, names, True), f"{word} without a gradient"
    return _wrapped(answer, kind if said else None, names, False), said


def _refuses_gradients(exercise: Exercise, answer: Answer) -> bool:
    """Whether an answer raises for what asks for a gradient, as NumPy does, and else is right."""
    with own_randomness():
        call = functools.partial(exercise.call, _asking(answer, Tensor.requires_grad_))
        error = guarded(lambda: call(*copy.deepcopy(exercise.probes[0])), exercise.timeout)[1]
    return isinstance(error, RuntimeError) and "call numpy()" in str(error)


def _wrapped(
    answer: Answer, kind: Kind | None, names: inspect.Signature | None, detach: bool
) -> Answer:
    call = _asking(answer, Tensor.detach) if detach else answer

    def handed(*args: Any, **kwargs: Any) -> Any:
        if names:
            args, kwargs = _bound(names, args, kwargs)
        dtype = _float_dtype(Call(args, kwargs)) if kind else None
        return _fit(kind, call(*args, **kwargs), dtype)

    return functools.wraps(answer)(handed)


def _asking(answer: Answer, change: Callable[[Tensor], Tensor]) -> Answer:
    """The answer, given each tensor of floats as `change` makes it."""

    def changed(value: Any) -> Any:
        if isinstance(value, Tensor):
            return change(value) if value.is_floating_point() else value
        return type(value)(map(changed, value)) if type(value) in (list, tuple) else value

    @functools.wraps(answer)
    def asked(*args: Any, **kwargs: Any) -> Any:
        return answer(*map(changed, args), **{name: changed(each) for name, each in kwargs.items()})

    return asked


def _other_names(reference: Answer, answer: Answer) -> inspect.Signature | None:
    """The reference's signature where the answer's arguments can't be named as it names them."""
    try:
        theirs, own = inspect.signature(reference), inspect.signature(answer)
    except (TypeError, ValueError):
        return None
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    wanted = [name for name, one in theirs.parameters.items() if one.kind in named]
    known = [name for name, one in own.parameters.items() if one.kind in named]
    return theirs if wanted and wanted != known[: len(wanted)] else None


def _bound(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not kwargs:
        return args, kwargs
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:  # named as the answer names them
        return args, kwargs
    return bound.args, bound.kwargs


def _float_dtype(call: Call) -> torch.dtype | None:
    """The floats that a call works in, None where it is given none."""
    dtypes = {t.dtype for t in _tensors((call.args, call.kwargs), 4) if t.is_floating_point()}
    return functools.reduce(torch.promote_types, dtypes) if dtypes else None


def _tensors(value: Any, depth: int) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, nn.Module):
        yield from list(value.parameters())[:1]
    elif depth and isinstance(value, list | tuple | Mapping):
        items = value.values() if isinstance(value, Mapping) else value
        for item in list(items)[:20]:
            yield from _tensors(item, depth - 1)


def _kind(value: Any, dtype: torch.dtype | None) -> Kind | None:
    plain = type(value)
    if value is None:
        return UNKNOWN
    if isinstance(value, Tensor):
        return Kind(Tensor, value.dtype, value.dtype == dtype)
    if plain in (bool, int, float):
        return Kind(plain)
    if plain is tuple:
        return Kind(tuple, members=tuple(_kind(item, dtype) for item in value))
    if plain in (list, dict, Counter):
        items = value if plain is list else value.values()
        return Kind(plain, members=(_merged_all(_kind(item, dtype) for item in items),))
    return None


def _merged_all(kinds: Iterable[Kind | None]) -> Kind | None:
    return functools.reduce(_merged, kinds, UNKNOWN)


def _merged(one: Kind | None, other: Kind | None) -> Kind | None:
    """What two results of the reference have in common; None where that is nothing."""
    if UNKNOWN in (one, other):
        return other if one == UNKNOWN else one
    if one is None or other is None or one.type is not other.type:
        return None
    if len(one.members) != len(other.members):
        return None
    follows = one.follows and other.follows
    if one.dtype != other.dtype and not follows:
        return None
    members = tuple(map(_merged, one.members, other.members))
    return Kind(one.type, one.dtype, follows, members)


def _members(kind: Kind, n: int) -> tuple[Kind | None, ...]:
    return kind.members if kind.type is tuple else kind.members * n


def _fit(kind: Kind | None, value: Any, dtype: torch.dtype | None) -> Any:
    """A result as the reference would return it: the same object where it is so already."""
    if kind is None or kind is UNKNOWN or value is None:
        return value
    if kind.type is Tensor:
        return _fit_tensor(value, dtype if kind.follows and dtype else kind.dtype)
    if kind.type in (bool, int, float):
        return value if type(value) is kind.type else kind.type(value)
    if kind.type in (dict, Counter):
        fitted = {key: _fit(kind.members[0], item, dtype) for key, item in value.items()}
        same = isinstance(value, kind.type) and all(fitted[key] is value[key] for key in value)
        return value if same else kind.type(fitted)
    if len(kind.members) != len(value) and kind.type is tuple:
        return value
    pairs = zip(_members(kind, len(value)), value, strict=True)
    fitted = [_fit(member, item, dtype) for member, item in pairs]
    same = isinstance(value, kind.type) and all(map(lambda a, b: a is b, fitted, value))
    return value if same else kind.type(fitted)


def _fit_tensor(value: Any, dtype: torch.dtype) -> Tensor:
    if isinstance(value, Tensor):
        return value.to(dtype)
    if isinstance(value, np.ndarray | np.generic):
        return torch.from_numpy(np.array(value)).to(dtype)
    return torch.tensor(value if isinstance(value, int) else float(value), dtype=dtype)


def _told(kind: Kind | None, value: Any, dtype: torch.dtype | None) -> str:
    """What becomes of a result where it is handed on as another kind; nothing where it isn't."""
    fitted = _fit(kind, value, dtype)
    if fitted is value:
        return ""
    was, is_ = _first_apart(value, fitted)
    return f"your {was} results are handed on as {is_}"


def _first_apart(value: Any, fitted: Any) -> tuple[str, str]:
    """The names of the first two kinds that differ, the outermost first."""
    names = _name(value), _name(fitted)
    if names[0] != names[1]:
        return names
    if isinstance(value, dict):
        value, fitted = value.values(), fitted.values()
    pairs = zip(value, fitted, strict=True)
    return next((_first_apart(a, b) for a, b in pairs if a is not b), names)


def _name(value: Any) -> str:
    if isinstance(value, Tensor):
        return str(value.dtype).removeprefix("torch.")
    return "NumPy" if isinstance(value, np.ndarray | np.generic) else type(value).__name__
