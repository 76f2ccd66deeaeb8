"""The command `course`: what it offers, how quickly it starts, and how it takes bad input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from utils.course import cli

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "lab check progress update group report build train chat serve assemble fetch export challenge"
    " doctor bench"
).split()
runner = CliRunner()


def test_help_names_the_commands_that_work_and_no_others() -> None:
    listed = typer.main.get_command(cli.app).commands
    assert set(listed) == set(COMMANDS)
    result = runner.invoke(cli.app, ["--help"])
    assert result.exit_code == 0
    assert all(f"\n  {name} " in result.output for name in COMMANDS)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['course', '--help']\nfrom utils.course import cli\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'matplotlib', 'IPython', 'nbformat') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout.splitlines()[-1] == "[]", ran.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek"], "No such command"),
        (["check", "--week", "9"], "--week"),
        (["check", "--week", "one"], "--week"),
        (["build", "--chek"], "No such option"),
        (["doctor", "me"], "unexpected"),
        (["bench", "nothing"], "no benchmark is called 'nothing'"),
    ],
)
def test_bad_input_is_told_what_is_wrong(words: list[str], said: str) -> None:
    result = runner.invoke(cli.app, words)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Path]]:
    """The programs that the command would have become."""
    programs: list[tuple[list[str], Path]] = []

    def become(command: list[str], folder: Path) -> int:
        programs.append((command, folder))
        return 0

    monkeypatch.setattr(cli, "become", become)
    return programs


def test_lab_opens_the_first_chapter_on_this_machine_only(
    started: list[tuple[list[str], Path]],
) -> None:
    result = runner.invoke(cli.app, ["lab", "--no-browser", "--port", "8899"])
    assert result.exit_code == 0, result.output
    [(command, folder)] = started
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert "--ServerApp.ip=localhost" in command
    assert "--LabApp.default_url=/lab/tree/chapters/00_start_here.ipynb" in command
    assert command[-3:] == ["--no-browser", "--port", "8899"]
    assert not any("token" in word.lower() or "password" in word for word in command)
    assert folder == ROOT


@pytest.mark.parametrize(
    ("words", "theirs"),
    [
        (["--ip", "0.0.0.0"], "ip"),
        (["--ServerApp.ip=0.0.0.0"], "ip"),
        (["--notebook-dir=/elsewhere"], "root_dir"),
        (["--LabApp.default_url", "/lab"], "default_url"),
    ],
)
def test_what_is_asked_of_lab_otherwise_is_not_said_twice(words: list[str], theirs: str) -> None:
    # Jupyter does not start where one setting comes with two values.
    command = cli.lab_command(words)
    ours = [word for word in command[3 : -len(words)] if word.startswith("--ServerApp.")]
    ours += [word for word in command[3 : -len(words)] if word.startswith("--LabApp.")]
    assert not any(f".{theirs}=" in word for word in ours)
    assert len(ours) == 2
    assert command[-len(words) :] == words


def test_a_copy_without_chapters_is_told_so(
    started: list[tuple[list[str], Path]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cli, "course_root", lambda: tmp_path)
    result = runner.invoke(cli.app, ["lab"])
    assert result.exit_code == 2
    assert "there is no chapters folder" in result.output
    assert started == []


def test_no_jupyterlab_is_told_so(
    started: list[tuple[list[str], Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = runner.invoke(cli.app, ["lab"])
    assert result.exit_code == 2
    assert "JupyterLab is not installed here; run `make lab`" in result.output
    assert started == []


def test_check_passes_its_words_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from utils.course.grading import check_notebooks as learner_ci

    given: list[tuple[object, ...]] = []

    def check_notebooks(*arguments: object) -> int:
        given.append(arguments)
        return 1

    monkeypatch.setattr(learner_ci, "check_notebooks", check_notebooks)
    words = ["check", "a.ipynb", "--junit", "j.xml", "--json", "r.json", "--summary", "s.md"]
    assert runner.invoke(cli.app, [*words, "-j", "2"]).exit_code == 1
    files = [Path("j.xml"), Path("r.json"), Path("s.md")]
    assert given == [([Path("a.ipynb")], None, *files, 120.0, 900.0, 2, False)]


def test_build_passes_its_words_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from utils.course.building import build

    given: list[object] = []

    def build_notebooks(names: list[str], **words: bool) -> int:
        given.append((names, words))
        return 1

    monkeypatch.setattr(build, "build", build_notebooks)
    assert runner.invoke(cli.app, ["build", "02", "--check"]).exit_code == 1
    assert given == [(["02"], {"check": True, "force": False, "prose": False})]


@pytest.mark.parametrize(("content", "status"), [("print('fast')", 0), ("raise SystemExit(3)", 3)])
def test_bench_runs_the_scripts_and_keeps_their_status(
    content: str, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tests" / "bench").mkdir(parents=True)
    (tmp_path / "tests" / "bench" / "bench_tokens.py").write_text(content, encoding="utf-8")
    monkeypatch.setattr(cli, "course_root", lambda: tmp_path)
    assert runner.invoke(cli.app, ["bench", "tokens"]).exit_code == status
    assert runner.invoke(cli.app, ["bench"]).exit_code == status


def test_bench_passes_options_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tests" / "bench").mkdir(parents=True)
    content = "import sys; open('given', 'w').write(' '.join(sys.argv[1:]))"
    (tmp_path / "tests" / "bench" / "tokens.py").write_text(content, encoding="utf-8")
    monkeypatch.setattr(cli, "course_root", lambda: tmp_path)
    given = ["--rounds", "3", "--figure"]
    assert runner.invoke(cli.app, ["bench", "tokens", *given]).exit_code == 0
    assert (tmp_path / "given").read_text(encoding="utf-8").split() == given


def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def app(**_: object) -> None:
        raise ModuleNotFoundError("No module named 'rich'", name="rich")

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert "the package rich is missing; `course doctor` says" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a child process is waited for")
def test_lab_becomes_jupyterlab_so_that_ctrl_c_reaches_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    became: list[object] = []
    monkeypatch.setattr(os, "execv", lambda *words: became.append(words))
    monkeypatch.setattr(os, "chdir", became.append)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a second process"))
    with pytest.raises(pytest.fail.Exception):
        cli.become(["python", "-m", "jupyterlab"], tmp_path)
    assert became == [tmp_path, ("python", ["python", "-m", "jupyterlab"])]
