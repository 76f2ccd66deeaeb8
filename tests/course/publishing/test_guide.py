"""What the facilitator's guide names is there, and its two hours are two hours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from utils.course.checking.registry import exercises
from utils.course.publishing import guide
from utils.course.publishing.pages import Chapter, read_chapters

ROOT = Path(__file__).resolve().parents[3]
PARTS = guide.guide_files(ROOT)
WEEKS = PARTS[1:]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def names(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


@pytest.fixture(scope="module")
def chapters() -> dict[str, Chapter]:
    return {chapter.number: chapter for chapter in read_chapters(ROOT)}


def sections(chapter: Chapter) -> dict[str, list[str]]:
    """The sources of a chapter's code cells, by the heading above them."""
    heading, found = "", dict[str, list[str]]()
    for cell in chapter.cells:
        if cell["cell_type"] == "markdown":
            headings = re.findall(r"^#{1,6} +(.+)$", cell["source"], re.MULTILINE)
            heading = headings[-1] if headings else heading
        else:
            found.setdefault(heading, []).append(cell["source"])
    return found


def test_there_is_a_part_for_each_of_five_weeks_and_one_before() -> None:
    assert [path.name[0] for path in PARTS] == list("012345")


@pytest.mark.parametrize("path", WEEKS, ids=names(WEEKS))
def test_a_meeting_is_two_hours_and_has_all_its_parts(path: Path) -> None:
    text = text_of(path)
    agenda = text.split("## Agenda")[1].split("## ")[0]
    assert sum(map(int, re.findall(r"^\| (\d+) \|", agenda, re.MULTILINE))) == 120
    for heading in (
        *("First demonstration", "Second demonstration", "Three misunderstandings to expect"),
        *("Questions and answers", "When half the group is behind", "Handout"),
    ):
        assert len(re.findall(rf"^## {heading}", text, re.MULTILINE)) == 1, heading
    assert "**Read beforehand:**" in text
    assert "**The question that opens:**" in text
    assert len(guide.named_cells(text)) == 2
    assert len(guide.named_mistakes(text)) == 3
    assert len(guide.questions_named(text)) >= 6


@pytest.mark.parametrize("path", WEEKS, ids=names(WEEKS))
def test_cells_to_run_are_there_once(path: Path, chapters: dict[str, Chapter]) -> None:
    for cell in guide.named_cells(text_of(path)):
        below = sections(chapters[cell.chapter])
        assert cell.heading in below, cell
        assert any(source.startswith(cell.begins) for source in below[cell.heading]), cell


@pytest.mark.parametrize("path", PARTS, ids=names(PARTS))
def test_mistakes_are_told_in_the_words_of_the_check(path: Path) -> None:
    for exercise, sentence in guide.named_mistakes(text_of(path)):
        assert sentence in exercises()[exercise].mistakes, (exercise, sentence)


@pytest.mark.parametrize("path", WEEKS, ids=names(WEEKS))
def test_questions_are_there_and_answered(path: Path, chapters: dict[str, Chapter]) -> None:
    for number, question in guide.questions_named(text_of(path)):
        found = guide.meeting_questions(chapters[number])[question]
        assert len(found.asked) > 30
        assert len(found.answer) > 15


@pytest.mark.parametrize("path", PARTS, ids=names(PARTS))
def test_exercises_and_sections_that_are_named_exist(
    path: Path, chapters: dict[str, Chapter]
) -> None:
    text = text_of(path)
    listed = re.findall(
        r"\bexercises? at least ((?:\d+\.\d+(?:, | and )?)+)", " ".join(text.split())
    )
    asked = {id_ for part in listed for id_ in re.findall(r"\d+\.\d+", part)}
    assert asked <= set(exercises())
    prose = [c["source"] for ch in chapters.values() for c in ch.cells]
    headings = set(re.findall(r"^#{1,6} +(.+)$", "\n".join(prose), re.MULTILINE))
    pattern = r"[Cc]hapter \d\d,? (?:has )?\*([^*]+)\*"
    for name in re.findall(pattern, " ".join(re.sub(r"^>", "", text, flags=re.M).split())):
        assert name in headings, name


def test_every_chapter_is_read_before_some_meeting() -> None:
    reading = [text_of(path).split("## ")[0] for path in WEEKS]
    told = [
        set(re.findall(r"\b(?:0\d|1[01])\b", part.split("**The question")[0])) for part in reading
    ]
    assert set.union(*told) >= {f"{n:02d}" for n in range(12)}


def test_answers_of_both_forms_are_read() -> None:
    numbered = guide._numbered("intro\n\n**1.** One\nmore.\n\n**2.** Two, in 3. steps\n")
    assert numbered == {1: "One\nmore.", 2: "Two, in 3. steps"}
    assert guide._numbered("1. One\n   more.\n2. Two\n") == {1: "One\nmore.", 2: "Two"}


def test_a_page_holds_all_parts_and_every_handout_on_its_own() -> None:
    pytest.importorskip("latex2mathml")
    page = guide.guide_page(ROOT)
    assert page.count("<section>") == len(PARTS)
    assert page.count('<h2 class="handout">') == len(WEEKS)
    assert "<!-- questions" not in page
    assert page.count("<em>Answer.</em>") == sum(
        len(guide.questions_named(text_of(path))) for path in WEEKS
    )
