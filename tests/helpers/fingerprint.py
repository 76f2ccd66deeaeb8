"""A fingerprint of anything that can be described: equal only where all that matters is equal.

Numbers, tensors, modules, functions with what they refer to, and objects of every class that says
what it consists of. What is defined in `utils` or an installed package is its name: whoever keeps
fingerprints beyond a process adds one of the sources. What is written anywhere else, such as in a
cell of a notebook, is its bytecode, and all that this names.
"""

from __future__ import annotations

import dis
import enum
import functools
import hashlib
import pathlib
import re
import sys
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tiktoken
import torch

ATOMS = (type(None), bool, int, float, complex, str, bytes, type(...))
NAMED = (torch.dtype, torch.device, torch.Size, range, pathlib.PurePath, re.Pattern)


class NoFingerprint(Exception):
    """For a generator, an open file, a lock: what can't say what it consists of."""


def fingerprint(*values: Any, without: Iterable[torch.nn.Module] = ()) -> str:
    """A hexadecimal digest. Of the modules `without`, all but the state is looked at.

    Raises NoFingerprint.
    """
    try:
        return _Walk(without).digest(values).hex()
    except RuntimeError as error:  # too deep, or a tensor that doesn't show its numbers
        raise NoFingerprint(str(error)) from error


class _Walk:
    """One description under way, which tells a thing met again by the number it had."""

    def __init__(self, without: Iterable[torch.nn.Module]) -> None:
        self.seen: dict[int, tuple[int, Any]] = {}
        modules = [module for each in without for module in each.modules()]
        self.bare = {id(module) for module in modules}
        for module in modules:
            self.bare |= {id(t) for t in (*module.parameters(False), *module.buffers(False))}

    def digest(self, value: Any) -> bytes:
        kind = type(value)
        if kind in ATOMS:
            return _hash(kind.__name__, repr(value))
        if isinstance(value, NAMED):
            return _hash(kind.__name__, repr(value))
        if id(value) in self.seen:
            return _hash("again", str(self.seen[id(value)][0]))
        self.seen[id(value)] = len(self.seen), value  # kept alive, lest its number be given anew
        return self.described(value, kind)

    def described(self, value: Any, kind: type) -> bytes:
        if isinstance(value, torch.Tensor):
            return self.tensor(value)
        if isinstance(value, np.ndarray) and value.dtype != object:
            numbers = np.ascontiguousarray(value)
            return _hash("array", str(value.dtype), str(value.shape), numbers.tobytes())
        if kind in (list, tuple):
            if all(type(item) in ATOMS for item in value):
                return _hash(kind.__name__, repr(value))
            return _hash(kind.__name__, *map(self.digest, value))
        if kind is dict:
            return _hash("dict", *(self.digest(x) for item in value.items() for x in item))
        if kind in (set, frozenset):
            return _hash(kind.__name__, *sorted(map(self.digest, value)))
        if isinstance(value, types.ModuleType):
            return _hash("module", value.__name__)
        if isinstance(value, types.FunctionType):
            return self.function(value)
        if isinstance(value, types.CodeType):
            return self.code(value)
        if isinstance(value, types.CellType):
            return self.digest(_contents(value))
        if isinstance(value, type):
            return self.type(value)
        return self.object(value, kind)

    def tensor(self, value: torch.Tensor) -> bytes:
        said = [type(value).__name__, str(value.dtype), str(value.shape), str(value.device)]
        said.append(str(value.requires_grad))
        if id(value) in self.bare or value.is_meta:  # which has no numbers
            return _hash("tensor", *said)
        if value.is_sparse or value.is_quantized:
            raise NoFingerprint(f"a tensor of the layout {value.layout}")
        plain = value.detach().cpu().contiguous().view(-1)
        numbers = plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b""
        gradient = value.grad if value.is_leaf else None
        return _hash("tensor", *said, numbers, self.digest(gradient))

    def function(self, value: types.FunctionType) -> bytes:
        name = f"{value.__module__}.{value.__qualname__}"
        own = (value.__defaults__, value.__kwdefaults__, value.__closure__, value.__dict__)
        if _is_ours(value.__module__):
            text = self.digest(value.__code__) if "<" in name else b""  # which of the lambdas?
            return _hash("function", name, text, self.digest(own))
        named = {
            word: self.digest(value.__globals__[word])
            for word in sorted(set(_names(value.__code__)))
            if word in value.__globals__
        }
        words = [part for word, found in named.items() for part in (word, found)]
        return _hash("function", self.digest(value.__code__), self.digest(own), *words)

    def code(self, value: types.CodeType) -> bytes:
        names = (value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars)
        arguments = (value.co_argcount, value.co_kwonlyargcount, value.co_flags)
        return _hash("code", value.co_code, repr((names, arguments)), self.digest(value.co_consts))

    def type(self, value: type) -> bytes:
        if _is_ours(value.__module__):
            return _hash("type", value.__module__, value.__qualname__)
        left = {"__dict__", "__weakref__", "__doc__", "__module__", "__annotations__"}
        own = {k: v for k, v in vars(value).items() if k not in left and "_abc" not in k}
        return _hash("type", value.__qualname__, self.digest(value.__bases__), self.digest(own))

    def object(self, value: Any, kind: type) -> bytes:
        if isinstance(value, types.MethodType):
            return _hash("method", self.digest(value.__self__), self.digest(value.__func__))
        if isinstance(value, types.BuiltinFunctionType):
            return _hash("builtin", value.__qualname__, self.digest(value.__self__))
        if isinstance(value, staticmethod | classmethod):
            return _hash(kind.__name__, self.digest(value.__func__))
        if isinstance(value, property):
            return _hash("property", *map(self.digest, (value.fget, value.fset, value.fdel)))
        if isinstance(value, functools.partial):
            return _hash("partial", self.digest((value.func, value.args, value.keywords)))
        if isinstance(value, enum.Enum):
            return _hash("enum", self.digest(kind), value.name)
        if isinstance(value, torch.Generator):
            return _hash("dice", self.digest(value.get_state()))
        if isinstance(value, tiktoken.Encoding):
            parts = (value._pat_str, value._mergeable_ranks, value._special_tokens)
            return _hash("encoding", self.digest(parts))
        if isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType):
            return _hash("slot", value.__name__)
        return self.reduced(value, kind)

    def reduced(self, value: Any, kind: type) -> bytes:
        """Whatever else: its class, and what it says that it is made of."""
        if isinstance(value, torch.nn.Module):
            bare = {"training"} if id(value) in self.bare else set()
            own = {name: part for name, part in vars(value).items() if name not in bare}
            return _hash("module", self.digest(kind), self.digest(own))
        try:
            parts = value.__reduce_ex__(4)
        except Exception as error:
            raise NoFingerprint(f"{kind.__qualname__}: {error}") from error
        if isinstance(parts, tuple):  # the fourth and the fifth are iterators over its items
            parts = tuple(list(p) if i in (3, 4) and p else p for i, p in enumerate(parts))
        return _hash("object", self.digest(kind), self.digest(parts))


def _hash(*parts: str | bytes) -> bytes:
    found = hashlib.sha256()
    for part in parts:
        part = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        found.update(len(part).to_bytes(8, "little") + part)
    return found.digest()


def _contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing in it yet
        return "an empty cell"


def _names(code: types.CodeType) -> Iterable[str]:
    """The words that may be global names in it, and in the functions within; no attributes."""
    for each in dis.get_instructions(code):
        if each.opname.startswith("LOAD_") and ("GLOBAL" in each.opname or "NAME" in each.opname):
            yield each.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


@functools.cache
def _is_ours(name: str | None) -> bool:
    """Whether a module's text is that of `utils`, of Python, or of an installed package."""
    if name is None or name == "__main__":
        return False
    if name.split(".")[0] in ("utils", *sys.builtin_module_names, *sys.stdlib_module_names):
        return True
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is not None and "site-packages" in Path(file).parts
