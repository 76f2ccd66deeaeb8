"""`course train` as torchrun starts it: from the command of its own help to a model that opens."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from utils.course import cli
from utils.course.commands import train
from utils.course.training import run as train_run
from utils.data.texts.models import open_model
from utils.llm.training.loop import TrainingError

ROOT = Path(__file__).resolve().parents[3]
GIVEN = next(line for line in train.train.__doc__.splitlines() if "torchrun" in line)
SHORT = "--steps 2 --batch-size 4 --context 16 --stories 40 --device cpu".split()
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="torchrun asks for libuv there")


def torchrun(*words: object) -> subprocess.CompletedProcess[str]:
    """The command of the help, with further words for the training."""
    _, *given = GIVEN.split()
    alone = {"OMP_NUM_THREADS": "1"}
    if sys.platform.startswith("linux"):
        alone["GLOO_SOCKET_IFNAME"] = "lo"
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *given, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **alone},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "sizes",
    [
        ["--preset", "story-tiny"],
        # as wide as GPT-2, so that the leader still writes when the others are done
        ["--preset", "gpt2", "--layers", "1", "--corpus", "python-docs", "--vocab-size", "300"],
    ],
    ids=["small", "wide"],
)
def test_two_processes_leave_a_model_that_opens(sizes: list[str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    ran = torchrun(*SHORT, *sizes, "--out", out)
    assert ran.returncode == 0, ran.stderr
    assert "2 processes" in ran.stdout
    assert ran.stdout.count("all of it is in") == 1, "one of them speaks"
    assert "Error" not in ran.stderr
    assert {path.name for path in out.iterdir()} >= {"README.md", "loss.png", "log.csv"}
    opened = open_model(out)
    assert opened.model.config.context_length == 16
    assert opened.encode("Mina had")


@pytest.mark.slow
def test_what_is_wrong_is_said_once(tmp_path: Path) -> None:
    ran = torchrun(*SHORT, "--steps", 0, "--out", tmp_path / "run")
    assert ran.returncode != 0
    assert ran.stderr.count("course: steps is 0") == 1
    assert "in train\n" not in ran.stderr, "no traceback of ours"


@pytest.mark.parametrize(
    ("came", "status", "said"),
    [
        (0, 0, ""),
        (130, 130, ""),
        (RuntimeError("the card is full"), 1, "course: process 1: the card is full\n"),
        (OSError(28, "no room", "log"), 1, "course: process 1: log: no room.\n"),
        (ValueError("steps is 0"), 2, ""),
        (TrainingError("no number"), 1, ""),
    ],
    ids=repr,
)
def test_a_process_that_does_not_lead(
    came: object, status: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends as its training did, and says what the leading one can't know."""

    def run(*_: object, **__: object) -> int:
        if isinstance(came, BaseException):
            raise came
        return came

    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(train_run, "run", run)
    result = CliRunner().invoke(cli.app, ["train"])
    assert (result.exit_code, result.output) == (status, said)


@pytest.mark.slow
def test_leaving_is_never_taken_for_an_error() -> None:
    """typer.Exit is a RuntimeError: whoever catches that may not leave by it in the same try."""
    caught = {"RuntimeError", "Exception", "BaseException", None}
    for path in sorted((ROOT / "utils").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Try):
                continue
            kinds = {name for handler in node.handlers for name in names_of(handler.type)}
            tried = "\n".join(map(ast.unparse, node.body))
            leaves = re.search(r"typer\.Exit|\b(fail|needed_folder|opened_or_leave)\(", tried)
            assert not (kinds & caught and leaves), f"{path}:{node.lineno}"


def names_of(node: ast.expr | None) -> set[str | None]:
    """The names in what an `except` catches; None where it catches all."""
    if node is None:
        return {None}
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
