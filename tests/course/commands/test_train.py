"""`course train`: what it leaves behind, and the one line it says when something is wrong."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from utils.course import cli
from utils.course.training import run as train_run
from utils.data.storyworld import scores as story_scores
from utils.data.storyworld import world as storyworld
from utils.data.storyworld.tokens import END_ID, VOCABULARY, encode
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.tokenizer.files import load_encoding
from utils.llm.training.batches import open_tokens
from utils.llm.training.callbacks import Report
from utils.llm.training.loop import TrainingError

runner = CliRunner()
TINY = "--steps 4 --batch-size 2 --context 16 --preset story-tiny --device cpu".split()


def course_train(*words: object):
    return runner.invoke(cli.app, ["train", *map(str, words)])


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "own.txt"
    lines = [f"The {n}th line of a reader's own text, 한글 too.\n" for n in range(300)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_a_readers_own_text_becomes_a_folder_with_a_model(text: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = course_train("--corpus", text, "--vocab-size", 300, "--out", out, *TINY)
    assert result.exit_code == 0, result.output
    names = {p.name for p in out.iterdir()}
    assert names >= {"model.safetensors", "tokenizer.json", "config.json", "log.csv", "loss.png"}
    encoding, model = load_encoding(out / "tokenizer.json"), GPT.load(out / "model.safetensors")
    assert model.tokenizer == encoding.name
    assert model.config.vocab_size == encoding.n_vocab == 300
    assert model.config.context_length == 16
    ids = [*open_tokens(out / "train.npy"), *open_tokens(out / "val.npy")]
    assert encoding.decode(ids) == text.read_text(encoding="utf-8")
    assert json.loads((out / "config.json").read_text(encoding="utf-8"))["steps"] == 4
    with (out / "log.csv").open(encoding="utf-8", newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2", "3", "4"]
    assert (out / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert "bits per byte" in result.output
    assert f"all of it is in {out}" in result.output


@pytest.mark.slow
def test_stories_are_read_by_whole_words(tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["--stories", 40, "--half", "--out", out, *TINY]
    result = course_train(*words)
    assert result.exit_code == 0, result.output
    model = GPT.load(out / "model.safetensors")
    assert (model.tokenizer, model.config.vocab_size) == ("stories", len(VOCABULARY))
    rows = json.loads((out / "recall.json").read_text(encoding="utf-8"))
    assert [row["step"] for row in rows] == [4]
    assert set(rows[0]) == {"step", "bits_per_word", "recall"}
    assert "from the floor" in result.output
    ids = open_tokens(out / "train.npy")
    assert (ids == END_ID).sum() == 41

    again = course_train(*words)
    assert again.exit_code == 2
    assert "holds a training already: --resume goes on with it" in again.output
    other = course_train(*words, "--resume", "--weight-decay", 0.5)
    assert other.exit_code == 2
    assert "begun with weight_decay 0.1, not 0.5" in other.output
    assert course_train("--resume", "--out", out).exit_code == 0
    assert course_train(*words, "--fresh").exit_code == 0


def test_scores_of_a_model_that_knows_nothing_and_of_the_world_itself() -> None:
    stories = storyworld.stories(20, seed=5)
    sizes = {"vocab_size": 369, "context_length": 128, "n_layers": 1, "n_heads": 1, "d_model": 4}
    model = GPT(GPTConfig(**sizes))
    with torch.no_grad():
        model.final_norm.weight.zero_()
        model.final_norm.bias.zero_()
    words = sum(len(story.split()) for story in stories)
    uniform = torch.log2(torch.tensor(369.0)).item() * (words + len(stories)) / words
    assert story_scores.bits_per_word(model, stories) == pytest.approx(uniform, rel=1e-5)
    many = story_scores.true_bits_per_word(storyworld.stories(400, seed=6))
    assert many == pytest.approx(storyworld.entropy_per_word(), rel=0.02)
    with pytest.raises(ValueError, match="no word"):
        story_scores.bits_per_word(model, [])


def test_recall_is_the_share_of_right_guesses() -> None:
    stories = storyworld.stories(6, seed=7)

    class Knows(torch.nn.Module):
        """Always right, but for words of one kind."""

        def __init__(self) -> None:
            super().__init__()
            self.config = GPTConfig.preset("story")
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            logits = torch.zeros(*ids.shape, len(VOCABULARY))
            for b, story in enumerate(stories):
                for t, token in enumerate(encode(story)):
                    logits[b, t, token] = 1
                for index, kind, _ in storyworld.recalls(story):
                    if kind == "colour":
                        logits[b, index, END_ID] = 2
            return logits

    got = story_scores.recall_accuracy(Knows(), stories)
    assert got.pop("colour") == 0
    assert got
    assert set(got.values()) == {1.0}


@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        (["--corpus", "no/such.txt"], "no file or folder at 'no/such.txt'", 2),
        (["--preset", "huge"], "no preset 'huge'", 2),
        (["--steps", "0"], "steps is 0", 2),
        (["--width", "33"], "d_model is 33 and n_heads 2", 2),
        (["--precision", "int8"], "precision is 'int8'", 2),
        (["--device", "gpu"], "device is 'gpu': give auto, cpu, cuda or mps", 2),
        (["--stories", "1", "--context", "500"], "too few for one window", 2),
        (["--steps", "many"], "--steps", 2),
        (["--fsdp"], "start with torchrun", 2),
        (["--seed", str(1 << 64)], "from 0 to below 2^64", 2),
        (["--width", "1000000", "--heads", "1", "--layers", "9"], "GB to train, and", 1),
        (["--resume", "--fresh"], "give one of the two", 2),
        (["--lora"], "name one with --from", 2),
        (["--from", "stories"], "leave out --preset", 2),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    words: list[str], said: str, status: int, tmp_path: Path
) -> None:
    result = course_train("--stories", 20, "--out", tmp_path / "run", *TINY, *words)
    assert result.exit_code == status, result.output
    assert said in result.output
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)
    assert result.output.splitlines()[-1].startswith("course: ") or "--steps" in said
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    result = course_train("--out", tmp_path / "file" / "run", *TINY)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "file" in result.output


def test_a_training_that_fails_ends_with_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: object, **__: object) -> None:
        raise TrainingError("the disk is full")

    monkeypatch.setattr(train_run, "train", fails)
    result = course_train("--stories", 20, "--out", tmp_path / "run", *TINY)
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == "course: the disk is full"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signal")
@pytest.mark.slow
def test_ctrl_c_leaves_a_model_and_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def press(self: object, report: Report) -> None:
        if report.step == 1:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(train_run.RecallLog, "on_step", press)
    out = tmp_path / "run"
    result = course_train("--stories", 40, "--out", out, *TINY)
    assert result.exit_code == 130, result.output
    assert f"course train --out {out} --resume goes on" in result.output
    assert (out / "model.safetensors").is_file()
    monkeypatch.undo()
    assert course_train("--out", out, "--resume").exit_code == 0


def test_a_missing_tensorboard_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    result = course_train("--stories", 20, "--tensorboard", "--out", tmp_path / "run", *TINY)
    assert result.exit_code == 2
    assert "pip install tensorboard" in result.output
    assert not (tmp_path / "run").exists()
