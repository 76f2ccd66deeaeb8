"""What can go wrong at one place of a syntax tree: the nodes that may stand there instead."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from itertools import pairwise

_OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Div),
    ast.Mult: (ast.Add, ast.Div, ast.MatMult),
    ast.Div: (ast.Mult, ast.FloorDiv, ast.Sub),
    ast.FloorDiv: (ast.Div, ast.Mult, ast.Mod),
    ast.Mod: (ast.FloorDiv, ast.Add),
    ast.Pow: (ast.Mult, ast.BitXor),
    ast.MatMult: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd, ast.BitXor),
    ast.BitXor: (ast.BitOr, ast.Pow),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
}
_ORDER_MATTERS = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq, ast.GtE),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_TWINS = (
    ("sum", "mean"), ("mean", "sum"), ("sum", "prod"), ("sin", "cos"), ("cos", "sin"),
    ("max", "min"), ("min", "max"), ("amax", "amin"), ("argmax", "argmin"), ("log", "exp"),
    ("exp", "log"), ("log", "log2"), ("log2", "log"), ("tril", "triu"), ("triu", "tril"),
    ("ones", "zeros"), ("zeros", "ones"), ("softmax", "log_softmax"), ("log_softmax", "softmax"),
    ("softmax", "sigmoid"), ("sigmoid", "tanh"), ("tanh", "sigmoid"), ("relu", "tanh"),
    ("cumsum", "cumprod"), ("sqrt", "square"), ("var", "std"), ("std", "var"), ("norm", "sum"),
    ("floor", "ceil"), ("append", "extend"), ("extend", "append"), ("any", "all"), ("all", "any"),
    ("zeros", "empty"), ("stack", "cat"), ("cat", "stack"), ("masked_fill", "masked_fill_"),
    ("add", "sub"), ("reshape", "view"), ("flatten", "squeeze"), ("partition", "rpartition"),
    ("rpartition", "partition"), ("bincount", "unique"), ("clone", "detach"),
)  # fmt: skip


def variants(node: ast.AST, names: Sequence[str]) -> Iterator[ast.AST]:
    """The nodes that may stand in place of `node`; `names` are those of the function around it."""
    for kind, edit in _EDITS.items():
        if isinstance(node, kind):
            yield from edit(node)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        yield from (_changed(node, id=name) for name in names if name != node.id)


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    copy = deepcopy(node)
    for name, value in fields.items():
        setattr(copy, name, value)
    return copy


def _without(items: Sequence[ast.AST], i: int) -> list[ast.AST]:
    return [*items[:i], *items[i + 1 :]]


def _swapped(items: Sequence[ast.AST]) -> Iterator[list[ast.AST]]:
    for i in range(len(items) - 1):
        yield [*items[:i], items[i + 1], items[i], *items[i + 2 :]]


def _binary(node: ast.BinOp) -> Iterator[ast.AST]:
    for operator in _OPERATORS.get(type(node.op), ()):
        yield _changed(node, op=operator())
    if isinstance(node.op, _ORDER_MATTERS):
        yield _changed(node, left=node.right, right=node.left)
    yield from (node.left, node.right)
    if isinstance(node.op, ast.MatMult):
        for side in ("left", "right"):
            turned = ast.Attribute(getattr(node, side), "T", ast.Load())
            yield _changed(node, **{side: turned})


def _unary(node: ast.UnaryOp) -> Iterator[ast.AST]:
    yield node.operand
    if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value  # a number below zero is one constant
        if isinstance(value, int):
            yield from (ast.Constant(1 - value), ast.UnaryOp(ast.USub(), ast.Constant(value + 1)))


def _compare(node: ast.Compare) -> Iterator[ast.AST]:
    for i, operator in enumerate(node.ops):
        for other in _COMPARISONS.get(type(operator), ()):
            yield _changed(node, ops=[*node.ops[:i], other(), *node.ops[i + 1 :]])


def _boolean(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield _changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for i in range(len(node.values)):
        rest = _without(node.values, i)
        yield rest[0] if len(rest) == 1 else _changed(node, values=rest)


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    others: list[object] = []
    if isinstance(value, bool):
        others = [not value]
    elif isinstance(value, int):
        others = [value + 1, value - 1, 0]
    elif isinstance(value, float):
        others = [value * 1.01 + 0.001, value + 1, 0.0]
    elif isinstance(value, str) and value:
        others = ["", value + value]
    elif isinstance(value, bytes) and value:
        others = [b""]
    elif value is None:
        others = [0]
    yield from (ast.Constant(other) for other in others if other != value)


def _call(node: ast.Call) -> Iterator[ast.AST]:
    for i in range(len(node.args)):
        yield _changed(node, args=_without(node.args, i))
    for args in _swapped(node.args):
        yield _changed(node, args=args)
    for i in range(len(node.keywords)):
        yield _changed(node, keywords=_without(node.keywords, i))
    if isinstance(node.func, ast.Attribute):
        yield node.func.value
    if node.args and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]


def _attribute(node: ast.Attribute) -> Iterator[ast.AST]:
    if node.attr in ("T", "mT"):
        yield node.value
    yield from (_changed(node, attr=new) for old, new in _TWINS if node.attr == old)


def _name(node: ast.Name) -> Iterator[ast.AST]:
    yield from (_changed(node, id=new) for old, new in _TWINS if node.id == old)


def _slice(node: ast.Slice) -> Iterator[ast.AST]:
    for side in ("lower", "upper", "step"):
        bound = getattr(node, side)
        if bound is None:
            continue
        yield _changed(node, **{side: None})
        if side != "step" and not isinstance(bound, ast.Constant):
            for operator in (ast.Add(), ast.Sub()):
                yield _changed(node, **{side: ast.BinOp(bound, operator, ast.Constant(1))})
    if node.lower is None:
        yield _changed(node, lower=ast.Constant(1))
    if node.upper is None:
        yield _changed(node, upper=ast.UnaryOp(ast.USub(), ast.Constant(1)))


def _subscript(node: ast.Subscript) -> Iterator[ast.AST]:
    if isinstance(node.ctx, ast.Load):
        yield node.value


def _tuple(node: ast.Tuple | ast.List) -> Iterator[ast.AST]:
    if not isinstance(node.ctx, ast.Load):
        return
    for items in _swapped(node.elts):
        yield _changed(node, elts=items)
    for i in range(len(node.elts)):
        yield _changed(node, elts=_without(node.elts, i))


def _comprehension(node: ast.comprehension) -> Iterator[ast.AST]:
    for i in range(len(node.ifs)):
        yield _changed(node, ifs=_without(node.ifs, i))
        denied = ast.UnaryOp(ast.Not(), node.ifs[i])
        yield _changed(node, ifs=[*node.ifs[:i], denied, *node.ifs[i + 1 :]])


def _choice(node: ast.If | ast.While | ast.IfExp) -> Iterator[ast.AST]:
    yield _changed(node, test=ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)


def _adding(node: ast.AugAssign) -> Iterator[ast.AST]:
    for operator in _OPERATORS.get(type(node.op), ()):
        yield _changed(node, op=operator())
    yield ast.Assign([node.target], node.value, lineno=node.lineno)


_EDITS: dict[type | tuple[type, ...], Callable[..., Iterator[ast.AST]]] = {
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.Constant: _constant,
    ast.Call: _call,
    ast.Attribute: _attribute,
    ast.Name: _name,
    ast.Slice: _slice,
    ast.Subscript: _subscript,
    (ast.Tuple, ast.List): _tuple,
    ast.comprehension: _comprehension,
    (ast.If, ast.While, ast.IfExp): _choice,
    ast.AugAssign: _adding,
}


def blocks(block: Sequence[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """The blocks that may stand in place of one: a statement dropped, or moved."""
    for i, statement in enumerate(block):
        yield [*block[:i], *block[i + 1 :]] or [ast.Pass()]
        if isinstance(statement, ast.If) and not statement.orelse:
            yield [*block[:i], *statement.body, *block[i + 1 :]]
    for i, (loop, after) in enumerate(pairwise(block)):
        if isinstance(loop, ast.For | ast.While):  # indented too far: it runs in the loop
            inside = _changed(loop, body=[*loop.body, after])
            yield [*block[:i], inside, *block[i + 2 :]]
