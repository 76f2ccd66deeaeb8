"""Answers under the signature that a chapter gives its learners; and which take long."""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from utils.course.checking import registry

#: Exercises whose answers measure or train something themselves: they aren't in `make quick`.
LONG = {"1.8", "2.8", "3.7", "7.7", "7.8", "9.9"}
SOLUTIONS = Path(__file__).parents[2] / "solutions"


@functools.cache
def signatures() -> dict[str, tuple[str, str]]:
    """The name and the signature, annotations included, of the function that each check is for."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(SOLUTIONS.glob("[0-9][0-9]_*.py")):
        functions: dict[str, ast.FunctionDef] = {}
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                functions[node.name] = node
            for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
                if getattr(call.func, "id", "") != "check" or len(call.args) != 2:
                    continue
                id, answer = call.args
                if isinstance(answer, ast.Name) and answer.id in functions:
                    found[id.value] = answer.id, ast.unparse(functions[answer.id].args)
    return found


def alternative(id: str, name: str) -> Callable[..., Any]:
    """A listed alternative of an exercise, as a learner would have written it in the notebook."""
    return under_the_notebooks_signature(id, registry.exercise(id).alternatives[name])


def under_the_notebooks_signature(id: str, answer: Callable[..., Any]) -> Callable[..., Any]:
    """An answer that takes its arguments as the notebook names and annotates them."""
    if id not in signatures() or isinstance(answer, type):
        return answer
    name, arguments = signatures()[id]
    taken = ast.parse(f"def f({arguments}): pass").body[0].args
    given = [arg.arg for arg in [*taken.posonlyargs, *taken.args]]
    given += [f"*{taken.vararg.arg}"] if taken.vararg else []
    given += [f"{arg.arg}={arg.arg}" for arg in taken.kwonlyargs]
    source = (
        "from __future__ import annotations\n"
        f"def {name}({arguments}):\n    return _alternative({', '.join(given)})"
    )
    space = {"_alternative": answer, "math": math, "torch": torch, "__name__": "__main__"}
    exec(source, space)
    return space[name]
