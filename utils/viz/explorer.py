"""A figure with controls: the reader moves something, the picture answers."""

from __future__ import annotations

import asyncio
import html
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
from traitlets import Unicode

from utils.viz import style
from utils.viz.companion import Companion
from utils.viz.look import SHEET
from utils.viz.picture import Picture
from utils.viz.touch.over import Stage

_STYLE = """<style>
.course-explorer { max-width: 100%; overflow: hidden; padding: 2px; }
.course-controls { flex-flow: row wrap; column-gap: 20px; align-items: center; }
.course-explorer :focus-visible { outline: 2px solid #0072B2 !important; outline-offset: 2px; }
.course-explorer .widget-image {
  height: auto; max-width: 100%; max-height: max(300px, calc(100vh - 380px)); object-fit: contain;
  object-position: left;
}
.course-explorer .widget-image.course-tall { max-height: none; }
.course-explorer .widget-hslider { height: auto; min-height: var(--jp-widgets-inline-height); }
.course-explorer .widget-hslider .widget-label {
  max-width: calc(100% - 130px); height: auto; white-space: normal; line-height: 1.3;
  text-align: left;
}
.course-explorer .widget-html-content { line-height: 1.4; }
.course-explorer pre { white-space: pre-wrap; }
</style>"""
_PHONE = 520  # pixels
_STILL = 0.8  # seconds without a move after which a picture is made sharp


class NamedImage(widgets.Image):
    """An image whose tooltip is its accessible name.

    ipywidgets sets a tooltip only where the description is empty, and an Image has none.
    """

    description = Unicode("").tag(sync=True)

    def __init__(self, **look: Any) -> None:
        super().__init__(**look)
        self.add_class("course-figure")

    def sharpen(self, drawn: Picture) -> None:
        """Show a picture at twice the density."""
        self.value = drawn.sharp()


class Explorer:
    """Controls above a picture that is drawn anew whenever one of them moves.

    `controls` maps the names of `render`'s arguments to widgets with a `value`; a `Button` counts
    its clicks. `render(**values)` returns a `Picture`. The display carries the widget and, for
    where no kernel runs, the first picture and its twin.

    A `stage`, if given, is shown in place of the picture: it answers the pointer in the browser.
    When nothing has moved for a while, the picture is drawn again at twice the density.

    A render that fails leaves the last picture in place and says below it what went wrong.
    The very first render must succeed: its error is raised where the Explorer is made.
    """

    def __init__(
        self,
        controls: Mapping[str, widgets.Widget],
        render: Callable[..., Picture],
        stage: Stage | None = None,
    ) -> None:
        self.controls = dict(controls)
        self.render, self.stage = render, stage
        self._clicks = {name: 0 for name, c in self.controls.items() if _is_button(c)}
        self._check_controls()
        for name, control in self.controls.items():
            _label(name, control)
        self._narrow = False
        self.picture = self._draw(self._values())
        self._drawing = self._stale = False
        self._later: asyncio.TimerHandle | None = None
        self.image = NamedImage(
            value=b"" if stage else self.picture.png(),
            format="png",
            layout=widgets.Layout(
                width=f"{self.picture.width}px", max_width="calc(100% - 4px)", height="auto"
            ),
        )
        self.caption = widgets.HTML()
        self._caption(self.picture)
        for name, control in self.controls.items():
            self._watch(name, control)
        self.panel = widgets.HBox([*self.controls.values()])
        self.panel.add_class("course-controls")
        self.widget = widgets.VBox(
            [
                widgets.HTML(SHEET + _STYLE),
                self.panel,
                stage or self.image,
                self.caption,
                Companion(self._fit),
            ]
        )
        self.widget.add_class("course-explorer")

    def _check_controls(self) -> None:
        if not self.controls:
            raise ValueError("controls is empty; give at least one {argument: widget}")
        for name, control in self.controls.items():
            if not (isinstance(control, widgets.Widget) and control.has_trait("value")) and (
                not _is_button(control)
            ):
                raise TypeError(
                    f"the control {name!r} is {type(control).__name__};"
                    " give a widget with a value, such as widgets.IntSlider, or a Button"
                )

    def _watch(self, name: str, control: widgets.Widget) -> None:
        if _is_button(control):
            control.on_click(lambda _: self._clicked(name))
        else:
            control.observe(lambda _: self.update(), names="value")

    def _clicked(self, name: str) -> None:
        self._clicks[name] += 1
        self.update()

    def _values(self) -> dict[str, Any]:
        return {
            name: self._clicks[name] if _is_button(control) else control.value
            for name, control in self.controls.items()
        }

    def _fit(self, width: float) -> None:
        """Draw for the page as wide as it is; a figure that can't be stacked stays as it is."""
        narrow = width < _PHONE
        if narrow != self._narrow:
            self._narrow = narrow
            (self.image.add_class if narrow else self.image.remove_class)("course-tall")
            if self.stage is not None:
                self.stage.fit(narrow=narrow)
            self.update()

    def _draw(self, values: dict[str, Any]) -> Picture:
        with style.page(self._narrow):
            drawn = self.render(**values)
        if not isinstance(drawn, Picture):
            raise TypeError(f"render returned {type(drawn).__name__}; it must return a Picture")
        if self.stage is None:
            drawn.png()  # what can't be drawn is complained of; a stage doesn't wait for pixels
        return drawn

    def update(self) -> None:
        """Draw for the controls as they are now.

        A render that moves a control makes itself stale: its picture is dropped for the next.
        While a picture is drawn, JupyterLab holds back a slider's moves and then sends the last.
        """
        if self._drawing:
            self._stale = True
            return
        self._drawing = True
        try:
            self._settle()
        finally:
            self._drawing = False

    def _settle(self, most: int = 5) -> None:
        for _ in range(most):
            self._stale = False
            try:
                drawn = self._draw(self._values())
            except Exception as error:
                self._complain(error)
                return
            if not self._stale:
                break
        self.picture = drawn
        if self.stage is None:
            self.image.layout.width, self.image.value = f"{drawn.width}px", drawn.png()
        self._caption(drawn)
        self._sharpen_later()

    def _sharpen_later(self) -> None:
        if self._later is not None:
            self._later.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no kernel, and nobody who looks
            return
        self._later = loop.call_later(_STILL, self._sharpen)

    def _sharpen(self) -> None:
        (self.stage or self.image).sharpen(self.picture)

    def _caption(self, drawn: Picture) -> None:
        # ipywidgets replaces the whole content, and a new element is only announced as an alert;
        # the politeness keeps it from cutting off the slider's own value.
        self.image.tooltip = drawn.finding
        self.caption.value = (
            f'<div role="alert" aria-live="polite" style="position: absolute; width: 1px;'
            f' height: 1px; overflow: hidden; clip-path: inset(50%)">{html.escape(drawn.finding)}'
            f"</div>{drawn._repr_html_()}"
        )

    def _complain(self, error: Exception) -> None:
        told = "".join(traceback.format_exception(error))
        self.caption.value = (
            '<div role="alert"><strong>❌ This setting could not be drawn; the picture above is'
            f" the last one that could.</strong> {type(error).__name__}:"
            f" {html.escape(str(error))}</div><details><summary>The whole error</summary>"
            f"<pre>{html.escape(told)}</pre></details>"
        )

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = self.picture._repr_mimebundle_()
        self._sharpen()
        view = self.widget._repr_mimebundle_()
        return {**data, **{mime: v for mime, v in view.items() if "widget-view" in mime}}, metadata

    def __repr__(self) -> str:
        return self.picture.twin


def idle(control: widgets.Widget, why: str) -> None:
    """Mark a control that can do nothing now, and say why beside its name; `""` revives it."""
    name = control.description.partition(" (")[0]
    control.disabled, control.description = bool(why), f"{name} ({why})" if why else name


def another(name: str, choices: Sequence[object]) -> widgets.Button:
    """A button that goes through `choices`, and says so where there is only one."""
    button = widgets.Button(description=f"another {name}")
    idle(button, "" if len(choices) > 1 else "there is none")
    return button


def _is_button(control: object) -> bool:
    return isinstance(control, widgets.Button)


def _label(name: str, control: widgets.Widget) -> None:
    """Give a control a name that is never cut off, and room for it."""
    if not control.description:
        control.description = name.replace("_", " ")
    if _is_button(control):
        control.layout.width = control.layout.width or "auto"
        return
    control.style.description_width = "initial"
    if control.layout.width is None:
        control.layout.width = "min(340px, 98%)"
