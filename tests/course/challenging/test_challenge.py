"""The challenge: what a file may set, what a budget buys, and the table that a group collects."""

from __future__ import annotations

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from utils.course.challenging import entry as entries
from utils.course.challenging import judging
from utils.course.challenging.entry import BUDGET, entry, operations_per_step, read_entry
from utils.course.challenging.table import HEAD, Line, add_line, ranked, read_lines, worked
from utils.course.cli import app
from utils.data.storyworld.model import fresh_story_model

LINE = Line("Ada", 0.5, 11.1, 12.0, 1000, 20, 10**12, 3.5, '{"d_model": 64}')


def run(*words):
    return CliRunner().invoke(app, ["challenge", *map(str, words)])


def config(folder, text):
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "chosen",
    [{}, {"d_model": 64}, {"batch_size": 7}, {"n_layers": 1, "positions": "learned", "tied": True}],
)
def test_the_budget_is_spent_to_the_last_step_and_never_overdrawn(chosen):
    given = entry("x", **chosen)
    one = operations_per_step(given.model, given.training.batch_size)
    assert given.operations <= BUDGET < given.operations + one


def test_operations_are_those_that_the_model_itself_counts():
    given = entry("x", d_model=64)
    model = fresh_story_model(given.model)
    step = 3 * model.flops_per_token(entries.CONTEXT) * 16 * entries.CONTEXT
    assert operations_per_step(given.model, 16) == step


def test_a_file_sets_the_model_and_the_recipe(tmp_path):
    text = (
        "import math\nname = 'Ada'\n_half = 32\nd_model = 2 * _half\nlearning_rate = 8e-3\n"
        "def rate(x):\n    return math.sqrt(x)\n"
    )
    given = read_entry(config(tmp_path, text))
    assert given.name == "Ada"
    assert (given.model.d_model, given.model.n_layers) == (64, 2)
    assert given.training.learning_rate == 8e-3
    assert given.chosen == {"d_model": 64, "learning_rate": 8e-3}


def test_without_a_name_it_is_called_as_its_file(tmp_path):
    assert read_entry(config(tmp_path, "n_layers = 1\n")).name == "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learning_rat = 1e-3", "'learning_rat'; did you mean learning_rate?"),
        ("steps = 5000", "there is no setting 'steps'"),
        ("colour = 3", "there is no setting 'colour'"),
        ("d_model = 97", "mine.py: "),
        ("d_model = '64'", "mine.py: "),
        ("n_heads = 0", "mine.py: "),
        ("learning_rate = -1", "learning_rate is -1; it must be above 0"),
        ("batch_size = 1.5", "batch_size is 1.5; it must be a whole number"),
        ("batch_size = 4096", "the budget of 3,000,000,000,000 is 3 steps"),
        ("d_model = 4096", "make the model or the batch smaller"),
        ("warm_up = 5000", "warm_up is 5000; it must be from 0 to steps"),
        ("positions = 'circular'", "mine.py: "),
        ("n_layers =", "mine.py, line 1: invalid syntax"),
        ("d_model = width", "mine.py raised NameError: name 'width' is not defined"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence_before_anything_is_trained(text, said, tmp_path):
    table = tmp_path / "table.csv"
    result = run(config(tmp_path, text), "--table", table)
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not table.exists()


def test_a_file_that_is_not_there_is_named(tmp_path):
    result = run(tmp_path / "nobody.py")
    assert (result.exit_code, "nobody.py" in result.output) == (2, True)


@pytest.fixture
def cheap(monkeypatch):
    """A budget of 25 steps of a tiny model, a small text and few stories to judge by."""
    tiny = {"n_layers": 1, "n_heads": 1, "d_model": 8}
    monkeypatch.setattr(entries, "MODEL", entries.MODEL | tiny)
    monkeypatch.setattr(entries, "TRAINING", entries.TRAINING | {"batch_size": 2})
    monkeypatch.setattr(entries, "BUDGET", 25 * operations_per_step(entry("x").model, 2))
    for name, few in (("N_STORIES", 30), ("N_HELD_OUT", 3), ("N_WRITTEN", 2)):
        monkeypatch.setattr(judging, name, few)


def test_an_entry_is_trained_judged_and_written_down(cheap, tmp_path):
    table = tmp_path / "new" / "table.csv"
    result = run(config(tmp_path, "name = 'Ada'\nlearning_rate = 1e-2\n"), "--table", table)
    assert result.exit_code == 0, result.output
    (line,) = read_lines(table)
    assert (line.name, line.steps, line.possible) == ("Ada", 25, 0.0)
    assert 1 < line.bits < 12
    assert line.above > 100
    assert line.settings == '{"learning_rate": 0.01}'
    assert "Ada" in result.output.splitlines()[-1]


def test_what_was_interrupted_leaves_no_line(cheap, tmp_path, monkeypatch):
    def interrupted(*args):
        return None

    monkeypatch.setattr(judging, "compete", interrupted)
    table = tmp_path / "table.csv"
    result = run(config(tmp_path, "n_layers = 1\n"), "--table", table)
    assert result.exit_code == 130
    assert "interrupted" in result.output
    assert not table.exists()


def test_lines_come_back_as_they_were_written(tmp_path):
    table = tmp_path / "table.csv"
    lines = [LINE, replace(LINE, name='Ben, "the quick"', bits=0.48), replace(LINE, name="민호")]
    for line in lines:
        add_line(table, line)
    assert read_lines(table) == lines


def test_a_group_s_tables_are_shown_as_one_the_nearest_first(tmp_path):
    paths = [tmp_path / f"{name}.csv" for name in ("ada", "ben")]
    add_line(paths[0], replace(LINE, bits=0.61))
    add_line(paths[1], replace(LINE, name="Ben", bits=0.46))
    result = run(*paths, "--table", tmp_path / "none.csv")
    names = [row.split("  ")[0].strip() for row in result.output.splitlines()[1:]]
    assert [name for name in names if name in ("Ada", "Ben")] == ["Ben", "Ada"]
    assert {line.name for line in worked()} <= set(names)


def test_another_file_is_no_table(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    result = run(other)
    assert (result.exit_code, "is no table of a challenge" in result.output) == (2, True)
    broken = tmp_path / "broken.csv"
    broken.write_text(",".join(HEAD) + "\nAda,much,,,,,,,\n", encoding="utf-8")
    assert "broken.csv, line 2" in run(broken).output


def test_a_table_that_can_t_be_added_to_is_found_before_anything_is_trained(tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(judging, "compete", lambda *args: trained.append(args))
    table = tmp_path / "other.csv"
    table.write_text("a,b\n1,2\n", encoding="utf-8")
    result = run(config(tmp_path, "n_layers = 1\n"), "--table", table)
    assert (result.exit_code, trained) == (2, [])
    assert table.read_text(encoding="utf-8") == "a,b\n1,2\n"


def test_equal_lines_are_shown_once():
    assert len(ranked([LINE, LINE])) == 2


def test_the_course_s_own_entries_kept_to_the_budget():
    lines = worked()
    assert len(lines) >= 2
    assert all(0.98 * BUDGET < line.operations <= BUDGET for line in lines)
    assert all(line.above > 0 for line in lines)
