"""The byte-level BPE that lies in a folder of Hugging Face's, as the course's kind of encoding."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tiktoken

from utils.llm.tokenizer.bpe import GPT2_PATTERN

__all__ = ["encoding_from_hf"]


def encoding_from_hf(folder: str | os.PathLike[str]) -> tiktoken.Encoding:
    """GPT-2's kind of tokenizer from tokenizer.json, or from vocab.json with merges.txt.

    Raises FileNotFoundError where the folder has neither, and ValueError for a tokenizer of
    another kind, or one that can't be read.
    """
    folder = Path(folder)
    whole, parts = folder / "tokenizer.json", (folder / "vocab.json", folder / "merges.txt")
    try:
        if whole.is_file():
            vocabulary, merges, specials = _of_one_file(_json(whole))
        elif all(path.is_file() for path in parts):
            lines = parts[1].read_text(encoding="utf-8").split("\n")
            merges = [tuple(line.split(" ")) for line in lines if line and line[:9] != "#version:"]
            vocabulary, specials = _json(parts[0]), {}
        else:
            raise FileNotFoundError(
                f"The folder {folder} has no tokenizer: neither tokenizer.json, nor vocab.json "
                "with merges.txt. Copy them from where the weights came from."
            )
        return _encoding(folder.name, vocabulary, merges, specials)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"The tokenizer in {folder} is not of GPT-2's kind, or can't be read ({error})."
        ) from error


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _of_one_file(
    content: Mapping[str, Any],
) -> tuple[dict[str, int], list[tuple[str, ...]], dict[str, int]]:
    """Vocabulary, merges and special tokens of a tokenizer.json."""
    model, splits = content["model"], content["pre_tokenizer"]
    if model["type"] != "BPE" or splits["type"] != "ByteLevel" or content.get("normalizer"):
        raise ValueError(f"it is {model['type']} behind {splits['type']}, not byte-level BPE")
    if splits.get("add_prefix_space"):
        raise ValueError("it puts a space before every text")
    merges = [tuple(m.split(" ") if isinstance(m, str) else m) for m in model["merges"]]
    specials = {token["content"]: token["id"] for token in content.get("added_tokens", ())}
    return model["vocab"], merges, specials


def _encoding(
    name: str,
    vocabulary: Mapping[str, int],
    merges: Sequence[tuple[str, ...]],
    specials: Mapping[str, int],
) -> tiktoken.Encoding:
    byte_of = _bytes_of_letters()
    joined = ["".join(pair) for pair in merges]
    order = [vocabulary[token] for token in joined]
    if order != sorted(order):
        # tiktoken merges in the order of the ids: another order would cut texts otherwise.
        raise ValueError("its merges are not numbered in the order in which they are made")
    plain = {token: vocabulary[token] for token in (*byte_of, *joined)}
    rest = {token: number for token, number in vocabulary.items() if token not in plain}
    return tiktoken.Encoding(
        name=name,
        pat_str=GPT2_PATTERN,
        mergeable_ranks={bytes(byte_of[c] for c in token): i for token, i in plain.items()},
        special_tokens={**rest, **specials},
    )


def _bytes_of_letters() -> dict[str, int]:
    """GPT-2's files write each byte as a letter that can be seen: its own, or one from 256 on.

    >>> letters = _bytes_of_letters()
    >>> letters["A"], letters["Ġ"], len(letters)
    (65, 32, 256)
    """
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in seen]
    own = {chr(byte): byte for byte in seen}
    return own | {chr(256 + place): byte for place, byte in enumerate(hidden)}
