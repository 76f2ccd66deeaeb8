"""Chapter 08, a bug to find: a loop with a cache that reads a token twice."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.compare import Remark, difference
from utils.course.checking.exercise import Exercise
from utils.course.exercises.chapter_08.loop import Choose, Dice, likeliest, second
from utils.course.exercises.probing import uniform
from utils.course.exercises.slips import Wrong, alone

# 8.10 · the loop with a cache


N_LAYERS = 2


class Kept:
    """The cache of a layer as far as a loop can see it: for how many texts, and how many tokens."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.row = self.length = 0

    def __len__(self) -> int:
        return self.length

    def clear(self) -> None:
        """Forget everything."""
        self.row = self.length = 0


class CachedModel:
    """A model that knows nothing: its scores depend on every token before, and on its place."""

    __name__ = "model"

    def __init__(self, vocabulary: int, seed: int) -> None:
        self.table = uniform(11, vocabulary, seed=seed)
        self.n_read = 0

    def make_caches(self, batch: int) -> list[Kept]:
        """An empty cache for each of two layers, for as many texts as `batch`."""
        return [Kept(batch) for _ in range(N_LAYERS)]

    def __call__(
        self, ids: Tensor, *others: object, caches: Sequence[Kept] | None = None
    ) -> Tensor:
        """(1, n) -> (1, n, V), the n tokens behind those that the caches keep.

        Raises ValueError for another shape, no tokens at all, caches for other than one text, or
        other than one for each layer; TypeError for caches that are not given by name, as GPT does.
        """
        if others:
            raise TypeError("the model takes the caches by name alone: caches=caches")
        if not isinstance(ids, Tensor) or ids.ndim != 2 or len(ids) != 1 or not ids.numel():
            shape = tuple(ids.shape) if isinstance(ids, Tensor) else type(ids).__name__
            raise ValueError(f"the model reads ids of the shape (1, n), n ≥ 1, and got {shape}")
        if caches is not None and len(caches) != N_LAYERS:
            raise ValueError(f"the model has {N_LAYERS} layers, and got {len(caches)} caches")
        if any(cache.batch != 1 for cache in caches or ()):
            raise ValueError(f"the caches are for {caches[0].batch} texts, and the model reads 1")
        self.n_read += ids.shape[1]
        if self.n_read > 400:
            raise ValueError("400 tokens were read, for a dozen at most: does the loop end?")
        for cache in caches or self.make_caches(1):
            rows = self._through(ids[0].tolist(), cache)
        return self.table[rows][None]

    def _through(self, tokens: list[int], cache: Kept) -> list[int]:
        """One layer: the row of each token, by all that this layer's cache keeps before it."""
        rows = []
        for token in tokens:
            cache.length += 1
            cache.row = (3 * cache.row + token + 5 * cache.length) % len(self.table)
            rows.append(cache.row)
        return rows

    def __repr__(self) -> str:
        return "model"


def write_cached(model: Any, ids: list[int], max_new_tokens: int, choose: Choose) -> list[int]:
    """The new tokens; the prompt is read once, and every new token alone."""
    return _write(model, ids, max_new_tokens, choose)


def _write(
    model: Any, ids: list[int], most: int, choose: Choose, *, wrong: Wrong = frozenset()
) -> list[int]:
    """The loop, with a bend where a wrong turn wants one."""
    caches, new = model.make_caches(1), []
    caches = caches[:1] * len(caches) if "shared" in wrong else caches
    given = ids[:1] if "prompt's start alone" in wrong else [*ids]
    if wrong & {"read twice", "prompt twice"}:
        model(torch.tensor([given]), caches=caches)
        given = given[-1:] if "read twice" in wrong else given
    most += ("one too many" in wrong) - ("one too few" in wrong)
    choose = likeliest if "greedy" in wrong else choose
    if wrong & {"prompt cut", "prompt's end alone"}:
        given = (given[:-1] or given) if "prompt cut" in wrong else given[-1:]
    while len(new) < most:
        if "cleared" in wrong:
            caches = model.make_caches(1)
        logits = model(torch.tensor([given]), caches=caches)
        new.append(choose(logits[0, 0 if "first place" in wrong else -1]))
        if "two at a time" in wrong:
            given = [*ids, *new][-2:]
        elif "a token late" in wrong:
            given = [*ids, *new][-2:-1]
        elif "all again" in wrong:
            given = [*ids, *new]
        elif "new again" in wrong:
            given = [*new]
        elif "prompt again" in wrong:
            given = [*ids, new[-1]]
        else:
            given = new[-1:]
    return [*ids, *new] if "with prompt" in wrong else new


_SAID = {
    "read twice": "The last token of the prompt is still read twice: reading the prompt scores the "
    "first new token already, and what is read again is kept again.",
    "prompt cut": "The last token of the prompt is never read: the cache needs every token once.",
    "prompt's end alone": "Only the last token of the prompt is read: the cache needs every token "
    "once.",
    "prompt's start alone": "Only the first token of the prompt is read: the cache needs every "
    "token once.",
    "prompt twice": "The whole prompt is read twice, and so kept twice: once is enough.",
    "one too many": "There is a token too many: max_new_tokens of them.",
    "one too few": "There is a token too few: max_new_tokens of them.",
    "greedy": "You took the likeliest token yourself: let `choose` decide.",
    "two at a time": "The last two tokens are read at each step, so most are kept twice: the new "
    "one alone.",
    "a token late": "The token before the newest is read at each step: it is the newest that the "
    "cache lacks.",
    "all again": "The whole text is read at each step, behind what the cache keeps: the new token "
    "alone.",
    "new again": "All the new tokens are read at each step, and so kept again: the newest alone.",
    "prompt again": "The prompt is read at each step, behind what the cache keeps: the new token "
    "alone.",
    "cleared": "The model knows the newest token alone: make the caches once, before the loop, and "
    "give them each time, caches=caches.",
    "shared": "All layers got the same cache, so each token is kept once for each of them: every "
    "layer has its own, as make_caches makes them.",
    "first place": "You read the scores at the first place: the next token is scored at the last, "
    "logits[0, -1].",
    "with prompt": "The prompt is returned as well: return the new tokens alone.",
}
UNCACHED = (
    "The text is right, but it was read anew for each token: read the prompt once, and then each "
    "new token alone."
)


KEPT_ON = (
    "The first text is right, and the same call once more gives another one: what was kept of the "
    "first is still there. Make the caches anew in each call."
)


def read_once(answer: Callable[..., Any], model: CachedModel, ids: list[int], *rest: Any) -> Any:
    """How to call an answer that has to use the cache: it reads no token much more than once.

    It writes twice with one model, as the chapter does, and the second text must be the first.
    """
    other, prompt, others = copy.deepcopy((model, ids, rest))
    second = copy.deepcopy((ids, rest))
    result = answer(model, ids, *rest)
    too_much = model.n_read > len(prompt) + rest[0]
    if difference(write_cached(other, prompt, *others), result):
        return result
    if too_much:
        return Remark(UNCACHED)
    model.n_read = 0
    again = answer(model, second[0], *second[1])
    return Remark(KEPT_ON) if difference(result, again) else result


def _caches_kept_on(model: Any, ids: list[int], most: int, choose: Choose) -> list[int]:
    caches, new, given = vars(model).setdefault("kept", model.make_caches(1)), [], ids
    while len(new) < most:
        new.append(choose(model(torch.tensor([given]), caches=caches)[0, -1]))
        given = new[-1:]
    return new


def _uncached(model: Any, ids: list[int], most: int, choose: Choose) -> list[int]:
    new: list[int] = []
    while len(new) < most:
        new.append(choose(model(torch.tensor([ids + new]))[0, -1]))
    return new


def _prompt_cut_unasked(model: Any, ids: list[int], most: int, choose: Choose) -> list[int]:
    caches, text = model.make_caches(1), [*ids]
    model(torch.tensor([ids[:-1]]), caches=caches)
    for _ in range(most):
        text.append(choose(model(torch.tensor([text[-1:]]), caches=caches)[0, -1]))
    return text[len(ids) :]


def _first_new_again(model: Any, ids: list[int], most: int, choose: Choose) -> list[int]:
    caches, new, given = model.make_caches(1), [], ids
    while len(new) < most:
        new.append(choose(model(torch.tensor([given]), caches=caches)[0, -1]))
        given = new[:1]
    return new


def _prompt_beside_the_caches(model: Any, ids: list[int], most: int, choose: Choose) -> list[int]:
    caches, new, logits = model.make_caches(1), [], model(torch.tensor([ids]))[0, -1]
    while len(new) < most:
        new.append(choose(logits))
        logits = model(torch.tensor([new[-1:]]), caches=caches)[0, -1]
    return new


def _prompt_but_its_end(model: Any, ids: list[int], most: int, choose: Choose) -> list[int]:
    caches, text = model.make_caches(1), [*ids]
    if ids[:-1]:
        model(torch.tensor([ids[:-1]]), caches=caches)
    for _ in range(most):
        text.append(choose(model(torch.tensor([text[-1:]]), caches=caches)[0, -1]))
    return text[len(ids) :]


def _what_is_missing(model: Any, ids: list[int], most: int, choose: Choose) -> list[int]:
    caches, text = model.make_caches(1), [*ids]
    while len(text) < len(ids) + most:
        missing = text[len(caches[0]) :]
        text += [choose(model(torch.tensor([missing]), caches=caches)[0, -1])]
    return text[len(ids) :]


def _token_by_token(model: Any, ids: list[int], most: int, choose: Choose) -> list[int]:
    caches = model.make_caches(1)
    logits = [model(torch.tensor([[token]]), caches=caches)[0, -1] for token in ids][-1]
    new: list[int] = []
    for _ in range(most):
        new.append(choose(logits))
        logits = model(torch.tensor([new[-1:]]), caches=caches)[0, -1]
    return new


CACHED = Exercise(
    id="8.10",
    title="Find the bug: one token twice",
    minutes=12,
    stars=2,
    reference=write_cached,
    probes=[
        (CachedModel(5, seed=81), [2, 0, 3], 3, likeliest),
        (CachedModel(4, seed=82), [1], 4, second),
        (CachedModel(6, seed=83), [4, 4, 1, 5], 7, likeliest),
        (CachedModel(5, seed=84), [3, 1], 0, likeliest),
        (CachedModel(6, seed=85), [0, 2, 5], 9, Dice()),
        (CachedModel(4, seed=86), [2, 2], 1, second),
    ],
    mistakes=alone(_write, _SAID)
    | {
        UNCACHED: _uncached,
        KEPT_ON: _caches_kept_on,
        "A token is chosen before you ask how many are wanted: for max_new_tokens = 0 there is "
        "none.": lambda model, ids, most, choose: _write(model, ids, max(most, 1), choose),
        "The prompt without its last token is empty where it has one, and the model reads one "
        "token at least: leave that call out there.": _prompt_cut_unasked,
        "The first new token is read at every step: the newest, new[-1:].": _first_new_again,
        "The prompt was read without the caches, and so they lack it: caches=caches in that call "
        "too.": _prompt_beside_the_caches,
    },
    alternatives={
        "all but the prompt's end first": _prompt_but_its_end,
        "what the cache lacks": _what_is_missing,
        "token by token": _token_by_token,
    },
    call=read_once,
)
