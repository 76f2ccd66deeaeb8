"""The tokenizer that lies in a folder of Hugging Face's: encoding, marks, frame."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import tiktoken

from utils.llm.tokenizer.bpe import GPT2_PATTERN
from utils.llm.tokenizer.splits import SPLITS
from utils.llm.tokenizer.vocabulary import letters_of_bytes

__all__ = ["Marks", "encoding_from_hf", "encoding_from_merges", "marks_from_hf", "words_from_hf"]

#: What reading a table raises that holds something else than it should.
STRANGE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)


def encoding_from_hf(folder: str | os.PathLike[str]) -> tiktoken.Encoding:
    """GPT-2's kind of tokenizer from tokenizer.json, or from vocab.json with merges.txt.

    Raises FileNotFoundError where the folder has neither, and ValueError for a tokenizer of
    another kind, or one that can't be read.
    """
    folder = Path(folder)
    whole, parts = folder / "tokenizer.json", (folder / "vocab.json", folder / "merges.txt")
    try:
        if whole.is_file():
            vocabulary, merges, specials, pattern = _of_one_file(_json(whole))
        elif all(path.is_file() for path in parts):
            lines = parts[1].read_text(encoding="utf-8-sig").split("\n")
            merges = [tuple(line.split(" ")) for line in lines if line and line[:9] != "#version:"]
            vocabulary, specials, pattern = _json(parts[0]), {}, GPT2_PATTERN
        else:
            raise FileNotFoundError(
                f"The folder {folder} has no tokenizer: neither tokenizer.json, nor vocab.json "
                "with merges.txt. Copy them from where the weights came from."
            )
        return encoding_from_merges(folder.name, vocabulary, merges, specials, pattern)
    except STRANGE as error:
        raise ValueError(
            f"The tokenizer in {folder} is not of GPT-2's kind, or can't be read ({error})."
        ) from error


def words_from_hf(folder: Path) -> tuple[str, ...] | None:
    """The tokens of a tokenizer of whole words; None for another kind, or where there is none."""
    path = folder / "tokenizer.json"
    content = _table(path)
    try:
        if content.get("model", {}).get("type") != "WordLevel":
            return None
        numbers = content["model"]["vocab"]
        return tuple(sorted(numbers, key=numbers.__getitem__))
    except STRANGE as error:
        raise ValueError(f"{path} can't be understood ({error}).") from error


class Marks(NamedTuple):
    """What a folder says of the marks round a text: their texts, the ids that end one, the frame.

    `begins` says whether `bos` stands before every text, not only where the frame puts it.
    """

    bos: str
    eos: str
    ends: tuple[int, ...]
    begins: bool
    template: str | None


def marks_from_hf(folder: Path) -> Marks:
    """What the files beside the weights say of marks; ValueError for one that can't be read."""
    try:
        return _marks(folder)
    except STRANGE as error:
        raise ValueError(f"What {folder} says of its marks can't be understood: {error}") from error


def _marks(folder: Path) -> Marks:
    told, whole = _table(folder / "tokenizer_config.json"), _table(folder / "tokenizer.json")
    bos, eos = (_text(told.get(f"{name}_token")) for name in ("bos", "eos"))
    ends = _table(folder / "generation_config.json").get("eos_token_id")
    if ends is None:
        ends = _table(folder / "config.json").get("eos_token_id")
    ends = ends if isinstance(ends, list) else [] if ends is None else [ends]
    if not all(type(end) is int for end in ends):
        raise ValueError(f"{folder}: its eos_token_id is {ends}, and must be numbers of tokens.")
    frame = folder / "chat_template.jinja"
    kept = told.get("chat_template")
    template = frame.read_text(encoding="utf-8-sig") if frame.is_file() else kept
    if isinstance(template, list):  # several, each with a name
        named = {each.get("name"): each.get("template") for each in template}
        template = named.get("default")
    if not isinstance(template, str | None):
        raise ValueError(f"its chat_template is a {type(template).__name__}, and must be a text")
    first = _first(whole.get("post_processor"))
    if first and bos and first != bos:
        raise ValueError(f"its tokenizer puts {first!r} before every text, and its bos is {bos!r}")
    begins = bool(told.get("add_bos_token") and bos) or bool(first)
    return Marks(bos or first, eos, tuple(ends), begins, template)


def _table(path: Path) -> dict[str, Any]:
    """The content of a JSON file, empty where there is none."""
    if not path.is_file():
        return {}
    try:
        content = _json(path)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} can't be read as JSON ({error}).") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, not a table of names.")
    return content


def _text(token: Any) -> str:
    """A mark's text, which may be wrapped in a table with more about it."""
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")


def _first(steps: Any) -> str:
    """The mark that a post_processor puts before every text; empty where it puts none.

    Raises ValueError for one that puts other marks round a text, which is not done here.
    """
    if steps is None or steps["type"] == "ByteLevel":
        return ""
    if steps["type"] == "Sequence":
        return "".join(_first(step) for step in steps["processors"])
    if steps["type"] != "TemplateProcessing":
        raise ValueError(f"its post_processor is {steps['type']}, which is not known here")
    *before, last = steps["single"]
    if "Sequence" not in last or len(before) > 1:
        raise ValueError("its post_processor puts other marks round a text than one before it")
    return before[0]["SpecialToken"]["id"] if before else ""


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8-sig"))


def _of_one_file(
    content: Mapping[str, Any],
) -> tuple[dict[str, int], list[tuple[str, ...]], dict[str, int], str]:
    """Vocabulary, merges, special tokens and split of a tokenizer.json."""
    model = content["model"]
    if model["type"] != "BPE" or content.get("normalizer"):
        raise ValueError(f"it is {model['type']} with normalizer {content.get('normalizer')!r}")
    pattern = _split(content["pre_tokenizer"])
    merges = [tuple(m.split(" ") if isinstance(m, str) else m) for m in model["merges"]]
    specials = {token["content"]: token["id"] for token in content.get("added_tokens", ())}
    return model["vocab"], merges, specials, pattern


def _split(described: Mapping[str, Any]) -> str:
    """The pattern that cuts as the steps of a pre_tokenizer do, one after the other."""
    whole = described["type"] == "Sequence"
    *before, last = described["pretokenizers"] if whole else [described]
    if last["type"] != "ByteLevel":
        raise ValueError(f"it ends with {last['type']}, and is not byte-level")
    if last.get("add_prefix_space"):
        raise ValueError("it puts a space before every text")
    as_gpt2 = last.get("use_regex", True)
    if not before and as_gpt2:
        return GPT2_PATTERN
    first = before[0] if len(before) == 1 else {"type": "none"}
    if first["type"] == "Digits" and first.get("individual_digits") and as_gpt2:
        return SPLITS["smollm"]
    if first["type"] == "Split" and not as_gpt2:
        pattern = first["pattern"].get("Regex")
        if pattern in SPLITS.values() and first["behavior"] == "Isolated" and not first["invert"]:
            return pattern
    steps = ", ".join(step["type"] for step in [*before, last])
    raise ValueError(f"it cuts texts in a way that is not known here ({steps})")


def encoding_from_merges(
    name: str,
    vocabulary: Mapping[str, int],
    merges: Sequence[tuple[str, ...]],
    specials: Mapping[str, int],
    pattern: str = GPT2_PATTERN,
) -> tiktoken.Encoding:
    """A byte-level BPE from its parts, as GPT-2's files name them: bytes as letters to be seen.

    Raises ValueError where two tokens share a number, or the merges are not numbered in the order
    in which they are made, or KeyError where a merge makes no token of the vocabulary.
    """
    byte_of = {letter: byte for byte, letter in letters_of_bytes().items()}
    joined = ["".join(pair) for pair in merges]
    order = [vocabulary[token] for token in joined]
    if order != sorted(order):
        # tiktoken merges in the order of the ids: another order would cut texts otherwise.
        raise ValueError("its merges are not numbered in the order in which they are made")
    every = {**vocabulary, **specials}
    if "" in every or not all(type(i) is int and 0 <= i < 1 << 31 for i in every.values()):
        raise ValueError("its tokens are not texts with whole numbers from 0")
    if len(set(every.values())) != len(every):
        raise ValueError("two of its tokens share a number")
    single = [letter for letter in byte_of if letter in vocabulary]
    plain = {token: vocabulary[token] for token in (*single, *joined)}
    rest = {token: number for token, number in vocabulary.items() if token not in plain}
    missing = [letter for letter in byte_of if letter not in vocabulary]
    kind = partial(PartialEncoding, n_bytes_missing=len(missing)) if missing else tiktoken.Encoding
    plain |= {letter: max(every.values()) + 1 + i for i, letter in enumerate(missing)}
    return kind(
        name=name,
        pat_str=pattern,
        mergeable_ranks={bytes(byte_of[c] for c in token): i for token, i in plain.items()},
        special_tokens={**rest, **specials},
    )


class PartialEncoding(tiktoken.Encoding):
    """An encoding that has no token for some bytes, of rare characters, and leaves them out.

    Within, those bytes have the numbers behind the last; no one outside gets to see them.
    """

    def __init__(self, *args: Any, n_bytes_missing: int, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._n_tokens = super().n_vocab - n_bytes_missing

    @property
    def n_vocab(self) -> int:
        """The number of tokens."""
        return self._n_tokens

    def encode_ordinary(self, text: str) -> list[int]:
        """The ids of a text, but for what has no token."""
        return [token for token in super().encode_ordinary(text) if token < self._n_tokens]

    def encode(self, text: str, **settings: Any) -> list[int]:
        """The ids of a text, but for what has no token; settings are tiktoken's."""
        return [token for token in super().encode(text, **settings) if token < self._n_tokens]
