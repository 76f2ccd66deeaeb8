"""One loop writes for chat, server and widget: it stops where it should, and says why."""

from __future__ import annotations

import pytest
import torch
from helpers.alphabet_model import save_alphabet_model
from hypothesis import given
from hypothesis import strategies as st

from utils.data.texts.models import TextModel, open_model
from utils.data.texts.writing import PromptTooLong, Settings, StopText, Writing
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.tokenizer.bpe import train_bpe
from utils.llm.tokenizer.streaming import TextDecoder


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> TextModel:
    return open_model(save_alphabet_model(tmp_path_factory.mktemp("model")))


def written(opened: TextModel, prompt: str, **settings: object) -> Writing:
    writing = Writing(opened, opened.encode(prompt), Settings(**settings))
    assert "".join(writing) == writing.text
    return writing


def test_an_end_mark_a_limit_or_a_full_context_ends_a_text(opened: TextModel) -> None:
    ended = written(opened, "w")
    assert (ended.text, ended.finish_reason, ended.n_prompt) == ("xyz", "stop", 1)
    assert ended.ids == [*b"xyz"]
    cut = written(opened, "ab", max_tokens=3)
    assert (cut.text, cut.finish_reason, cut.n_prompt) == ("cde", "length", 2)
    assert written(opened, "w", max_tokens=3).finish_reason == "length"
    assert written(opened, "w", max_tokens=4).finish_reason == "stop"
    full = written(opened, "a" * 39, max_tokens=1000)
    assert (full.text, full.finish_reason) == ("b", "length")


def test_a_prompt_without_room_is_refused(opened: TextModel) -> None:
    with pytest.raises(PromptTooLong, match="has 40 tokens, and abc reads 40 at most"):
        written(opened, "a" * 40)


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        (("y",), "vwx"),
        (("xyz", "wx"), "v"),
        (("vx", "za"), "vwxyz"),  # the z is held back until it is certain that no a follows
        (("v",), ""),
        (("z",), "vwxy"),
    ],
)
def test_a_stop_text_ends_it_and_is_not_shown(
    opened: TextModel, stop: tuple[str, ...], text: str
) -> None:
    writing = written(opened, "u", stop=stop)
    assert (writing.text, writing.finish_reason) == (text, "stop")


@given(st.text("ab"), st.lists(st.text("ab", min_size=1), max_size=3), st.data())
def test_a_gate_shows_what_stands_before_the_first_stop(
    text: str, stops: list[str], data: st.DataObject
) -> None:
    gate, shown, rest = StopText(stops), "", text
    while rest and not gate.hit:
        size = data.draw(st.integers(1, len(rest)))
        shown, rest = shown + gate.push(rest[:size]), rest[size:]
    if not gate.hit:
        shown += gate.flush()
    ends = [i for i in range(len(text)) if any(text.startswith(stop, i) for stop in stops)]
    assert gate.hit == bool(ends)
    # Within one piece the first place wins; across pieces, the stop that is complete first.
    complete = min((i + len(s) for s in stops for i in ends if text.startswith(s, i)), default=0)
    if ends:
        assert text.startswith(shown)
        assert len(shown) <= complete
    else:
        assert shown == text


def test_chance_repeats_with_a_seed_and_goes_with_the_temperature() -> None:
    torch.manual_seed(0)
    model = GPT(GPTConfig(257, 60, 1, 1, 8))
    encoding = train_bpe("", 257)
    any_text = TextModel(
        model,
        encoding.encode_ordinary,
        encoding.decode,
        (),
        "random",
        lambda messages: [],
        lambda prompt: TextDecoder(encoding),
    )

    def ids(**settings: object) -> list[int]:
        writing = Writing(any_text, [1], Settings(max_tokens=20, **settings))
        list(writing)
        return writing.ids

    assert ids(seed=1) == ids(seed=1) != ids(seed=2)
    assert ids() != ids()
    assert ids(temperature=0.0) == ids(temperature=0.0) == ids(top_p=0.0, seed=3)


def test_it_can_be_stopped_between_two_tokens(opened: TextModel) -> None:
    writing = Writing(opened, opened.encode("a"))
    pieces = []
    for piece in writing:
        pieces.append(piece)
        if len(pieces) == 3:
            writing.stop()
    assert (writing.text, writing.finish_reason, len(writing.ids)) == ("bcd", None, 3)
    left = Writing(opened, opened.encode("a"))
    for _ in left:
        break
    assert (left.text, left.finish_reason) == ("b", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", 0),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("top_p", 1.01),
        ("top_p", -1),
        ("stop", ("a", "")),
    ],
)
def test_settings_without_sense_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Settings(**{name: value})
