"""What is written of a tokenizer cuts every text as ours does, in Hugging Face's own programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiktoken
from helpers.gguf_files import SPECIALS, nasty_texts, vocabulary
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from utils.data.storyworld import tokens as story_tokens
from utils.data.storyworld import world as storyworld
from utils.llm.tokenizer.bpe import gpt2_encoding, train_bpe
from utils.llm.tokenizer.hf import (
    encoding_from_hf,
    encoding_from_merges,
    marks_from_hf,
    words_from_hf,
)
from utils.llm.tokenizer.hf_writing import FILES, write_tokenizer
from utils.llm.tokenizer.splits import SPLITS
from utils.llm.tokenizer.vocabulary import Vocabulary, open_encoding

KINDS = ["gpt2", "llama", "qwen3"]


def encoding_of(split: str, without: bytes = b"") -> tiktoken.Encoding:
    tokens, pairs, _ = vocabulary(without)
    numbers = {token: i for i, token in enumerate(tokens) if i >= len(SPECIALS)}
    specials = {token: i for i, token in enumerate(SPECIALS)}
    merges = [tuple(pair.split(" ")) for pair in pairs]
    return encoding_from_merges("small", numbers, merges, specials, SPLITS[split])


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("without", [b"", b"\x04\x06\x1d\xc0\xf1\xf2"], ids=["all", "some"])
def test_equal_ids_there_and_back(split: str, without: bytes, tmp_path: Path) -> None:
    ours = encoding_of(split, without)
    write_tokenizer(tmp_path, open_encoding(ours, 0, 2), 64)
    theirs, again = Tokenizer.from_file(str(tmp_path / FILES[0])), encoding_from_hf(tmp_path)
    assert again.n_vocab == ours.n_vocab == theirs.get_vocab_size()
    for text in ["", *nasty_texts(500)]:
        ids = ours.encode(text, allowed_special="all")
        assert theirs.encode(text).ids == ids == again.encode(text, allowed_special="all"), text
        assert theirs.decode(ids, skip_special_tokens=False) == ours.decode(ids), text


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_opens_it_whatever_the_model_is(kind: str, tmp_path: Path) -> None:
    ours = train_bpe("the cat sat on the mat; 고양이가 12 " * 9, 300)
    write_tokenizer(tmp_path, open_encoding(ours, None, ours.eot_token, template="{{ 1 }}"), 64)
    described = {"model_type": kind, "vocab_size": 300, "bos_token_id": 0, "eos_token_id": 0}
    (tmp_path / "config.json").write_text(json.dumps(described), encoding="utf-8")
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert (theirs.eos_token_id, theirs.pad_token_id) == (ours.eot_token, ours.eot_token)
    assert theirs.model_max_length == 64
    assert theirs.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False) == "1"
    for text in nasty_texts(100):
        assert theirs(text)["input_ids"] == ours.encode(text, allowed_special="all"), text


def test_a_text_begins_with_its_mark_where_it_should(tmp_path: Path) -> None:
    ours = encoding_of("llama-bpe")
    for begins in (True, False):
        write_tokenizer(tmp_path, open_encoding(ours, 1, 2, begins=begins), 64)
        theirs = Tokenizer.from_file(str(tmp_path / FILES[0]))
        assert theirs.encode("the cat").ids == [1] * begins + ours.encode("the cat")
        marks = marks_from_hf(tmp_path)
        assert marks == ("<|im_start|>", "<|im_end|>", (2,), begins, None)


def test_whole_words_are_read_and_written_as_prose(tmp_path: Path) -> None:
    words = Vocabulary(story_tokens.VOCABULARY, {0}, bos_id=0, eos_id=0, begins=True)
    write_tokenizer(tmp_path, words, 64)
    assert words_from_hf(tmp_path) == story_tokens.VOCABULARY
    theirs = Tokenizer.from_file(str(tmp_path / FILES[0]))
    for story in storyworld.stories(20):
        prose = storyworld.prose(story)
        ids = theirs.encode(prose).ids
        assert ids == theirs.encode(story).ids == [0, *story_tokens.encode(story)]
        assert theirs.decode(ids) == prose
    assert theirs.encode("\n Mina\t.").ids == [0, *story_tokens.encode("Mina .")]
    with pytest.raises(Exception, match=r"Missing \[UNK\] token"):
        theirs.encode("a dragon")


def test_what_others_can_not_cut_is_refused() -> None:
    ours = train_bpe("ab ab", 258)
    own = tiktoken.Encoding(
        "own", pat_str=r"\S+|\s+", mergeable_ranks=ours._mergeable_ranks, special_tokens={}
    )
    with pytest.raises(ValueError, match="own cuts texts in a way of its own"):
        open_encoding(own)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("tokenizer_config.json", "[1]", "holds a list"),
        ("generation_config.json", "{", "can't be read"),
        ("generation_config.json", '{"eos_token_id": ["x"]}', "must be numbers"),
    ],
)
def test_damaged_marks_are_one_error(file: str, content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        marks_from_hf(tmp_path)


def test_gpt2s_own_goes_there_and_back(tmp_path: Path) -> None:
    try:
        ours = gpt2_encoding()
    except ConnectionError:
        pytest.skip("GPT-2's vocabulary is not on this machine")
    write_tokenizer(tmp_path, open_encoding(ours, ours.eot_token, ours.eot_token), 1024)
    again = encoding_from_hf(tmp_path)
    assert (again.n_vocab, again._mergeable_ranks) == (ours.n_vocab, ours._mergeable_ranks)
