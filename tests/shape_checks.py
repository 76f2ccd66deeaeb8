"""Hold a module to its jaxtyping annotations: every call in a test is checked by beartype."""

from types import FunctionType, ModuleType

import pytest
from beartype import beartype
from jaxtyping import jaxtyped


def enforce_annotations(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
    """Check arguments and results of all functions and methods of the modules, for one test."""
    names = {module.__name__ for module in modules}
    checked: dict[object, object] = {}

    def check(thing):
        if isinstance(thing, property):
            return property(check(thing.fget))
        if not isinstance(thing, FunctionType) or thing.__module__ not in names:
            return thing
        if thing not in checked:
            checked[thing] = jaxtyped(thing, typechecker=beartype)
        return checked[thing]

    classes = set()
    for module in modules:
        for name, thing in list(vars(module).items()):
            if isinstance(thing, type) and thing.__module__ in names:
                classes.add(thing)
            elif check(thing) is not thing:
                monkeypatch.setattr(module, name, check(thing))
    for cls in classes:
        for name, thing in list(vars(cls).items()):
            if check(thing) is not thing:
                monkeypatch.setattr(cls, name, check(thing))
