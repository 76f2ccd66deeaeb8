"""The README's picture: JupyterLab with a chapter at work. Writes docs/shot.png.

make shots
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from lab import ROOT, Lab, browser

from utils.course.publishing.printing import find_browser

CHAPTER, EXERCISE, QUESTION = "01_models_that_learn.ipynb", "1.4", "1.b"
VIEW = {"width": 1280, "height": 1160}


def solve(folder: Path, exercise: str) -> None:
    """Put the course's answer to one exercise into the chapter, as a reader would."""
    chapter, solved = (folder / part / CHAPTER for part in ("chapters", "solutions"))
    notebook = json.loads(chapter.read_text(encoding="utf-8"))
    answers = {c["id"]: c for c in json.loads(solved.read_text(encoding="utf-8"))["cells"]}
    for cell in notebook["cells"]:
        if f'check("{exercise}"' in "".join(cell["source"]):
            lines = "".join(answers[cell["id"]]["source"]).splitlines(keepends=True)
            cell["source"] = [line for line in lines if "### " not in line]
    chapter.write_text(json.dumps(notebook), encoding="utf-8")


def main() -> int:
    """Run the chapter, answer its question, take the picture at twice the density."""
    path = find_browser()
    if path is None:
        print("no Chromium, Chrome or Edge on this machine; BROWSER_PATH names one.")
        return 1
    with tempfile.TemporaryDirectory() as folder, browser(path) as opened, Lab(Path(folder)) as lab:
        solve(lab.folder, EXERCISE)
        chapter = lab.open(opened, f"chapters/{CHAPTER}", viewport=VIEW, device_scale_factor=2)
        chapter.run_all()
        chapter.save()
        chapter.command("application:toggle-left-area")
        question = chapter.cells().filter(has_text=f'ask("{QUESTION}")')
        right = question.get_by_role("radio").nth(int(sys.argv[1]) if sys.argv[1:] else 1)
        right.focus()
        chapter.page.keyboard.press("Space")
        chapter.page.wait_for_timeout(1000)
        figure = question.locator("xpath=following-sibling::*[1]").locator("img").last
        figure.evaluate("figure => figure.scrollIntoView({block: 'end'})")
        chapter.page.wait_for_timeout(1000)
        chapter.page.screenshot(path=ROOT / "docs" / "shot.png")
    print("docs/shot.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
