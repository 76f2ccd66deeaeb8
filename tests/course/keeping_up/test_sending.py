"""`course report`: what is in it, what is not, and that authors can try it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from helpers.small_course import code, write_chapter
from mutants import reports
from mutants.worker import carry_out
from typer.testing import CliRunner, Result

from utils.course import cli
from utils.course.checking import registry
from utils.course.keeping_up.sending import anonymous

HELPER = "def squared(x):\n    return x**2  # Ana wrote this"
RIGHT = '''def mse(predicted, y):
    """By Ana."""
    print("/home/ana/notes.txt of ana@example.org")
    return squared(predicted - y).mean()


mse = check("1.2", mse)'''
WRONG = 'def line(p, q):\n    return 0.0, 0.0\n\n\nline = check("1.1", line)'
STUB = (
    'def g(x):\n    raise NotImplementedError("Exercise 1.3: your turn")\n\n\ng = check("1.3", g)'
)


def said(source: str, line: str) -> dict:
    output = {"output_type": "stream", "name": "stdout", "text": line + "\n"}
    return {**code(source), "outputs": [output], "execution_count": 1}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    label = {id_: registry.exercise(id_).label for id_ in ("1.1", "1.2", "1.3")}
    write_chapter(
        tmp_path / "chapters/01_models_that_learn.ipynb",
        said(WRONG, f"❌ {label['1.1']}: no"),
        code(HELPER),
        said(RIGHT, f"✅ {label['1.2']}"),
        said(STUB, f"⬜ {label['1.3']}: not attempted yet."),
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path / "chapters"


def run(*words: object, answer: str = "") -> Result:
    return CliRunner().invoke(cli.app, ["report", *map(str, words)], input=answer)


def test_it_holds_answers_verdicts_and_what_they_need(folder: Path) -> None:
    result = run(folder, "--yes")
    assert result.exit_code == 0, result.output
    written = Path("my_report.json").read_text(encoding="utf-8")
    assert written in result.output  # all of it was shown
    answers = json.loads(written)["answers"]
    assert [(a["exercise"], a["verdict"]) for a in answers] == [("1.1", "wrong"), ("1.2", "right")]
    assert "def squared" in answers[1]["code"]
    assert {*answers[0]} == {"exercise", "verdict", "function", "code"}


def test_nobody_can_tell_whose_it_is(folder: Path) -> None:
    run(folder, "--yes")
    written = Path("my_report.json").read_text(encoding="utf-8")
    assert "ana" not in written.lower().replace("analog", "")
    assert str(folder) not in written
    assert "/home" not in written


def test_the_name_of_the_user_is_taken_out_of_texts() -> None:
    assert anonymous("name = 'Ana and anagram'", ["ana"]) == "name = '… and anagram'"


@pytest.mark.parametrize(
    "text",
    [
        "/home/ana/notes.txt",
        "/Users/ana/My notes.txt",
        "C:\\Users\\Ana Li\\notes.txt",
        "d:/texts/ana/notes.txt",
        "\\\\server\\ana\\notes.txt",
        "~/ana.txt",
        "ana@example.org",
    ],
)
def test_paths_and_addresses_are_taken_out(text: str) -> None:
    assert "ana" not in anonymous(f"x = open({text!r})\ny = rf'{{x}} {text}'").lower()


@pytest.mark.parametrize(
    "text", [r"(?i:\s+)|'(?:[sdmt]|ll)| ?\p{L}+", "a/b", "/", "//", "\\", "http://x", "1: /2"]
)
def test_texts_that_an_answer_needs_stay(text: str) -> None:
    assert ast.literal_eval(anonymous(f"x = {text!r}").removeprefix("x = ")) == text


def test_a_function_of_a_docstring_alone_stays_a_function() -> None:
    assert anonymous("def f():\n    'by Ana'") == "def f():\n    pass"
    assert anonymous("def f():\n    'by Ana'\n    return 1") == "def f():\n    return 1"


def test_a_folder_that_is_not_there_is_told_in_one_line(folder: Path) -> None:
    result = run(folder, "--yes", "--out", "nowhere/r.json")
    assert result.exit_code == 2
    assert "nowhere" in result.output.splitlines()[-1]


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_without_a_yes_nothing_is_written(folder: Path, answer: str) -> None:
    result = run(folder, answer=answer)
    assert result.exit_code == 0
    assert "Nothing was written" in result.output
    assert not Path("my_report.json").exists()


def test_a_yes_writes_and_a_second_replaces_it(folder: Path) -> None:
    assert run(folder, answer="y\n").exit_code == 0
    assert run(folder, answer="y\n").exit_code == 0
    assert Path("my_report.json").is_file()


@pytest.mark.parametrize("name", ["notes.json", "chapters/01_models_that_learn.ipynb", "chapters"])
def test_nothing_of_somebody_elses_is_written_over(folder: Path, name: str) -> None:
    Path("notes.json").write_text('{"mine": 1}')
    before = Path(name).read_bytes() if Path(name).is_file() else b""
    result = run(folder, "--yes", "--out", name)
    assert result.exit_code == 2
    assert len(result.output.strip().splitlines()) == 1
    assert not before or Path(name).read_bytes() == before


def test_with_nothing_judged_there_is_nothing_to_send(tmp_path: Path) -> None:
    write_chapter(tmp_path / "01_models.ipynb", code(STUB))
    result = run(tmp_path, "--yes", "--out", tmp_path / "r.json")
    assert result.exit_code == 2
    assert not (tmp_path / "r.json").exists()


def test_authors_can_try_what_was_sent(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()
    for name in ("one.json", "two.json"):
        run(folder, "--yes", "--out", tmp_path / "sent" / name)
    found = reports.read(tmp_path / "sent")
    assert sorted(found.values()) == [2, 2]
    tried = []
    for sent in found:
        order = {"exercise": sent.exercise, "name": "x", "code": sent.code, "says": ("any",)}
        trial = carry_out(order | {"function": sent.function})
        assert reports.differs(sent, trial) is None, trial
        tried.append((sent, trial))
    wrong = next(sent for sent in found if sent.verdict == "wrong")
    turned = reports.Sent(wrong.exercise, "right", wrong.function, wrong.code)
    assert "was right, is wrong" in (reports.differs(turned, dict(tried)[wrong]) or "")


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "other"}', '{"answers": 3}'])
def test_a_file_that_is_no_report_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(ValueError, match=r"r\.json"):
        reports.read(tmp_path)
