"""Small sums told in words: answered at once, or step by step, and put to the vote."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from utils.data.texts.models import TextModel
from utils.data.wild.secret import replies

__all__ = ["WAYS", "answer_of", "problems", "votes", "written"]

_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
WAYS = {
    "at once": (" Answer with the number only.", 8),
    "step by step": (" Think step by step, and give the answer at the end.", 160),
}


def problems(n: int, seed: int = 0) -> list[tuple[str, int]]:
    """So many sums a + b − c in words, each with its answer, from 1 to 15."""
    draw = random.Random(f"sums in words {seed}")
    found = []
    for _ in range(n):
        name, thing = draw.choice(["Mina", "Tom", "Ada"]), draw.choice(["kites", "shells", "books"])
        a, b = draw.randint(2, 9), draw.randint(2, 9)
        c = draw.randint(1, min(6, a + b - 1))
        told = f"{name} has {_NUMBERS[a]} {thing}. {name} gets {_NUMBERS[b]} more"
        told += f" and then gives {_NUMBERS[c]} away. How many {thing} does {name} have now?"
        found.append((told, a + b - c))
    return found


def answer_of(reply: str) -> int | None:
    """The last number of a reply, in digits or in words; None where it has none.

    >>> answer_of("8 + 3 = 11, so eleven minus two is 9.")
    9
    """
    words = re.findall(r"\d+|[a-z]+", reply.lower().replace(",", ""))
    numbers = [w for w in words if w.isdecimal() or w in _NUMBERS]
    if not numbers:
        return None
    return int(numbers[-1]) if numbers[-1].isdecimal() else _NUMBERS.index(numbers[-1])


def written(
    opened: TextModel, way: str, asked: Sequence[tuple[str, int]], n: int
) -> list[list[str]]:
    """n drawn replies to each problem."""
    order, most = WAYS[way]
    return replies(
        opened, [[{"role": "user", "content": told + order}] for told, _ in asked], n, most
    )


def votes(asked: Sequence[tuple[str, int]], texts: Sequence[Sequence[str]]) -> list[list]:
    """For each problem its right answer, and what its replies say."""
    said = [[answer_of(text) for text in some] for some in texts]
    return [[truth, answers] for (_, truth), answers in zip(asked, said, strict=True)]
