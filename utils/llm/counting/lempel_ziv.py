"""Compressors as language models: a code that is short for a text has predicted it well.

A symbol of probability p costs −log₂ p bits in an ideal code, so every compressor has a
distribution of the next symbol inside, and every language model is a compressor.
"""

from __future__ import annotations

import copy
import gzip
import math
import random

N_BYTES = 256
_ROOT = 0


def lz78_phrases(text: str) -> list[str]:
    """Cut `text` as Ziv and Lempel (1978) do: each phrase is an earlier one and a character more.

    Only the last phrase, where the text ends, may be an old one. A regular text has few phrases.

    >>> lz78_phrases("abababababa")
    ['a', 'b', 'ab', 'aba', 'ba', 'ba']
    """
    known = {""}
    phrases, phrase = [], ""
    for character in text:
        phrase += character
        if phrase not in known:
            known.add(phrase)
            phrases.append(phrase)
            phrase = ""
    return phrases + [phrase] * bool(phrase)


def lz78_code_length(text: str) -> float:
    """The bits of the code of Ziv and Lempel (1978) for `text`, over its bytes in UTF-8.

    Phrase number n is written as the number of the phrase that it extends, one of n with the empty
    one, and as its new byte: log2(n) + 8 bits. A last phrase that is an old one needs no new byte.

    >>> lz78_code_length("ab") == 8 + (1 + 8)
    True
    """
    phrases = lz78_phrases(_as_bytes(text).decode("latin-1"))  # a character for every byte
    bits = sum(math.log2(n) + 8 for n in range(1, len(phrases) + 1))
    ends_on_an_old_one = len(set(phrases)) < len(phrases)
    return bits - 8 * ends_on_an_old_one


class LZ78:
    """The phrase tree of Ziv and Lempel (1978) as a model that predicts the next byte.

    Langdon (1983) saw that the tree predicts: a node is a context, and how often its branches were
    taken says what follows it. Two things are added here to the code of 1978, which forgets all
    context where a phrase ends, and spends 8 bits on every byte that is new to a phrase. After a
    new phrase the walk goes on from an end of it that is in the tree, not from the root; and the
    counts of a node are smoothed with those of such an end, as in `NGramModel`:

        p(b | node) = (count(node, b) + strength · p(b | end)) / (count(node) + strength)

    down to the root and, below it, the uniform distribution over the 256 bytes. (The end is the
    longest that was found when the phrase was new.) The more a text repeats itself, the longer its
    contexts become.

    >>> model = LZ78().learn("abc" * 20)
    >>> model.code_length("abc") < 1 < 20 < model.code_length("xyz")
    True
    """

    def __init__(self, strength: float = 2.0) -> None:
        if not (math.isfinite(strength) and strength > 0):
            raise ValueError(f"strength is {strength}; it must be a number above 0.")
        self.strength = float(strength)
        self._branches: list[dict[int, int]] = [{}]  # of every node: byte -> node
        self._taken = [0]  # how often the branch that leads to a node was taken
        self._left = [0]  # how often a node was left, by any of its branches
        self._end = [_ROOT]  # a node for a proper end of a node's string
        self._node = _ROOT

    @property
    def n_phrases(self) -> int:
        """The number of phrases in the tree."""
        return len(self._branches) - 1

    def learn(self, text: str) -> LZ78:
        """Read `text` on from where the last one ended; returns the model itself."""
        for byte in _as_bytes(text):
            self._read(byte)
        return self

    def code_length(self, text: str) -> float:
        """The bits of an ideal code for `text`, coming next; it learns from `text` as it goes.

        The model itself stays as it was: a copy does the learning.
        """
        reader = self._copy()
        bits = 0.0
        for byte in _as_bytes(text):
            bits -= math.log2(reader._chance(byte))
            reader._read(byte)
        return bits

    def next_symbol(self, context: str | None = None) -> list[float]:
        """The probability of each of the 256 bytes to come next; sums to 1.

        After `context`, or without one after all that was learned.
        """
        start = self._node if context is None else self._walk(_ROOT, _as_bytes(context))
        return self._chances(start)

    def write(self, n_bytes: int, context: str = "", seed: int = 0) -> str:
        """`n_bytes` drawn byte by byte after `context`; bytes that are no UTF-8 become U+FFFD."""
        draw = random.Random(seed)
        node, written = self._walk(_ROOT, _as_bytes(context)), bytearray()
        for _ in range(n_bytes):
            written += bytes(draw.choices(range(N_BYTES), self._chances(node)))
            node = self._walk(node, written[-1:])
        return written.decode("utf-8", errors="replace")

    def _chances(self, node: int) -> list[float]:
        """The probability of every byte at `node`, from it and its ends down to the root."""
        chances, rest = [0.0] * N_BYTES, 1.0
        while True:
            total = self._left[node] + self.strength
            for byte, branch in self._branches[node].items():
                chances[byte] += rest * self._taken[branch] / total
            rest *= self.strength / total
            if node == _ROOT:
                return [chance + rest / N_BYTES for chance in chances]
            node = self._end[node]

    def _chance(self, byte: int) -> float:
        """The same for one byte, here: the whole list would take 256 times the work."""
        node, chance, rest = self._node, 0.0, 1.0
        while True:
            total = self._left[node] + self.strength
            if (branch := self._branches[node].get(byte)) is not None:
                chance += rest * self._taken[branch] / total
            rest *= self.strength / total
            if node == _ROOT:
                return chance + rest / N_BYTES
            node = self._end[node]

    def _read(self, byte: int) -> None:
        node = self._node
        self._left[node] += 1
        branch = self._branches[node].get(byte)
        if branch is not None:
            self._taken[branch] += 1
            self._node = branch
            return
        end = self._walk(self._end[node], bytes([byte])) if node != _ROOT else _ROOT
        self._branches[node][byte] = len(self._taken)
        self._branches.append({})
        self._taken.append(1)
        self._left.append(0)
        self._end.append(end)
        self._node = end

    def _walk(self, node: int, context: bytes) -> int:
        """Where `context` leads from `node`, by way of shorter ends where a branch is missing."""
        for byte in context:
            while byte not in self._branches[node] and node != _ROOT:
                node = self._end[node]
            node = self._branches[node].get(byte, _ROOT)
        return node

    def _copy(self) -> LZ78:
        twin = copy.copy(self)
        twin._branches = [dict(branches) for branches in self._branches]
        twin._taken, twin._left, twin._end = self._taken[:], self._left[:], self._end[:]
        return twin


def bits_per_word(train: str, text: str, strength: float = 2.0) -> float:
    """Bits a word that `LZ78` spends on `text` when it has read `train`.

    Words are what white space separates; the bits of the white space are counted with them.
    """
    n_words = _count_words(text)
    return LZ78(strength).learn(train).code_length(text) / n_words


def lz78_bits_per_word(train: str, text: str) -> float:
    """Bits a word that the code of 1978 spends on `text` when it has read `train`.

    (length of the code of train and text − length for train) / words of `text`. Unlike
    `bits_per_word`, this is the code as published, with nothing added.
    """
    n_words = _count_words(text)
    return (lz78_code_length(train + text) - lz78_code_length(train)) / n_words


def gzip_bits_per_word(train: str, text: str) -> float:
    """Bits a word that gzip spends on `text` when it has read `train`.

    8 · (size of train and text − size of train) / words of `text`. DEFLATE looks back 32 kB at most
    (RFC 1951), so only the end of a long `train` helps. Versions of zlib differ by some bytes:
    round before printing.
    """
    n_words = _count_words(text)
    before, after = _as_bytes(train), _as_bytes(train) + _as_bytes(text)
    return 8 * (_gzip_size(after) - _gzip_size(before)) / n_words


def _gzip_size(content: bytes) -> int:
    return len(gzip.compress(content, compresslevel=9, mtime=0))


def _as_bytes(text: str) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"The text must be a str, not {type(text).__name__}.")
    return text.encode("utf-8")


def _count_words(text: str) -> int:
    n_words = len(_as_bytes(text).split())
    if not n_words:
        raise ValueError("The text holds no word to divide the bits by; give at least one.")
    return n_words
