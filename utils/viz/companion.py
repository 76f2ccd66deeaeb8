"""What goes with every group of controls: names for a screen reader, and a word when none answers.

ipywidgets gives a slider's handle no name, and moves it on when its kernel has gone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget


class Companion(anywidget.AnyWidget):
    """A line, empty as a rule, below the controls of a `.course-explorer` or `.course-ask`.

    `on_width` is told how many pixels wide these are on the page.
    """

    _esm = Path(__file__).with_name("companion.js").read_text(encoding="utf-8")

    def __init__(self, on_width: Callable[[float], None] = lambda width: None) -> None:
        super().__init__()
        self.on_width = on_width
        self.on_msg(self._answer)

    def _answer(self, _: object, content: dict[str, Any], buffers: object) -> None:
        self.send({"here": content.get("there", True)})
        if content.get("width"):
            self.on_width(float(content["width"]))
