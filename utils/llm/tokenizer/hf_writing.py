"""A tokenizer in the files that Hugging Face's `AutoTokenizer` opens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import regex

from utils.llm.machine.files import replacing
from utils.llm.tokenizer.splits import SPLITS
from utils.llm.tokenizer.vocabulary import CLOSING, Vocabulary

__all__ = ["FILES", "write_tokenizer"]

FILES = ("tokenizer.json", "tokenizer_config.json", "generation_config.json")
_WHOLE = {"add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def write_tokenizer(folder: Path, vocabulary: Vocabulary, context_length: int) -> None:
    """Write FILES into the folder: the tokenizer, what its marks mean, how an answer ends."""
    bos, eos = vocabulary.bos_id, vocabulary.eos_id
    marks = {"bos_token": bos, "eos_token": eos, "pad_token": eos}
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": context_length,
        **{name: vocabulary.text_of(i) for name, i in marks.items() if i is not None},
    }
    if vocabulary.template is not None:
        told["chat_template"] = vocabulary.template
    ends = {"bos_token_id": bos, "eos_token_id": eos, "pad_token_id": eos}
    contents = (tokenizer_json(vocabulary), told, ends)
    for name, content in zip(FILES, contents, strict=True):
        with replacing(folder / name) as file:
            file.write((json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode())


def tokenizer_json(vocabulary: Vocabulary) -> dict[str, Any]:
    """The content of tokenizer.json: the same ids for every text as ours."""
    parts = _of_bytes(vocabulary) if vocabulary.split else _of_words(vocabulary)
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    marks = [
        {"id": i, "content": vocabulary.tokens[i], **flags, "special": True}
        for i in sorted(vocabulary.marks)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": marks,
        "normalizer": None,
        "post_processor": _begin(vocabulary) if vocabulary.begins else None,
        **parts,
    }


def _of_bytes(vocabulary: Vocabulary) -> dict[str, Any]:
    kept = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": _numbers(vocabulary),
        "merges": [list(pair) for pair in vocabulary.merges],
    }
    return {
        "pre_tokenizer": _cut(vocabulary.split),
        "decoder": {"type": "ByteLevel", **_WHOLE},
        "model": kept,
    }


def _cut(split: str) -> dict[str, Any]:
    """The steps that cut a text as the split of that name does."""
    whole = {"type": "ByteLevel", **_WHOLE}
    if split == "gpt-2":
        return whole
    if split == "smollm":
        steps = [{"type": "Digits", "individual_digits": True}, whole]
    else:
        pattern = {"Regex": SPLITS[split]}
        cut = {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}
        steps = [cut, {**whole, "use_regex": False}]
    return {"type": "Sequence", "pretokenizers": steps}


def _of_words(vocabulary: Vocabulary) -> dict[str, Any]:
    """Whole words, and marks that close without a space; what is no known word is an error."""
    closing = regex.escape(CLOSING)
    word = {"Regex": rf"[{closing}]|[^\s{closing}]+"}
    cut = {"type": "Split", "pattern": word, "behavior": "Removed", "invert": True}
    joined = [
        {"type": "WordPiece", "prefix": "\u0000", "cleanup": False},  # a space before each word
        {"type": "Fuse"},
        {"type": "Replace", "pattern": {"Regex": rf" (?=[{closing}])"}, "content": ""},
    ]
    return {
        "pre_tokenizer": cut,
        "decoder": {"type": "Sequence", "decoders": joined},
        "model": {"type": "WordLevel", "vocab": _numbers(vocabulary), "unk_token": "<unk>"},
    }


def _numbers(vocabulary: Vocabulary) -> dict[str, int]:
    return {token: i for i, token in enumerate(vocabulary.tokens)}


def _begin(vocabulary: Vocabulary) -> dict[str, Any]:
    """The mark that stands before every text."""
    token = vocabulary.text_of(vocabulary.bos_id)
    mark = {"SpecialToken": {"id": token, "type_id": 0}}
    texts = [{"Sequence": {"id": name, "type_id": 0}} for name in "AB"]
    return {
        "type": "TemplateProcessing",
        "single": [mark, texts[0]],
        "pair": [mark, *texts],
        "special_tokens": {token: {"id": token, "ids": [vocabulary.bos_id], "tokens": [token]}},
    }
