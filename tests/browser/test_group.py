"""The page of `course group`: light, dark and on a phone, without a grave fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from browser.axe import faults
from browser.lab import ROOT
from browser.test_pages import LOOKS, every_look

from utils.course.keeping_up.group import Learner, read_fork
from utils.course.keeping_up.page import page, write_page


@every_look
def test_the_page_of_a_group_can_be_read(look: str, opened: Any, shot: Any, tmp_path: Path) -> None:
    met = frozenset({("1.2", "You return one number per example: take the mean.")})
    solved, begun = read_fork(ROOT / "solutions", "Ana"), read_fork(ROOT / "chapters", "Ben")
    learners = [solved, Learner("Ben", begun.chapters, met), Learner("Cy")]
    write_page(page(learners, names=True), tmp_path / "group.html")
    shown = opened.new_context(**LOOKS[look]).new_page()
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto((tmp_path / "group.html").as_uri())
    assert asked == [(tmp_path / "group.html").as_uri()]
    assert shown.get_by_role("row", name="Ana").is_visible()
    assert faults(shown) == []
    assert (
        shown.evaluate("document.documentElement.scrollWidth") <= LOOKS[look]["viewport"]["width"]
    )
    shot(shown, look)
