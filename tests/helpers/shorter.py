"""Measurements and rounds of training a tenth as many: to ask whether cells run, not what comes."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any

PARTS = 10

#: What says how long each of them takes.
LENGTHS = {
    "utils.llm.machine.costs.cost_of_each": "rounds",
    "utils.llm.reasoning.self_teaching.self_teach": "rounds",
}


def install() -> None:
    """Put the shorter ones into the modules of ours that have the long ones by name."""
    for path, length in LENGTHS.items():
        module, _, name = path.rpartition(".")
        long = inspect.unwrap(getattr(importlib.import_module(module), name))
        for each in [m for n, m in sys.modules.items() if n.startswith("utils.")]:
            if inspect.unwrap(found := getattr(each, name, None)) is long:
                setattr(each, name, shortened(found, length))


def shortened(function: Callable[..., Any], length: str) -> Callable[..., Any]:
    """The same function, which does a tenth of what it is asked for."""

    @functools.wraps(function)
    def called(*args: Any, **settings: Any) -> Any:
        try:
            bound = inspect.signature(function).bind(*args, **settings)
        except TypeError:  # not what it takes; its own words say so
            return function(*args, **settings)
        bound.apply_defaults()
        asked = bound.arguments[length]
        bound.arguments[length] = max(1, asked // PARTS)
        return function(*bound.args, **bound.kwargs)

    return called
