"""A tokenizer laid open, as the files of other programs keep it: tokens, merges, split, marks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import tiktoken

from utils.llm.tokenizer.bpe import merges
from utils.llm.tokenizer.splits import SPLITS

__all__ = ["CLOSING", "Vocabulary", "check_size", "letters_of_bytes", "open_encoding"]

CLOSING = ".,:?"
"""The marks of a text in whole words that stand without a space before them."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """`tokens[i]` is what token i stands for, `marks` the numbers of those that are no text.

    In byte-level BPE a token's bytes are written in GPT-2's letters, `merges` are in the order
    learned, and `split`, a name of SPLITS, says how a text is cut before. Where `split` is empty,
    tokens are whole words. `bos_id` begins a text (before every one where `begins`), `eos_id` ends
    it; `template` frames a conversation, in the language Jinja.
    """

    tokens: Sequence[str]
    marks: Collection[int]
    merges: Sequence[tuple[str, str]] = ()
    split: str = ""
    bos_id: int | None = None
    eos_id: int | None = None
    begins: bool = False
    template: str | None = None

    def text_of(self, token: int | None) -> str:
        """The text of a mark; empty for None."""
        return "" if token is None else self.tokens[token]


def open_encoding(
    encoding: tiktoken.Encoding,
    bos_id: int | None = None,
    eos_id: int | None = None,
    *,
    begins: bool = False,
    template: str | None = None,
) -> Vocabulary:
    """The parts of a byte-level BPE.

    Raises ValueError for a split of one's own, which other programs don't know, and for an
    encoding that BPE has not learned (see `merges`).
    """
    split = next((name for name, cut in SPLITS.items() if cut == encoding._pat_str), None)
    if split is None:
        raise ValueError(f"The tokenizer {encoding.name} cuts texts in a way of its own.")
    letters = letters_of_bytes()

    def written(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    count = encoding.n_vocab
    ranks = {written(t): i for t, i in encoding._mergeable_ranks.items() if i < count}
    tokens = [f"<|unused {i}|>" for i in range(count)]
    for token, i in {**encoding._special_tokens, **ranks}.items():
        tokens[i] = token
    learned = [(written(left), written(right)) for (left, right), _ in merges(encoding)]
    marks = set(range(count)).difference(ranks.values())
    return Vocabulary(tokens, marks, learned, split, bos_id, eos_id, begins, template)


def check_size(rows: int, vocabulary: Vocabulary) -> None:
    """Raises ValueError where a model of so many tokens lacks some of the vocabulary's."""
    if rows < len(vocabulary.tokens):
        raise ValueError(
            f"The model knows {rows:,} tokens and the tokenizer {len(vocabulary.tokens):,}: they "
            "don't belong together."
        )


def letters_of_bytes() -> dict[int, str]:
    """GPT-2's files write each byte as a letter that can be seen: its own, or one from 256 on.

    >>> letters = letters_of_bytes()
    >>> letters[65], letters[32], len(letters)
    ('A', 'Ġ', 256)
    """
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {
        byte: chr(256 + place) for place, byte in enumerate(hidden)
    }
