"""The folder of `course train` is one thing: one run's files, one process, whatever happens."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers.trainings import course_train, write

from utils.course.training import folder as run_folder
from utils.course.training import preparing
from utils.course.training import run as train_run
from utils.course.training.lock import locked
from utils.data.texts.models import open_model
from utils.llm.tokenizer.files import load_encoding
from utils.llm.training.callbacks import Report
from utils.llm.training.snapshots import load_snapshot

SMALL = "--steps 4 --batch-size 2 --context 16 --preset story-tiny --device cpu".split()
SMALL += "--vocab-size 280 --snapshot-every 2".split()
POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signal")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder in which a training on one text is done."""
    text, out = write(tmp_path / "first.txt", "apple"), tmp_path / "run"
    done = course_train("--corpus", text, "--out", out, *SMALL)
    assert done.exit_code == 0, done.output
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def die(*_: object, **__: object) -> None:
    """As `kill -9`: nothing that would be done at an end is done."""
    raise SystemError("killed")


def killed_at(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """A process that dies there, with no chance to tidy up."""
    monkeypatch.setattr(run_folder, "settle", lambda folder: None)
    if moment == "tokenising":
        monkeypatch.setattr(preparing, "write_tokens", die)
    elif moment == "writing":
        monkeypatch.setattr(preparing, "_check_windows", die)


class TestBeginningAnew:
    @pytest.mark.parametrize("moment", ["tokenising", "writing", "switched"])
    def test_killed_it_is_the_old_run_or_the_new_one(
        self, moment: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, other = contents(run), write(tmp_path / "other.txt", "pear")
        with monkeypatch.context() as patch:
            killed_at(patch, moment)
            patch.setattr(train_run, "_train", die)
            assert course_train("--corpus", other, "--out", run, "--fresh", *SMALL).exit_code == 1
        if moment == "switched":
            assert json.loads((run / "config.json").read_text())["corpus"] == str(other)
        else:
            assert {k: v for k, v in contents(run).items() if k in before} == before
        assert open_model(run).decode(open_model(run).encode("apple")) == "apple"
        gone_on = course_train("--out", run, "--resume")
        assert gone_on.exit_code == 0, gone_on.output
        assert not (run / ".next").exists()
        text = other if moment == "switched" else tmp_path / "first.txt"
        encoding = load_encoding(run / "tokenizer.json")
        learned = encoding.decode([*preparing.open_tokens(run / "train.npy")])
        assert text.read_text().startswith(learned)
        assert open_model(run).model.tokenizer == encoding.name

    def test_a_refused_one_leaves_the_old_run(self, run: Path, tmp_path: Path) -> None:
        before = contents(run)
        (tmp_path / "short.txt").write_text("a text of a hundred letters " * 4)
        words = ["--corpus", tmp_path / "short.txt", "--out", run, "--fresh", "--preset", "gpt2"]
        refused = course_train(*words)
        assert refused.exit_code == 2, refused.output
        assert "too few for one window" in refused.output
        assert contents(run) == before

    def test_a_folder_of_others_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
        for more in ((), ("--fresh",), ("--resume",)):
            refused = course_train("--stories", 9, "--out", tmp_path, *more, *SMALL)
            assert refused.exit_code == 2
            assert "no training of ours left" in refused.output
        assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    "name", ["train.npy", "val.npy", "tokenizer.json", "corpus.json", "snapshot.pt"]
)
def test_a_file_of_another_run_is_refused(name: str, run: Path, tmp_path: Path) -> None:
    other = tmp_path / "another"
    text = write(tmp_path / "other.txt", "pear")
    assert course_train("--corpus", text, "--out", other, *SMALL).exit_code == 0
    shutil.copy(other / name, run / name)
    refused = course_train("--out", run, "--resume")
    assert refused.exit_code == 2, refused.output
    assert "different trainings" in refused.output or "another training" in refused.output
    if name == "tokenizer.json":
        with pytest.raises(ValueError, match="not of the training"):
            open_model(run)


def test_the_same_command_gives_the_same_files(run: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert course_train("--corpus", tmp_path / "first.txt", "--out", again, *SMALL).exit_code == 0
    for name in ("model.safetensors", "tokenizer.json", "corpus.json", "config.json", "train.npy"):
        assert (run / name).read_bytes() == (again / name).read_bytes(), name


class TestLock:
    def test_the_second_is_told_of_the_first(self, run: Path) -> None:
        child = subprocess.Popen(
            [
                *(sys.executable, "-c"),
                "import sys; from pathlib import Path; from utils.course.training.lock import "
                "locked\nwith locked(Path(sys.argv[1])): print('held', flush=True); input()",
                str(run),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert child.stdout.readline() == b"held\n"
        before = contents(run)
        for how in ("--resume", "--fresh"):
            refused = course_train("--out", run, how, *SMALL)
            assert refused.exit_code == 2
            assert f"in use: process {child.pid}, begun 20" in refused.output
        assert contents(run) == before
        child.kill()
        child.communicate()
        assert (run / ".lock").exists()
        assert course_train("--out", run, "--resume").exit_code == 0
        assert not (run / ".lock").exists()

    def test_folders_that_stay_empty_go(self, tmp_path: Path) -> None:
        with locked(tmp_path / "a" / "b"):
            assert (tmp_path / "a" / "b" / ".lock").is_file()
        assert not (tmp_path / "a").exists()
        with locked(tmp_path / "a" / "b"):
            (tmp_path / "a" / "b" / "kept").touch()
        assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["kept"]


@pytest.mark.slow
class TestGoingOn:
    def test_for_longer(self, run: Path) -> None:
        longer = course_train("--out", run, "--resume", "--steps", 7)
        assert longer.exit_code == 0, longer.output
        assert "goes on from step 4 of 7, with the learning rates of 7 steps" in longer.output
        assert len(load_snapshot(run / "snapshot.pt")["history"]["losses"]) == 7
        fewer = course_train("--out", run, "--resume", "--steps", 5)
        assert fewer.exit_code == 2
        assert "of step 7 already, and steps is 5" in fewer.output
        done = course_train("--out", run, "--resume")
        assert done.exit_code == 0
        assert "all 7 steps are done" in done.output

    def test_after_a_divergence_as_its_message_advises(self, tmp_path: Path) -> None:
        text, out = write(tmp_path / "a.txt", "apple"), tmp_path / "run"
        words = ["--corpus", text, "--out", out, *SMALL, "--steps", 20, "--snapshot-every", 1]
        diverged = course_train(*words, "--learning-rate", 1e30, "--warm-up", 0)
        assert diverged.exit_code == 1
        assert "Lower the learning rate" in diverged.output
        milder = ["--learning-rate", 1e-3, "--warm-up", 20]
        gone_on = course_train("--out", out, "--resume", *milder)
        assert "begun with" not in gone_on.output
        assert "another training" not in gone_on.output

    @POSIX
    @pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
    @pytest.mark.usefixtures("heard")
    def test_after_a_signal(self, name: str, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def strike(self: object, report: Report) -> None:
            if report.step == 5:
                os.kill(os.getpid(), getattr(signal, name))

        monkeypatch.setattr(train_run.CSVLog, "on_step", strike)
        stopped = course_train("--out", run, "--resume", "--steps", 9, "--snapshot-every", 50)
        assert stopped.exit_code == 130, stopped.output
        assert len(load_snapshot(run / "snapshot.pt")["history"]["losses"]) == 6


def test_weights_of_the_best_look_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([3.0, 2.0, 2.5, 2.6, 1.0])
    monkeypatch.setattr(
        "utils.llm.training.loop._Loop._evaluate", lambda loop: next(looks), raising=True
    )
    losses = iter(range(9, 0, -1))
    monkeypatch.setattr(
        "utils.llm.training.config.History.recent_loss", lambda history: next(losses)
    )
    kept, out = {}, tmp_path / "run"

    def note(self: object, report: Report) -> None:
        kept[report.step] = {k: v.clone() for k, v in report.model.state_dict().items()}

    monkeypatch.setattr(train_run.CSVLog, "on_step", note)
    text = write(tmp_path / "a.txt", "apple")
    words = ["--corpus", text, "--out", out, *SMALL, "--evaluate-every", 1, "--patience", 2]
    done = course_train(*words, "--steps", 8)
    assert done.exit_code == 0, done.output
    assert "step 3: validation parts from training" in done.output
    assert "The weights of step 2 are kept" in done.output
    assert "stopped early: 2 looks without a better one" in done.output
    assert "with the weights of step 2" in done.output
    weights = open_model(out).model.state_dict()
    assert all(torch.equal(value, kept[2][name]) for name, value in weights.items())
