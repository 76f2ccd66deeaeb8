"""Every chapter is opened, run, touched, saved, closed and opened again the next day."""

from __future__ import annotations

from typing import Any

import pytest
from browser.axe import faults
from browser.lab import DARK, LAPTOP, LIGHT, ROOT, Chapter, Lab
from playwright.sync_api import Locator

CHAPTERS = sorted(path.name for path in (ROOT / "chapters").glob("[0-9][0-9]_*.ipynb"))
LOST = "model not found"
PAGE = ".jp-NotebookPanel-notebook"
#: What answers a pointer, and what then becomes another: a sentence, or the picture.
POINTED = (".pull", ".course-words > span", ".disc", ".spot")
DRAWN = """explorer => explorer.querySelector(".course-over + p, .course-words + p")?.textContent
  || explorer.querySelector("img")?.src || null"""
#: A laptop's page at 200 %, and a phone's.
ZOOMED, PHONE = {"width": 720, "height": 395}, {"width": 390, "height": 844}
OURS, PROSE = ".jp-OutputArea-output", ".jp-MarkdownOutput"


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_today_and_tomorrow(name: str, lab: Lab, opened: Any, shot: Any) -> None:
    chapter = lab.open(opened, f"chapters/{name}")
    folded_at_first(chapter)
    chapter.theme(LIGHT)  # Lab keeps the theme of the chapter before
    chapter.run_all()
    asked = ask_all(chapter)
    explored = [touch(chapter, one) for one in chapter.page.locator(".course-explorer").all()]
    shoot(chapter, shot, "light")
    nameless = chapter.page.locator(f"{OURS} img:not([alt], [title]):visible")
    assert nameless.count() == 0, nameless.first.evaluate("img => img.outerHTML.slice(0, 200)")
    found = faults(chapter.page, OURS, PROSE)
    chapter.theme(DARK)
    shoot(chapter, shot, "dark")
    found += faults(chapter.page, OURS, PROSE)
    assert not found, "\n".join(dict.fromkeys(found))
    fits(chapter, shot)
    chapter.save()
    assert not chapter.errors
    chapter.close()
    lab.end_kernels()
    tomorrow(lab, opened, name, asked, len(explored))


def folded_at_first(chapter: Chapter) -> None:
    """What answers a question is folded in the stored notebook, and nothing is lost there."""
    folds = chapter.page.locator(".jp-Placeholder.jp-OutputPlaceholder, .jp-OutputPlaceholder")
    questions = chapter.page.locator(PAGE).get_by_text("Predict, then run ·")
    assert folds.count() <= questions.count()
    assert LOST not in (chapter.page.locator(PAGE).text_content() or "")


def ask_all(chapter: Chapter) -> int:
    """Answer every question by key; what the next cell puts out shows only then."""
    panels = chapter.page.locator(".course-ask")
    for panel in panels.all():
        answer = panel.locator("xpath=ancestor::*[contains(@class, 'jp-CodeCell')]").locator(
            "xpath=following-sibling::*[1][contains(@class, 'jp-CodeCell')]"
        )
        hidden = answer.locator(".jp-Cell-outputWrapper")
        folds = answer.count() and not answer.locator(".course-ask").count()
        if folds:
            assert not hidden.is_visible()
        first = panel.get_by_role("radio").first
        first.focus()
        chapter.page.keyboard.press("Space")
        panel.get_by_role("alert").wait_for(timeout=10_000)
        assert first.is_checked()
        if folds and hidden.inner_text().strip():
            assert hidden.is_visible()
    return panels.count()


def shoot(chapter: Chapter, shot: Any, name: str) -> None:
    """The page, and each widget by itself."""
    shot(chapter.page, name)
    for i, explorer in enumerate(chapter.page.locator(".course-explorer").all()):
        shot(explorer, f"{name}-{i}")


def fits(chapter: Chapter, shot: Any) -> None:
    """At twice the size, and on a phone, no widget runs off its cell."""
    chapter.command("application:toggle-left-area")
    for name, size in (("zoomed", ZOOMED), ("phone", PHONE)):
        chapter.page.set_viewport_size(size)
        for i, explorer in enumerate(chapter.page.locator(".course-explorer").all()):
            explorer.evaluate("explorer => explorer.dispatchEvent(new Event('pointerup'))")
            chapter.page.wait_for_timeout(1500)  # for what is drawn again; only the picture waits
            shot(explorer, f"{name}-{i}")
            assert explorer.evaluate("e => e.scrollWidth <= e.clientWidth + 1"), f"{name} {i}"
    chapter.page.set_viewport_size(LAPTOP)


def touch(chapter: Chapter, explorer: Locator) -> None:
    """Move the sliders by key and by mouse: they are named, the picture answers, no error shows."""
    drawn = explorer.evaluate(DRAWN)
    for handle in explorer.get_by_role("slider").all():
        assert handle.get_attribute("aria-label"), f"{chapter.name}: a slider without a name"
        if handle.get_attribute("aria-disabled") == "true":
            continue
        handle.focus()
        now = float(handle.get_attribute("aria-valuenow") or 0)
        end = float(handle.get_attribute("aria-valuemax") or 0)
        said = handle.get_attribute("aria-valuetext")
        chapter.page.keyboard.press("ArrowRight" if now < end else "ArrowLeft")
        changed(chapter, handle, said)
        drag(chapter, handle)
    if drawn is not None:
        drawn_anew(chapter, explorer, drawn)
    for places in POINTED:
        if explorer.locator(places).count():
            point(chapter, explorer, explorer.locator(places).first)
    assert "could not be drawn" not in (explorer.text_content() or "")


def point(chapter: Chapter, explorer: Locator, place: Locator) -> None:
    """Click on what answers a pointer."""
    before = explorer.evaluate(DRAWN)
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box is not None
    chapter.page.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"])
    drawn_anew(chapter, explorer, before)


def drawn_anew(chapter: Chapter, explorer: Locator, before: str | None) -> None:
    for _ in range(300):
        if explorer.evaluate(DRAWN) != before:
            return
        chapter.page.wait_for_timeout(100)
    pytest.fail(f"{chapter.name}: nothing was drawn anew")


def changed(chapter: Chapter, handle: Locator, before: str | None) -> None:
    """What is said of the slider is another; its number has one digit, too few for small steps."""
    for _ in range(50):
        if handle.get_attribute("aria-valuetext") != before:
            return
        chapter.page.wait_for_timeout(100)
    pytest.fail(f"{chapter.name}: a key did not move {handle.get_attribute('aria-label')}")


def drag(chapter: Chapter, handle: Locator) -> None:
    """Press on the handle and pull it a little; it must not throw."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box is not None
    mouse = chapter.page.mouse
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 12, y, steps=4)
    mouse.up()
    chapter.page.wait_for_timeout(200)


def tomorrow(lab: Lab, opened: Any, name: str, asked: int, explored: int) -> None:
    """Opened again, nothing has run: the answers stand, the pictures stand."""
    chapter = lab.open(opened, f"chapters/{name}")
    page = chapter.page
    for cell in chapter.cells().all():
        chapter.page.wait_for_timeout(20)
        cell.evaluate("cell => cell.scrollIntoView()")
    if asked:  # a loaded machine draws the last ones late
        page.locator(".course-ask").nth(asked - 1).wait_for(state="attached", timeout=60_000)
    if explored:
        page.locator(".course-explorer").nth(explored - 1).wait_for(
            state="attached", timeout=60_000
        )
    assert LOST not in (page.locator(PAGE).text_content() or "")
    assert page.locator(".course-ask").count() == asked
    assert page.locator(".course-explorer").count() == explored
    assert page.locator(".course-ask input:checked").count() == asked
    chapter.close()
    lab.end_kernels()
