"""An answer's own code: which it is, where an error arose in it, whether it returns."""

from __future__ import annotations

import ast
import collections
import dis
import functools
import inspect
import linecache
import re
import textwrap
from collections.abc import Iterator, Sequence
from types import CodeType, TracebackType
from typing import Any

# What kind of operation an instruction is, where that tells two errors of one text apart.
_OPERATIONS = {
    "RAISE": "raise",
    "UNPACK": "unpack",
    "SUBSCR": "index",
    "ATTR": "attribute",
    "METHOD": "attribute",
}


def is_stub(error: BaseException | None, answer: Any) -> bool:
    """Whether an error is the stub's own, from a `raise` in the answer, and not one of torch's."""
    if not isinstance(error, NotImplementedError) or not str(error).startswith("Exercise"):
        return False
    (last,) = collections.deque(_frames(error), maxlen=1)
    return last.tb_frame.f_code in own_codes(answer) and _operation(last) == "raise"


def has_code_below_the_stub(answer: Any) -> bool:
    """Whether somebody wrote an answer and left the line that raises above it."""
    try:
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(answer))).body
        kinds = [type(statement) for statement in function.body]
    except Exception:  # no source to look at, or not a plain function
        return False
    return ast.Raise in kinds and kinds[-1] is not ast.Raise


def own_codes(answer: Any) -> set[CodeType]:
    """The code of a function, of all that are defined in it, of all methods of a class."""
    found: set[CodeType] = set()
    for code in _codes(_innermost(answer)):
        _add(code, found)
    return found


def _innermost(answer: Any) -> Any:
    """The function or class behind a partial, a bound method, or what wraps it."""
    for _ in range(20):
        inside = (
            answer.func
            if isinstance(answer, functools.partial)
            else vars(answer).get("__wrapped__")
            if hasattr(answer, "__dict__")
            else None
        )
        inside = inside or getattr(answer, "__func__", None)
        if inside is None:
            return answer
        answer = inside
    return answer


def _codes(answer: Any) -> Iterator[CodeType]:
    if hasattr(answer, "__code__"):
        yield answer.__code__
        return
    kind = answer if isinstance(answer, type) else type(answer)
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] in ("torch", "builtins"):
            continue
        for member in vars(base).values():
            code = getattr(_innermost(member), "__code__", None)
            if isinstance(code, CodeType):
                yield code


def _add(code: CodeType, found: set[CodeType]) -> None:
    found.add(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and constant not in found:
            _add(constant, found)


def _frames(error: BaseException) -> Iterator[TracebackType]:
    """From the outermost call to the one that raised; by hand, for there may be a million."""
    step = error.__traceback__
    while step is not None:
        yield step
        step = step.tb_next


def _operation(step: TracebackType) -> str:
    name = dis.opname[step.tb_frame.f_code.co_code[step.tb_lasti]] if step.tb_lasti >= 0 else ""
    return next((kind for part, kind in _OPERATIONS.items() if part in name), "compute")


def where(error: BaseException, answer: Any) -> list[str]:
    """The line of the learner's own code in which an error arose, as one line of text or none."""
    own, codes = getattr(_innermost(answer), "__code__", None), own_codes(answer)
    file = getattr(own, "co_filename", None)
    mine = None
    for step in _frames(error):
        code = step.tb_frame.f_code
        if code in codes or code.co_filename == file or "ipykernel" in code.co_filename:
            mine = step
    if mine is None:
        return []
    number = mine.tb_lineno
    source = linecache.getline(mine.tb_frame.f_code.co_filename, number or 0).strip()
    return [f"in line {number} of your cell: {source}"]


#: What is easily misread in an error of Python or torch.
_HINTS = {
    r"bitwise_xor|for \^:": "`^` is the exclusive or of bits in Python: a power is written `**`",
    r"cannot be multiplied \((?:\d+x)*(\d+) and (\d+)": "in `a @ b` the last axis of a meets the "
    "last but one of b, and they must be equally long: here {0} and {1}",
    r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)": "axes meet from the "
    "last one backwards, and two that meet are equally long, or one of them is 1: here {0} and "
    "{1}",
    r"not implemented for '(?:Long|Int|Bool)'": "this operation is for decimal numbers: `.float()` "
    "makes them of whole ones, and of True and False",
    r"used in an in-place operation|modified by an inplace operation": "`+=` and functions with "
    "`_` at the end write over a tensor that autograd still needs: make a new one, `a = a + b`",
}
_NO_NUMBER = ("only one element tensors", "cannot be converted to Scalar", "0-dimensional arrays")


def in_words(error: BaseException, answer: Any, is_outside: bool) -> list[str]:
    """An error as lines of text: its own words, and what is easily misread in them.

    `is_outside` says that the check ran into it when it went on with what the answer returned.
    """
    said = f"it raised {one_line(error)}"
    if is_outside:
        said = f"the check can't go on with what it returned: {one_line(error)}"
    found = [(re.search(sign, said), hint) for sign, hint in _HINTS.items()]
    lines = [said, *(hint.format(*match.groups()) for match, hint in found if match)]
    uses_math = any("math." in line for line in where(error, answer))
    if uses_math and any(sign in said for sign in _NO_NUMBER):
        lines.append("the functions of `math` take a single number: torch has its own for tensors")
    return lines


def argument_name(function: Any, place: int | None) -> str:
    """What a function calls its argument number `place`, for a sentence."""
    try:
        return f"`{list(inspect.signature(function).parameters)[place]}`"
    except (IndexError, TypeError, ValueError):
        return "the argument"


def same_error(one: BaseException, other: BaseException) -> bool:
    """Whether two errors arose from one operation: by type, words, and what was being done."""
    return _signature(one) == _signature(other)


def own_raise(error: BaseException | None, answer: Any) -> bool:
    """Whether the answer's own `raise` made an error, in words that are nobody else's."""
    steps = collections.deque(_frames(error), maxlen=1) if error else ()
    return any(
        _operation(step) == "raise" and step.tb_frame.f_code in own_codes(answer) for step in steps
    )


def _signature(error: BaseException) -> tuple[Any, ...]:
    words = re.sub(r"0x[0-9a-f]+", "", one_line(error))
    words = re.sub(r"^(\w+: )[\w.<>]+\(\) ", r"\1", words)  # the name in `f() takes 1 argument`
    steps = collections.deque(_frames(error), maxlen=1)
    return type(error), words, _operation(steps[0]) if steps else ""


def one_line(error: BaseException) -> str:
    """An error as one line, by its type where it has nothing to say."""
    try:
        text = str(error).strip().splitlines()
    except Exception:  # an error of the answer's own making
        text = []
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def may_end_without_return(answer: Any) -> bool:
    """Whether a way through the function leads to no `return`, or to one without a value."""
    function = _innermost(answer)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except Exception:  # no source, or a lambda in the middle of a line
        return False
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if [node.name for node in functions] != [function.__name__]:
        return False
    bare = any(isinstance(n, ast.Return) and n.value is None for n in _own_nodes(functions[0]))
    return bare or not _ends(functions[0].body)


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below one, but for those of functions and classes defined in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        ):
            yield child
            yield from _own_nodes(child)


def _ends(statements: Sequence[ast.stmt]) -> bool:
    """Whether no way leads past these statements."""
    return any(_ends_one(statement) for statement in statements)


def _ends_one(statement: ast.stmt) -> bool:
    match statement:
        case ast.Return() | ast.Raise():
            return True
        case ast.If():
            return _ends(statement.body) and _ends(statement.orelse)
        case ast.With():
            return _ends(statement.body)
        case ast.Try():
            tried = _ends(statement.body) or _ends(statement.orelse)
            handled = all(_ends(handler.body) for handler in statement.handlers)
            return _ends(statement.finalbody) or (tried and handled)
        case ast.While():
            forever = isinstance(statement.test, ast.Constant) and bool(statement.test.value)
            return forever and not _breaks(statement)
        case ast.For():
            return _ends(statement.orelse) and not _breaks(statement)
        case ast.Match():
            last = statement.cases[-1]
            total = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
            return total and not last.guard and all(_ends(case.body) for case in statement.cases)
    return False


def _breaks(loop: ast.stmt) -> bool:
    return any(isinstance(node, ast.Break) for node in _own_nodes(loop))
