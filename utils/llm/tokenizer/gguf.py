"""The tokenizer that lies in a GGUF file: read as the course's kind of encoding, and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import tiktoken

from utils.llm.tokenizer.hf import encoding_from_merges
from utils.llm.tokenizer.splits import SPLITS
from utils.llm.tokenizer.vocabulary import CLOSING, Vocabulary

if TYPE_CHECKING:
    from gguf import GGUFWriter

__all__ = ["add_tokenizer", "encoding_from_gguf", "words_from_gguf"]

_PLAIN, _CONTROL, _ADDED, _UNUSED = 1, 3, 4, 5  # the format's kinds of token
_SPACE = "▁"  # stands for the space before a word


def encoding_from_gguf(name: str, fields: Mapping[str, Any]) -> tiktoken.Encoding:
    """The byte-level BPE of a file's fields.

    Raises ValueError for a tokenizer of another kind, or one that contradicts itself, KeyError
    where a field is missing.
    """
    kind, split = fields["tokenizer.ggml.model"], fields.get("tokenizer.ggml.pre", "default")
    if kind != "gpt2" or split not in SPLITS:
        raise ValueError(
            f"its tokenizer is {kind!r}, cut as {split!r}; known is 'gpt2', cut as one of "
            f"{', '.join(SPLITS)}"
        )
    tokens, types = _tokens(fields)
    numbered = {token: i for i, token in enumerate(tokens)}
    specials = {tokens[i]: i for i, type_ in enumerate(types) if type_ in (_CONTROL, _ADDED)}
    vocabulary = {token: i for token, i in numbered.items() if token not in specials}
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    return encoding_from_merges(name, vocabulary, merges, specials, SPLITS[split])


def words_from_gguf(fields: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The whole words that a file of ours knows; None for a tokenizer of another kind."""
    if fields["tokenizer.ggml.model"] != "t5":
        return None
    tokens, types = _tokens(fields)
    known = [token for token, type_ in zip(tokens, types, strict=True) if type_ != _UNUSED]
    return tuple(token.removeprefix(_SPACE) for token in known)


def _tokens(fields: Mapping[str, Any]) -> tuple[list[str], list[int]]:
    tokens, types = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    if len(set(tokens)) != len(tokens) or len(types) != len(tokens):
        raise ValueError("its list of tokens contradicts itself")
    return tokens, types


def add_tokenizer(writer: GGUFWriter, vocabulary: Vocabulary, rows: int) -> None:
    """Put the tokenizer into a file whose model knows `rows` tokens.

    Whole words go in as a unigram model that knows no piece of a word: what is none of them
    becomes the mark that ends a text. Raises ValueError for a tokenizer without such a mark.
    """
    if vocabulary.eos_id is None:
        raise ValueError("Its tokenizer has no mark that ends a text, and a GGUF file needs one.")
    marks = set(vocabulary.marks)
    unused = [f"<|unused {i}|>" for i in range(len(vocabulary.tokens), rows)]
    types = [_CONTROL if i in marks else _PLAIN for i in range(len(vocabulary.tokens))]
    tokens = list(vocabulary.tokens)
    if vocabulary.split:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(vocabulary.split)
        writer.add_token_merges([f"{left} {right}" for left, right in vocabulary.merges])
    else:
        tokens = [t if i in marks or t in CLOSING else _SPACE + t for i, t in enumerate(tokens)]
        writer.add_tokenizer_model("t5")
        writer.add_token_scores([-1.0] * rows)
        writer.add_add_space_prefix(True)
        writer.add_unk_token_id(vocabulary.eos_id)
    writer.add_token_list(tokens + unused)
    writer.add_token_types(types + [_UNUSED] * len(unused))
    writer.add_eos_token_id(vocabulary.eos_id)
    writer.add_bos_token_id(vocabulary.eos_id if vocabulary.bos_id is None else vocabulary.bos_id)
    writer.add_add_bos_token(vocabulary.begins)
    writer.add_add_eos_token(False)
    if vocabulary.template is not None:
        writer.add_chat_template(vocabulary.template)
