"""The pages beside the notebooks: the chat of `course serve`, and the site where it was built."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.axe import faults
from browser.lab import ROOT, free_port

SITE = ROOT / "build" / "site"
LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
every_look = pytest.mark.parametrize("look", LOOKS)


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "utils.course.cli", "serve", "--port", str(port)]
    command += ["--model", "stories-instruct"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert process.stdout is not None
    assert "is served at" in process.stdout.readline()
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


@every_look
def test_the_chat_answers_and_has_no_grave_fault(
    look: str, served: str, opened: Any, shot: Any
) -> None:
    page = opened.new_context(**LOOKS[look]).new_page()
    page.goto(served)
    box = page.get_by_label("Your message")
    box.wait_for()
    page.wait_for_function("() => document.title === 'stories-instruct'")
    box.fill("Write a story about Mina and a kite.")
    box.press("Enter")
    page.wait_for_function(
        "() => document.querySelector('#talk p.assistant')?.textContent.length > 20"
        " && document.querySelector('#stop').disabled",
        timeout=60_000,
    )
    shot(page, "chat")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert not faults(page)
    page.get_by_role("button", name="New conversation").click()
    assert page.locator("#talk p").count() == 0
    page.context.close()


def pages_of_the_site() -> list[str]:
    found = sorted(SITE.rglob("*.html")) if SITE.is_dir() else []
    wanted = [p for p in found if p.name in ("index.html", "search.html", "words.html")]
    wanted += [p for p in found if p.name[:3] in ("00_", "04_")]
    return [str(Path(p).relative_to(SITE)) for p in wanted][:8]


@every_look
@pytest.mark.parametrize("name", pages_of_the_site() or [None])
def test_the_site_has_no_grave_fault(name: str | None, look: str, opened: Any, shot: Any) -> None:
    if name is None:
        pytest.skip("no build/site; `make site` builds it")
    page = opened.new_context(**LOOKS[look]).new_page()
    page.goto((SITE / name).as_uri())
    shot(page, "top")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth + 1")
    assert not faults(page)
    page.context.close()
