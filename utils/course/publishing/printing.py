"""Print a page to PDF with whatever Chromium this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSERS += ("msedge", "microsoft-edge", "microsoft-edge-stable")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --hide-scrollbars "
    "--no-pdf-header-footer --generate-pdf-document-outline"
).split()
SECONDS = 240


def find_browser() -> str | None:
    """Any Chromium, Chrome or Edge: `BROWSER_PATH` first, then PATH, then the usual places."""
    named = [os.environ.get("BROWSER_PATH", ""), *BROWSERS, *PLACES]
    return next((path for name in named if name and (path := shutil.which(name))), None)


def print_pdf(page: Path, pdf: Path) -> Path | None:
    """Print an HTML file; None, and a sentence why, where that can't be done here."""
    browser = find_browser()
    if browser is None:
        print(
            f"{pdf.name} is left out: printing needs Chromium, Chrome or Edge. Install one, or "
            "name it in BROWSER_PATH."
        )
        return None
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *FLAGS, f"--user-data-dir={profile}", f"--print-to-pdf={pdf}"]
        try:
            subprocess.run(
                [*command, page.resolve().as_uri()],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            print(f"{pdf.name} is left out: {Path(browser).name} did not print it ({error}).")
            return None
    return pdf if pdf.is_file() else None
