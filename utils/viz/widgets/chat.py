"""The chat box: write to a model in the notebook, and watch it answer a token at a time."""

from __future__ import annotations

import html
import textwrap
import threading
import time
from collections.abc import Iterator
from typing import Any

import ipywidgets as widgets

from utils.data.texts.conversation import Conversation
from utils.data.texts.models import TextModel, open_model
from utils.data.texts.writing import Settings
from utils.viz.companion import Companion

__all__ = ["ChatBox"]

_EVERY = 0.05  # seconds between two pictures of an answer that is being written
_TYPED = 0.3  # seconds that a text may come behind the Enter that sends it
_WIDTH = 88
_LOG = (
    "display:flex;flex-direction:column-reverse;max-height:340px;max-width:700px;overflow:auto;"
    "border:1px solid #888;border-radius:4px;padding:6px 10px;line-height:1.45"
)  # the reversed column keeps its end in sight when it grows
_UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"


class ChatBox:
    """A conversation with a model: text, temperature and top-p, and buttons to stop and forget.

    `first` is answered at once, with a seed, so that the box shows something where no kernel runs.
    An answer is written beside the notebook, in a thread: cells can be run meanwhile.

    Raises what `open_model` raises, and ValueError where `first` can't be read.
    """

    def __init__(
        self,
        opened: TextModel | str = "stories",
        settings: Settings | None = None,
        *,
        first: str = "",
        system: str = "",
        seed: int = 0,
    ) -> None:
        self.opened = open_model(opened, precision="auto") if isinstance(opened, str) else opened
        self.conversation = Conversation(self.opened, settings, system)
        self._thread: threading.Thread | None = None
        self._entered, self._lock = False, threading.Lock()
        self._make_controls()
        self._show()
        if first:
            self._write_now(first, seed)

    def _make_controls(self) -> None:
        chosen, wide = self.conversation.settings, widgets.Layout(width="min(700px, 98%)")
        style = {"description_width": "85px"}
        self.text = widgets.Text(
            description="you",
            placeholder="write here, then Enter",
            layout=wide,
            style=style,
            continuous_update=False,
        )
        self.temperature = widgets.FloatSlider(
            chosen.temperature,
            min=0,
            max=max(2.0, chosen.temperature),
            step=0.1,
            readout_format=".1f",
            description="temperature",
            layout=wide,
            style=style,
        )
        self.top_p = widgets.FloatSlider(
            chosen.top_p, min=0, max=1, step=0.05, description="top-p", layout=wide, style=style
        )
        self.send, self.halt, self.forget = (
            widgets.Button(description=said, layout=widgets.Layout(width="auto"))
            for said in ("Write", "Stop", "Forget all")
        )
        self.halt.disabled = True
        self.shown = widgets.HTML()
        self.send.on_click(lambda _: self._enter())
        self.text.on_msg(lambda _, content, __: self._enter(content.get("event") == "submit"))
        self.text.observe(lambda _: self._take() if self._entered else None, "value")
        self.halt.on_click(lambda _: self.stop())
        self.forget.on_click(lambda _: self.reset())
        for name in ("temperature", "top_p"):
            getattr(self, name).observe(lambda change, n=name: self._turned(n, change), "value")
        buttons = widgets.HBox([self.send, self.halt, self.forget])
        sliders = [self.temperature, self.top_p]
        self.widget = widgets.VBox([self.shown, self.text, buttons, *sliders, Companion()])
        self.widget.add_class("course-explorer")

    def _turned(self, name: str, change: dict[str, Any]) -> None:
        self.conversation.set(**{name: change["new"]})

    def _enter(self, meant: bool = True) -> None:
        """Enter was pressed. The browser sends that first and what was typed behind it."""
        if meant and not self._entered:
            self._entered = True
            timer = threading.Timer(_TYPED, self._take)  # nothing follows a text that is known
            timer.daemon = True
            timer.start()

    def _take(self) -> None:
        with self._lock:
            entered, self._entered = self._entered, False
        if entered:
            self.ask(self.text.value)

    def ask(self, text: str) -> None:
        """Have a text answered; returns at once. Does nothing while an answer is being written."""
        if self.busy or not text.strip():
            return
        try:
            pieces = self.conversation.ask(text.strip())
        except ValueError as error:
            self._show(f"❌ {error}")
            return
        self.text.value = ""
        self.send.disabled, self.halt.disabled = True, False
        self._thread = threading.Thread(target=self._stream, args=(pieces,), daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether an answer is being written."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """End the answer before its next token; what is there stays."""
        self.conversation.stop()

    def reset(self) -> None:
        """Forget all that was said."""
        self.stop()
        self.wait()
        self.conversation.reset()
        self._show()

    def wait(self, seconds: float | None = 10.0) -> None:
        """Until the answer is written."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _stream(self, pieces: Iterator[str]) -> None:
        shown, said = 0.0, ""
        try:
            for _ in pieces:
                if time.monotonic() > shown + _EVERY:
                    self._show()
                    shown = time.monotonic()
        except Exception as error:  # in a thread nobody else would say it
            said = f"❌ {type(error).__name__}: {error}"
        finally:
            self.send.disabled, self.halt.disabled = False, True
            self._show(said, done=True)

    def _write_now(self, text: str, seed: int) -> None:
        """Answer before the box is shown, always with the same words."""
        given = self.conversation.settings.seed
        self.conversation.set(seed=seed)
        for _ in self.conversation.ask(text):
            pass
        self.conversation.set(seed=given)
        self._show(done=True)

    def _turns(self) -> list[tuple[str, str]]:
        """Who said what; the answer that is being written is the last."""
        names = {"user": "you", "assistant": self.opened.name, "system": "rule"}
        turns = [(names[m["role"]], m["content"]) for m in self.conversation.messages]
        writing = self.conversation.writing
        if writing is not None and turns and turns[-1][0] == "you":
            turns.append((self.opened.name, writing.text + " …"))
        return [(name, text.strip()) for name, text in turns]

    def _show(self, said: str = "", done: bool = False) -> None:
        self.shown.value = self._html(said, done)

    def _html(self, said: str = "", done: bool = False) -> str:
        turns = self._turns()
        rows = "".join(
            f'<div style="margin:4px 0;white-space:pre-wrap"><strong>{html.escape(name)}</strong>'
            f"&ensp;{html.escape(text)}</div>"
            for name, text in turns
        )
        rows = rows or f"<div>Nothing has been said to {html.escape(self.opened.name)} yet.</div>"
        log = f'<div style="{_LOG}" tabindex="0" aria-label="conversation"><div>{rows}</div></div>'
        news = f'<div role="alert">{html.escape(said)}</div>' if said else ""
        if done and turns:  # told once, when it is whole
            last = html.escape(turns[-1][1])
            news += f'<div role="alert" aria-live="polite" style="{_UNSEEN}">{last}</div>'
        return log + news

    def __repr__(self) -> str:
        turns = [f"{name}: {text}" for name, text in self._turns()]
        lines = [textwrap.fill(turn, _WIDTH, subsequent_indent="  ") for turn in turns]
        return "\n".join([f"A conversation with {self.opened.name}.", *lines])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        view = self.widget._repr_mimebundle_()
        widget = {mime: value for mime, value in view.items() if "widget-view" in mime}
        return {**widget, "text/html": self._html(), "text/plain": repr(self)}
