"""Stories as token ids: a token is a whole word, 0 is the end mark.

A model reads one long stream, END w1 w2 … END w1 w2 … END: the mark that ends a story is also what
stands before the next one, so the first word of every story is predicted from END too.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from utils.data.storyworld import world as storyworld

__all__ = ["END", "END_ID", "VOCABULARY", "decode", "encode", "stream"]

END = storyworld.END
END_ID = 0
#: What each id stands for: the end mark, then every word of the story world, sorted.
VOCABULARY: tuple[str, ...] = (END, *storyworld.VOCABULARY)
_NUMBER = {word: number for number, word in enumerate(VOCABULARY)}
# Prose has no space before a full stop; the words of a story always have one.
_WORD = re.compile(rf"{re.escape(END)}|[.,:?]|[^\s.,:?]+")


def encode(words: str | Sequence[str]) -> list[int]:
    """The ids of words, or of a text that holds them, spaced as words or written as prose.

    Nothing is added: a prompt begins with END_ID only where the caller puts it there.
    Raises ValueError naming the first word that the story world does not have.

    >>> encode("Mina had a blue kite .") == encode("Mina had a blue kite.")
    True
    >>> decode(encode("Mina had a blue kite ."))
    ['Mina', 'had', 'a', 'blue', 'kite', '.']
    """
    found = _WORD.findall(words) if isinstance(words, str) else list(words)
    known = f"the {len(VOCABULARY) - 1} words of the story world"
    return look_up(found, _NUMBER, f"{known}, listed in utils.data.storyworld.tokens.VOCABULARY")


def look_up(words: Sequence[str], number: Mapping[str, int], known: str) -> list[int]:
    """The number of every word; ValueError names the first that has none, and what is known."""
    for word in words:
        if word not in number:
            near = difflib.get_close_matches(word, number, n=3, cutoff=0.7)
            meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise ValueError(f"The model doesn't know the word {word!r}.{meant} It knows {known}.")
    return [number[word] for word in words]


def decode(ids: Iterable[int] | Int[Tensor, "T"]) -> list[str]:
    """The words of ids, the end mark among them; `storyworld.prose` renders words for reading.

    Raises ValueError for an id outside the vocabulary.
    """
    numbers = ids.tolist() if isinstance(ids, Tensor) else [int(number) for number in ids]
    for number in numbers:
        if not 0 <= number < len(VOCABULARY):
            raise ValueError(f"{number} is no id: ids go from 0 to {len(VOCABULARY) - 1}.")
    return [VOCABULARY[number] for number in numbers]


def stream(stories: Iterable[str | Sequence[str]]) -> Int[Tensor, "N"]:
    """One row of ids for all stories: END before each of them and after the last.

    >>> stream(["A duck .", "Mina had"]).eq(END_ID).int().tolist()
    [1, 0, 0, 0, 1, 0, 0, 1]
    """
    ids = [END_ID]
    for story in stories:
        ids.extend(encode(story))
        ids.append(END_ID)
    return torch.tensor(ids, dtype=torch.int64)
