"""A figure of the course: its pixels, and the text twin that says what they show."""

from __future__ import annotations

import html
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import Formatter
from PIL import Image

from utils.llm.machine.files import replacing
from utils.viz import style
from utils.viz.look import OWN_COLOURS
from utils.viz.twin import describe

#: Of a stored picture: pixels for each one on the page, and how many colours it may have.
DENSITY, COLOURS = 2, 256


#: JupyterLab gives an image output no alternative text, whatever its metadata says.
_NAMES_ITS_IMAGE = """<script>(script => {
  const area = script?.closest(".jp-OutputArea");
  const name = script?.parentElement.querySelector("summary")?.getAttribute("aria-label");
  area?.querySelectorAll("img:not([alt])").forEach(image => { image.alt = name; });
})(document.currentScript)</script>"""


@dataclass(frozen=True)
class Panel:
    """Where one pair of axes lies in its picture, in pixels from the top left, and its limits."""

    left: float
    top: float
    right: float
    bottom: float
    xlim: tuple[float, float]
    ylim: tuple[float, float]


@dataclass(frozen=True)
class Picture:
    """A drawn figure. A notebook shows the picture, then its twin in a fold below it.

    `finding` is the sentence that the figure proves, `twin` says in words all that is drawn,
    `width` and `height` are in pixels. A screen reader finds the twin next to the image, which is
    named after it. It is drawn when its pixels are first asked for. A picture of `own_colours`
    shows words in the colours that they name, and keeps them in a dark theme, which turns others.
    """

    finding: str
    twin: str
    width: int
    height: int
    _figure: Figure = field(repr=False, compare=False)
    own_colours: bool = False

    def png(self) -> bytes:
        """The picture's bytes: the same figure gives the same bytes, whenever it is drawn."""
        return self._plain[0]

    def sharp(self) -> bytes:
        """The same at twice the density, in COLOURS colours, as a notebook keeps it.

        It takes no more room than the plain one, and longer to draw: nothing for a slider.
        """
        return self._sharp[0]

    def panels(self, *, sharp: bool = False) -> list[Panel]:
        """Its axes as they lie in the plain picture, or in the sharp one, a few pixels apart."""
        return self._sharp[1] if sharp else self._plain[1]

    @cached_property
    def _plain(self) -> tuple[bytes, list[Panel]]:
        return self._drawn(1)

    @cached_property
    def _sharp(self) -> tuple[bytes, list[Panel]]:
        self.png()  # a figure's second layout differs from its first, so this is always the second
        png, panels = self._drawn(DENSITY)
        buffer, twice = io.BytesIO(), Image.open(io.BytesIO(png)).convert("RGB")
        few = twice.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(buffer, "png")
        return buffer.getvalue(), panels

    def _drawn(self, density: int) -> tuple[bytes, list[Panel]]:
        with style.context():
            png = _render(self._figure, density)
        return png, [self._panel(ax) for ax in self._figure.axes]

    def _panel(self, ax: Axes) -> Panel:
        x0, y0, x1, y1 = ax.get_position().extents.tolist()
        (left, right), (low, high) = (map(float, ends) for ends in (ax.get_xlim(), ax.get_ylim()))
        sides = (x0 * self.width, (1 - y1) * self.height, x1 * self.width, (1 - y0) * self.height)
        return Panel(*sides, (left, right), (low, high))

    def save(self, path: str | Path) -> Path:
        """Write the picture to a .png file; returns its path."""
        path = Path(path)
        if path.suffix.lower() != ".png":
            raise ValueError(f"a picture is saved as .png, not as {path.name!r}")
        with replacing(path) as file:
            file.write(self.png())
        return path

    def __repr__(self) -> str:
        return self.twin

    @property
    def alt(self) -> str:
        """The twin as one paragraph, as fits an alternative text."""
        return ". ".join(line.rstrip(".") for line in self.twin.splitlines()) + "."

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        data = {"image/png": self.sharp(), "text/plain": self.twin}
        size = {"width": self.width, "height": self.height}
        return data, {"image/png": {"alt": self.alt, **size}}

    def _repr_html_(self) -> str:
        """The twin in a fold; no pixels, so that nbval can compare it."""
        name = html.escape(f"The figure in words: {self.finding}")
        own = f'class="{OWN_COLOURS}" ' if self.own_colours else ""
        return (
            f'<details {own}style="font-size: 90%; opacity: 0.85">'
            f'<summary aria-label="{name}">The figure in words</summary>'
            f'<pre style="white-space: pre-wrap">{html.escape(self.twin)}</pre></details>'
        )

    def _ipython_display_(self) -> None:
        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        told = self._repr_html_() + _NAMES_ITS_IMAGE
        fold = {"text/html": told, "text/plain": "The figure in words: see above."}
        display(fold, raw=True)


def picture(
    fig: Figure,
    finding: str,
    *,
    digits: int | None = None,
    words: str | None = None,
    own_colours: bool = False,
) -> Picture:
    """Title a figure with its finding, draw it, and read its twin off the axes.

    The title is added here, wrapped to the figure's width: leave `suptitle` alone, and give the
    axes titles only where there are several panels. A twin's numbers have two significant digits;
    where the data behind a figure are noisier than that, pass `digits=1`, or `words` of your own
    to stand for everything below the finding.
    """
    finding = " ".join(finding.split())
    if not finding:
        raise ValueError("the finding is empty; say in a sentence what the figure shows")
    body = describe(fig, digits) if words is None else words.strip().splitlines()
    with style.context():
        size = style.RC["figure.titlesize"]
        fig.suptitle(
            style.wrapped(finding, fig.get_figwidth() - 0.3, size), x=0.012, ha="left", size=size
        )
    width, height = (round(inches * style.DPI) for inches in fig.get_size_inches())
    return Picture(finding, "\n".join([finding, *body]), width, height, fig, own_colours)


def _render(fig: Figure, density: int) -> bytes:
    _make_drawable(fig)
    buffer, before = io.BytesIO(), fig.dpi
    fig.set_dpi(density * style.DPI)
    try:  # `savefig` would lay the figure out twice
        FigureCanvasAgg(fig).print_png(buffer, metadata={"Software": None})
    finally:
        fig.set_dpi(before)
    return buffer.getvalue()


class _Drawable(Formatter):
    """Another formatter's labels, without the letters that the font lacks."""

    def __init__(self, inner: Formatter) -> None:
        self.inner = inner

    def __call__(self, value: float, position: int | None = None) -> str:
        return style.drawable(self.inner(value, position))

    def format_ticks(self, values: list[float]) -> list[str]:
        return [style.drawable(label) for label in self.inner.format_ticks(values)]


def _make_drawable(fig: Figure) -> None:
    """Spell out what the font can't draw, and take dollar signs for what they are."""
    for ax in fig.axes:
        for axis in (ax.xaxis, ax.yaxis):
            labels = axis.get_major_formatter().format_ticks(axis.get_majorticklocs())
            if any(label != style.drawable(label) for label in labels):
                axis.set_major_formatter(_Drawable(axis.get_major_formatter()))
    for text in _texts(fig):
        text.set_text(style.drawable(text.get_text()))
        # Log axes write their own ticks as formulas; everybody else's dollars are only dollars.
        text.set_parse_math("\\mathdefault" in text.get_text())


def _texts(fig: Figure) -> Iterator[Text]:
    yield from fig.findobj(Text)
