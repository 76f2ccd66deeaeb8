"""The attention explorer: choose a text, a layer, a head and a word, and see where it looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import ipywidgets as widgets
from torch import Tensor

from utils.viz.explorer import Explorer, another, idle
from utils.viz.picture import Picture
from utils.viz.plots.attention import look_back
from utils.viz.touch.words import Words

#: Tokens as they are shown, weights (L, H, T, T), and what is predicted after each token.
Looks = tuple[Sequence[str], Tensor, Sequence[str]]


def words_of(text: str) -> list[str]:
    """Words and punctuation marks, as the story world separates them.

    >>> words_of("Mina had a kite.")
    ['Mina', 'had', 'a', 'kite', '.']
    """
    return re.findall(r"[\w’']+|[^\w\s]", text)


def attention_explorer(
    look: Callable[[str], Looks],
    texts: Sequence[str],
    *,
    layer: int = 1,
    head: int = 1,
    word: int = 0,
) -> Explorer:
    """A text to edit, and sliders for the layer, the head and the word that looks.

    A word can be pointed at and clicked, too. `look(text)` runs the model; an error it raises is
    shown below the picture. A button goes through `texts`. Layers and heads count from 1, words
    from 0; head 0 is all heads of the layer, the mean of their weights.
    """
    if not texts:
        raise ValueError("texts is empty; give at least one to begin with")
    remembered = lru_cache(maxsize=8)(look)
    _, weights, _ = remembered(texts[0])
    n_layers, n_heads, n_tokens, _ = weights.shape
    controls = {
        "text": widgets.Textarea(
            texts[0], rows=3, continuous_update=False, layout={"width": "min(780px, 98%)"}
        ),
        "another_text": another("text", texts),
        "layer": widgets.IntSlider(layer, min=1, max=n_layers),
        "head": widgets.SelectionSlider(
            options=[("all", 0), *((str(h), h) for h in range(1, n_heads + 1))], value=head
        ),
        "word": widgets.IntSlider(word, min=0, max=n_tokens - 1),
    }
    stage, shown, mapped = Words(word), [0], []

    def draw(text: str, another_text: int, layer: int, head: int, word: int) -> Picture:
        if another_text != shown[0]:
            shown[0] = another_text
            text = controls["text"].value = texts[another_text % len(texts)]
        looks = remembered(text)
        tokens = looks[0]
        controls["word"].max = len(tokens) - 1
        for name, n in (("layer", n_layers), ("head", n_heads), ("word", len(tokens))):
            idle(controls[name], "" if n > 1 else "there is only one")
        word = min(word, len(tokens) - 1)
        if mapped != [text, layer, head]:
            mapped[:] = text, layer, head
            said = [_said(looks, i, layer, head) for i in range(len(tokens))]
            stage.show(tokens, _map(looks[1], layer, head), ["; ".join(two) for two in said])
        finding, note = _said(looks, word, layer, head)
        return look_back(tokens, _map(looks[1], layer, head)[word], word, finding, note=note)

    widgets.jslink((stage, "chosen"), (controls["word"], "value"))
    return Explorer(controls, draw, stage)


def _map(weights: Tensor, layer: int, head: int) -> Tensor:
    """The weights (T, T) of one head, or the mean of all for head 0."""
    return weights[layer - 1, head - 1] if head else weights[layer - 1].mean(0)


def _said(looks: Looks, word: int, layer: int, head: int) -> tuple[str, str]:
    """Where a word looks most, and what is expected after it."""
    tokens, weights, predicted = looks
    who = f"head {head}" if head else "all heads"
    where = _where(tokens, word, int(_map(weights, layer, head)[word].argmax()))
    if not head:
        best = weights[layer - 1, :, word].argmax(-1).tolist()
        alone = (f"head {h} at {_where(tokens, word, at)}" for h, at in enumerate(best, start=1))
        where += f" (alone, {'; '.join(alone)})"
    return (
        f"Layer {layer}, {who}: “{tokens[word]}” looks most at {where}",
        f"after “{tokens[word]}” the model expects “{predicted[word]}”",
    )


def _where(tokens: Sequence[str], word: int, looked_at: int) -> str:
    back = word - looked_at
    named = f"“{tokens[looked_at]}”, {back} words back"
    return {0: "itself", 1: "the word before it"}.get(back, named)
