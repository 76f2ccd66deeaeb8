"""axe-core on a part of a page: what a reader with a screen reader or no mouse would meet."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")


def faults(page: Page, *within: str) -> list[str]:
    """The serious and critical ones, as `rule: where`; only within these selectors, if any."""
    where = {"include": [[selector] for selector in within]} if within else None
    found = Axe().run(page, context=where).response["violations"]
    return [
        f"{fault['id']}: {node['target']} {node['html'][:160]}"
        for fault in found
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]
