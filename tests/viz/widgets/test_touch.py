"""What answers a pointer in the browser has the numbers of the live tensors."""

from __future__ import annotations

import io
import re

import numpy as np
import torch
from ipywidgets import jslink
from PIL import Image

from utils.llm.gpt.model import GPT, GPTConfig
from utils.viz import widgets
from utils.viz.explorer import Explorer
from utils.viz.picture import Picture
from utils.viz.touch.board import Board
from utils.viz.touch.bowl import Bowl
from utils.viz.touch.spots import Spots
from utils.viz.touch.words import Words

X, Y = torch.tensor([0.0, 1.0, 2.0]), torch.tensor([1.0, 3.0, 5.5])


def stage(explorer: Explorer, kind: type) -> object:
    (found,) = [child for child in explorer.widget.children if isinstance(child, kind)]
    return found


def test_the_bowl_has_the_points_the_line_and_where_the_panels_lie() -> None:
    explorer = widgets.line_by_hand(X, Y, slope=1.0, intercept=2.0)
    bowl = stage(explorer, Bowl)
    assert (bowl.x, bowl.y, bowl.slope, bowl.intercept) == (X.tolist(), Y.tolist(), 1.0, 2.0)
    assert bowl.value.startswith(b"\x89PNG")
    points, whole = bowl.panels
    assert points["xlim"] == (-2, 7)
    assert whole["ylim"] == (-4, 6)
    assert 0 < points["left"] < points["right"] < whole["left"] < whole["right"] <= 900
    assert 0 < whole["top"] < whole["bottom"] < bowl.size["height"]
    across = (points["right"] - points["left"]) / 9
    up = (points["bottom"] - points["top"]) / 11
    assert abs(across - up) < 0.01 * up  # an error's square is one


def test_on_a_phone_the_bowl_lies_below_the_points() -> None:
    explorer = widgets.line_by_hand(X, Y)
    bowl = stage(explorer, Bowl)
    explorer.widget.children[-1]._handle_custom_msg({"there": True, "width": 360}, [])
    points, whole = bowl.panels
    assert points["bottom"] < whole["top"]
    assert bowl.size["width"] < 390
    assert _pixels(bowl.value).shape == (2 * bowl.size["height"], 2 * bowl.size["width"])


def test_a_panel_lies_where_its_axes_are_drawn() -> None:
    bowl = stage(widgets.line_by_hand(X, Y), Bowl)
    ground = _pixels(bowl.value)
    for panel in bowl.panels:
        left, bottom = round(2 * panel["left"]), round(2 * panel["bottom"])
        edge = ground[bottom - 40 : bottom - 10, left - 4 : left + 4].min(axis=1)
        assert (edge < 160).all()  # the axis is a dark line


def test_the_words_show_the_map_of_layer_and_head() -> None:
    explorer = explored()
    words = stage(explorer, Words)
    assert words.words == ["Mina", "ran"]
    assert _map(words) == [1.0, 0.0, 0.25, 0.75]
    assert words.said[1].endswith("looks most at itself; after “ran” the model expects “.”")
    explorer.controls["head"].value = 2
    assert _map(words) == [1.0, 0.0, 0.5, 0.5]
    explorer.controls["text"].value = "Tom"
    assert words.words == ["Tom"]
    assert _map(words) == [1.0]
    explorer.controls["text"].value = "no"
    assert words.words == ["Tom"]
    assert "could not be drawn" in explorer.caption.value
    explorer.controls["another_text"].click()
    assert words.words == ["Mina", "ran"]


def test_sliders_and_stage_follow_each_other_in_the_browser(monkeypatch) -> None:
    linked = []
    monkeypatch.setattr("ipywidgets.jslink", lambda *ends: linked.append(ends) or jslink(*ends))
    bowl = widgets.line_by_hand(X, Y)
    words = explored()
    assert linked == [
        ((stage(bowl, Bowl), "slope"), (bowl.controls["slope"], "value")),
        ((stage(bowl, Bowl), "intercept"), (bowl.controls["intercept"], "value")),
        ((stage(words, Words), "chosen"), (words.controls["word"], "value")),
    ]


def explored() -> Explorer:
    def look(text: str) -> tuple[list[str], torch.Tensor, list[str]]:
        if text == "no":
            raise ValueError("no such word")
        words = text.split()
        maps = torch.tensor([[1.0, 0.0], [0.25, 0.75]]), torch.tensor([[1.0, 0.0], [0.5, 0.5]])
        n = len(words)
        return words, torch.stack(maps)[None, :, :n, :n], ["ran", "."][:n]

    return widgets.attention_explorer(look, ["Mina ran"], layer=1, head=1, word=1)


def _map(words: Words) -> list[float]:
    return np.frombuffer(words.weights, np.float32).tolist()


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"))


def test_a_stage_stands_in_place_of_the_picture_and_the_bundle_keeps_it() -> None:
    explorer = widgets.line_by_hand(X, Y)
    assert explorer.image not in explorer.widget.children
    data, _ = explorer._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")
    assert isinstance(explorer.picture, Picture)


def darts() -> Explorer:
    scores = torch.tensor([0.5, 0.3, 0.2]).log()
    truth = {"a": 0.5, "b": 0.5}
    return widgets.dart_explorer(lambda _: scores, ["Once"], "abc", lambda _: truth, darts=3)


def throw(board: Board, part: float, far: float) -> None:
    board._handle_custom_msg({"dart": part, "far": far}, [])


def hits(explorer: Explorer) -> dict[str, int]:
    words = re.findall(r"(\w) \S+ % hit (\d+)", explorer.picture.twin)
    return {word: int(n) for word, n in words}


def test_a_dart_lands_in_the_slice_that_was_clicked() -> None:
    explorer = darts()
    board = stage(explorer, Board)
    assert [word for word, _ in board.slices] == ["a", "b", "c"]
    before = hits(explorer)
    throw(board, 0.6, 0.9)
    assert hits(explorer) == before | {"b": before["b"] + 1}
    throw(board, 1.0, 1.0)  # rounded up to the top: the end of the last slice
    assert hits(explorer)["c"] == before["c"] + 1
    explorer.controls["throw_one"].click()
    assert sum(hits(explorer).values()) == 6
    explorer.controls["pull_out_all"].click()
    throw(board, 0.1, 0.2)
    assert "darts 1:" in explorer.picture.twin


def test_a_dart_sticks_where_it_was_thrown() -> None:
    explorer = darts()
    board = stage(explorer, Board)
    explorer.controls["pull_out_all"].click()
    bare = _pixels(board.value).astype(int)
    throw(board, 0.25, 0.5)  # to the right of the middle, half way out
    changed = np.argwhere(_pixels(board.value).astype(int) != bare)
    panel = board.panel
    wide = panel["right"] - panel["left"]
    radius = wide / (panel["xlim"][1] - panel["xlim"][0])
    x, y = (panel["left"] + panel["right"]) / 2 + radius / 2, (panel["top"] + panel["bottom"]) / 2
    near = np.abs(changed - [y, x]).max(axis=1) < 12
    assert near.sum() > 20


def test_words_and_depths_of_a_pass_can_be_clicked() -> None:
    model = GPT(GPTConfig(vocab_size=5, context_length=8, n_layers=1, n_heads=2, d_model=8))
    explorer = widgets.pass_explorer(model, ["a b c"], lambda text: [0, 1, 2], "abcde")
    spots = stage(explorer, Spots)
    told = [(spot["control"], spot["value"]) for spot in spots.spots]
    assert told == [*(("word", i) for i in range(3)), *(("step", i) for i in range(3))]
    boxes = [spot["box"] for spot in spots.spots]
    assert boxes[0]["x"] < boxes[1]["x"] < boxes[2]["x"]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[3]["y"]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= spots.size["width"] for box in boxes)
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= spots.size["height"] for box in boxes)
    for control, value in (("word", 1), ("step", 2)):
        spots._handle_custom_msg({"control": control, "value": value}, [])
        assert explorer.controls[control].value == value
    assert "after “b”" in explorer.picture.finding
    assert spots.value == explorer.picture.png()
