"""How a chapter looks in JupyterLab, beyond what the theme says: one sheet, sent with the widgets.

Of a page the sheet knows only what is on it: an exercise is the code below a heading that begins
with *Exercise*, and the answer to a question is the cell right behind it.
"""

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
</style>"""
