"""The line that goes with every widget, on a page that is made of nothing but what it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser.axe import faults
from browser.lab import ROOT
from playwright.sync_api import Page

SCRIPT = (ROOT / "utils" / "viz" / "companion.js").read_text(encoding="utf-8")
PAGE = """<html lang="en"><title>x</title><main class="jp-Notebook">
<div class="jp-MarkdownOutput"><h1>04 · Self-attention</h1><h3 id="Exercise-4.1-·-A">A</h3></div>
<div class="jp-OutputArea-output"><pre>✅ 4.1 A\n⬜ 4.2 B: not attempted yet.</pre></div>
<div class="course-explorer">
  <div class="widget-slider"><label class="widget-label">heat</label>
    <div role="slider" tabindex="0" aria-valuenow="1" aria-valuemin="0" aria-valuemax="3"></div>
    <div class="widget-readout">0.55</div></div>
  <button title="Play"></button><div id="el"></div></div></main></html>"""
BEGIN = """async script => {
  const module = await import("data:text/javascript," + encodeURIComponent(script));
  const heard = {};
  window.asked = 0;
  window.answers = true;
  const model = {
    on: (name, act) => { heard[name] = act; }, off: () => {},
    send: () => { window.asked += 1; if (window.answers) setTimeout(heard["msg:custom"], 50); },
  };
  window.end = module.default.render({ model, el: document.getElementById("el") });
}"""


@pytest.fixture
def page(opened: Any) -> Iterator[Page]:
    page = opened.new_page()
    page.set_content(PAGE)
    page.evaluate(BEGIN, SCRIPT)
    page.wait_for_function("() => window.asked > 0")
    yield page
    page.close()


def test_controls_are_named_and_their_values_said(page: Page) -> None:
    slider = page.get_by_role("slider", name="heat")
    assert slider.get_attribute("aria-valuetext") == "0.55"
    page.locator(".widget-readout").evaluate("readout => { readout.textContent = '0.60'; }")
    page.wait_for_timeout(100)
    assert slider.get_attribute("aria-valuetext") == "0.60"
    assert slider.get_attribute("aria-disabled") == "false"
    page.locator(".widget-slider").evaluate("box => box.setAttribute('disabled', true)")
    page.wait_for_timeout(100)
    assert slider.get_attribute("aria-disabled") == "true"
    assert page.get_by_role("button", name="Play").count() == 1
    assert not faults(page)


def test_it_says_when_nothing_answers_and_unsays_it(page: Page) -> None:
    told = page.get_by_text("Nothing answers yet")
    page.wait_for_timeout(200)
    page.evaluate("() => { window.answers = false; }")
    page.get_by_role("slider").press("ArrowRight")
    told.wait_for(timeout=5000)
    page.evaluate("() => { window.answers = true; window.end(); }")
    page.evaluate(BEGIN, SCRIPT)
    told.wait_for(state="hidden", timeout=5000)


def test_the_head_tells_what_is_solved_and_leads_there(page: Page) -> None:
    line = page.locator(".course-solved")
    line.wait_for()
    assert "1 of 2 exercises solved" in line.inner_text()
    page.locator("pre").evaluate("pre => { pre.textContent = '✅ 4.1 A\\n✅ 4.2 B'; }")
    page.get_by_text("2 of 2 exercises solved").wait_for()
    assert line.get_by_role("link").all_inner_texts() == ["✅ 4.1", "✅ 4.2"]
