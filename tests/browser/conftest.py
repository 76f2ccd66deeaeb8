"""The browser suite: `make browser`. It is no part of `make test`, and needs a Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from utils.course.publishing.printing import find_browser

if TYPE_CHECKING:  # `make test` reads this file too, and has no playwright
    from browser.lab import Lab
    from playwright.sync_api import Browser, Locator, Page

SHOTS = Path(__file__).resolve().parents[2] / "build" / "browser"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Only where it is asked for by name."""
    return None if any("tests/browser" in Path(a).as_posix() for a in config.args) else True


@pytest.fixture(scope="session")
def opened() -> Iterator[Browser]:
    from browser import lab as labs

    path = find_browser()
    if path is None:
        pytest.skip("no Chromium, Chrome or Edge on this machine; BROWSER_PATH names one")
    with labs.browser(path) as browser:
        yield browser


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    from browser.lab import Lab

    with Lab(tmp_path_factory.mktemp("lab")) as one:
        yield one


@pytest.fixture
def shot(request: pytest.FixtureRequest) -> Callable[[Page | Locator, str], None]:
    """Keep a picture of a page or a part, named after the test: a workflow uploads the folder."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    test = re.sub(r"[^\w.-]+", "-", request.node.name.removeprefix("test_")).strip("-")

    def take(page: Page | Locator, name: str) -> None:
        page.screenshot(path=SHOTS / f"{test}-{name}.png")

    return take
