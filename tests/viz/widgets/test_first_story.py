"""The first minute of the course: a story, and at every word what could have come."""

from __future__ import annotations

import re

import torch

from utils.data.storyworld import world as storyworld
from utils.data.storyworld.tokens import END_ID, encode
from utils.data.texts.models import open_model
from utils.viz.widgets import story_explorer
from utils.viz.widgets.first_story import NO_STORY, _truth


def test_the_pies_are_the_models_and_the_worlds() -> None:
    opened = open_model("stories")
    explorer = story_explorer(opened, "Mina had a blue", words_written=0)
    kite = storyworld.next_words("Mina had a blue".split())
    with torch.no_grad():
        logits = opened.model(torch.tensor([[END_ID, *encode("Mina had a blue")]]))
    best = max(kite, key=kite.get)
    share = logits[0, -1].softmax(-1)[encode(best)[0]]
    believed = repr(explorer).split("believes")[1]
    assert f"{best} {float(share):.2g}" in believed
    assert "After “Mina had a blue” it writes" in explorer.picture.finding
    assert f"a true chance of {100 / len(kite):.2g} %" in explorer.picture.finding


def test_it_writes_on_from_the_readers_words() -> None:
    explorer = story_explorer(open_model("stories"), "Mina had", words_written=3)
    text = next(
        c for c in explorer.widget.children if "min-height:4" in str(getattr(c, "value", ""))
    )
    assert "<strong>Mina had</strong>" in text.value
    first = text.value
    explorer.controls["words_written"].value = 4
    assert text.value != first
    last = explorer.controls["words_written"].max
    explorer.controls["words_written"].value = last
    assert "it writes “(the end)”" in explorer.picture.finding
    explorer.controls["another_story"].click()
    assert explorer.controls["words_written"].value == 0
    assert "After “Mina had” it writes" in explorer.picture.finding
    assert text.value != first
    explorer.controls["first_words"].value = "Mina had a dragon"
    assert "&#x27;dragon&#x27;" in explorer.caption.value
    explorer.controls["first_words"].value = "Tom"
    assert "<strong>Tom</strong>" in text.value
    explorer.controls["first_words"].value = ""
    explorer.controls["words_written"].value = 0
    assert "After “” it writes" in explorer.picture.finding


def test_it_opens_where_the_true_chances_differ() -> None:
    explorer = story_explorer(open_model("stories"))
    place = explorer.controls["words_written"].value
    words = explorer.picture.finding.partition("it writes")[0]
    text = next(
        c for c in explorer.widget.children if "min-height:4" in str(getattr(c, "value", ""))
    )
    prefix = re.sub("<[^>]+>", "", text.value)
    assert prefix.rstrip(".").endswith(words.strip(" ”").split()[-1].rstrip(".”"))
    chances = storyworld.next_words(re.findall(r"[\w’']+|[.,!?]", prefix)).values()
    assert place >= 0
    assert 0.9 > max(chances) > 1.5 * min(chances)


def test_words_that_no_story_has_are_told_so() -> None:
    assert _truth("Mina Mina".split()) == {NO_STORY: 1.0}
    explorer = story_explorer(open_model("stories"), "Mina Mina", words_written=0)
    assert "a true chance of < 0.1 %" in explorer.picture.finding
