"""What answers a pointer, on a page of its own: the scripts with the numbers that Python gives."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from browser.axe import faults
from playwright.sync_api import Locator, Page

from utils.viz import plots
from utils.viz.touch.board import Board
from utils.viz.touch.bowl import Bowl
from utils.viz.touch.spots import Spot, Spots
from utils.viz.touch.words import Words

BEGIN = """async ([script, state, bytes]) => {
  const module = await import("data:text/javascript," + encodeURIComponent(script));
  for (const name of bytes) {
    const raw = Uint8Array.from(atob(state[name]), (letter) => letter.charCodeAt(0));
    state[name] = new DataView(raw.buffer);
  }
  const heard = {};
  window.state = state;
  window.sent = [];
  window.saved = 0;
  window.change = (name, value) => {
    state[name] = value;
    for (const act of heard[`change:${name}`] ?? []) act();
  };
  const model = {
    get: (name) => state[name], set: window.change, send: (said) => window.sent.push(said),
    save_changes: () => { window.saved += 1; }, off: () => {},
    on: (name, act) => { heard[name] = [...(heard[name] ?? []), act]; },
  };
  module.default.render({ model, el: document.getElementById("el") });
}"""


@pytest.fixture
def shown(opened: Any) -> Iterator[Callable[[Any], Page]]:
    page = opened.new_page(viewport={"width": 1000, "height": 700})

    def show(widget: Any) -> Page:
        page.set_content('<html lang="en"><title>x</title><main><div id="el"></div></main></html>')
        state = {name: getattr(widget, name) for name in widget.keys if not name.startswith("_")}
        state = {name: value for name, value in state.items() if name not in ("layout", "comm")}
        raw = [name for name, value in state.items() if isinstance(value, bytes)]
        for name in raw:
            state[name] = base64.b64encode(state[name]).decode()
        page.evaluate(BEGIN, [widget._esm, state, raw])
        return page

    yield show
    page.close()


def middle(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_bowl_is_clicked_and_pulled(shown: Callable[[Any], Page]) -> None:
    x, y = torch.tensor([0.0, 1.0, 2.0, 3.0]), torch.tensor([1.0, 3.0, 5.0, 7.0])
    page = shown(Bowl(x, y, slope=0.5, intercept=3.0, step=0.05))
    told = page.locator("#el p")
    assert told.inner_text() == "y = 0.50 · x + 3.00, loss 2.875"
    across, down = middle(page.locator(".pull"))
    page.mouse.click(across, down)
    assert told.inner_text() == "y = 1.50 · x + 1.00, loss 0.875"
    page.mouse.move(*middle(page.locator("circle")))
    page.mouse.down()
    sides = []
    for step in range(1, 11):
        page.mouse.move(across + 3 * step, down)
        sides.append(float(page.locator("g rect").last.get_attribute("width") or 0))
    page.mouse.move(across + 3000, down)
    page.mouse.up()
    assert len(set(sides)) > 5
    assert page.evaluate("[state.slope, state.intercept]") == pytest.approx([5.0, 1.0])
    assert page.evaluate("saved") > 5
    page.mouse.move(across, down)
    assert page.evaluate("state.slope") == pytest.approx(5.0)
    assert not faults(page)


def test_the_bowl_follows_the_sliders(shown: Callable[[Any], Page]) -> None:
    x, y = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 3.0])
    page = shown(Bowl(x, y, slope=0.5, intercept=3.0, step=0.05))
    page.evaluate("change('slope', 2); change('intercept', 1)")
    assert page.locator("#el p").inner_text() == "y = 2.00 · x + 1.00, loss 0.000"
    assert page.get_by_role("img", name="y = 2.00 · x + 1.00, loss 0.000").count() == 1
    assert all(float(r.get_attribute("width") or 1) < 1e-6 for r in page.locator("g rect").all())


def test_the_bowl_finds_its_place_anew(shown: Callable[[Any], Page]) -> None:
    x, y = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 3.0])
    page = shown(Bowl(x, y, slope=0.5, intercept=3.0, step=0.05))
    before = middle(page.locator("circle"))
    page.evaluate("change('panels', [...state.panels].map(p => ({...p, left: p.left + 9})))")
    assert middle(page.locator("circle")) != before
    page.mouse.click(*middle(page.locator(".pull")))
    assert page.evaluate("[state.slope, state.intercept]") == pytest.approx([1.5, 1.0])


def looking() -> Words:
    words = Words(chosen=2)
    weights = torch.tensor([[1.0, 0, 0], [0.25, 0.75, 0], [0.5, 0.5, 0]])
    words.show(["Mina", "<b>", "kite"], weights, ["on itself", "on itself too", "on both"])
    return words


def test_a_word_pointed_at_shows_where_it_looks_and_a_click_keeps_it(
    shown: Callable[[Any], Page],
) -> None:
    page = shown(looking())
    words, told = page.locator(".course-words > span"), page.locator("#el p")
    assert words.locator("small").all_inner_texts() == [".50", ".50", ""]
    assert told.inner_text() == "on both"
    words.nth(1).hover()
    assert words.locator("small").all_inner_texts() == [".25", ".75", ""]
    assert told.inner_text() == "on itself too"
    page.mouse.move(900, 600)
    assert told.inner_text() == "on both"
    words.nth(0).click()
    page.mouse.move(900, 600)
    assert told.inner_text() == "on itself"
    assert page.evaluate("[state.chosen, saved]") == [0, 1]
    assert not faults(page)


def test_another_map_and_a_shorter_text_are_read_whole(shown: Callable[[Any], Page]) -> None:
    page = shown(looking())
    page.evaluate(
        "change('words', ['Tom']); change('weights', new DataView(new Float32Array([1]).buffer));"
        " change('said', ['alone'])"
    )
    page.locator("#el p").get_by_text("alone").wait_for()
    assert page.locator(".course-words > span").count() == 1


def test_a_click_on_the_board_throws_a_dart_that_sticks_at_once(
    shown: Callable[[Any], Page],
) -> None:
    shares = {"a": 0.5, "b": 0.3, "c": 0.2}
    board = Board()
    board.draw(plots.dart_board(shares, [0.2], None, "A board."), shares)
    page = shown(board)
    across, down = middle(page.locator(".disc"))
    page.mouse.move(across + 30, down)
    told = page.locator("#el p")
    assert told.inner_text() == "“a”: 50 % of the board"
    page.mouse.move(across - 5, down - 30)
    assert told.inner_text() == "“c”: 20 % of the board"
    page.mouse.click(across - 30, down)
    (thrown,) = page.evaluate("sent")
    assert thrown["dart"] == pytest.approx(0.75, abs=0.01)
    assert 0 < thrown["far"] < 1
    assert told.inner_text() == "“b”: 30 % of the board"
    assert page.locator("g circle").count() == 1
    page.evaluate("change('value', state.value)")
    assert page.locator("g circle").count() == 0
    assert page.locator("img").get_attribute("alt") == "A board."
    assert not faults(page)


def test_a_click_on_a_place_tells_which_control_it_moves(shown: Callable[[Any], Page]) -> None:
    drawn = plots.lines({"a": [1.0, 2.0]}, "x", "y", "Two halves.")
    (panel,) = drawn.panels()
    ends, spots = (*panel.xlim, sum(panel.xlim) / 2), Spots()
    halves = [(ends[0], ends[2]), (ends[2], ends[1])]
    spots.draw(drawn, [Spot(panel, *half, *panel.ylim, "step", i) for i, half in enumerate(halves)])
    page = shown(spots)
    frame = page.locator("svg").bounding_box()
    assert frame is not None
    shrunk, down = frame["width"] / drawn.width, (panel.top + panel.bottom) / 2
    assert shrunk < 1  # so that no picture is taller than its page
    for across in (panel.right - 5, panel.left + 5, panel.left - 5):
        page.mouse.click(frame["x"] + shrunk * across, frame["y"] + shrunk * down)
    assert page.evaluate("sent") == [{"control": "step", "value": i} for i in (1, 0)]
    page.evaluate("change('spots', [])")
    assert page.locator(".spot").count() == 0
    assert not faults(page)
