"""*Predict, then run*: a question with choices, and an answer to each of them."""

from __future__ import annotations

import difflib
import html
import importlib
import pkgutil
import re
from functools import cache
from string import ascii_uppercase
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from utils.course.asking import questions
from utils.course.asking.question import Choice, Question
from utils.viz.companion import Companion
from utils.viz.look import SHEET

_STYLE = """<style>
.course-ask { max-width: 46em; padding: 2px; }
.course-ask .widget-radio, .course-ask .jupyter-widget-radio { width: 100%; height: auto; }
.course-ask .widget-radio-box label, .course-ask .jupyter-widget-radio-box label {
  display: flex; align-items: baseline; height: auto; min-height: 24px; line-height: 1.4;
  white-space: normal; overflow-wrap: anywhere; margin: 2px 0; cursor: pointer;
  font-size: var(--jp-content-font-size1, 14px);
}
.course-ask input[type="radio"] {
  order: -1; flex: none; float: none; height: auto; margin: 0 8px 0 4px;
}
.course-ask input[type="radio"]:focus-visible { outline: 2px solid #0072B2; outline-offset: 2px; }
.course-ask .widget-html-content, .course-ask .jupyter-widgets.widget-html-content {
  line-height: 1.45; font-size: var(--jp-content-font-size1, 14px);
}
</style>"""


_OPEN = "course-open"


def ask(question_id: str) -> None:
    """Show a question of the course, such as `"2.a"`: pick a choice, read what it teaches.

    Nothing is chosen at first, and any choice may be tried. Where no kernel runs, the question
    and its choices show as text, the answers in a fold.
    """
    question = find(question_id)
    panel = Panel(question)
    view = panel.widget._repr_mimebundle_()
    data = {mime: value for mime, value in view.items() if "widget-view" in mime}
    display({**data, "text/html": static_html(question), "text/plain": _plain(question)}, raw=True)


@cache
def _chapter(name: str) -> dict[str, Question]:
    """The questions of one chapter's module, by id, each looked over once."""
    found: dict[str, Question] = {}
    for question in importlib.import_module(f"{questions.__name__}.{name}").QUESTIONS:
        if question.id in found:
            raise ValueError(f"{name} has two questions {question.id!r}; give each its own id")
        _look_over(question)
        found[question.id] = question
    return found


def _look_over(question: Question) -> None:
    if not 2 <= len(question.choices) <= 8:
        raise ValueError(
            f"question {question.id!r} has {len(question.choices)} choices; give it 2 to 8"
        )
    if not any(choice.right for choice in question.choices):
        raise ValueError(f"question {question.id!r} has no right choice; mark one right=True")


def _chapters() -> list[str]:
    names = (module.name for module in pkgutil.iter_modules(questions.__path__))
    return sorted(name for name in names if re.fullmatch(r"chapter_\d\d", name))


def all_questions() -> dict[str, Question]:
    """Every question of the course, by id."""
    return {id_: question for name in _chapters() for id_, question in _chapter(name).items()}


def find(question_id: str) -> Question:
    """The question with an id; an unknown one raises ValueError and names those that are near."""
    if not isinstance(question_id, str):
        raise TypeError(
            f"a question's id is a string such as '2.a', not {type(question_id).__name__}"
        )
    chapter, _, _ = question_id.partition(".")
    name = f"chapter_{int(chapter):02d}" if chapter.isdecimal() else ""
    known = _chapter(name) if name in _chapters() else all_questions()
    if question_id in known:
        return known[question_id]
    near = difflib.get_close_matches(question_id, known, n=4, cutoff=0.3) or sorted(known)[:4]
    hint = f"did you mean {', '.join(map(repr, near))}?" if near else "no chapter has any yet."
    raise ValueError(f"there is no question {question_id!r}; {hint}")


class Panel:
    """The widget of one question: `radio` holds the choices, `feedback` what a choice teaches."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.radio = widgets.RadioButtons(
            options=[
                (f"{letter}.  {_no_marks(choice.text)}", position)
                for position, (letter, choice) in enumerate(_lettered(question))
            ],
            value=None,
            layout=widgets.Layout(width="100%", height="auto"),
        )
        self.feedback = widgets.HTML()
        self.radio.observe(self._answer, names="value")
        self.widget = widgets.VBox(
            [
                widgets.HTML(SHEET + _STYLE + _heading(question) + _KEYS),
                *(self.radio, self.feedback, Companion()),
            ]
        )
        self.widget.add_class("course-ask")
        self.widget.add_class(_OPEN)  # while it stands, what the next cell puts out is hidden

    def _answer(self, change: dict[str, Any]) -> None:
        position = change["new"]
        if position is None:
            self.feedback.value = ""
            return
        self.widget.remove_class(_OPEN)
        # A new element is announced by a screen reader only where it is an alert.
        said = _verdict(ascii_uppercase[position], self.question.choices[position])
        self.feedback.value = f'<div role="alert" aria-live="polite">{said}</div>'


def _lettered(question: Question) -> list[tuple[str, Choice]]:
    return list(zip(ascii_uppercase, question.choices, strict=False))


def _verdict(letter: str, choice: Choice) -> str:
    return f"{'✅' if choice.right else '❌'} <strong>{letter}.</strong> {_marked(choice.feedback)}"


def _heading(question: Question) -> str:
    return (
        f"<p><strong>Predict, then run · {html.escape(question.id)}</strong><br>"
        f"{_marked(question.text)}</p>"
    )


def static_html(question: Question) -> str:
    """The question as a page without a kernel shows it: choices lettered, answers folded."""
    # Letters as text: JupyterLab takes the kind of numbering away from a list.
    choices = "<br>".join(f"{letter}. {_marked(c.text)}" for letter, c in _lettered(question))
    answers = "".join(f"<p>{_verdict(*lettered)}</p>" for lettered in _lettered(question))
    return (
        f"{_heading(question)}<p>{choices}</p>"
        f"<details><summary>What each choice teaches</summary>{answers}</details>"
    )


def _plain(question: Question) -> str:
    head = [f"Predict, then run · {question.id}", _no_marks(question.text)]
    return "\n".join(
        [*head, *(f"  {letter}. {_no_marks(c.text)}" for letter, c in _lettered(question))]
    )


# JupyterLab takes the arrow keys for its cells, so say which keys it leaves to us.
_KEYS = '<p style="opacity: 0.75; font-size: 90%">Tab goes to the next choice, Space picks it.</p>'
_CODE = re.compile(r"`([^`]+)`")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]+)(?<=[^\s*])\*(?![\w*])")


def _marked(text: str) -> str:
    """Escaped for HTML, with `code` and *stress* set as such."""
    pieces = _CODE.split(html.escape(text))
    return "".join(
        f"<code>{piece}</code>" if i % 2 else _EMPHASIS.sub(r"<em>\1</em>", piece)
        for i, piece in enumerate(pieces)
    )


def _no_marks(text: str) -> str:
    return _EMPHASIS.sub(r"\1", _CODE.sub(r"\1", text))
