"""Predict-then-run questions: as a widget, as text, and the questions of the course themselves."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from utils.course.asking import ask as asking
from utils.course.asking.question import Choice, Question

QUESTION = Question(
    "9.a",
    "How long is `'<b>'`, and *why*? 2 * 3 * 4 <script>",
    [
        Choice("`3` & no more", "Three letters: `<`, `b`, `>`."),
        Choice("a <i>slanted</i> one", "No *such* thing.", right=True),
    ],
)


@pytest.fixture
def course(monkeypatch):
    monkeypatch.setattr(asking, "_chapters", lambda: ["chapter_09"])
    monkeypatch.setattr(asking, "_chapter", lambda name: {"9.a": QUESTION, "9.b": QUESTION})


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.seen, self.words = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def test_nothing_is_chosen_at_first_and_every_choice_teaches():
    panel = asking.Panel(QUESTION)
    assert panel.radio.value is None
    assert panel.feedback.value == ""
    panel.radio.value = 0
    assert "❌" in panel.feedback.value
    assert "<code>&lt;</code>" in panel.feedback.value
    panel.radio.value = 1
    assert "✅ <strong>B.</strong> No <em>such</em> thing." in panel.feedback.value
    assert "❌" not in panel.feedback.value
    assert 'role="alert"' in panel.feedback.value


def test_choices_are_lettered_and_told_apart_even_when_their_texts_are_the_same():
    twins = Question("9.c", "Which?", [Choice("this", "no"), Choice("this", "yes", right=True)])
    panel = asking.Panel(twins)
    assert [label for label, _ in panel.radio.options] == ["A.  this", "B.  this"]
    panel.radio.value = 1
    assert "yes" in panel.feedback.value


def test_the_static_form_is_sound_html_and_escaped():
    page = Tags(asking.static_html(QUESTION))
    assert not page.open
    assert not {"script", "b", "i"} & set(page.seen)
    assert "How long is '<b>', and why? 2 * 3 * 4 <script>" in page.words
    assert "a <i>slanted</i> one" in page.words
    assert "</code> &amp; no more<br>B. a &lt;i&gt;" in asking.static_html(
        QUESTION
    )  # letters as text


def test_what_the_next_cell_puts_out_is_hidden_until_a_choice():
    panel = asking.Panel(QUESTION)
    assert "course-open" in panel.widget._dom_classes
    panel.radio.value = 0
    assert "course-open" not in panel.widget._dom_classes


def test_the_display_holds_the_widget_and_both_static_forms(course, monkeypatch):
    shown = []
    monkeypatch.setattr(asking, "display", lambda data, raw: shown.append(data))
    assert asking.ask("9.a") is None
    (data,) = shown
    assert set(data) == {
        "application/vnd.jupyter.widget-view+json",
        "text/html",
        "text/plain",
    }
    assert data["text/plain"].splitlines() == [
        "Predict, then run · 9.a",
        "How long is '<b>', and why? 2 * 3 * 4 <script>",
        "  A. 3 & no more",
        "  B. a <i>slanted</i> one",
    ]


def test_an_unknown_id_names_those_that_are_near(course):
    with pytest.raises(ValueError, match=r"no question '9\.x'; did you mean '9\.[ab]'"):
        asking.ask("9.x")
    with pytest.raises(ValueError, match=r"no question 'nonsense'"):
        asking.ask("nonsense")
    with pytest.raises(TypeError, match="not float"):
        asking.ask(9.1)


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ([Choice("a", "b", right=True)], "has 1 choices"),
        ([Choice("a", "b"), Choice("c", "d")], "no right choice"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(choices, told):
    with pytest.raises(ValueError, match=told):
        asking._look_over(Question("9.d", "?", choices))


def test_every_question_of_the_course_is_complete():
    found = asking.all_questions()
    assert found
    for question_id, question in found.items():
        assert asking.find(question_id) is question
        assert question.text.strip()
        assert all(choice.text.strip() and choice.feedback.strip() for choice in question.choices)
        assert len({choice.feedback for choice in question.choices}) == len(question.choices)
        Tags(asking.static_html(question))
