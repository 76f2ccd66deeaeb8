"""A picture with something over it that answers the pointer: what the pieces have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Bytes, Dict, Unicode

from utils.viz.picture import Picture


def script(name: str) -> str:
    """The text of a script of this folder, with the tools of `over.js` before it."""
    folder = Path(__file__).parent
    return "\n".join((folder / part).read_text(encoding="utf-8") for part in ("over.js", name))


class Stage(anywidget.AnyWidget):
    """What an explorer shows in place of its picture."""

    def fit(self, *, narrow: bool) -> None:
        """Fit itself to a page, narrow as a phone's or not, where it doesn't do so by itself."""

    def sharpen(self, drawn: Picture) -> None:
        """Show the picture at twice the density, where this shows it at all."""


class Over(Stage):
    """A picture as PNG, the sentence that it proves, and its size in pixels."""

    value = Bytes().tag(sync=True)
    finding = Unicode().tag(sync=True)
    size = Dict().tag(sync=True)

    def show(self, drawn: Picture, **more: Any) -> None:
        """Another picture, and what lies over it, in one message."""
        with self.hold_sync():
            self.size = {"width": drawn.width, "height": drawn.height}
            for name, value in more.items():
                setattr(self, name, value)
            self.finding, self.value = drawn.finding, drawn.png()

    def sharpen(self, drawn: Picture) -> None:
        """Show the picture at twice the density."""
        self.value = drawn.sharp()

    def when_told(self, act: Callable[[dict[str, Any]], None]) -> None:
        """Call `act` with each message that the browser sends."""
        self.on_msg(lambda _, said, buffers: act(said))
