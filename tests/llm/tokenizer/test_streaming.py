"""Text as it streams: never half a character, and in the end all of it."""

import doctest

import pytest
import tiktoken
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.llm.tokenizer import streaming
from utils.llm.tokenizer.bpe import train_bpe
from utils.llm.tokenizer.streaming import TextDecoder, WordDecoder, stream_text

TEXT = "안녕하세요, world! naïve café 🧑‍🚀🇰🇷 — 잘 가요. 안녕!"
BYTES = tiktoken.Encoding(
    "bytes",
    pat_str=r"(?s).",
    mergeable_ranks={bytes([i]): i for i in range(256)},
    special_tokens={},
)


@pytest.fixture(scope="module")
def encoding():
    return train_bpe(TEXT * 3, 256 + 12 + 1)  # few merges: tokens end inside characters


def test_doctests():
    assert doctest.testmod(streaming).failed == 0


def test_every_piece_is_whole(encoding):
    ids = encoding.encode(TEXT)
    decoder, shown = TextDecoder(encoding), ""
    held_back = 0
    for i, token in enumerate(ids):
        piece = decoder.push(token)
        shown += piece
        assert TEXT.startswith(shown)
        # What is shown is all that is whole: no character waits that could be seen.
        whole = encoding.decode_bytes(ids[: i + 1]).decode("utf-8", errors="ignore")
        assert shown == whole
        held_back += piece == ""
    assert shown + decoder.flush() == TEXT
    assert held_back > 5


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=12), st.text(max_size=6).map(str.encode)))
def test_any_bytes_as_decoded_at_once(data):
    decoder = TextDecoder(BYTES)
    pieces = [decoder.push(byte) for byte in data]
    assert "".join(pieces) + decoder.flush() == BYTES.decode(list(data))


def test_an_unfinished_character_shows_at_the_end_only():
    decoder = TextDecoder(BYTES)
    for _ in range(2):  # and the decoder can be used again
        assert [decoder.push(byte) for byte in "안".encode()[:2]] == ["", ""]
        assert decoder.flush() == "�"
        assert decoder.flush() == ""


def test_special_tokens_and_unknown_ones(encoding):
    special = encoding.encode("<|endoftext|>", allowed_special="all")
    assert TextDecoder(encoding).push(special[0]) == "<|endoftext|>"
    decoder = TextDecoder(encoding)
    pieces = [decoder.push(token) for token in (*"안".encode()[:2], 10_000, 2**40, ord("a"))]
    assert pieces == ["", "", "��", "�", "a"]


def test_words_as_the_story_world_sets_them():
    from utils.data.storyworld import world as storyworld

    words = storyworld.VOCABULARY
    number = {word: i for i, word in enumerate(words)}
    for story in storyworld.stories(20, seed=3):
        decoder = WordDecoder(words)
        got = "".join(decoder.push(number[word]) for word in story.split()) + decoder.flush()
        assert got == storyworld.prose(story)


def test_words_start_again_after_flush():
    decoder = WordDecoder(["a", "."])
    assert [decoder.push(i) for i in (0, 0, 1)] == ["a", " a", "."]
    assert decoder.flush() == ""
    assert decoder.push(0) == "a"
    for wrong in (2, -1):
        with pytest.raises(IndexError, match="vocabulary of 2 words"):
            decoder.push(wrong)


def test_stream_text_follows_one_row():
    data = list("é안".encode())
    tokens = [torch.tensor([65, byte]) for byte in data] + [torch.tensor([66, -1])] * 2
    assert list(stream_text(iter(tokens), TextDecoder(BYTES), row=1)) == ["é", "안"]
    assert "".join(stream_text(tokens, TextDecoder(BYTES))) == "AAAAABB"
    assert list(stream_text(data[:-1], TextDecoder(BYTES))) == ["é", "�"]


def test_stream_text_asks_for_nothing_behind_the_end_of_its_row():
    tokens = iter([torch.tensor([65, 65]), torch.tensor([-1, 66]), torch.tensor([-1, 67])])
    assert list(stream_text(tokens, TextDecoder(BYTES))) == ["A"]
    assert next(tokens).tolist() == [-1, 67]  # others may still read on


def test_stream_text_shows_a_piece_before_the_next_token_is_asked_for():
    asked = []

    def tokens():
        for byte in b"ab":
            asked.append(byte)
            yield torch.tensor([byte])

    pieces = stream_text(tokens(), TextDecoder(BYTES))
    assert next(pieces) == "a"
    assert asked == [97]
