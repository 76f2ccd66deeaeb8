"""What an answer may change in the whole process, and how it is put back."""

from __future__ import annotations

import builtins
import contextlib
import gc
import math
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch.nn import functional

_MODULES = (torch, functional, torch.nn, math, random, np)
_CLASSES = (torch.Tensor, torch.nn.Module, torch.nn.Linear)
_SIGNALS = ("SIGALRM", "SIGINT", "SIGTERM")

_local = threading.local()

# How a setting is read, and set again where it was changed.
_SETTINGS: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        lambda on: torch.use_deterministic_algorithms(on[0], warn_only=on[1]),
    ),
    (np.geterr, lambda how: np.seterr(**how)),
    (lambda: dict(vars(torch._tensor_str.PRINT_OPTS)), lambda how: torch.set_printoptions(**how)),
    (np.get_printoptions, lambda how: np.set_printoptions(**how)),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.gettrace, sys.settrace),
    (gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    (lambda: (sys.stdout, sys.stderr, sys.stdin), lambda streams: _set_streams(*streams)),
    (lambda: dict(os.environ), lambda kept: (os.environ.clear(), os.environ.update(kept))),
    (lambda: _folder(), lambda folder: folder and os.chdir(folder)),
]


@contextlib.contextmanager
def kept_state() -> Iterator[None]:
    """Put the settings of Python, NumPy and torch back after the block, and replaced functions."""
    names = [(module, dict(vars(module))) for module in (builtins, *_MODULES, *_CLASSES)]
    settings = [(read(), read, write) for read, write in _SETTINGS]
    handlers = _handlers()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        for owner, before in names:
            _restore(owner, before)
        for before, read, write in settings:
            if read() != before:
                with contextlib.suppress(Exception):
                    write(before)
        for number, handler in handlers.items():
            if signal.getsignal(number) is not handler:
                if number == getattr(signal, "SIGALRM", None):
                    signal.setitimer(signal.ITIMER_REAL, 0)  # whoever set one, it isn't for this
                signal.signal(number, handler)


@contextlib.contextmanager
def own_randomness() -> Iterator[None]:
    """Seed every generator for the block, and put the caller's states back after it.

    Within another such block only the seeds are set: its caller's states are kept already.
    """
    kept = getattr(_local, "kept", False)
    if not kept:
        python, arrays, tensors = random.getstate(), np.random.get_state(), torch.get_rng_state()
        _local.kept = True
    random.seed(0), np.random.seed(0), torch.default_generator.manual_seed(0)
    try:
        yield
    finally:
        if not kept:
            _local.kept = False
            random.setstate(python)
            np.random.set_state(arrays)
            torch.set_rng_state(tensors)


def _restore(owner: ModuleType | type, before: dict[str, Any]) -> None:
    """Undo what was replaced or removed, and in a class also what was added over an inherited."""
    now = vars(owner)
    changed = [name for name, value in before.items() if now.get(name, before) is not value]
    added = now.keys() - before.keys() if isinstance(owner, type) else ()
    for name in added:
        with contextlib.suppress(Exception):
            delattr(owner, name)
    for name in changed:
        if not name.startswith("__") or isinstance(owner, type) or owner is builtins:
            with contextlib.suppress(Exception):
                setattr(owner, name, before[name])


def _handlers() -> dict[int, Any]:
    if threading.current_thread() is not threading.main_thread():
        return {}  # only the main thread sets them
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    handlers = {number: signal.getsignal(number) for number in numbers}
    return {number: handler for number, handler in handlers.items() if handler is not None}


def _set_streams(*streams: Any) -> None:
    sys.stdout, sys.stderr, sys.stdin = streams


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 (a folder that is gone raises here, too)
    except OSError:
        return None
