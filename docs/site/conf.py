"""How Sphinx makes the site, the EPUB and the single page that becomes the PDF."""

import importlib.metadata
import re

from sphinx.application import Sphinx

project = "GPT by building"
author = "The authors of the course"
copyright = "2026 The authors of the course; code MIT, prose and figures CC BY 4.0"
language = "en"
release = version = importlib.metadata.version("gpt-by-building")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_links_external_new_tab = False
suppress_warnings = ["misc.highlighting_failure", "myst.header"]
exclude_patterns = ["_static", "_templates"]
templates_path = ["_templates"]
highlight_language = "python"
numfig = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
add_module_names = False

html_theme = "pydata_sphinx_theme"
html_sidebars = {"**": ["contents.html"], "index": [], "search": []}
html_title = project
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_center": [],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

epub_title = project
epub_show_urls = "no"
epub_exclude_files = ["search.html"]
epub_css_files = ["course.css"]
epub_tocdepth = 2


def as_rst(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Docstrings are plain text with `code` in single ticks: write them as Sphinx reads them."""
    for number, line in enumerate(lines):
        if line.lstrip().startswith(">>>"):
            continue
        line = re.sub(r"(?<!`)`([^`\n]+)`(?!`)", r"``\1``", line)
        if "``" not in line:
            line = re.sub(r"([*|_])", r"\\\1", line)
        lines[number] = line


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", as_rst)
