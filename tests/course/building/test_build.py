"""The builder: one source, two notebooks, the same bytes each time, nobody's work lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from utils.course.building import build as builder
from utils.course.building.build import build, edited_by_hand, run_by_hand
from utils.course.building.source import SourceError, read_source
from utils.course.checking import registry

MERGE = registry.exercise("2.3")
STARS, MINUTES = "★" * MERGE.stars + "☆" * (3 - MERGE.stars), f"{MERGE.minutes} min"
HEADER = f"""# %% [markdown]
# # A chapter
#
# ### Exercise 2.3 · Merge a pair
# {STARS} · {MINUTES} · Sennrich et al. 2016
#
# Text.
"""
EXERCISE = '''
# %%
def merge_pair(ids, pair, new_id):
    """Merge."""
    ### BEGIN SOLUTION
    from utils.llm.tokenizer import merge_pair as reference

    return reference(ids, pair, new_id)
    ### END SOLUTION


merge_pair = check("2.3", merge_pair)
'''
SOURCE = (
    HEADER
    + """
# %%
from utils.course import check
"""
    + EXERCISE
    + """
# %% [markdown]
# ## What it does

# %%
print(merge_pair([1, 1, 2], (1, 1), 9))

# %% tags=["nbval-ignore-output"] reason="a process id is never the same twice"
import os

print(os.getpid())

# %% [markdown] tags=["solution-only"]
# The answer to the meeting's question.
"""
)


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "solutions").mkdir()
    (tmp_path / "chapters").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(course: Path, text: str) -> Path:
    path = course / "solutions" / "02_trial.py"
    path.write_text(text, encoding="utf-8")
    return path


def read(course: Path, folder: str) -> nbformat.NotebookNode:
    return nbformat.read(course / folder / "02_trial.ipynb", as_version=4)


@pytest.mark.slow
def test_a_source_becomes_two_notebooks_and_stays_so(course, capsys):
    write(course, SOURCE)
    assert build() == 0
    files = [course / folder / "02_trial.ipynb" for folder in ("solutions", "chapters")]
    before = [file.read_bytes() for file in files]
    assert build(["02"]) == 0
    assert [file.read_bytes() for file in files] == before
    assert capsys.readouterr().out.count("unchanged") == 2
    assert build(check=True) == 0

    solved, unsolved = read(course, "solutions"), read(course, "chapters")
    assert [c.id for c in solved.cells][:-1] == [c.id for c in unsolved.cells]
    assert solved.cells[-1].source == "The answer to the meeting's question."
    assert 'raise NotImplementedError("Exercise 2.3: your turn")' in unsolved.cells[2].source
    assert '"""Merge."""' in unsolved.cells[2].source
    assert "reference" not in unsolved.cells[2].source
    assert "✅" in solved.cells[2].outputs[0].text
    assert "⬜" in unsolved.cells[2].outputs[0].text
    assert [c.execution_count for c in unsolved.cells if c.cell_type == "code"] == [1, 2, 3, 4]
    assert "widgets" not in unsolved.metadata
    assert not run_by_hand(unsolved)
    _somebody_answers(course, unsolved, files[1], capsys)


def _somebody_answers(course, unsolved, chapter, capsys):
    """The learner's own words are never overwritten unless that is asked for."""
    unsolved.cells[-1].outputs = []
    assert run_by_hand(unsolved)
    assert not edited_by_hand(unsolved)
    unsolved.cells[2].source = "def merge_pair(ids, pair, new_id):\n    return mine"
    nbformat.write(unsolved, chapter)
    theirs = chapter.read_bytes()
    assert build() == 1
    assert chapter.read_bytes() == theirs
    assert "holds changes of somebody's own" in capsys.readouterr().err
    assert build(check=True) == 1
    assert build(force=True) == 0
    assert build(check=True) == 0


@pytest.mark.slow
def test_check_finds_a_source_that_moved_on(course, capsys):
    path = write(course, HEADER + "\n# %%\n1 + 1\n")
    assert build() == 0
    path.write_text(path.read_text(encoding="utf-8").replace("1 + 1", "1 + 2"), encoding="utf-8")
    assert build(check=True) == 1
    assert "02_trial.py:9 (cell 2)" in capsys.readouterr().err


@pytest.mark.slow
def test_a_failing_cell_is_named_and_nothing_is_written(course, capsys):
    write(course, HEADER + "\n# %%\nx = 1\n\n# %%\nx / 0\n")
    assert build() == 1
    said = capsys.readouterr().err
    assert "solutions/02_trial.py:12 (cell 3)" in said
    assert "ZeroDivisionError: division by zero" in said
    assert not (course / "chapters" / "02_trial.ipynb").exists()


@pytest.mark.slow
def test_a_warning_in_a_chapter_is_a_failure(course, capsys):
    write(course, HEADER + "\n# %%\nimport sys\n\nprint('careful', file=sys.stderr)\n")
    assert build() == 1
    assert "wrote to stderr: careful" in capsys.readouterr().err


@pytest.mark.slow
def test_a_wrong_solution_does_not_build(course, capsys):
    wrong = SOURCE.replace("return reference(ids, pair, new_id)", "return ids")
    write(course, wrong)
    assert build() == 1
    said = capsys.readouterr().err
    assert "❌ 2.3 Merge a pair" in said
    assert "for solutions/" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SOURCE.replace(f"{STARS} · ", ""), "lacks its line of stars and minutes"),
        (SOURCE.replace(f" · {MINUTES}", ""), "lacks its line of stars and minutes"),
        (SOURCE.replace(MINUTES, "25 min"), "has the minutes 25 in the text but"),
        (SOURCE.replace("· Merge a pair", "· Merge it"), "has the title 'Merge it' in the text"),
        (SOURCE.replace("Exercise 2.3", "Exercise 2.4"), "needs a cell above it with the heading"),
        (SOURCE.replace('check("2.3"', 'check("99.1"'), "exercise 99.1 needs a cell above it"),
        (SOURCE.replace("    ### END SOLUTION\n", ""), "must come in pairs"),
        (SOURCE.replace('= check("2.3", merge_pair)', "= merge_pair"), "this one checks 0"),
        (SOURCE.replace("# %% [markdown]\n# # A ch", "# # A ch"), "must start with a '# %%' line"),
    ],
)
def test_a_source_that_breaks_a_rule_is_refused_with_its_line(course, text, said):
    path = write(course, text)
    with pytest.raises(SourceError, match="02_trial") as caught:
        read_source(path)
    assert said in str(caught.value)
    assert build() == 1


def test_an_unknown_chapter_is_told(course, capsys):
    write(course, SOURCE)
    assert build(["7"]) == 1
    assert "no chapter is called '7'; there are 02_trial" in capsys.readouterr().err


def test_an_output_that_is_not_compared_is_kept_only_while_what_it_comes_from_is_the_same():
    def notebook(said: str, made_of: str) -> nbformat.NotebookNode:
        output = nbformat.v4.new_output("stream", text=said)
        cell = nbformat.v4.new_code_cell("clock()", id="a", outputs=[output])
        cell.metadata["tags"] = ["nbval-ignore-output"]
        return nbformat.v4.new_notebook(cells=[cell], metadata={"course": {"made_of": made_of}})

    for then, kept in {"x": "old", "y": "new"}.items():
        fresh = notebook("new", "x")
        builder._keep_ignored_outputs(fresh, notebook("old", then))
        assert fresh.cells[0].outputs[0].text == kept


def test_what_a_notebook_is_made_of_changes_with_its_code():
    cells = [nbformat.v4.new_code_cell(source) for source in ("1", "2")]
    digests = {builder.made_of(nbformat.v4.new_notebook(cells=[cell])) for cell in cells}
    assert len(digests) == 2


def test_new_prose_keeps_the_outputs_and_new_code_does_not(course, capsys):
    path = write(course, "# %% [markdown]\n# # 02 · Trial\n\n# %%\nimport time\n\ntime.time_ns()\n")
    assert build(prose=True) == 1
    assert "was never run" in capsys.readouterr().err
    assert build() == 0
    metadata = read(course, "chapters").metadata
    before = read(course, "chapters").cells[1]
    path.write_text(path.read_text(encoding="utf-8").replace("Trial", "Error"), encoding="utf-8")
    assert build(prose=True) == 0
    now = read(course, "chapters").cells
    assert now[0].source == "# 02 · Error"
    assert (now[1].outputs, now[1].execution_count) == (before.outputs, 1)
    assert read(course, "chapters").metadata.language_info == metadata.language_info
    assert build(check=True) == 0
    path.write_text(path.read_text(encoding="utf-8").replace("time_ns", "time"), encoding="utf-8")
    capsys.readouterr()
    assert build(prose=True) == 1
    assert "has other code than its source" in capsys.readouterr().err


def test_chapters_are_linked_and_what_answers_a_question_is_folded(course):
    for name in ("01_first", "02_trial", "03_last"):
        text = f"# %% [markdown]\n# # {name}\n\n# %%\nask('1.a')\n\n# %%\n1\n\n# %%\n2\n"
        (course / "solutions" / f"{name}.py").write_text(text, encoding="utf-8")
    found = {t.path.parent.name + t.path.stem: t.generate() for t in builder.targets(course)}
    ends = {name: notebook.cells[-1] for name, notebook in found.items()}
    assert ends["chapters02_trial"].source == (
        '<a href="#02_trial">To the top</a> · '
        "[Back: 01_first](01_first.ipynb) · [Next: 03_last](03_last.ipynb)"
    )
    assert ends["solutions01_first"].source.endswith("top</a> · [Next: 02_trial](02_trial.ipynb)")
    assert ends["chapters03_last"].source.endswith("top</a> · [Back: 02_trial](02_trial.ipynb)")
    folds = [
        [c.metadata.get("jupyter", {}).get("outputs_hidden", False) for c in notebook.cells[1:4]]
        for notebook in (found["chapters01_first"], found["solutions01_first"])
    ]
    assert folds == [[False, True, False], [False] * 3]


@pytest.mark.parametrize("text", ["", "\n\n", "# %%\n", "# %% [markdown]\n#\n"])
def test_an_empty_source_is_an_error(tmp_path, text):
    path = tmp_path / "01_empty.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"01_empty\.py is empty: a chapter has cells"):
        read_source(path)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_ends_in_one_line(course, number):
    slow = "# %%\nimport time, pathlib\n\npathlib.Path('begun').touch()\ntime.sleep(60)\n"
    (course / "solutions" / "02_text.py").write_text(slow, encoding="utf-8")
    program = "import sys; from utils.course.building.build import build; sys.exit(build(['02']))"
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=course, stderr=subprocess.PIPE, text=True
    )
    for _ in range(600):
        if (course / "solutions" / "begun").exists():
            break
        time.sleep(0.05)
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert said.splitlines() == [
        "course build: interrupted at solutions/02_text.ipynb, which is as it was before."
    ]
    assert not (course / "solutions" / "02_text.ipynb").exists()
