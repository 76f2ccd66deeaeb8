"""What one run of the suite computes, it computes once: kept in a folder of its own till its end.

A chapter, its solution and its variants train the same models, each in a process of its own. Where
SUITE_STORE names a folder, `install` puts a remembering function in the place of every slow one:
the first process that calls it computes, others that call it with equal arguments wait for that
and get an equal result, an equally trained model, and the same printed words.

What can't be told apart for sure is computed each time: arguments without a fingerprint, global
dice in another state where it draws from them, callbacks that see more than a history, effects on
anything but a model.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import inspect
import io
import os
import pickle
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from filelock import FileLock
from helpers.fingerprint import NoFingerprint, fingerprint

FOLDER = "SUITE_STORE"
ROOT = Path(__file__).resolve().parents[2]

#: Trainings of their first argument, and functions of their arguments alone.
SLOW = {
    "utils.course.assembling.assemble": ["assemble"],
    "utils.data.instructions.models": ["free_stories", "reply", "word_bits"],
    "utils.data.puzzles.models": ["complete", "judge", "log_chances"],
    "utils.data.puzzles.sums": ["lessons"],
    "utils.data.storyworld.judge": ["write_stories"],
    "utils.data.storyworld.world": ["stories"],
    "utils.llm.attention.recall": ["train_recall"],
    "utils.llm.counting.lempel_ziv": ["bits_per_word", "gzip_bits_per_word", "lz78_bits_per_word"],
    "utils.llm.machine.costs": ["cost_of_each"],
    "utils.llm.reasoning.self_teaching": ["self_teach"],
    "utils.llm.tokenizer.bpe": ["train_bpe"],
    "utils.llm.training.launch": ["together"],
    "utils.llm.training.loop": ["train"],
    "utils.llm.tuning.answers": ["train_on_answers"],
}
#: Callbacks that look at the history of a training alone: they can be told of it afterwards.
OBSERVERS = {"Progress", "LossPlot"}
#: And those that look at the model as well, after the steps that they name in `at`.
WATCHERS = {"Storyteller"}


def install() -> None:
    """Let the slow functions of `utils` remember, wherever a module of ours has them by name."""
    _sources()
    for module, names in SLOW.items():
        for name in names:
            function = getattr(importlib.import_module(module), name)
            if hasattr(function, "remembers"):
                continue
            for each in [m for n, m in sys.modules.items() if n.startswith("utils.")]:
                if getattr(each, name, None) is function:
                    setattr(each, name, remembering(function))


def remembering(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, computed once a run for the same arguments."""

    @functools.wraps(function)
    def called(*args: Any, **settings: Any) -> Any:
        folder = os.environ.get(FOLDER)
        if not folder or not Path(folder).is_dir():
            return function(*args, **settings)
        try:
            call = _Call(function, args, settings)
        except TypeError:  # not what it takes; its own words say so
            return function(*args, **settings)
        return call.result(Path(folder))

    called.remembers = True
    return called


class _Call:
    """One call of a slow function: what it is called with, what it changes, what it says."""

    def __init__(self, function: Callable[..., Any], args: tuple, settings: dict) -> None:
        self.function, self.args, self.settings = function, args, settings
        bound = inspect.signature(function).bind(*args, **settings)
        bound.apply_defaults()
        self.given = bound.arguments
        self.callbacks = list(self.given.pop("callbacks", None) or ())
        if self.callbacks:
            self.args, self.settings = (), {**self.given}
        self.looks = {step for c in self.callbacks if _kind(c) in WATCHERS for step in c.at}
        self.models = [m for m in self.given.values() if isinstance(m, torch.nn.Module)]

    def result(self, folder: Path) -> Any:
        """Recalled, or computed and kept; just computed where there is no telling."""
        if not self._can_be_kept():
            return self._compute(self.callbacks)
        try:
            key = fingerprint(
                *(_sources(), self.function, _surroundings()),
                *(self.given, self.looks, _files_of(self)),
            )
        except NoFingerprint:
            return self._compute(self.callbacks)
        path = folder / key
        with FileLock(f"{path}.lock"):
            if not path.exists():
                return self._compute_and_keep(path)
        kept = pickle.loads(path.read_bytes())
        if kept is None or any(_DICE[n].get() != before for n, (before, _) in kept[-1].items()):
            return self._compute(self.callbacks)  # it can't be kept, or was drawn by other dice
        return self._replay(kept)

    def _can_be_kept(self) -> bool:
        return {*map(_kind, self.callbacks)} <= OBSERVERS | WATCHERS and not self.given.get(
            "snapshot"
        )

    def _compute(self, callbacks: list[Any]) -> Any:
        if self.callbacks:
            return self.function(**self.settings, callbacks=callbacks)
        return self.function(*self.args, **self.settings)

    def _compute_and_keep(self, path: Path) -> Any:
        before, models, dice = self._outline(), self._whole(), _throws()
        recorder = _recorder(self.looks) if self.callbacks else None
        with _heard(quiet=not self.callbacks) as said:
            result = self._compute([*self.callbacks, recorder])
        kept = None
        spoiled = any("nterrupted after" in words for _, words in said)
        handed_on = any(result is value for value in self.given.values())
        if before and before == self._outline() and not (spoiled or handed_on):
            states = [_state(m) for m in self.models] if self._whole() != models else []
            told = recorder.told if recorder else []
            files = [p.read_bytes() for p in _written_by(self)]
            drawn = {n: (old, new) for n, old in dice.items() if (new := _DICE[n].get()) != old}
            kept = (result, states, said, told, files, drawn)
        _write(path, kept)
        return result

    def _outline(self) -> str:
        """Of all that is given, but for what training changes in a model."""
        try:
            return fingerprint(self.given, without=self.models)
        except NoFingerprint:
            return ""

    def _whole(self) -> str:
        return fingerprint(self.models)

    def _replay(self, kept: tuple) -> Any:
        result, states, said, told, files, drawn = kept
        for name, words in said:
            getattr(sys, name).write(words)
        for path, text in zip(_written_by(self), files, strict=True):
            path.write_bytes(text)
        _tell(self.callbacks, self.given, result, told)
        for model, state in zip(self.models, states, strict=False):
            _set_state(model, state)
        for name, (_, after) in drawn.items():
            _DICE[name].set(after)
        return result


def _write(path: Path, kept: tuple | None) -> None:
    """For the others, whole or not at all; None tells them that it can't be kept."""
    content = io.BytesIO()
    try:
        _Pickler(content).dump(kept)
    except Exception:
        content = io.BytesIO(pickle.dumps(None))
    part = path.with_suffix(".part")
    part.write_bytes(content.getvalue())
    part.replace(path)


def _kind(callback: Any) -> str:
    return type(callback).__name__


class _Pickler(pickle.Pickler):
    """Refuses a class or a function of a notebook, which is another one in the next."""

    def reducer_override(self, value: Any) -> Any:
        if getattr(value, "__module__", None) == "__main__":
            raise pickle.PicklingError(f"{value!r} is defined in a notebook")
        return NotImplemented


def _state(model: torch.nn.Module) -> tuple:
    """All that training changes: numbers, gradients, and whether it is in training."""
    tensors = [*model.parameters(), *model.buffers()]
    return (
        [(t.detach().clone(), t.grad if t.grad is None else t.grad.clone()) for t in tensors],
        [module.training for module in model.modules()],
    )


@torch.no_grad()
def _set_state(model: torch.nn.Module, state: tuple) -> None:
    numbers, training = state
    for tensor, (value, gradient) in zip(
        [*model.parameters(), *model.buffers()], numbers, strict=True
    ):
        tensor.copy_(value)
        tensor.grad = gradient
    for module, flag in zip(model.modules(), training, strict=True):
        module.training = flag


class _Dice(NamedTuple):
    """One of the global sources of random numbers; its state is written as bytes."""

    get: Callable[[], bytes]
    set: Callable[[bytes], object]


_DICE = {
    "torch": _Dice(
        lambda: torch.get_rng_state().numpy().tobytes(),
        lambda state: torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8)),
    ),
    "numpy": _Dice(
        lambda: pickle.dumps(np.random.get_state()),
        lambda state: np.random.set_state(pickle.loads(state)),
    ),
    "python": _Dice(
        lambda: pickle.dumps(random.getstate()),
        lambda state: random.setstate(pickle.loads(state)),
    ),
}


def _throws() -> dict[str, bytes]:
    return {name: dice.get() for name, dice in _DICE.items()}


def _surroundings() -> tuple:
    """What else decides about numbers."""
    names = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")
    settings = torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    return torch.__version__, settings, [os.environ.get(name) for name in names]


@functools.cache
def _sources() -> str:
    """The text of `utils`, as it was when this process began."""
    found = hashlib.sha256()
    for path in sorted((ROOT / "utils").rglob("*.py")):
        found.update(f"{path}\n".encode() + path.read_bytes())
    return found.hexdigest()


def _files_of(call: _Call) -> list:
    """The files that it reads, and how strictly it takes what is in them."""
    if call.function.__name__ != "assemble":
        return []
    from utils.course.assembling.assemble import notebooks_of

    strict = [("COURSE_STRICT", os.environ.get("COURSE_STRICT"))]
    return strict + [(str(p), p.read_bytes()) for p in notebooks_of(call.given["chapters"])]


def _written_by(call: _Call) -> list[Path]:
    return [Path(call.given["out"])] if call.function.__name__ == "assemble" else []


@contextlib.contextmanager
def _heard(quiet: bool) -> Iterator[list[tuple[str, str]]]:
    """Everything that is printed meanwhile, in order: it is printed, and also noted."""
    said: list[tuple[str, str]] = []
    if not quiet:
        yield said
        return
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Noting("stdout", said), _Noting("stderr", said)
    try:
        yield said
    finally:
        sys.stdout, sys.stderr = streams


class _Noting(io.TextIOBase):
    """Hands on what is written to a stream, and notes it."""

    def __init__(self, name: str, said: list[tuple[str, str]]) -> None:
        self.name_, self.stream, self.said = name, getattr(sys, name), said

    def write(self, words: str) -> int:
        self.said.append((self.name_, words))
        return self.stream.write(words)

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return self.stream.isatty()


def _recorder(looks: set[int]) -> Any:
    """A callback that notes when it is told, how long the training took until then, and the model.

    The model only after the steps at which somebody looks at it.
    """
    from utils.llm.training.callbacks import Callback

    class Recorder(Callback):
        def __init__(self) -> None:
            self.told: list[tuple] = []

        def note(self, event: str, report: Any) -> None:
            history = report.history
            steps, times = len(history.losses), len(history.steps)
            model = _state(report.model) if event == "on_step" and report.step in looks else None
            self.told.append(
                (event, steps, times, history.tokens, history.seconds, report.val_loss, model)
            )

    for event in ("on_start", "on_step", "on_end"):
        setattr(Recorder, event, functools.partialmethod(Recorder.note, event))
    return Recorder()


def _tell(callbacks: list[Any], given: dict[str, Any], result: Any, told: list[tuple]) -> None:
    """Tell the callbacks of a training what they would have been told, step by step."""
    from utils.llm.training.callbacks import Report
    from utils.llm.training.config import History

    for event, steps, times, tokens, seconds, val_loss, model in told:
        if model is not None:
            _set_state(given["model"], model)
        by_step = (result.losses[:steps], result.rates[:steps], result.norms[:steps])
        by_time = (result.steps[:times], result.train_loss[:times], result.val_loss[:times])
        history = History(*by_step, *by_time, tokens, seconds)
        for callback in callbacks:
            getattr(callback, event)(Report(given["model"], given["config"], history, val_loss))
