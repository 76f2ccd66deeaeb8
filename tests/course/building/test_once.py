"""What one run of the suite keeps: found again where it is the same, and nowhere else."""

from __future__ import annotations

import functools
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from helpers import once
from helpers.fingerprint import NoFingerprint, fingerprint
from helpers.signatures import alternative
from torch import nn

from utils.course.checking import registry
from utils.llm.gpt import GPT, GPTConfig
from utils.llm.sampling import Sampler, top_k
from utils.llm.training.callbacks import Callback, Progress, Report
from utils.llm.training.config import TrainConfig
from utils.llm.training.loop import train

ROOT = Path(__file__).resolve().parents[3]


def teach(model: nn.Module, tally: str, rate: float = 0.5, by: Any = None) -> list[float]:
    """A training in place, which says when it really happens."""
    with Path(tally).open("a", encoding="utf-8") as file:
        file.write("x")
    print("taught at", rate)
    model.train()
    (model(torch.ones(2, 3)) ** 2).mean().backward()
    with torch.no_grad():
        model.weight -= rate * model.weight.grad
    return [by(rate) if callable(by) else rate]


def draw(tally: str) -> float:
    Path(tally).write_text(Path(tally).read_text() + "x" if Path(tally).exists() else "x")
    return torch.rand(()).item()


def note(tally: str, into: list[int]) -> None:
    with Path(tally).open("a", encoding="utf-8") as file:
        file.write("x")
    into.append(1)


@pytest.fixture
def tally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "store").mkdir()
    monkeypatch.setenv(once.FOLDER, str(tmp_path / "store"))
    return str(tmp_path / "tally")


def times(tally: str) -> int:
    return len(Path(tally).read_text(encoding="utf-8"))


def layer(bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3, 2, bias=bias)


def test_a_training_happens_once_and_is_the_same_to_all(
    tally: str, capsys: pytest.CaptureFixture[str]
) -> None:
    taught, models = once.remembering(teach), [layer(), layer()]
    results = [taught(model, tally) for model in models]
    assert times(tally) == 1
    assert results[0] == results[1]
    assert results[0] is not results[1]
    first, second = models
    assert first.weight.tolist() == second.weight.tolist() != layer().weight.tolist()
    assert first.weight.grad.tolist() == second.weight.grad.tolist()
    assert first.training == second.training
    assert capsys.readouterr().out == "taught at 0.5\n" * 2


@pytest.mark.parametrize("what", ["rate", "start", "sources", "theirs"])
def test_anything_else_is_another_training(
    tally: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught, model, settings = once.remembering(teach), layer(), {}
    taught(layer(), tally)
    if what == "rate":
        settings = {"rate": 0.25}
    elif what == "start":
        model.weight.data[1, 2] += 1e-6
    elif what == "theirs":
        settings = {"by": lambda rate: rate + 1}
    else:
        monkeypatch.setattr(once, "_sources", lambda: "another text")
    taught(model, tally, **settings)
    assert times(tally) == 2


def test_without_a_folder_nothing_is_kept(tally: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(once.FOLDER)
    for _ in range(2):
        once.remembering(teach)(layer(), tally)
    assert times(tally) == 2


def test_what_draws_from_the_global_dice_is_the_same_for_the_same_dice(tally: str) -> None:
    drawn = once.remembering(draw)
    torch.manual_seed(1)
    first, second = drawn(tally), drawn(tally)
    assert first != second
    torch.manual_seed(1)
    random.random()  # other dice, which it does not throw
    assert drawn(tally) == first
    assert times(tally) == 2
    assert torch.rand(()).item() == second


def test_what_changes_more_than_a_model_is_done_each_time(tally: str) -> None:
    noted, lists = once.remembering(note), [[], []]
    for into in lists:
        noted(tally, into)
    assert lists == [[1], [1]]
    assert times(tally) == 2


def test_a_wrong_call_is_told_by_the_function_itself(tally: str) -> None:
    with pytest.raises(TypeError, match=r"^teach\(\) got an unexpected keyword argument 'speed'"):
        once.remembering(teach)(layer(), tally, speed=3)


def test_a_failure_is_not_kept(tally: str) -> None:
    taught = once.remembering(teach)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            taught(nn.Linear(4, 2), tally)
    assert times(tally) == 2


class Watcher(Callback):
    def __init__(self, at: set[int]) -> None:
        self.at, self.seen = at, list[tuple[int, float]]()

    def on_step(self, report: Report) -> None:
        if report.step in self.at:
            self.seen.append((report.step, report.model.head.weight.sum().item()))


class TestTrain:
    def run(self, callbacks: list[Any]) -> tuple[GPT, Any]:
        torch.manual_seed(0)
        model = GPT(GPTConfig(vocab_size=7, context_length=6, n_layers=1, n_heads=1, d_model=8))
        ids = torch.arange(200) % 7
        config = TrainConfig(steps=6, batch_size=2, evaluate_every=3)
        return model, once.remembering(train)(model, ids, ids, config, callbacks)

    def test_callbacks_hear_of_it_as_if_it_went_on(
        self, tally: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        runs = [(*self.run([Progress(lines=3)]), capsys.readouterr().out) for _ in range(2)]
        assert runs[0][1] == runs[1][1]  # with the seconds, which would never be the same
        assert runs[0][2] == runs[1][2]
        assert runs[0][2].count("step ") == 4
        for one, other in zip(runs[0][0].parameters(), runs[1][0].parameters(), strict=True):
            assert one.tolist() == other.tolist()

    def test_who_looks_at_the_model_after_some_steps_sees_it_as_it_was(
        self, tally: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(once, "WATCHERS", {"Watcher"})
        watchers = [Watcher({2, 4}), Watcher({2, 4}), Watcher({2, 5})]
        models = [self.run([watcher])[0].head.weight.sum().item() for watcher in watchers]
        first, again, another = (watcher.seen for watcher in watchers)
        assert first == again
        assert [step for step, _ in another] == [2, 5]
        assert len({*models}) == 1
        assert len({models[0], *(weight for _, weight in first)}) == 3
        assert len(list(Path(os.environ[once.FOLDER]).glob("*.lock"))) == 2

    def test_who_looks_at_the_model_is_there_when_it_learns(self, tally: str) -> None:
        seen: list[list[float]] = [[], []]
        for into in seen:
            self.run([lambda report, into=into: into.append(report.model.head.weight.sum().item())])
        assert len(set(seen[1])) == 6
        assert seen[0] == seen[1]


def make(add: float) -> Callable[[float], float]:
    return lambda x: x + add


class Half(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / 2


class Third(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / 3


def same() -> list[Any]:
    return [
        (1, True, 1.0, "1", b"1", None),
        {"a": [1, 2], "b": (1, 2)},
        {"x", "y", "z"},
        torch.arange(6.0).view(2, 3),
        torch.arange(6.0).view(3, 2),
        torch.arange(6).view(3, 2),
        torch.empty(2, 3, device="meta"),
        torch.empty(3, 2, device="meta"),
        layer(),
        layer().to("meta"),
        layer(bias=False),
        layer().eval(),
        nn.Sequential(Half()),
        nn.Sequential(Third()),
        make(1),
        make(2),
        functools.partial(make, 1),
        functools.partial(make, add=1),
        random.Random(3),
        torch.Generator().manual_seed(3),
        torch.Generator().manual_seed(4),
        Sampler(top_k(3)),
        Sampler(top_k(4)),
        TrainConfig(steps=3),
        TrainConfig(steps=4),
        lambda x: x + 1,
        lambda x: x - 1,
        lambda x: len(str(x)),
        lambda x: abs(str(x)),
        lambda x: x.abs(),
        *registry.exercise("4.1").alternatives.values(),
        *(alternative("4.1", name) for name in registry.exercise("4.1").alternatives),
    ]


def test_fingerprints_are_as_different_as_what_they_are_of() -> None:
    found = [fingerprint(value) for value in same()]
    assert len(set(found)) == len(found)
    assert found == [fingerprint(value) for value in same()]


def test_what_bears_the_name_of_an_attribute_is_not_read() -> None:
    space: dict[str, Any] = {"__name__": "__main__", "decode": 1, "words": 1}
    exec("def read(text): return [text.decode(), words]", space)
    first = fingerprint(space["read"])
    space["decode"] = 2
    assert fingerprint(space["read"]) == first
    space["words"] = 2
    assert fingerprint(space["read"]) != first


def test_a_tied_weight_is_not_two_equal_ones() -> None:
    one = nn.Parameter(torch.ones(2))
    assert fingerprint([one, one]) != fingerprint([one, nn.Parameter(torch.ones(2))])


def test_what_can_not_say_what_it_is(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w", encoding="utf-8") as file:
        folded = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)
        for value in (file, (x for x in "ab"), [threading.Lock()], folded):
            with pytest.raises(NoFingerprint):
                fingerprint(value)


@pytest.mark.slow
def test_the_same_code_in_two_processes_is_the_same_thing_done_once(tally: str) -> None:
    program = f"""
from pathlib import Path
import time, torch
from helpers import once
class Own(torch.nn.Linear):
    def forward(self, x):
        return super().forward(x) * SIZE
SIZE = 2.0
def slow(model, tally, words):
    with Path(tally).open("a") as file:
        file.write("x")
    time.sleep(1)
    return model(torch.ones(3)).sum().item()
torch.manual_seed(0)
print(once.remembering(slow)(Own(3, 2), {tally!r}, {{"a", "b", "c"}}))
"""
    said = _together([program, program])
    assert said[0] == said[1]
    assert times(tally) == 1
    _together([program.replace("SIZE = 2.0", "SIZE = 2.5")])
    assert times(tally) == 2


def _together(programs: list[str]) -> list[str]:
    """What each program prints; they run at the same time."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT / "tests"), "PYTHONHASHSEED": str(i)},
        )
        for i, program in enumerate(programs)
    ]
    said = [process.communicate(timeout=100)[0] for process in started]
    assert [process.returncode for process in started] == [0] * len(programs)
    return said


SUITE = """
import os, signal, time
from pathlib import Path
import pytest
@pytest.mark.parametrize("i", range(2))
def test_it(i):
    folder = os.environ.get("SUITE_STORE")
    Path("seen.txt").open("a").write(f"{folder}\\n")
    if folder:
        Path(folder, "kept").write_bytes(b"1")
    END
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a signal stands in for Ctrl-C")
@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("assert True", []),
        ("assert False", []),
        ("assert True", ["--fresh"]),
        ("os.kill(os.getppid(), signal.SIGINT); time.sleep(2)", []),
        ("os.kill(os.getppid(), signal.SIGTERM); time.sleep(2)", []),
    ],
    ids=["passed", "failed", "fresh", "ctrl-c", "ended"],
)
def test_nothing_outlives_the_run(tmp_path: Path, end: str, words: list[str]) -> None:
    (tmp_path / "test_it.py").write_text(SUITE.replace("END", end), encoding="utf-8")
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "conftest", "-n", "2", *words]
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "TMPDIR": str(tmp_path / "tmp")}
    done = subprocess.run(
        [*command, "--dist", "loadfile", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | alone,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    seen = set((tmp_path / "seen.txt").read_text(encoding="utf-8").split())
    assert len(seen) == 1, done.stdout + done.stderr
    assert ("None" in seen) == (words == ["--fresh"])
    assert list((tmp_path / "tmp").glob("suite-*")) == []
    assert not Path(seen.pop()).exists()


@pytest.mark.slow
@pytest.mark.parametrize("words", [[], ["--fresh"]], ids=["kept", "fresh"])
def test_a_kernel_remembers_and_shows_no_trace_of_it(tmp_path: Path, words: list[str]) -> None:
    source = "from utils.llm.training import train\nhasattr(train, 'remembers'), len(In), sorted(\n"
    source += "    name for name in globals() if 'once' in name or name == 'sys')"
    cell = nbformat.v4.new_code_cell(source, execution_count=1)
    stored = {"text/plain": f"({not words}, 2, [])"}
    cell.outputs = [
        nbformat.v4.new_output("execute_result", data=stored, execution_count=1, metadata={})
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "it.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "nbval.plugin"]
    done = subprocess.run(
        [*command, "-p", "conftest", "--nbval", "it.ipynb", "-p", "no:cacheprovider", *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
