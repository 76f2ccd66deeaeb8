"""Chapter 08, from a token to a text: the loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.exercise import Exercise
from utils.course.exercises.probing import uniform

# 8.6 · the loop

Choose = Callable[[Tensor], int]


class Endless(Exception):
    """Raised by a model that is asked more often than any sound loop asks it."""


class Model:
    """A model so small that it knows nothing: its scores depend on every token before them."""

    __name__ = "model"

    def __init__(self, vocabulary: int, seed: int) -> None:
        self.table = uniform(7, vocabulary, seed=seed)
        self.readings = 0

    def __call__(self, ids: Tensor) -> Tensor:
        """(1, T) -> (1, T, V).

        Raises ValueError for another shape, or a text without tokens; Endless at the 31st reading,
        since no loop here has more than 12 tokens to write.
        """
        self.readings += 1
        if self.readings > 30:
            raise Endless("the model was asked 30 times, for 12 tokens at most: does the loop end?")
        if not isinstance(ids, Tensor) or ids.ndim != 2 or len(ids) != 1 or not ids.numel():
            shape = tuple(ids.shape) if isinstance(ids, Tensor) else type(ids).__name__
            raise ValueError(f"the model reads ids of the shape (1, T), T ≥ 1, and got {shape}")
        row, rows = 0, []
        for token in ids[0].tolist():
            row = (3 * row + token + 1) % len(self.table)
            rows.append(row)
        return self.table[rows][None]

    def __repr__(self) -> str:
        return "model"


class Chances(ValueError):
    """Raised by a choice that wants logits and is given a pie."""


def _scores(logits: Tensor) -> Tensor:
    if logits.ndim != 1:
        raise ValueError(f"choose takes the scores of one place, (V,), and got {[*logits.shape]}")
    if (logits >= 0).all() and math.isclose(float(logits.sum()), 1, abs_tol=1e-3):
        raise Chances("choose takes logits, and you gave it chances")
    return logits


def likeliest(logits: Tensor) -> int:
    """The token with the largest logit."""
    return int(_scores(logits).argmax())


def second(logits: Tensor) -> int:
    """The token with the second largest logit."""
    return int(_scores(logits).argsort(descending=True, stable=True)[1])


class Dice:
    """A choice that is another one each time, as with dice: by turns the 1st, 3rd, 2nd largest."""

    __name__ = "dice"

    def __init__(self) -> None:
        self.throws = 0

    def __call__(self, logits: Tensor) -> int:
        """The token of the rank that is up; a call more is a throw more."""
        rank = (0, 2, 1, 1, 0)[self.throws % 5]
        self.throws += 1
        return int(_scores(logits).argsort(descending=True, stable=True)[rank])

    def __repr__(self) -> str:
        return "dice"


def write(
    model: Callable[[Tensor], Tensor],
    ids: list[int],
    max_new_tokens: int,
    choose: Choose,
    stop_id: int,
) -> list[int]:
    """The new tokens alone, up to the stop token, which is no part of the text."""
    return _write(model, ids, max_new_tokens, choose, stop_id)


def _write(
    model: Callable[[Tensor], Tensor],
    ids: list[int],
    most: int,
    choose: Choose,
    stop: int,
    *,
    reads: Callable[[list[int], list[int]], list[int]] = lambda ids, new: ids + new,
    place: int = -1,
    at_stop: str = "end",
    gives: Callable[[list[int], list[int]], Any] = lambda ids, new: new,
) -> Any:
    """The loop, with a bend where a wrong turn wants one."""
    return gives(ids, _new(model, ids, most, choose, stop, reads, place, at_stop))


def _new(
    model: Callable[[Tensor], Tensor],
    ids: list[int],
    most: int,
    choose: Choose,
    stop: int,
    reads: Callable[[list[int], list[int]], list[int]],
    place: int,
    at_stop: str,
) -> list[int]:
    new: list[int] = []
    while len(new) < most:
        token = choose(model(torch.tensor([reads(ids, new)]))[0, place])
        if token == stop and at_stop == "emit":
            return [*new, token]
        if token == stop and at_stop == "cut":
            return new[:-1]
        if token == stop and at_stop == "end":
            return new
        new.append(token)
    return new


_SLIPS: dict[str, dict[str, Any]] = {
    "The stop token was emitted: it is no part of the text, so look before you append.": {
        "at_stop": "emit"
    },
    "The text went on through the stop token: leave the loop there.": {"at_stop": "go on"},
    "A token too many is cut off at the stop: what stands before it belongs to the text.": {
        "at_stop": "cut"
    },
    "The model reads the last token alone: it needs the whole text, prompt and new tokens.": {
        "reads": lambda ids, new: (ids + new)[-1:]
    },
    "The model reads the prompt again and again: give it the new tokens as well.": {
        "reads": lambda ids, new: ids
    },
    "The prompt is forgotten after the first new token: the model reads prompt and new tokens, "
    "ids + new.": {"reads": lambda ids, new: new or ids},
    "The prompt is read once, and then the newest token alone: nothing here remembers what was "
    "read, so the model needs the whole text, ids + new.": {
        "reads": lambda ids, new: new[-1:] or ids
    },
    "The tokens are read in the wrong order: a new one goes to the end.": {
        "reads": lambda ids, new: new[::-1] + ids
    },
    "The new tokens are read before the prompt: ids + new.": {"reads": lambda ids, new: new + ids},
    "The model reads a token late: the newest is missing from what you give it.": {
        "reads": lambda ids, new: ids + new[:-1]
    },
    "You read the scores at the first place: the next token is scored at the last, "
    "logits[0, -1].": {"place": 0},
    "The prompt is returned as well: return the new tokens alone.": {
        "gives": lambda ids, new: [*ids, *new]
    },
    "The last token of the prompt is returned as well: return the new tokens alone.": {
        "gives": lambda ids, new: [*ids[-1:], *new]
    },
    "The last new token is missing: what stands before the stop token all belongs to the text.": {
        "gives": lambda ids, new: new[:-1]
    },
    "The first new token is missing: return all that are new.": {"gives": lambda ids, new: new[1:]},
    "The new tokens come backwards: the first one first.": {"gives": lambda ids, new: new[::-1]},
    "Only the last new token came back: return all of them, as a list.": {
        "gives": lambda ids, new: new[-1] if new else None
    },
    "This is how many new tokens there are: return them.": {"gives": lambda ids, new: len(new)},
}


def _bent(**changes: Any) -> Callable[..., Any]:
    return lambda *args: _write(*args, **changes)


def _two_at_once() -> dict[tuple[str, str], Callable[..., Any]]:
    """What is read or done at the stop goes wrong, and besides what is returned."""
    returned = {said for said, changes in _SLIPS.items() if "gives" in changes}
    ends = {said for said in returned if "new token is missing" in said}
    before = {said for said in _SLIPS.keys() - returned if "place" not in _SLIPS[said]}
    return {
        (a, b): _bent(**_SLIPS[a], **_SLIPS[b])
        for a, b in combinations(_SLIPS, 2)
        if a in before and b in returned - ends
    }


def _until_the_stop_stands(
    model: Any, ids: list[int], most: int, choose: Choose, stop: int
) -> list[int]:
    """while text[-1] != stop: a prompt that ends with the stop token writes nothing."""
    return [] if ids[-1] == stop else _write(model, ids, most, choose, stop)


def _prompt_may_stop(model: Any, ids: list[int], most: int, choose: Choose, stop: int) -> list[int]:
    return [] if stop in ids else _write(model, ids, most, choose, stop)


def _first_then_ask(model: Any, ids: list[int], most: int, choose: Choose, stop: int) -> list[int]:
    return _write(model, ids, max(1, most), choose, stop)


def _in_place(model: Any, ids: list[int], most: int, choose: Choose, stop: int) -> list[int]:
    new = _write(model, ids, most, choose, stop)
    ids += new
    return new


def _with_chances(model: Any, ids: list[int], most: int, choose: Choose, stop: int) -> list[int]:
    return _write(lambda text: model(text).softmax(-1), ids, most, choose, stop)


def _skipping(model: Any, ids: list[int], most: int, choose: Choose, stop: int) -> list[int]:
    new: list[int] = []
    for _ in range(most):
        token = choose(model(torch.tensor([ids + new]))[0, -1])
        if token != stop:
            new.append(token)
    return new


def _skipping_until_full(
    model: Any, ids: list[int], most: int, choose: Choose, stop: int
) -> list[int]:
    new: list[int] = []
    while len(new) < most:
        token = choose(model(torch.tensor([ids + new]))[0, -1])
        if token != stop:
            new.append(token)
    return new


def _asking_twice(model: Any, ids: list[int], most: int, choose: Choose, stop: int) -> list[int]:
    new: list[int] = []
    for _ in range(most):
        logits = model(torch.tensor([ids + new]))[0, -1]
        if choose(logits) == stop:
            break
        new.append(choose(logits))
    return new


def _ended_by_zero(model: Any, ids: list[int], most: int, choose: Choose, stop: int) -> list[int]:
    new = _write(model, ids, most, choose, stop)
    return new[: new.index(0)] if 0 in new else new


def _by_cat(model: Any, ids: list[int], most: int, choose: Choose, stop: int) -> list[int]:
    text = torch.tensor(ids)
    for _ in range(most):
        token = choose(model(text[None]).squeeze(0)[-1])
        if token == stop:
            break
        text = torch.cat([text, torch.tensor([token])])
    return text[len(ids) :].tolist()


def _recursively(model: Any, ids: list[int], most: int, choose: Choose, stop: int) -> list[int]:
    if most == 0:
        return []
    token = choose(model(torch.tensor(ids)[None, :])[0, len(ids) - 1])
    if token == stop:
        return []
    return [token, *_recursively(model, [*ids, token], most - 1, choose, stop)]


def _all_then_cut(model: Any, ids: list[int], most: int, choose: Choose, stop: int) -> list[int]:
    new = _write(model, ids, most, choose, stop, at_stop="go on")
    return new[: new.index(stop)] if stop in new else new


WRITE = Exercise(
    id="8.6",
    title="The loop",
    minutes=8,
    stars=2,
    reference=write,
    probes=[
        (Model(6, seed=3), [2, 0, 2], 3, second, 9),
        (Model(5, seed=22), [3, 0, 2], 12, likeliest, 2),
        (Model(4, seed=6), [1], 1, likeliest, 9),
        (Model(4, seed=6), [1], 0, likeliest, 9),
        (Model(4, seed=6), [1, 2, 0], 3, likeliest, 9),
        (Model(6, seed=3), [2, 0, 2], 8, second, 9),
        (Model(6, seed=3), [2, 0, 2], 8, second, 5),
        (Model(4, seed=7), [1, 2, 0], 12, likeliest, 1),
        (Model(5, seed=22), [0], 12, likeliest, 2),
        (Model(4, seed=11), [1, 2, 0], 5, likeliest, 2),
        (Model(6, seed=3), [1], 12, Dice(), 5),
        (Model(5, seed=22), [4, 1], 12, Dice(), 3),
    ],
    mistakes={
        **{sentence: _bent(**changes) for sentence, changes in _SLIPS.items()},
        "The prompt ended with the stop token, and nothing was written: only a new one is a "
        "reason to stop.": _until_the_stop_stands,
        "The stop token was left out, but the text went on behind it: leave the loop there.": (
            lambda m, ids, most, c, stop: [
                t for t in _write(m, ids, most, c, stop, at_stop="go on") if t != stop
            ]
        ),
        "The stop token was left out, but the loop went on behind it, and with dice another token "
        "comes then: leave the loop there.": _skipping,
        "At the stop token the loop goes round until it has max_new_tokens others: leave it "
        "there.": _skipping_until_full,
        "`choose` takes logits, and you gave it chances: it makes its own softmax, and a second "
        "one levels the pie.": _with_chances,
        "You asked `choose` twice for one token, and dice would say two things: ask once, and keep "
        "what it says.": _asking_twice,
        "Token 0 ended the text: it is a token like others, `stop_id` alone ends it.": (
            _ended_by_zero
        ),
        "A stop token inside the prompt stopped it all: only a new one is a reason to stop.": (
            _prompt_may_stop
        ),
        "You took the likeliest token yourself: let `choose` decide.": (
            lambda m, ids, most, c, stop: _write(m, ids, most, likeliest, stop)
        ),
        "There is a token too few: max_new_tokens of them, where none is the stop token.": (
            lambda m, ids, most, c, stop: _write(m, ids, most - 1, c, stop)
        ),
        "There is a token too many: max_new_tokens of them at most.": (
            lambda m, ids, most, c, stop: _write(m, ids, most + 1, c, stop)
        ),
        "max_new_tokens counts the new ones alone, without the prompt's.": (
            lambda m, ids, most, c, stop: _write(m, ids, most - len(ids), c, stop)
        ),
        "With max_new_tokens = 0 nothing is to be written: ask before the first token, not "
        "after.": _first_then_ask,
        "You appended to `ids`, and the caller's prompt grew with it: work on a list of your "
        "own.": _in_place,
    },
    together=_two_at_once(),
    alternatives={
        "a tensor that grows": _by_cat,
        "itself again": _recursively,
        "write all, then cut": _all_then_cut,
    },
)
