"""The way in: a Python that will do, the tasks there are, and the Makefile that calls them."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import launch, tasks
from tools.errors import SetupError

ROOT = Path(__file__).resolve().parents[2]
POSIX = pytest.mark.skipif(os.name != "posix", reason="shell scripts stand in for Pythons")
HAS_MAKE = pytest.mark.skipif(
    os.name != "posix" or shutil.which("make") is None, reason="no make here"
)


class TestLaunch:
    def test_old_pythons_can_read_what_speaks_to_them(self) -> None:
        for name in ("setup_env.py", "tools/__init__.py", "tools/launch.py", "tools/pythons.py"):
            ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 6))
        # Python 2 reads no further than the first letter beyond ASCII.
        assert (ROOT / "setup_env.py").read_bytes().isascii()

    @pytest.mark.parametrize(("version", "word"), [((3, 8), "old"), ((3, 14), "new")])
    def test_a_python_out_of_range_is_told_so_in_one_line(
        self,
        version: tuple[int, int],
        word: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(launch.sys, "version_info", (*version, 1))
        monkeypatch.setattr(launch, "find_python", lambda: None)
        assert launch.main(["lab"]) == 1
        said = capsys.readouterr().err
        assert f"Python 3.{version[1]} is too {word}" in said
        assert "3.11 to 3.13" in said
        assert said.count("\n") == 1

    @POSIX
    def test_a_supported_python_is_found_past_broken_ones(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        answers = {"python3.13": "exit 127", "python3.12": "echo 3.10", "python3.11": "echo 3.11"}
        for name, answer in answers.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert launch.find_python() == ["python3.11"]
        (tmp_path / "python3.11").unlink()
        assert launch.find_python() is None


class TestTasks:
    def test_an_unknown_task_shows_the_ones_there_are(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert tasks.run_task(["labs"]) == 2
        said = capsys.readouterr().err
        assert all(f"\n  {name} " in said for name in ("lab", "test", "notebooks", "bench"))

    @pytest.mark.parametrize(("raised", "status"), [(SetupError("no x; do y"), 1), (None, 130)])
    def test_no_traceback_reaches_the_terminal(
        self,
        raised: Exception | None,
        status: int,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def ensure(*_: object, **__: object) -> None:
            raise raised or KeyboardInterrupt

        monkeypatch.setattr(tasks, "ensure", ensure)
        assert tasks.run_task(["lab"]) == status
        assert capsys.readouterr().err.strip().startswith("setup: ")

    @pytest.mark.parametrize(("mode", "flag"), [("strict", "--nbval"), ("lax", "--nbval-lax")])
    def test_how_notebooks_are_compared(
        self, mode: str, flag: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NBVAL_MODE", mode)
        words = tasks.pytest_arguments()
        assert [w for w in words if w.startswith("--nbval")] == [flag, "--nbval-cell-timeout=300"]
        assert words[words.index("--dist") + 1] == "loadfile"  # else a notebook is cut in two

    def test_a_quick_look_leaves_out_notebooks_and_what_is_slow(self) -> None:
        words = tasks.quick_arguments()
        assert words[-3:] == ["-m", "not slow", "tests"]
        assert not [w for w in words if w.startswith("--nbval")]

    def test_a_mode_that_is_none(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("NBVAL_MODE", "loose")
        assert tasks.run_task(["test"]) == 1
        assert "'loose'; it can be strict or lax" in capsys.readouterr().err

    @pytest.mark.parametrize("wrong", [None, subprocess.TimeoutExpired("x", 1), OSError("gone")])
    @pytest.mark.parametrize("task", ["test", "quick", "lab"])
    def test_the_suite_alone_asks_for_the_real_model_and_runs_without_it(
        self, task: str, wrong: Exception | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[list[str]] = []

        def run(command: list[str], **_: object) -> None:
            asked.append(command)
            if wrong is not None:
                raise wrong

        monkeypatch.setattr(tasks, "ensure", lambda *_, **__: None)
        monkeypatch.setattr(tasks.subprocess, "run", run)
        monkeypatch.setattr(tasks, "hand_over", lambda *_: 0)
        assert tasks.run_task([task]) == 0
        assert ["fetch" in command for command in asked] == ([True] if task == "test" else [])


@HAS_MAKE
class TestMakefile:
    def make(self, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        shutil.copy(ROOT / "Makefile", folder)
        own = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "PYTHON")}
        return subprocess.run(["make", *words], cwd=folder, env=own, capture_output=True, text=True)

    @pytest.mark.parametrize(
        "target", ["lab", "test", "quick", "notebooks", "bench", "soak", "setup"]
    )
    def test_a_target_is_a_task_and_spaces_do_no_harm(self, tmp_path: Path, target: str) -> None:
        assert target in tasks.TASKS
        folder = tmp_path / "my course"
        folder.mkdir()
        python = folder / "my python"
        python.write_text('#!/bin/sh\nprintf "[%s]" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        made = self.make(folder, target, f"PYTHON={python}", 'ARGS=--port 8899 "a b"')
        assert made.stdout == f"[setup_env.py][{target}][--port][8899][a b]", made.stderr

    def test_a_python_that_is_not_there(self, tmp_path: Path) -> None:
        made = self.make(tmp_path, "lab", "PYTHON=/nowhere/python3")
        assert made.returncode != 0
        said = [line for line in made.stderr.splitlines() if not line.startswith("make")]
        assert len(said) == 1
        assert "no /nowhere/python3 on this machine; install Python 3.11 to 3.13" in said[0]
