"""`course check`: what it says of notebooks right, wrong, broken, stuck, and of other files."""

from __future__ import annotations

import _thread
import contextlib
import io
import json
import re
import signal
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers.small_notebooks import REPORT, code, heading, stamp, write
from rich.cells import cell_len

from utils.course.grading import check_notebooks as learner_ci
from utils.course.grading import fresh_kernel
from utils.course.grading.check_notebooks import check_notebooks
from utils.course.grading.reports import RUNS

BROKEN = [
    heading("# Broken in many ways"),
    code(REPORT),  # 1
    heading("### Exercise 9.1 · First\n★☆☆"),
    code('check("9.1", 1, "wrong")\ncheck("9.1", 1)'),  # 2: the last word counts
    code(
        'check("9.2", 1, "wrong", "It is <b>\\x1b[31mtoo\\x1b[0m</b> \\x00big.\\n   got: [1]")'
    ),  # 3
    heading("## The table\n```\n# no heading\n```"),
    code("table = {}\nrows = table['a']"),  # 4
    code("more = rows + 1"),  # 5
    code(""),  # an empty cell, which has no number
    code('print(more)\ncheck("9.3", 1)'),  # 6
    code("print(later)"),  # 7
    code("later = 1"),  # 8
    code('def f(:\n    pass\nf = check("9.4", f)'),  # 9
    code('import no_such_package_here\ncheck("9.5", 1)'),  # 10
    code("import json.nowhere"),  # 11
    code('while True:\n    print("x" * 1000)\ncheck("9.6", 1)'),  # 12
    code("1 / 0", "raises-exception"),  # 13
    code('check("9.7", 1, "raised", "it raised KeyError")'),  # 14
    heading("### Exercise 9.8 · Gone"),
    code('if False:\n    check("9.9", 1)'),  # 15
    code('check("9.10", 1, "not attempted")'),  # 16
]
FINE = [
    code(f"import os, sys\n{REPORT}assert sys.executable == {sys.executable!r}, sys.executable\n"),
    code('assert "COURSE_STRICT" not in os.environ\nassert open("beside.txt").read() == "here"'),
    code("import ipywidgets\nslider = ipywidgets.IntSlider()\nslider.value = 3\nslider"),
    code('check("1.1", 1)\ncheck("1.2", 1, "not attempted")'),
]


@dataclass
class Ran:
    code: int
    folder: Path
    stdout: str
    before: dict[str, tuple[bytes, int]]

    @property
    def data(self) -> dict[str, Any]:
        return json.loads((self.folder / "out" / "report.json").read_text(encoding="utf-8"))

    def notebook(self, name: str) -> dict[str, Any]:
        return next(n for n in self.data["notebooks"] if Path(n["notebook"]).name == name)

    def statuses(self, name: str) -> dict[str, str]:
        return {e["id"]: e["status"] for e in self.notebook(name)["exercises"]}


@contextlib.contextmanager
def environment(**names: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in names.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """All sorts of notebooks in one folder, checked once, two at a time."""
    folder = tmp_path_factory.mktemp("a folder, with ünusual name")
    foreign = folder / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    (foreign / "kernel.json").write_text('{"argv": ["false"], "display_name": "x"}')
    (folder / "beside.txt").write_text("here")
    write(folder / "broken.ipynb", *BROKEN)
    write(folder / "fine.ipynb", *FINE, kernelspec={"name": "conda-env-x", "display_name": "x"})
    write(folder / "dies.ipynb", code("import os\nos._exit(7)"), code('check("1.1", 1)'))
    write(folder / "empty.ipynb", heading("# Nothing"), code(" "))
    write(folder / "other.ipynb", code("1"), language_info={"name": "julia"})
    (folder / "text.ipynb").write_text("hello")
    (folder / "blank.ipynb").write_text("")
    (folder / "merge.ipynb").write_text('{\n<<<<<<< HEAD\n"cells": []\n=======\n>>>>>>> x\n}')
    (folder / "data.ipynb").write_text('{"cells": 3}')
    (folder / "broken_format.ipynb").write_text('{"nbformat": 4, "cells": 3}')
    (folder / "bytes.ipynb").write_bytes(b"\xff\xfe\x00")
    before, said = stamp(folder), io.StringIO()
    out = folder / "out"
    with (
        environment(
            COURSE_STRICT="1",
            JUPYTER_PATH=str(folder / "jupyter"),
            FORCE_COLOR="1",
            GITHUB_STEP_SUMMARY=str(out / "summary.md"),
        ),
        contextlib.redirect_stdout(said),
    ):
        status = check_notebooks(
            [folder, folder / "fine.ipynb", folder / "missing.ipynb"],
            junit=out / "junit.xml",
            json_path=out / "report.json",
            cell_timeout=10,  # the first import of a cell takes some seconds on a busy machine
            jobs=2,
        )
    return Ran(status, folder, said.getvalue(), before)


@pytest.mark.slow
def test_the_exit_code_is_the_worst_of_all(ran: Ran) -> None:
    assert ran.code == ran.data["exit_code"] == 2
    assert ran.notebook("fine.ipynb")["exit_code"] == 0
    others = [n for n in ran.data["notebooks"] if Path(n["notebook"]).name != "fine.ipynb"]
    assert len(others) == 11
    assert {n["exit_code"] for n in others} == {2}


@pytest.mark.slow
def test_a_notebook_runs_in_its_folder_by_this_python_and_without_strict(ran: Ran) -> None:
    assert ran.notebook("fine.ipynb")["failures"] == []
    assert ran.statuses("fine.ipynb") == {"1.1": "right", "1.2": "not attempted"}
    assert [e["title"] for e in ran.notebook("fine.ipynb")["exercises"]] == [
        "Title 1.1",
        "Title 1.2",
    ]


@pytest.mark.slow
def test_learners_files_are_only_read(ran: Ran) -> None:
    assert stamp(ran.folder) == ran.before


@pytest.mark.slow
def test_each_exercise_has_its_status(ran: Ran) -> None:
    assert ran.statuses("broken.ipynb") == {
        "9.1": "right",
        "9.8": "missing",
        "9.2": "wrong",
        "9.3": "not run",
        "9.4": "not run",
        "9.5": "not run",
        "9.6": "timed out",
        "9.7": "raised",
        "9.9": "not run",
        "9.10": "not attempted",
    }
    said = {e["id"]: e["diagnosis"] for e in ran.notebook("broken.ipynb")["exercises"]}
    assert said["9.2"] == "It is <b>too</b> big.\ngot: [1]"
    assert said["9.3"] == "an earlier cell failed: cell 4"
    assert said["9.4"] == "its own cell failed: cell 9"
    assert said["9.6"] == "its cell did not end within 10 s; it was interrupted"
    assert "no check" in said["9.8"]
    assert said["9.9"] == "cell 15 ran, but never came to its check"


@pytest.mark.slow
def test_each_failed_cell_is_named_with_what_it_follows_from(ran: Ran) -> None:
    failures = {f["cell"]: f for f in ran.notebook("broken.ipynb")["failures"]}
    assert list(failures) == [4, 5, 6, 7, 9, 10, 11, 12]
    assert failures[4] == {
        "cell": 4,
        "heading": "The table",
        "kind": "raised",
        "error": "KeyError: 'a'",
        "line": 2,
        "follows": None,
    }
    assert [failures[n]["follows"] for n in (5, 6, 7)] == [4, 4, None]
    assert failures[7]["error"].endswith("(it is first defined further down, in cell 8)")
    assert failures[9]["error"] == "SyntaxError: invalid syntax"
    assert failures[10]["kind"] == "missing package"
    assert "pip install no_such_package_here" in failures[10]["error"]
    assert failures[11]["kind"] == "raised"  # json is there, only json.nowhere is not
    assert failures[12]["kind"] == "timed out"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"),
    {
        "empty": "is empty: it has no code cell to run",
        "other": "is a notebook in julia, and the course's kernel runs Python",
        "text": "is no notebook: it is not JSON",
        "blank": "is no notebook: the file is empty",
        "merge": "marks of an unfinished merge",
        "data": "is no notebook: it is JSON, but not of the notebook format",
        "broken_format": "is no notebook that can be read",
        "bytes": "is no notebook: it is not text in UTF-8",
        "missing": "does not exist",
    }.items(),
)
def test_a_file_that_cannot_run_is_named(ran: Ran, name: str, said: str) -> None:
    problem = ran.notebook(f"{name}.ipynb")["problem"]
    assert f"{name}.ipynb" in problem
    assert said in problem


@pytest.mark.slow
def test_a_kernel_that_dies_is_named(ran: Ran) -> None:
    report = ran.notebook("dies.ipynb")
    assert report["cells_run"] == 1
    assert report["failures"][0]["kind"] == "kernel died"
    assert "ended with exit code 7" in report["failures"][0]["error"]
    assert report["exercises"][0]["diagnosis"] == "the run ended before it in cell 1"


@pytest.mark.slow
def test_the_terminal_report_is_plain_and_narrow_when_piped(ran: Ran) -> None:
    lines = ran.stdout.splitlines()
    assert "\x1b" not in ran.stdout
    assert max(map(cell_len, lines)) <= 80
    assert not [line for line in lines if line != line.rstrip()]
    assert "Because of it, cells 5 and 6 failed too." in ran.stdout
    assert "Something could not run. 4 warnings." in " ".join(lines[-2:])
    assert re.search(r"❌  9\.2 +Title 9\.2 +wrong: It is <b>too</b> big\.$", ran.stdout, re.M)


@pytest.mark.slow
def test_junit_has_a_suite_per_notebook_and_a_case_per_exercise(ran: Ran) -> None:
    root = ET.parse(ran.folder / "out" / "junit.xml").getroot()
    suites = {Path(suite.get("name", "")).name: suite for suite in root}
    assert len(suites) == 12
    broken = suites["broken.ipynb"]
    counted = [broken.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counted == ["11", "4", "1", "5"]
    cases = {case.get("name"): case for case in broken}
    wrong = cases["9.2 Title 9.2"].find("failure")
    assert wrong is not None
    assert wrong.get("type") == "wrong"
    assert wrong.text == "It is <b>too</b> big.\ngot: [1]"
    assert list(cases["9.1 Title 9.1"]) == []
    assert cases["9.10 Title 9.10"].find("skipped") is not None
    assert cases[RUNS].find("error").get("type") == "missing package"
    assert [child.tag for child in suites["text.ipynb"][0]] == ["error"]
    assert all(list(case) == [] or case.get("name") != RUNS for case in suites["fine.ipynb"])


@pytest.mark.slow
def test_the_summary_is_appended_where_the_ci_job_asks_for_it(ran: Ran) -> None:
    text = (ran.folder / "out" / "summary.md").read_text(encoding="utf-8")
    assert text.startswith("## Course check: 2 right · 1 wrong · 1 raised · 1 timed out")
    assert "| ❌ | 9.2 Title 9.2 | wrong |" in text
    assert "```text\nIt is <b>too</b> big.\ngot: [1]\n```" in text


@pytest.mark.slow
def test_a_cell_that_ignores_interrupts_is_killed_and_the_time_for_all_is_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh_kernel, "GRACE", 0.6)
    stuck = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(99)"
    write(tmp_path / "stuck.ipynb", code(stuck), code('check("1.1", 1)'))
    write(
        tmp_path / "slow.ipynb",
        code("import time\ntime.sleep(3)"),
        code("time.sleep(30)"),
        code("1"),
    )
    start = time.monotonic()
    reports = learner_ci._run_all(sorted(tmp_path.glob("*.ipynb")), 6.0, 7.0, jobs=2)
    assert time.monotonic() - start < 90  # the stuck cell sleeps for 99 s
    slow, stuck_report = reports
    assert stuck_report.failures[0].error == "did not end within 6 s, nor when it was interrupted"
    assert [e.status for e in stuck_report.exercises] == ["not run"]
    assert [failure.cell for failure in slow.failures] == [2]
    assert slow.problem == "The 7 s for the whole notebook were up before cell 3 of 3"
    assert slow.exit_code == stuck_report.exit_code == 2


def test_ctrl_c_leaves_a_partial_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = 'open("started", "w").close()\nimport time\ntime.sleep(60)'
    write(tmp_path / "a.ipynb", code(REPORT + 'check("1.1", 1)'), code(slow))
    write(tmp_path / "b.ipynb", code("1"))
    started = tmp_path / "started"

    def press() -> None:
        deadline = time.monotonic() + 30
        while not started.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        _thread.interrupt_main()

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=press, daemon=True).start()
        status = check_notebooks([tmp_path], json_path=tmp_path / "report.json")
    finally:
        signal.signal(signal.SIGINT, previous)
    assert status == 130
    notebooks = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["notebooks"]
    assert [n["interrupted"] for n in notebooks] == [True, True]
    assert [e["status"] for e in notebooks[0]["exercises"]] == ["right"]
    said = " ".join(capsys.readouterr().out.split())
    assert "b.ipynb · not run" in said
    assert "Interrupted" in said
