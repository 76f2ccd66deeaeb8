"""Hold a module to its jaxtyping annotations: every call in a test is checked by beartype."""

from collections.abc import Callable
from functools import cache
from types import FunctionType, ModuleType

import pytest
from beartype import beartype
from jaxtyping import jaxtyped


def enforce_annotations(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
    """Check arguments and results of all functions and methods of the modules, for one test."""
    names = {module.__name__ for module in modules}
    owners: list[ModuleType | type] = list(modules)
    for module in modules:
        owners += [thing for thing in vars(module).values() if isinstance(thing, type)]
    for owner in dict.fromkeys(owners):
        if isinstance(owner, type) and owner.__module__ not in names:
            continue
        for name, thing in list(vars(owner).items()):
            function = thing.fget if isinstance(thing, property) else thing
            if isinstance(function, FunctionType) and function.__module__ in names:
                checked = _checked(function)
                checked = property(checked) if isinstance(thing, property) else checked
                monkeypatch.setattr(owner, name, checked)


@cache
def _checked(function: FunctionType) -> Callable:
    return jaxtyped(function, typechecker=beartype)
