"""How an answer that appends to a cache is called, and what is kept of it."""

from __future__ import annotations

import dis
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from utils.course.checking.compare import Remark

KeysAndValues = tuple[Tensor, Tensor]


class NotAsItWas(Exception):
    """Raised where a refused append has changed the cache; one kind for each way to do so."""


class LengthMoved(NotAsItWas):
    """The length is another."""


class MemoryWritten(NotAsItWas):
    """There is something new in the memory."""


class BothChanged(NotAsItWas):
    """The length is another, and there is something new in the memory."""


def refused(cache: Any, memory: Tensor, before: tuple[int, Tensor]) -> None:
    """Raise what says how a cache that refused an append differs from before, if it does."""
    moved, written = cache.length != before[0], not torch.equal(memory, before[1])
    if moved or written:
        kind = BothChanged if moved and written else LengthMoved if moved else MemoryWritten
        what = "cache.length" if moved else "what is in its memory"
        raise kind(f"the append was refused, but {what} is not as it was before")


ROOM = "there is room for it: the new end, cache.length + k.shape[2], must not pass the room."


WHOLE_ROOM = (
    "The whole room was returned, empty places too, and zeros take part in a softmax: return the "
    "first cache.length tokens."
)
BEHIND_THE_ROOM = (
    "The new tokens were put behind the whole room, and its zeros stand between: write them into "
    "it, at cache.length."
)
NEW_ALONE = "Only the new tokens were returned: the next query looks at all of them."


def _of_another_length(keys: Any, kept: int, new: Tensor, room: int) -> Remark | None:
    """What a number of returned tokens tells that is not all there are: at once, or not at all."""
    n = new.shape[2]
    lengths = {room: WHOLE_ROOM, room + n: BEHIND_THE_ROOM, n: NEW_ALONE}
    if (
        not isinstance(keys, Tensor)
        or keys.ndim != 4
        or keys.shape[2] == kept
        or keys.shape[:2] != new.shape[:2]
    ):
        return None
    return Remark(lengths[keys.shape[2]]) if keys.shape[2] in lengths else None


def appended(answer: Callable[..., Any], room: int, chunks: list[KeysAndValues]) -> Any:
    """Append chunk after chunk to an empty cache: what came back, and what is in its memory.

    Raises the answer's ValueError where there is no room, if the cache is as before, else a
    NotAsItWas. Where there is room, a remark on the refusal.
    """
    batch, heads, _, width = chunks[0][0].shape
    memory = torch.zeros(2, batch, heads, room, width)
    cache = SimpleNamespace(keys=memory[0], values=memory[1], length=0)
    found: list[Any] = []
    kept = 0
    for k, v in chunks:
        before = cache.length, memory.clone()
        try:
            got = answer(cache, k, v)
        except ValueError as error:
            if kept + k.shape[2] > room:
                refused(cache, memory, before)
            elif meant(error):
                return Remark(f"Append number {len(found) + 1} was refused, and {ROOM}")
            raise
        kept += k.shape[2]
        if not isinstance(got, tuple | list) or len(got) != 2:
            return got
        keys, values = (x.clone() if isinstance(x, Tensor) else x for x in got)
        said = _of_another_length(keys, kept, k, room)
        sound_so_far = all(len(old) == 3 and old[0].shape[2] == old[2] for old in found)
        if said and sound_so_far and (said == BEHIND_THE_ROOM or cache.length == kept):
            return said
        found.append((keys, values, cache.length))
    return found, memory


def meant(error: ValueError) -> bool:
    """Whether an error comes from a `raise` and not from a line that went wrong."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    if not place:
        return False
    code = place.tb_frame.f_code.co_code
    return dis.opname[code[place.tb_lasti]] == "RAISE_VARARGS"
