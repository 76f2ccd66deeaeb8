"""How a chapter looks in JupyterLab, beyond what the theme says: one sheet, sent with the widgets.

Of a page the sheet knows only what is on it: an exercise is the code below a heading that begins
with *Exercise*, and the answer to a question is the cell right behind it.

Figures are drawn on white. In a dark theme light and dark change places in them, and each colour
stays what it is; only where words are shown in the colours that they name, all stays as drawn.
"""

#: The class of the fold of a picture whose colours are words.
OWN_COLOURS = "course-own-colours"

_TURNED = f".course-explorer:not(:has(.{OWN_COLOURS}))"
_FOLD = f'details:not(.{OWN_COLOURS}) > summary[aria-label^="The figure in words"]'
_FIGURES = ", ".join(
    f'body[data-jp-theme-light="false"] {figure}'
    for figure in (
        f".jp-OutputArea-child:has(+ .jp-OutputArea-child {_FOLD}) .jp-RenderedImage img",
        f"{_TURNED} .course-figure",
        f"{_TURNED} .course-over",
        ".course-figure:not(.course-explorer .course-figure)",
        ".course-words .shaded",
    )
)

SHEET = """<style>
.jp-MarkdownCell:has(h3[id^="Exercise-"], h3[data-jupyter-id^="Exercise-"]),
.jp-MarkdownCell:has(h3[id^="Exercise-"], h3[data-jupyter-id^="Exercise-"]) + .jp-CodeCell {
  border-left: 4px solid #0072B2; background: color-mix(in srgb, #0072B2 6%, transparent);
}
.jp-MarkdownCell:has(h3[id^="Exercise-"], h3[data-jupyter-id^="Exercise-"]) pre {
  background: none;
}
.jp-CodeCell:has(.course-open) + .jp-CodeCell:not(:has(.course-ask)) .jp-Cell-outputWrapper {
  display: none;
}
.jp-CodeCell:has(.course-open) + .jp-CodeCell:not(:has(.course-ask)) .jp-Cell-inputWrapper::after {
  content: "Choose an answer above, and what this cell puts out is shown.";
  position: absolute; right: 12px; bottom: 4px; font-size: 90%; font-style: italic;
  color: var(--jp-ui-font-color1, #1a1a1a);
}
FIGURES { filter: invert(0.933) hue-rotate(180deg); }
</style>""".replace("FIGURES", _FIGURES)
