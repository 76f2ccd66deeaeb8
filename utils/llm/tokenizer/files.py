"""A tokenizer on disk: one JSON file, with a checksum that tells a bit that has flipped."""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import regex
import tiktoken

from utils.llm.machine.files import replacing
from utils.llm.tokenizer.bpe import N_BYTES, checked_specials

__all__ = ["load_encoding", "save_encoding"]

_FORMAT = "byte-pair encoding, version 1"


def save_encoding(encoding: tiktoken.Encoding, path: str | os.PathLike[str]) -> None:
    """Write `encoding` to one JSON file: name, split pattern, tokens in base64 with their ids.

    What stands at `path` is replaced when all of it is written.
    """
    ranks = encoding._mergeable_ranks
    content = {
        "format": _FORMAT,
        "name": encoding.name,
        "pattern": encoding._pat_str,
        "special_tokens": encoding._special_tokens,
        "tokens": {base64.b64encode(token).decode("ascii"): ranks[token] for token in ranks},
    }
    content["checksum"] = _checksum(content)
    with replacing(path) as file:
        file.write((json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())


def load_encoding(path: str | os.PathLike[str]) -> tiktoken.Encoding:
    """Read what `save_encoding` wrote; ValueError for a file that is foreign, cut or damaged."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return tiktoken.Encoding(
            mergeable_ranks=_checked_ranks(content),
            name=content["name"],
            pat_str=content["pattern"],
            special_tokens=content["special_tokens"],
        )
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(
            f"{path} is not an encoding that save_encoding wrote, or it is damaged ({error}). "
            "Train and save it again, or choose another file."
        ) from error


def _checked_ranks(content: Any) -> dict[bytes, int]:
    """The tokens of a sound file with their ids; tiktoken itself would panic at an unsound one."""
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError(f"it does not begin with the format {_FORMAT!r}")
    kinds = {"name": str, "pattern": str, "special_tokens": dict, "tokens": dict}
    for key, kind in kinds.items():
        if not isinstance(content.get(key), kind):
            raise ValueError(f"{key!r} is missing or not a {kind.__name__}")
    if not kinds.keys() <= content.keys() <= kinds.keys() | {"format", "checksum"}:
        raise ValueError("it has entries of another version")
    # Files of before have no checksum.
    if "checksum" in content and content.pop("checksum") != _checksum(content):
        raise ValueError("its checksum is another: it was changed after it was written")
    tokens = content["tokens"].items()
    ranks = {base64.b64decode(token, validate=True): rank for token, rank in tokens}
    ids = [*ranks.values(), *content["special_tokens"].values()]
    if not all(type(i) is int and 0 <= i < 2**31 for i in ids) or len(set(ids)) < len(ids):
        raise ValueError("the ids are not distinct whole numbers from 0")
    checked_specials(content["special_tokens"])
    check_pattern(content["pattern"])
    if not ranks.keys() >= {bytes([byte]) for byte in range(N_BYTES)}:
        raise ValueError("some of the 256 bytes are missing")
    return ranks


def check_pattern(pattern: str) -> None:
    """Raises ValueError for a pattern that cuts off pieces without a letter: tiktoken panics."""
    try:
        empty = any(not found[0] for found in regex.compile(pattern).finditer("ab 1\n한"))
        empty = empty or regex.search(pattern, "") is not None
    except regex.error as error:
        raise ValueError(f"its pattern is not valid: {error}") from error
    if empty:
        raise ValueError("its pattern matches where there is no text")


def _checksum(content: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(content, sort_keys=True).encode()):08x}"
