"""From a corpus to the files that a training reads: tokens, tokenizer, and what they are."""

from __future__ import annotations

import bz2
import hashlib
import lzma
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import tiktoken
import torch

from utils.course.training.choosing import choose, told
from utils.course.training.folder import CONFIG, CORPUS, check_run, digest_of, run_id, write_json
from utils.course.training.settings import STORIES, VAL_STORIES, Settings, Text
from utils.course.training.starting import Start, check_memory, open_start
from utils.data.storyworld import tokens as story_tokens
from utils.data.storyworld import world as storyworld
from utils.data.texts.corpora import load_corpus
from utils.llm.tokenizer.bpe import split_text, train_bpe
from utils.llm.tokenizer.files import load_encoding, save_encoding
from utils.llm.training.batches import RandomWindows, open_tokens, write_tokens

__all__ = ["open_text", "prepare"]

_PIECE = 1 << 20  # characters looked at in one go
_LEAST_CHUNKS = 1 << 17  # bytes of different chunks that BPE learns from in any case
_MOST_TEXT = 1 << 24  # characters of text that it learns from at most
_READ, _JUDGED = 1 << 22, 1 << 20  # bytes that the compressors are given at most


_WORDS = len(story_tokens.VOCABULARY)


@dataclass(frozen=True)
class _Tokens:
    """A corpus on its way into files."""

    parts: Mapping[str, Iterable[Sequence[int]]]
    vocab_size: int
    name: str
    encoding: tiktoken.Encoding | None  # None: whole words
    units: Mapping[str, int]


def prepare(settings: Settings, place: Path, device: torch.device, before: str) -> Settings:
    """Put a run's files into `place`: tokens, tokenizer, corpus.json, config.json.

    Returns the settings with all that was chosen. `before` is the run whose place it takes.
    Raises ValueError where they don't fit the corpus, MemoryError where the model does not fit.
    """
    print(f"Reading the corpus {settings.corpus} …", flush=True)
    texts = _texts(settings)
    n_bytes = {name: _bytes(text) for name, text in texts.items()}
    settings = choose(settings, n_bytes["train"])
    settings.train_config()  # complains before the long work
    start = open_start(settings) if settings.start else None
    if start:
        context = min(settings.context_length, start.model.config.context_length)
        settings = replace(settings, context_length=context)
    marks = [hashlib.blake2b(text.encode()).hexdigest() for text in texts.values()]
    run = run_id(asdict(settings), marks, start and start.mark, before)
    found = _tokens(settings, texts, n_bytes, start, run)
    config = start.model.config if start else settings.model_config(found.vocab_size)
    check_memory(config, settings, device)
    for line in told(settings, config, n_bytes["train"]):
        print(line, flush=True)
    record: dict[str, Any] = {"run": run, "tokenizer": found.name, "vocab_size": found.vocab_size}
    record |= {"units": found.units, "bytes": n_bytes, "start": start and start.mark}
    for name in ("train", "val"):
        path = place / f"{name}.npy"
        count = write_tokens(path, found.parts[name], found.vocab_size)
        record[name] = digest_of(path)
        print(f"{name}: {count:,} tokens of {found.vocab_size:,}", flush=True)
    record["peers"] = _compressed(texts["train"], texts["val"])
    _save_tokenizer(found.encoding, place / "tokenizer.json")
    write_json(place / CORPUS, record)
    write_json(place / CONFIG, {"run": run, **asdict(settings)})
    _check_windows(settings, place)
    return settings


def open_text(settings: Settings, folder: Path) -> Text:
    """What `prepare` left in the folder. Raises ValueError where it is not all of one run."""
    words = settings.corpus == STORIES
    name = None if words else load_encoding(folder / "tokenizer.json").name
    record = check_run(folder, name)
    ids = {part: open_tokens(folder / f"{part}.npy") for part in ("train", "val")}
    units = record["units"]
    return Text(
        train_ids=ids["train"],
        val_ids=ids["val"],
        vocab_size=record["vocab_size"],
        tokenizer=record["tokenizer"],
        train_units=units["train"],
        val_units=units["val"],
        val_bytes=record["bytes"]["val"],
        peers=record["peers"],
        start=record["start"],
    )


def _texts(settings: Settings) -> dict[str, str]:
    if settings.corpus == STORIES:
        drawn = {"train": (settings.n_stories, 0), "val": (VAL_STORIES, 1)}
        return {
            name: "\n".join(storyworld.stories(n, seed=seed)) for name, (n, seed) in drawn.items()
        }
    corpus = load_corpus(settings.corpus)
    for line in corpus.told:
        print(line, flush=True)
    return {"train": corpus.train, "val": corpus.val}


def _tokens(
    settings: Settings,
    texts: Mapping[str, str],
    n_bytes: Mapping[str, int],
    start: Start | None,
    run: str,
) -> _Tokens:
    if settings.corpus == STORIES:
        stories = {name: text.split("\n") for name, text in texts.items()}
        parts = {name: [story_tokens.stream(each)] for name, each in stories.items()}
        words = {name: sum(len(s.split()) for s in each) for name, each in stories.items()}
        name, size = (start.tokenizer, start.vocab_size) if start else (STORIES, _WORDS)
        return _Tokens(parts, size, name, None, words)
    learned = start.encoding if start else train_bpe(_sample(texts["train"]), settings.vocab_size)
    encoding = _renamed(learned, f"{learned.name}-{run}")
    # what the model has no token for has one behind its last, which nothing beside it can learn
    used = learned if settings.lora else encoding
    parts = {
        name: (used.encode_ordinary(piece) for piece in _pieces(text))
        for name, text in texts.items()
    }
    return _Tokens(parts, used.n_vocab, encoding.name, encoding, n_bytes)


def _renamed(encoding: tiktoken.Encoding, name: str) -> tiktoken.Encoding:
    """The same encoding by another name, which tells of which run it is."""
    return tiktoken.Encoding(
        name,
        pat_str=encoding._pat_str,
        mergeable_ranks=encoding._mergeable_ranks,
        special_tokens=encoding._special_tokens,
    )


def _sample(text: str) -> str:
    """What BPE learns from: the whole text, or of a long one parts from all over it.

    The trainer takes a hundred times the size of all different chunks. Words are few, but where no
    space separates them each line is a chunk of its own.
    """
    most, kept, seen = max(_LEAST_CHUNKS, len(text) // 32), [], set()
    length = size = 0
    for piece in _spread(text):
        fresh = set(split_text(piece)) - seen
        length, size = length + len(piece), size + sum(map(_bytes, fresh))
        if kept and (size > most or length > _MOST_TEXT):
            return "".join(kept)
        seen |= fresh
        kept.append(piece)
    return text


def _spread(text: str, size: int = 1 << 15) -> list[str]:
    """The text in pieces, in an order that comes to all parts of it soon."""
    pieces = list(_pieces(text, size))
    stride = max(1, round(len(pieces) ** 0.5))
    return [piece for first in range(stride) for piece in pieces[first::stride]]


def _pieces(text: str, size: int = _PIECE) -> Iterator[str]:
    """The text in pieces that end with a line, where there is one."""
    start = 0
    while start < len(text):
        end = min(len(text), start + size)
        if end < len(text):
            end = text.rfind("\n", start + 1, end) + 1 or end
        yield text[start:end]
        start = end


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else sum(len(p.encode()) for p in _pieces(text))


def _compressed(train: str, val: str) -> dict[str, float]:
    """Bits per byte of the validation part for compressors that have read the rest before."""
    read = train.encode()[-_READ:]
    judged = val.encode()[:_JUDGED]
    programs: dict[str, Callable[[bytes], bytes]] = {"bz2": bz2.compress, "xz": _xz}
    return {
        name: round(8 * (len(pack(read + judged)) - len(pack(read))) / len(judged), 3)
        for name, pack in programs.items()
    }


def _xz(data: bytes) -> bytes:
    """As `xz` does by default, with memory for no more than there is to remember."""
    size = min(_READ, max(1 << 16, len(data)))
    found = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": size}]
    return lzma.compress(data, filters=found)


def _save_tokenizer(encoding: tiktoken.Encoding | None, path: Path) -> None:
    if encoding is not None:
        save_encoding(encoding, path)
    else:
        write_json(path, {"kind": "whole words", "words": list(story_tokens.VOCABULARY)})


def _check_windows(settings: Settings, place: Path) -> None:
    """That there is something to learn from, before the folder changes hands."""
    config, text = settings.train_config(), open_text(settings, place)
    context = config.context_length or settings.model_config(text.vocab_size).context_length
    RandomWindows(text.train_ids, context, settings.seed, config.start_token)
    if len(text.val_ids) < 2:
        raise ValueError("The part to be judged on has less than two tokens: give more text.")
