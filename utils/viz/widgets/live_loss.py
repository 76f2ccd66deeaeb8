"""A training watched while it runs: its loss, drawn anew every few seconds."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import ipywidgets
from IPython.display import DisplayHandle, display
from matplotlib.ticker import LogLocator

from utils.llm.training.callbacks import Callback, Report
from utils.viz import style
from utils.viz.explorer import NamedImage
from utils.viz.picture import Picture, picture

SMOOTHED = 10  # steps


class LossPlot(Callback):
    """Give it to `train` among the callbacks: a picture that is drawn again as the loss falls.

    Bits per token over steps; each point is the mean of the last ten steps. With `tokens_per_word`
    they are bits per word. `levels`, a name to its bits, are drawn as lines to be passed, `floor`
    as the lowest of them. Between two pictures are `every` seconds, and in all they take a few
    hundredths of the training's time.
    """

    def __init__(
        self,
        levels: Mapping[str, float] | None = None,
        floor: float | None = None,
        *,
        every: float = 3.0,
        tokens_per_word: float | None = None,
    ) -> None:
        if not every > 0:
            raise ValueError(f"every is {every}: give the seconds between two pictures, above 0.")
        if tokens_per_word is not None and not tokens_per_word > 0:
            raise ValueError(
                f"tokens_per_word is {tokens_per_word}: give the number of tokens divided by that "
                "of words, above 0, or None for bits per token."
            )
        self.levels, self.floor, self.every = dict(levels or {}), floor, every
        self.unit = "bits per token" if tokens_per_word is None else "bits per word"
        self._bits = (tokens_per_word or 1.0) / math.log(2)
        self.image = NamedImage(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self._drawn_at = -math.inf
        self._place: DisplayHandle | None = None

    def on_start(self, report: Report) -> None:
        """Show the empty axes, in the place where all later pictures come."""
        data, metadata = self._bundle(self._draw(report))
        self._place = display(data, metadata=metadata, raw=True, display_id=True)

    def on_step(self, report: Report) -> None:
        """Draw, if the last picture is old enough."""
        if time.monotonic() - self._drawn_at >= self.every:
            self._draw(report)

    def on_end(self, report: Report) -> None:
        """Draw what was reached, and leave it in the notebook, where no kernel runs too."""
        data, metadata = self._bundle(self._draw(report))
        self.image.value = data["image/png"]  # the last one is as sharp as any other figure
        if self._place is not None:
            self._place.update(data, metadata=metadata, raw=True)

    def _bundle(self, drawn: Picture) -> tuple[dict[str, Any], dict[str, Any]]:
        """A picture with its words, and the widget that shows the later ones in its place."""
        data, metadata = drawn._repr_mimebundle_()
        view = self.image._repr_mimebundle_()
        return data | {mime: v for mime, v in view.items() if "widget-view" in mime}, metadata

    def _draw(self, report: Report) -> Picture:
        drawn = self.figure(report)
        self.image.value, self.image.layout.width = drawn.png(), f"{drawn.width}px"
        self.image.tooltip = drawn.finding
        self._drawn_at = time.monotonic()
        return drawn

    def figure(self, report: Report) -> Picture:
        """The picture of a training as far as it has come."""
        fig, grid = style.figure()
        ax = grid[0, 0]
        curves: dict[str, tuple[list[int], list[float]]] = {
            "what it reads": _means(report.history.losses),
            "held out": (list(report.history.steps), list(report.history.val_loss)),
        }
        inks: dict[str, Any] = {"what it reads": style.SKY, "held out": style.MODEL}
        with style.context():
            for name, (steps, losses) in curves.items():
                bits = [loss * self._bits for loss in losses]
                marker = "o" if name == "held out" else ""
                ax.plot(steps, bits, color=inks[name], marker=marker, ms=4, label=name)
            lowest = min(self.levels.values(), default=None)
            for name, level in self.levels.items():
                ax.axhline(level, color=style.ORANGE, lw=1.2)
                # Below the lowest line: the one above it may lie so close that names would overlap.
                side = "top" if level == lowest else "bottom"
                ax.annotate(name, (report.config.steps, level), ha="right", va=side, size=9)
            if self.floor is not None:
                ax.axhline(self.floor, color=style.TRUTH, ls="--", label="floor")
            style.log_scale(ax, "y")
            ax.yaxis.set_major_locator(LogLocator(base=2))  # by tens there would be one or none
            ax.set(xlabel="step", ylabel=self.unit, xlim=(0, report.config.steps))
            ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3)  # no curve runs up there
        done = f"Step {report.step} of {report.config.steps}"
        finding = f"{done}: the loss so far" if report.step else "The loss will be drawn here"
        return picture(fig, finding)


def _means(losses: list[float]) -> tuple[list[int], list[float]]:
    ends = range(SMOOTHED, len(losses) + 1, SMOOTHED)
    return list(ends), [sum(losses[end - SMOOTHED : end]) / SMOOTHED for end in ends]
