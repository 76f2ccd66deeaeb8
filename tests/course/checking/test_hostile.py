"""Whatever an answer does or returns, `check` says something true and the notebook lives on."""

from __future__ import annotations

import io
import itertools
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from utils.course.checking.check import NOT_ATTEMPTED, RAISED, RIGHT, TIMED_OUT, WRONG, judge
from utils.course.checking.exercise import Exercise
from utils.course.checking.limits import OutOfTime, time_limit


def exercise(reference: Callable[..., Any], *probes: Any, **more: Any) -> Exercise:
    given = [probe if isinstance(probe, tuple) else (probe,) for probe in probes]
    return Exercise("9.9", "Odd", 1, 1, reference, given, **{"mistakes": {}, "timeout": 1} | more)


MEAN = exercise(lambda x: x.mean(), torch.tensor([2.0, 4.0]), torch.tensor([0.5, 1.0, 3.0]))
DOUBLE = exercise(lambda x: x * 2, torch.tensor([2.0, 4.0]), torch.tensor([[0.5], [3.0]]))
NUMBER = exercise(lambda n: n / 2, 1, 3, 8)
LIST = exercise(lambda n: list(range(n)), 2, 3, 5)


class Silent:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Endless(list):
    def __iter__(self):
        return itertools.count()


class Liar(Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function is torch.isclose:
            return torch.ones(2, dtype=torch.bool)
        return super().__torch_function__(function, types, args, kwargs or {})


def own_list() -> list[Any]:
    value: list[Any] = [0]
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        (MEAN, 0),
        (MEAN, 10**400),
        (MEAN, Fraction(1, 3)),
        (MEAN, Decimal("NaN")),
        (DOUBLE, np.array(["a", "b"])),
        (DOUBLE, np.array([[1], [1, 2]], dtype=object)),
        (DOUBLE, torch.ones(2, device="meta")),
        (DOUBLE, torch.eye(2).to_sparse()),
        (DOUBLE, torch.ones(2, dtype=torch.complex64)),
        (DOUBLE, torch.ones(2).as_subclass(Liar)),
        (DOUBLE, Silent()),
        (NUMBER, 10**400),
        (NUMBER, 10**5000),
        (NUMBER, Decimal(7)),
        (NUMBER, Silent()),
        (NUMBER, 1j),
        (LIST, own_list()),
        pytest.param(LIST, Endless([0, 1]), marks=pytest.mark.slow),
        (LIST, [Silent()]),
        (LIST, (i for i in range(2))),
        (LIST, int),
        (LIST, "\ud800"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_result_is_wrong_and_said_to_be(asked: Exercise, value: Any) -> None:
    began = time.monotonic()
    verdict = judge(asked, lambda *args: value)
    assert verdict.status == WRONG
    assert verdict.diagnosis
    assert time.monotonic() - began < 10
    lines = [line[13:] for line in verdict.diagnosis.splitlines() if line[3:12] == "expected:"]
    assert not lines or f"got:      {lines[0]}" not in verdict.diagnosis


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (DOUBLE, lambda x: (2 * x.numpy())[::-1][::-1]),
        (DOUBLE, lambda x: np.flip(np.flip(2 * x.numpy()))),
        (DOUBLE, lambda x: (2 * x).to_sparse()),
        (DOUBLE, lambda x: (2 * x.numpy()).astype(">f4")),
        (DOUBLE, lambda x: nn.Parameter(2 * x)),
        (MEAN, lambda x: Fraction(str(float(x.mean()))) if len(x) == 2 else float(x.mean())),
        (NUMBER, lambda n: Fraction(n, 2)),
        (NUMBER, lambda n: Decimal(n) / 2),
    ],
)
def test_sound_results_of_odd_kinds_pass(asked: Exercise, answer: Callable[..., Any]) -> None:
    assert judge(asked, answer).diagnosis is None


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (DOUBLE, lambda x: x ^ 2),
        (DOUBLE, lambda x: x.long().softmax(-1)),
        (DOUBLE, lambda x: torch.nn.functional.cross_entropy(x.long(), x)),
        (DOUBLE, lambda x: nn.Module()(x)),
        (DOUBLE, lambda x: other_stub(x)),
        (DOUBLE, lambda x: 2 * x if x.ndim == 1 else x ^ 2),
    ],
)
def test_an_error_of_torch_is_no_stub(asked: Exercise, answer: Callable[..., Any]) -> None:
    verdict = judge(asked, answer)
    assert verdict.status == RAISED
    assert "in line" in verdict.diagnosis


def other_stub(x: Any) -> Any:
    raise NotImplementedError("Exercise 1.1: your turn")


class Stub(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Exercise 9.9: your turn")

    def method(self, x: Tensor) -> Tensor:
        raise NotImplementedError("Exercise 9.9: your turn")


@pytest.mark.parametrize("answer", [other_stub, Stub(), Stub().method])
def test_the_stub_is_told_by_its_own_raise(answer: Callable[..., Any]) -> None:
    assert judge(DOUBLE, answer).status == NOT_ATTEMPTED


def test_a_stub_behind_a_right_first_half_is_no_stub() -> None:
    def half(x: Tensor) -> Tensor:
        if x.ndim == 1:
            return 2 * x
        raise NotImplementedError("Exercise 9.9: your turn")

    assert judge(DOUBLE, half).status == RAISED


def test_every_kind_of_answer_gets_a_verdict() -> None:
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.no_such_thing()

    odd = [
        int,
        Broken,
        Broken(),
        print,
        len,
        torch.jit.trace(nn.ReLU(), torch.ones(2)),
        [].append,
        Silent,
        Silent(),
    ]
    for answer in odd:
        assert judge(DOUBLE, answer).status in (RAISED, WRONG), answer


def changes_everything(x: Tensor) -> Tensor:
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.manual_seed(7), random.seed(7), np.random.seed(7)
    torch.Tensor.softmax = None
    torch.Tensor.__mul__ = lambda a, b: a
    torch.isclose = lambda *args, **more: torch.ones(1, dtype=torch.bool)
    torch.nn.functional.gelu = None
    np.seterr(all="raise")
    os.chdir("/")
    os.environ["COURSE_ODD"] = "1"
    warnings.simplefilter("error")
    sys.setrecursionlimit(5000)
    sys.stdout = sys.stderr = io.StringIO()
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    return x


def state() -> list[Any]:
    return [
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.Tensor.softmax,
        torch.Tensor.__mul__,
        torch.isclose,
        torch.nn.functional.gelu,
        np.geterr(),
        os.getcwd(),  # noqa: PTH109
        dict(os.environ),
        list(warnings.filters),
        sys.getrecursionlimit(),
        sys.stdout,
        sys.stderr,
        signal.getsignal(signal.SIGALRM),
        random.getstate(),
        torch.get_rng_state().tolist(),
    ]


def test_the_state_of_the_process_is_put_back() -> None:
    before = state()
    assert judge(DOUBLE, changes_everything).status == WRONG
    assert state() == before


def test_a_patched_comparison_does_not_judge() -> None:
    def patches(x: Tensor) -> Tensor:
        torch.isclose = lambda a, *rest, **more: torch.ones_like(a, dtype=torch.bool)
        return x * 3

    assert judge(DOUBLE, patches).status == WRONG


def catches_all(x: Tensor) -> None:
    while True:
        try:
            while True:
                pass
        except BaseException:
            x = x + 1


def ignores_the_alarm(x: Tensor) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        pass


@pytest.mark.parametrize("answer", [catches_all, ignores_the_alarm])
def test_what_will_not_end_is_ended(answer: Callable[..., Any]) -> None:
    before = signal.getsignal(signal.SIGALRM)
    verdict = judge(exercise(lambda x: x, torch.ones(1), timeout=0.3), answer)
    assert verdict.status == TIMED_OUT
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_loop_that_catches_all_ends_where_it_catches() -> None:
    limit = time_limit(0.05)
    with pytest.raises(OutOfTime), limit:
        catches_all(torch.ones(1))
    assert not limit.by_signal or limit.rings <= 4


@pytest.mark.slow
def test_deep_recursion_is_told_soon() -> None:
    def deep(x: Any) -> Any:
        sys.setrecursionlimit(200_000)
        return deep(x)

    assert judge(DOUBLE, deep).status in (RAISED, TIMED_OUT)
    assert sys.getrecursionlimit() < 200_000


def in_a_process(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_a_notebook_is_not_muted_by_one_long_call_that_raises_at_its_end() -> None:
    program = """
        import itertools
        from utils.course import check
        from utils.course.checking import registry
        from utils.course.checking.exercise import Exercise
        odd = Exercise("9.9", "Odd", 1, 1, sum, [([1],)], {}, timeout=0.3)
        registry.exercises()["9.9"] = odd
        check("9.9", lambda x: sum(itertools.chain(range(4 * 10**7), ["x"])))
        check("9.9", lambda x: list(itertools.repeat(None, 10**8)) and [][1])
        print("alive")
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.stdout.splitlines()[-1] == "alive"
    assert ran.stdout.count("❌") == 2


@pytest.mark.slow
def test_what_torch_loads_late_does_not_count() -> None:
    program = """
        import torch
        from utils.course.checking.check import judge
        from utils.course.checking.exercise import Exercise
        def step(x):
            y = x.clone().requires_grad_()
            torch.optim.SGD([y], lr=1.0).step()
            return torch.func.grad(lambda z: z.sum())(x)
        slow = Exercise("9.9", "Odd", 1, 1, torch.ones_like, [(torch.ones(2),)], {}, timeout=0.5)
        print(judge(slow, step).status)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.stdout.strip() == RIGHT, ran.stderr
