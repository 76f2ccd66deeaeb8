"""The exercises of chapter 02, Text, tokens, chances."""

from __future__ import annotations

from collections.abc import Sequence

from utils.course.exercise import Exercise
from utils.llm import tokenizer

Pair = tuple[int, int]


def _merge_first_only(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    for i in range(len(ids) - 1):
        if (ids[i], ids[i + 1]) == tuple(pair):
            return [*ids[:i], new_id, *ids[i + 2 :]]
    return list(ids)


def _merge_overlapping(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    merged: list[int] = []
    i = 0
    while i < len(ids):
        if i + 1 < len(ids) and (ids[i], ids[i + 1]) == tuple(pair):
            merged.append(new_id)
            following = i + 2 < len(ids) and (ids[i + 1], ids[i + 2]) == tuple(pair)
            i += 1 if following else 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


def _merge_from_the_right(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    merged: list[int] = []
    i = len(ids) - 1
    while i >= 0:
        if i > 0 and (ids[i - 1], ids[i]) == tuple(pair):
            merged.append(new_id)
            i -= 2
        else:
            merged.append(ids[i])
            i -= 1
    return merged[::-1]


def _merge_without_skipping(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    pairs = zip(ids, [*ids[1:], None], strict=True)
    return [new_id if (a, b) == tuple(pair) else a for a, b in pairs]


def _merge_loses_the_end(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    merged: list[int] = []
    i = 0
    while i < len(ids) - 1:
        hit = (ids[i], ids[i + 1]) == tuple(pair)
        merged.append(new_id if hit else ids[i])
        i += 2 if hit else 1
    return merged


def _merge_either_order(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    merged: list[int] = []
    i = 0
    while i < len(ids):
        if i + 1 < len(ids) and {ids[i], ids[i + 1]} == set(pair):
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


def _merge_with_a_stack(ids: Sequence[int], pair: Pair, new_id: int) -> tuple[int, ...]:
    stack: list[int] = []
    for token in ids:
        if stack and (stack[-1], token) == tuple(pair):
            stack[-1] = new_id
        else:
            stack.append(token)
    return tuple(stack)


def _merge_by_recursion(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    if len(ids) < 2:
        return list(ids)
    if (ids[0], ids[1]) == tuple(pair):
        return [new_id, *_merge_by_recursion(ids[2:], pair, new_id)]
    return [ids[0], *_merge_by_recursion(ids[1:], pair, new_id)]


MERGE_A_PAIR = Exercise(
    id="2.3",
    title="Merge a pair",
    minutes=10,
    stars=2,
    reference=tokenizer.merge_pair,
    probes=[
        ([], (1, 2), 9),
        ([1], (1, 2), 9),
        ([1, 2], (1, 2), 9),
        ([2, 1], (1, 2), 9),
        ([1, 2, 3], (1, 2), 9),
        ([3, 1, 2], (1, 2), 9),
        ([1, 2, 1, 2], (1, 2), 9),
        ([1, 1, 1], (1, 1), 9),
        ([1, 1, 1, 1], (1, 1), 9),
        ([5, 1, 1, 1, 1, 1, 2, 1], (1, 1), 300),
        (list("banana".encode()), (97, 110), 256),
        (list("하하하호".encode()), (0xED, 0x95), 256),
        ([4, 7, 4, 7, 7, 4, 4, 7], (4, 7), 256),
    ],
    mistakes={
        "Only the first occurrence was merged. Go on to the end of the list: every "
        "occurrence of the pair becomes the new id.": _merge_first_only,
        "Two merges share a token. After a merge step over both of its tokens: "
        "[1, 1, 1] holds one merge of (1, 1) and a 1 that is left over.": _merge_overlapping,
        "You merge from the right. Read from left to right: in [1, 1, 1] the first "
        "two are merged and the last is left over.": _merge_from_the_right,
        "The second token of the pair is still there behind the new id. Move on by two "
        "places after a merge, by one otherwise.": _merge_without_skipping,
        "The last token is lost when it is not part of a merge. Let the loop reach the last "
        "position, and look ahead only where there is a next token.": _merge_loses_the_end,
        "You also merged the pair the other way round. (1, 2) and (2, 1) are different "
        "pairs: compare in order.": _merge_either_order,
    },
    alternatives={
        "a stack that gives a tuple": _merge_with_a_stack,
        "recursion": _merge_by_recursion,
    },
)

EXERCISES: list[Exercise] = [MERGE_A_PAIR]
