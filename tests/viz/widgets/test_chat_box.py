"""The chat box in the notebook: it streams, can be stopped, and shows a fixed first frame."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.alphabet_model import save_alphabet_model

from utils.data.texts.models import TextModel, open_model
from utils.data.texts.writing import Settings
from utils.viz.widgets import ChatBox, chat


@pytest.fixture
def opened(tmp_path: Path) -> TextModel:
    return open_model(save_alphabet_model(tmp_path, context_length=60))


@pytest.fixture
def endless(tmp_path: Path) -> TextModel:
    return open_model(save_alphabet_model(tmp_path, context_length=6000, ends=False))


def soon(holds: Callable[[], bool]) -> bool:
    ends = time.monotonic() + 20
    while not holds() and time.monotonic() < ends:
        time.sleep(0.01)
    return holds()


def test_the_first_frame_needs_no_kernel(opened: TextModel) -> None:
    box = ChatBox(opened, first="s<t")
    bundle = box._repr_mimebundle_()
    assert repr(box) == "A conversation with abc.\nyou: s<t\nabc: uvwxyz"
    assert bundle["text/plain"] == repr(box)
    assert "s&lt;t" in bundle["text/html"]
    assert "uvwxyz" in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"] == ChatBox(opened, first="s<t")._html()
    assert box.conversation.settings.seed is None
    assert "Nothing has been said to abc yet" in ChatBox(opened)._html()


def test_a_name_is_opened_as_narrow_as_its_file_is(
    opened: TextModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}
    monkeypatch.setattr(chat, "open_model", lambda name, **how: asked.update(how) or opened)
    assert ChatBox("smollm2").opened is opened
    assert asked == {"precision": "auto"}


def test_enter_asks_and_the_answer_comes_by_itself(opened: TextModel) -> None:
    box = ChatBox(opened)
    box.text.value = "was typed and left"
    assert box.conversation.messages == []
    box.text._handle_custom_msg({"event": "submit"}, [])
    box.text.value = " uv "  # the browser sends it behind the Enter
    assert box.text.value == ""
    box.wait()
    assert [m["content"] for m in box.conversation.messages] == ["uv", "wxyz"]
    assert "wxyz" in box.shown.value
    assert box.halt.disabled
    assert not box.send.disabled
    box.text.value = "x"
    box.send.click()
    assert soon(lambda: len(box.conversation.messages) == 4)
    box.wait()
    assert box.conversation.messages[-1]["content"] == "yz"
    box.ask("   ")
    assert len(box.conversation.messages) == 4
    box.forget.click()
    assert box.conversation.messages == []
    assert "Nothing has been said" in box.shown.value


def test_an_answer_is_seen_as_it_grows_and_can_be_stopped(endless: TextModel) -> None:
    box = ChatBox(endless)
    box.ask("a")
    assert soon(lambda: "bcdef" in box.shown.value)
    assert box.busy
    assert box.send.disabled
    assert " …" in box.shown.value
    box.ask("m")  # one at a time
    box.halt.click()
    box.wait()
    assert not box.busy
    asked, answered = box.conversation.messages
    assert asked["content"] == "a"
    assert answered["content"].startswith("bcdef")
    assert len(answered["content"]) < 5900
    assert " …" not in box.shown.value


def test_the_sliders_are_the_settings(opened: TextModel) -> None:
    box = ChatBox(opened, Settings(temperature=0.7, top_p=0.9, max_tokens=5))
    assert (box.temperature.value, box.top_p.value) == (0.7, 0.9)
    box.temperature.value, box.top_p.value = 0.0, 0.5
    assert box.conversation.settings == Settings(temperature=0.0, top_p=0.5, max_tokens=5)


def test_what_can_not_be_read_or_written_is_said_in_the_box(
    opened: TextModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = ChatBox(opened)
    box.ask("a" * 70)
    assert "❌ The prompt has 70 tokens" in box.shown.value
    assert box.conversation.messages == []

    def fail(*given: object, **options: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(type(opened.model), "forward", fail)
    box.ask("a")
    box.wait()
    assert "❌ RuntimeError: out of memory" in box.shown.value
    assert not box.send.disabled
    with pytest.raises(ValueError, match="has 70 tokens"):
        ChatBox(opened, first="a" * 70)
