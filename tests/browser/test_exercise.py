"""An exercise as a reader meets it: wrong at first, looked into, then right."""

from __future__ import annotations

from typing import Any

from browser.axe import faults
from browser.lab import Chapter, Lab
from playwright.sync_api import Locator

WRONG = """def likeliest_next(words, word):
    return words[words.index(word) + 1]

likeliest_next = check("0.1", likeliest_next)
"""
LOOK = (
    WRONG
    + """
case = check.case("0.1")
print("ARGS", case.args, "EXPECTED", case.expected)
"""
)
RIGHT = """def likeliest_next(words, word):
    followers = Counter(b for a, b in zip(words, words[1:]) if a == word)
    return followers.most_common(1)[0][0] if followers else None

likeliest_next = check("0.1", likeliest_next)
"""


def write_and_run(chapter: Chapter, cell: Locator, source: str) -> str:
    """Put the code into a cell, run it from the menu's command; what it put out."""
    cell.locator(".jp-InputPrompt").click()
    chapter.page.evaluate(
        "source => window.jupyterapp.shell.currentWidget.content.activeCell.model"
        ".sharedModel.setSource(source)",
        source,
    )
    chapter.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
    chapter.ready()
    chapter.page.wait_for_timeout(300)
    return cell.locator(".jp-OutputArea").inner_text()


def test_an_exercise_failed_looked_into_and_solved(lab: Lab, opened: Any, shot: Any) -> None:
    chapter = lab.open(opened, "chapters/00_start_here.ipynb")
    chapter.run_all()
    cell = chapter.cells().filter(has_text='check("0.1"').last
    chapter.show(cell)
    cell.get_by_text("⬜ 0.1").wait_for(timeout=30_000)
    look_of_an_exercise(chapter, cell)
    assert "❌ 0.1" in write_and_run(chapter, cell, WRONG)
    shot(chapter.page, "wrong")
    said = write_and_run(chapter, cell, LOOK)
    assert "❌ 0.1" in said
    assert "ARGS ([" in said
    assert "EXPECTED" in said
    assert write_and_run(chapter, cell, RIGHT).strip().startswith("✅ 0.1")
    solved = chapter.page.locator(".course-solved")
    solved.get_by_text("✅ 0.1").wait_for(timeout=30_000)
    assert "1 of 1 exercises solved" in (solved.text_content() or "")
    shot(chapter.page, "right")
    assert not faults(chapter.page, ".jp-OutputArea-output")
    chapter.close()
    lab.end_kernels()


def look_of_an_exercise(chapter: Chapter, cell: Locator) -> None:
    """An exercise has a mark that a plain cell has not."""
    edge = "cell => getComputedStyle(cell).borderLeftWidth"
    assert cell.evaluate(edge) == "4px"
    plain = chapter.cells().filter(has_text="import torch").first
    assert plain.evaluate(edge) != "4px"


def test_a_page_whose_kernel_was_restarted_says_so(lab: Lab, opened: Any, shot: Any) -> None:
    chapter = lab.open(opened, "chapters/00_start_here.ipynb")
    chapter.run_all()
    widget = chapter.page.locator(".course-explorer").first
    told = widget.get_by_text("Nothing answers yet")
    assert told.count() == 0
    lab.restart_kernels()
    chapter.ready()
    widget.get_by_role("slider").first.focus()
    chapter.page.keyboard.press("ArrowRight")
    told.wait_for(timeout=30_000)
    shot(chapter.page, "silent")
    chapter.close()
    lab.end_kernels()


def test_the_end_leads_back_and_on(lab: Lab, opened: Any) -> None:
    chapter = lab.open(opened, "chapters/00_start_here.ipynb")
    page = chapter.page
    page.get_by_role("link", name="To the top").last.click()
    page.get_by_role("heading", name="00 · Start here").first.wait_for()
    page.get_by_role("link", name="Next: 01 · Models that learn").last.click()
    page.get_by_role("heading", name="01 · Models that learn").first.wait_for(timeout=60_000)
    chapter.close()
    lab.end_kernels()


def test_on_a_phone_nothing_runs_off_the_page(lab: Lab, opened: Any, shot: Any) -> None:
    phone = {"width": 390, "height": 844}
    chapter = lab.open(opened, "chapters/00_start_here.ipynb", viewport=phone)
    chapter.command("application:toggle-left-area")
    chapter.run_all()
    widget = chapter.page.locator(".course-explorer").first
    chapter.wait("() => document.querySelector('.course-explorer img')?.naturalWidth < 800")
    chapter.show(widget)
    shot(chapter.page, "phone")
    assert widget.evaluate("w => w.scrollWidth <= w.clientWidth + 1")
    chapter.close()
    lab.end_kernels()
