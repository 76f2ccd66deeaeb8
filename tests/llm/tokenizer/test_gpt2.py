"""GPT-2's own encoding: from tiktoken, which keeps it."""

from __future__ import annotations

import pytest

from utils.llm.tokenizer.bpe import GPT2_PATTERN, gpt2_encoding, gpt2_is_kept, train_bpe


def test_offline_it_says_what_to_do(monkeypatch, tmp_path):
    def unreachable(path):
        raise OSError("no route to host")

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("tiktoken.load.read_file", unreachable)
    monkeypatch.setattr("tiktoken.registry.ENCODINGS", {})
    with pytest.raises(ConnectionError, match=r"not on this machine.*TIKTOKEN_CACHE_DIR"):
        gpt2_encoding()


def test_it_is_kept_where_tiktoken_has_put_all_its_files(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("tiktoken.load.read_file", lambda path: asked.append(path) or b"\n")
    monkeypatch.setattr("tiktoken.load.check_hash", lambda data, expected: True)
    monkeypatch.setattr("tiktoken.registry.ENCODINGS", {})
    assert not gpt2_is_kept()
    with pytest.raises(ConnectionError):  # what was read is no vocabulary
        gpt2_encoding()
    assert len(asked) == 2
    assert gpt2_is_kept()
    next(tmp_path.iterdir()).unlink()
    assert not gpt2_is_kept()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")  # tiktoken keeps nothing then
    assert not gpt2_is_kept()


def test_it_is_that_of_tiktoken(monkeypatch):
    encoding = train_bpe("low low", 258)
    monkeypatch.setattr("tiktoken.registry.ENCODINGS", {"gpt2": encoding})
    assert gpt2_encoding() is encoding


def test_the_pattern_is_that_of_tiktoken():
    from tiktoken_ext import openai_public

    assert openai_public.r50k_pat_str == GPT2_PATTERN
