"""axe-core on a part of a page: what a reader with a screen reader or no mouse would meet."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")


def faults(page: Page, within: str | None = None, beside: tuple[str, ...] = ()) -> list[str]:
    """The serious and critical ones, as `rule: where`; only `within` a selector, if one is given.

    `beside` are rules that are not ours to keep here.
    """
    where = None if within is None else {"include": [[within]]}
    found = Axe().run(page, context=where).response["violations"]
    return [
        f"{fault['id']}: {node['target']} {node['html'][:160]}"
        for fault in found
        if fault["impact"] in GRAVE and fault["id"] not in beside
        for node in fault["nodes"]
    ]
