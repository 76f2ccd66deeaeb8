"""Byte-level byte-pair encoding: a fast trainer that makes a real `tiktoken.Encoding`.

The algorithm (Gage 1994; Sennrich, Haddow and Birch 2016; bytes and the split pattern as in GPT-2,
Radford et al. 2019): cut the text into chunks, start from the 256 bytes, and again and again join
the most frequent pair of neighbours into a new token.

Ids: the 256 bytes in byte order, then the merges in the order in which they were learned, then the
special tokens in the order given. tiktoken joins, of all neighbours in a chunk, those whose joint
bytes have the lowest id; that equals applying the merges one after the other. For two merges never
give the same bytes: as long as no token crosses either end of a stretch of bytes, what happens
between the ends depends on nothing outside, so equal stretches are always cut alike.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import regex
import tiktoken

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
"""GPT-2's way to cut text into chunks, as tiktoken writes it: a contraction, or letters, digits or
other signs with at most one space before them, or white space. No token ever crosses a chunk."""

ENDOFTEXT = "<|endoftext|>"
N_BYTES = 256

#: Where tiktoken has GPT-2's merges and ids from.
_GPT2 = "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/"
_GPT2_FILES = (f"{_GPT2}vocab.bpe", f"{_GPT2}encoder.json")

Pair = tuple[int, int]


def count_pairs(ids: Sequence[int]) -> Counter[Pair]:
    """How often each pair of neighbours could be merged in `ids`.

    Where a run of one id overlaps itself, only the merges that can really happen count, from the
    left: a run of n equal ids holds n // 2 of them, not n − 1.

    >>> count_pairs([1, 2, 1, 2, 3])
    Counter({(1, 2): 2, (2, 1): 1, (2, 3): 1})
    >>> count_pairs([7, 7, 7])
    Counter({(7, 7): 1})
    """
    counts: Counter[Pair] = Counter()
    taken: Pair | None = None
    for pair in pairwise(ids):
        if pair == taken:  # its first id belongs to the merge just counted
            taken = None
            continue
        counts[pair] += 1
        taken = pair if pair[0] == pair[1] else None
    return counts


def merge_pair(ids: Sequence[int], pair: Pair, new_id: int) -> list[int]:
    """`ids` with every occurrence of `pair`, taken from the left, replaced by `new_id`.

    >>> merge_pair([7, 7, 7, 8], (7, 7), 9)
    [9, 7, 8]
    """
    merged: list[int] = []
    i = 0
    while i < len(ids):
        if i + 1 < len(ids) and (ids[i], ids[i + 1]) == tuple(pair):
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


def bpe_step(ids: Sequence[int], new_id: int) -> tuple[Pair, list[int]]:
    """One step of the trainer on one sequence: the pair that it merges, and the sequence after it.

    The pair is the most frequent one; among equals, the one with the smallest ids.

    >>> bpe_step([3, 1, 2, 3, 1], 256)
    ((3, 1), [256, 2, 256])
    """
    counts = count_pairs(ids)
    if not counts:
        raise ValueError(f"{len(ids)} id(s) hold no pair to merge; give at least two ids.")
    pair = min(counts, key=lambda candidate: (-counts[candidate], candidate))
    return pair, merge_pair(ids, pair, new_id)


class _Merger:
    """All distinct chunks in one row of ids, linked in both directions, with every pair's places.

    A merge touches only the places of its pair. Counts of old pairs can only fall, so the heap
    holds upper bounds: a pair on top whose count has fallen is put back with its true count.
    """

    def __init__(self, chunks: dict[bytes, int]) -> None:
        self.ids = [-1]  # −1 is a border: no pair reaches across it
        self.weight = [0]
        for chunk, count in chunks.items():
            self.ids.extend(chunk)
            self.ids.append(-1)
            self.weight.extend([count] * (len(chunk) + 1))
        self.before = list(range(-1, len(self.ids) - 1))
        self.after = list(range(1, len(self.ids) + 1))
        self.counts: defaultdict[Pair, int] = defaultdict(int)
        self.places: defaultdict[Pair, list[int]] = defaultdict(list)
        for place, pair in enumerate(pairwise(self.ids)):
            if pair[0] >= 0 and pair[1] >= 0:
                self.counts[pair] += self.weight[place]
                self.places[pair].append(place)
        self.heap = [(-count, pair) for pair, count in self.counts.items()]
        heapq.heapify(self.heap)

    def best_pair(self) -> Pair | None:
        """The pair with the highest count, then with the smallest ids; None where none is left."""
        while self.heap:
            bound, pair = self.heap[0]
            count = self.counts[pair] if pair[0] != pair[1] else self._count_run(pair)
            if count == -bound:
                heapq.heappop(self.heap)
                return pair
            if count:
                heapq.heapreplace(self.heap, (-count, pair))
            else:
                heapq.heappop(self.heap)
        return None

    def _count_run(self, pair: Pair) -> int:
        """The merges that can happen of an id with itself: runs overlap, `counts` is too high."""
        count, taken = 0, -1
        for place in sorted(self.places[pair]):
            second = self.after[place]
            if place != taken and self.ids[place] == pair[0] == self.ids[second]:
                count += self.weight[place]
                taken = second
        return count

    def merge(self, pair: Pair, new_id: int) -> None:
        """Join every occurrence of `pair`, from the left, into `new_id`."""
        first_id, second_id = pair
        ids, before, after, counts = self.ids, self.before, self.after, self.counts
        born: defaultdict[Pair, list[int]] = defaultdict(list)
        for first in sorted(self.places.pop(pair)):
            second = after[first]
            if ids[first] != first_id or ids[second] != second_id:
                continue  # an earlier merge has used this place
            left, right, weight = before[first], after[second], self.weight[first]
            ids[first], ids[second] = new_id, -2
            after[first], before[right] = right, first
            if (left_id := ids[left]) >= 0:
                counts[left_id, first_id] -= weight
                counts[left_id, new_id] += weight
                born[left_id, new_id].append(left)
            if (right_id := ids[right]) >= 0:
                counts[second_id, right_id] -= weight
                counts[new_id, right_id] += weight
                born[new_id, right_id].append(first)
        del counts[pair]
        self.places.update(born)
        for fresh in born:
            if counts[fresh]:  # a later merge of this same pair may have undone it
                heapq.heappush(self.heap, (-counts[fresh], fresh))


def train_bpe(
    text: str, vocab_size: int, special_tokens: Iterable[str] = (ENDOFTEXT,)
) -> tiktoken.Encoding:
    """Learn a byte-level BPE vocabulary from `text`.

    `vocab_size` counts everything: 256 bytes, the merges, the special tokens. A text too short for
    that many merges gives fewer tokens (look at the result's `n_vocab`): the trainer stops when no
    pair is left. In each step it merges the pair with the highest count, and among equals the one
    with the smallest ids, so the same text always gives the same encoding. A run of one letter
    counts the merges that can happen in it (see `count_pairs`). Special tokens that stand in `text`
    are borders, and nothing is learned from them.

    Raises ValueError for a vocabulary without room for the bytes and the special tokens, for
    special tokens that are empty or given twice, and for lone surrogates in `text`, which UTF-8
    cannot write. (tiktoken's own `encode` replaces those by U+FFFD instead.)

    >>> encoding = train_bpe("low lower lowest", 259)
    >>> encoding.decode_tokens_bytes(encoding.encode("lowest low"))
    [b'low', b'e', b's', b't', b' ', b'low']
    """
    specials = checked_specials(special_tokens)
    n_merges = _room_for_merges(vocab_size, specials)
    merger = _Merger(_count_chunks(text, specials))
    tokens = [bytes([byte]) for byte in range(N_BYTES)]
    for _ in range(n_merges):
        pair = merger.best_pair()
        if pair is None:
            break
        merger.merge(pair, len(tokens))
        tokens.append(tokens[pair[0]] + tokens[pair[1]])
    size = len(tokens) + len(specials)
    return tiktoken.Encoding(
        f"bpe-{size}",
        pat_str=GPT2_PATTERN,
        mergeable_ranks={token: rank for rank, token in enumerate(tokens)},
        special_tokens={special: len(tokens) + i for i, special in enumerate(specials)},
        explicit_n_vocab=size,
    )


def checked_specials(special_tokens: Iterable[str]) -> list[str]:
    if isinstance(special_tokens, str):
        raise TypeError(
            f"special_tokens is the string {special_tokens!r}; give a tuple: ({special_tokens!r},)."
        )
    specials = list(special_tokens)
    for special in specials:
        if not isinstance(special, str):
            raise TypeError(f"A special token must be a str, not {special!r}.")
        if not special or specials.count(special) > 1:
            fault = "given twice" if special else "empty"
            raise ValueError(f"The special token {special!r} is {fault}; drop it.")
    return specials


def _room_for_merges(vocab_size: int, specials: Sequence[str]) -> int:
    if not isinstance(vocab_size, int) or isinstance(vocab_size, bool):
        raise TypeError(f"vocab_size must be an int, not {vocab_size!r}.")
    least = N_BYTES + len(specials)
    if vocab_size < least:
        raise ValueError(
            f"vocab_size is {vocab_size}, but 256 bytes and {len(specials)} special token(s) "
            f"already take {least}; give {least} or more."
        )
    return vocab_size - least


def split_text(text: str, pattern: str = GPT2_PATTERN) -> list[str]:
    """The chunks that `pattern` cuts `text` into; GPT-2's, joined, are `text` again.

    The few characters that are younger than tiktoken's Unicode tables it may cut otherwise.

    >>> split_text("It's 10 o'clock")
    ['It', "'s", ' 10', ' o', "'", 'clock']
    """
    return regex.findall(pattern, text)


def _count_chunks(text: str, specials: Sequence[str]) -> dict[bytes, int]:
    if not isinstance(text, str):
        raise TypeError(f"The text must be a str, not {type(text).__name__}; decode bytes first.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"Character {error.start} of the text is the lone surrogate {text[error.start]!r}, "
            "which UTF-8 cannot write; replace it first: "
            "text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')."
        ) from None
    longest_first = sorted(specials, key=len, reverse=True)
    borders = "|".join(regex.escape(special) for special in longest_first)
    counts: Counter[str] = Counter()
    for part in regex.split(borders, text) if borders else [text]:
        counts.update(split_text(part))
    return {chunk.encode("utf-8"): count for chunk, count in counts.items()}


def _merge_lowest(parts: list[bytes], ranks: dict[bytes, int], below: int) -> list[bytes]:
    """`parts` after the merge with the lowest rank under `below`, at all its places, if any."""
    pairs = list(pairwise(parts))
    rank, pair = min(((ranks.get(a + b, below), (a, b)) for a, b in pairs), default=(below, None))
    if pair is None or rank >= below:
        return parts
    return merge_pair(parts, pair, pair[0] + pair[1])  # works on bytes as it does on ids


def explain_encoding(encoding: tiktoken.Encoding, chunk: str) -> list[list[bytes]]:
    """Every stage of encoding one chunk: first its single bytes, last its tokens.

    From one stage to the next, one merge happens, at all its places.

    >>> explain_encoding(train_bpe("low lower lowest", 259), "low")
    [[b'l', b'o', b'w'], [b'lo', b'w'], [b'low']]

    Raises ValueError for a text of several chunks, which are encoded one by one (`split_text`).
    """
    parts = split_text(chunk, encoding._pat_str)
    if len(parts) > 1:
        raise ValueError(f"{chunk!r} is {len(parts)} chunks, {parts[:8]}; explain one at a time.")
    ranks, below = encoding._mergeable_ranks, encoding.max_token_value + 1
    stages = [[bytes([byte]) for byte in chunk.encode("utf-8")]]
    while (parts := _merge_lowest(stages[-1], ranks, below)) != stages[-1]:
        stages.append(parts)
    return stages


def merges(encoding: tiktoken.Encoding) -> list[tuple[tuple[bytes, bytes], bytes]]:
    """The merges of `encoding` in the order learned: ((left, right), joined), all of them bytes.

    A token's pair is what the merges before it make of the token's bytes.

    >>> merges(train_bpe("low low", 259))
    [((b'l', b'o'), b'lo'), ((b'lo', b'w'), b'low')]
    """
    ranks = encoding._mergeable_ranks
    found = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) == 1:
            continue
        parts = [bytes([byte]) for byte in token]
        while len(after := _merge_lowest(parts, ranks, rank)) < len(parts):
            parts = after
        if len(parts) != 2:
            raise ValueError(
                f"Token {rank} of {encoding.name!r}, {token!r}, is not made of two earlier tokens "
                f"but of {len(parts)}; merges() needs an encoding that BPE has learned."
            )
        found.append(((parts[0], parts[1]), token))
    return found


def gpt2_encoding() -> tiktoken.Encoding:
    """GPT-2's own encoding, 50,257 tokens, from tiktoken's cache or else from the network.

    Raises ConnectionError where neither is there.
    """
    try:
        return tiktoken.get_encoding("gpt2")
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        raise ConnectionError(
            "GPT-2's vocabulary is not on this machine, and it could not be downloaded "
            f"({type(error).__name__}). Go online once and call gpt2_encoding() again: tiktoken "
            f"then keeps it in {_cache()}. Or copy that folder from a machine that has it, and set "
            "TIKTOKEN_CACHE_DIR to the copy. Without it, train_bpe() makes an encoding offline."
        ) from error


def gpt2_is_kept() -> bool:
    """Whether tiktoken has kept GPT-2's encoding, so that it needs no network."""
    names = (hashlib.sha1(address.encode()).hexdigest() for address in _GPT2_FILES)
    return all((_cache() / name).is_file() for name in names)


def _cache() -> Path:
    """Where tiktoken keeps what it has downloaded."""
    named = (os.environ.get(name) for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"))
    default = f"{tempfile.gettempdir()}/data-gym-cache"
    return Path(next((folder for folder in named if folder is not None), default))
