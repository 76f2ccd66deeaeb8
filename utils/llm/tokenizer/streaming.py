"""From tokens to text while they come: only what is whole is shown."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import tiktoken
from torch import Tensor

__all__ = ["Decoder", "TextDecoder", "WordDecoder", "stream_text"]


class Decoder(Protocol):
    """What `stream_text` needs: pieces of text for tokens, and the rest at the end."""

    def push(self, token: int) -> str:
        """The text that can be shown now that this token is known."""

    def flush(self) -> str:
        """What was held back, at the end of the text."""


class TextDecoder:
    """Text for the tokens of an encoding, which may end in the middle of a character.

    A token of BPE is a piece of bytes, and a character of UTF-8 has one to four of them: 안 has
    three. `push` keeps the bytes of an unfinished character until it is whole. All pieces together
    are exactly `encoding.decode(ids)`; bytes that are no character become � as soon as that is
    certain, and what is left unfinished at the end does so in `flush`.

    >>> from utils.llm.tokenizer.bpe import train_bpe
    >>> decoder = TextDecoder(train_bpe("", 257))
    >>> [decoder.push(byte) for byte in "é!".encode()]
    ['', 'é', '!']
    """

    def __init__(self, encoding: tiktoken.Encoding) -> None:
        self._encoding = encoding
        self._bytes = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token: int) -> str:
        """The text that is whole now; "" in the middle of a character.

        A model can have rows for more tokens than its tokenizer knows: those become �.
        """
        try:
            piece = self._encoding.decode_single_token_bytes(int(token))
        except (KeyError, OverflowError):
            return self.flush() + "�"
        return self._bytes.decode(piece)

    def flush(self) -> str:
        """What was held back, as �; the decoder can then begin another text."""
        rest = self._bytes.decode(b"", final=True)
        self._bytes.reset()
        return rest


class WordDecoder:
    """Text for tokens that are words: a space between two, none before a mark that closes.

    >>> decoder = WordDecoder(["Mina", "sings", ".", ","])
    >>> "".join(decoder.push(i) for i in (0, 1, 2, 0))
    'Mina sings. Mina'
    """

    def __init__(self, vocabulary: Sequence[str], closing: str = ".,;:!?)") -> None:
        self._vocabulary, self._closing = vocabulary, frozenset(closing)
        self._begun = False

    def push(self, token: int) -> str:
        """The word, with the space before it. Raises IndexError for no token."""
        if not 0 <= token < len(self._vocabulary):
            raise IndexError(f"{token} is no id of a vocabulary of {len(self._vocabulary)} words.")
        word = self._vocabulary[token]
        space = " " if self._begun and word not in self._closing else ""
        self._begun = True
        return space + word

    def flush(self) -> str:
        """Nothing, words are always whole; the decoder can then begin another text."""
        self._begun = False
        return ""


def stream_text(tokens: Iterable[Tensor | int], decoder: Decoder, row: int = 0) -> Iterator[str]:
    """Pieces of text for one row of what `generate` yields, each as soon as it can be shown.

    Ends with the row: at the first token below 0, or with the tokens. No piece is empty.

    >>> list(stream_text([1, 0, -1, -1], WordDecoder(["sings", "Mina"])))
    ['Mina', ' sings']
    """
    for each in tokens:
        token = int(each.reshape(-1)[row]) if isinstance(each, Tensor) else each
        if token < 0:
            break
        if piece := decoder.push(token):
            yield piece
    if rest := decoder.flush():
        yield rest
