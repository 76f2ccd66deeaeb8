"""A story model at work: it writes on from the reader's own words, its chances beside the true."""

from __future__ import annotations

import html
from collections import deque
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import ipywidgets as widgets
import torch
from torch import Tensor

from utils.data.storyworld import world as storyworld
from utils.data.storyworld.tokens import VOCABULARY
from utils.data.texts.models import TextModel
from utils.data.texts.writing import Settings, Writing
from utils.viz.explorer import Explorer
from utils.viz.picture import Picture
from utils.viz.plots.curves import percent, pie_pair

__all__ = ["story_explorer"]

_INTERVAL = 500  # milliseconds between two words
_TAIL = 6
_SEEN, _SURE = 0.001, 0.9
THE_END, NO_STORY = "(the end)", "no story goes on here"


class _Story(NamedTuple):
    """A story that a model wrote: its words, how many were given, and the chances at each place."""

    words: list[str]
    given: int
    chances: Tensor  # (words + 1, V): of the first word, of the second, …, of what ends it


@torch.inference_mode()
def _write(opened: TextModel, first_words: str, seed: int) -> _Story:
    prompt = opened.encode(first_words)
    writing = Writing(opened, prompt, Settings(seed=seed))
    for _ in writing:
        pass
    ids = [*prompt, *writing.ids]
    chances = opened.model(torch.tensor([ids]))[0].softmax(dim=-1)  # (T, V)
    return _Story([VOCABULARY[i] for i in ids[1:]], len(prompt) - 1, chances)


def story_explorer(
    opened: TextModel,
    first_words: str = "Mina had a",
    words_written: int | None = None,
    seed: int = 0,
) -> Explorer:
    """First words, a button that plays the story word by word, a slider, and two pies.

    Without a number of `words_written` it opens where the true chances are unequal. `opened` is a
    model of the story world. Raises ValueError for first words that it can't read.
    """
    remembered = lru_cache(maxsize=16)(lambda text, number: _write(opened, text, number))
    if words_written is None:
        words_written = _first_surprise(remembered(first_words.strip(), seed))
    slider = widgets.IntSlider(words_written, min=0, max=200)
    play = widgets.Play(value=words_written, max=200, interval=_INTERVAL, show_repeat=False)
    shown, drawn, written = widgets.HTML(), [(first_words, 0)], deque(maxlen=1)

    def draw(first_words: str, words_written: int, another_story: int) -> Picture:
        story = remembered(first_words.strip(), seed + another_story)
        if drawn[-1] != (first_words, another_story):  # another story is written from its start
            drawn.append((first_words, another_story))
            slider.value = words_written = 0
        slider.max = play.max = len(story.words) - story.given
        place = story.given + min(words_written, slider.max)
        written.append(_text(story, place))
        return _pies(story, place)

    controls = {
        "first_words": widgets.Text(first_words, continuous_update=False),
        "words_written": slider,
        "another_story": widgets.Button(),
    }
    explorer = Explorer(controls, draw)
    shown.value = written[0]
    # With the picture, never before it: text and pies are of the same word.
    explorer.image.observe(lambda _: setattr(shown, "value", written[0]), names="value")
    widgets.jslink((play, "value"), (slider, "value"))
    text, number, again = explorer.panel.children
    wraps = widgets.Layout(flex_flow="row wrap")  # on a phone the words go above
    player = widgets.HBox([widgets.Label("write it, word by word"), play], layout=wraps)
    explorer.panel.children = (text, again, player, number)
    head, panel, *rest = explorer.widget.children
    explorer.widget.children = (head, panel, shown, *rest)
    return explorer


def _first_surprise(story: _Story) -> int:
    """How many words are written before one whose true chances differ, and leave a choice."""
    for place in range(story.given, len(story.words)):
        chances = sorted(_truth(story.words[:place]).values())
        if chances[-1] < _SURE and chances[-1] > 1.5 * chances[0]:
            return place - story.given
    return 0


def _pies(story: _Story, place: int) -> Picture:
    prefix, believed = story.words[:place], story.chances[place]
    came = story.words[place] if place < len(story.words) else storyworld.END
    model = _large({_said(VOCABULARY[i]): p for i, p in enumerate(believed.tolist())})
    true = _truth(prefix)
    tail = storyworld.prose(prefix[-_TAIL:]) if prefix else ""
    dots = "… " if len(prefix) > _TAIL else ""
    finding = (
        f"After “{dots}{tail}” it writes “{_said(came)}”, which had a true chance of "
        f"{percent(true.get(_said(came), 0.0))}"
    )
    return pie_pair(true, model, finding, drawn=_said(came))


def _large(chances: Mapping[str, float]) -> dict[str, float]:
    """The chances that can be seen in a pie; those too small for it are put together."""
    seen = {word: p for word, p in chances.items() if p >= _SEEN}
    rest = 1 - sum(seen.values())
    if rest >= _SEEN:
        return {**seen, "any other word": rest}
    return {word: p / (1 - rest) for word, p in seen.items()}


def _truth(prefix: Sequence[str]) -> Mapping[str, float]:
    try:
        return {_said(word): p for word, p in storyworld.next_words(prefix).items()}
    except storyworld.ImpossibleStoryError:
        return {NO_STORY: 1.0}


def _said(word: str) -> str:
    return THE_END if word == storyworld.END else word


def _text(story: _Story, place: int) -> str:
    """The story so far, the reader's words bold, the newest marked."""
    given = html.escape(storyworld.prose(story.words[: story.given]))
    whole = html.escape(storyworld.prose(story.words[:place]))
    rest = whole[len(given) :]
    body, space, last = rest.rpartition(" ")
    marked = f"{body}{space}<u>{last}</u>" if rest else ""
    look = "max-width:700px;min-height:4.5em;line-height:1.45;margin:6px 0"
    return f'<div style="{look}"><strong>{given}</strong>{marked}</div>'
