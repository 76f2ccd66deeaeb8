"""Processes started together: what comes back, whose error is told, and that nothing is left."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from utils.llm.training import launch

JOIN = """
import os, sys, time
from utils.llm.training import distributed
rank = int(os.environ["RANK"])
{first}
with distributed.process_group("cpu"):
    {inside}
    distributed.team().wait()
{after}
"""


def joined(first: str = "", inside: str = "", after: str = "") -> str:
    return launch.together(JOIN.format(first=first, inside=inside, after=after))


@pytest.mark.slow
def test_what_was_printed_comes_in_order_whatever_happens_on_the_way_out() -> None:
    bad_end = "import atexit; atexit.register(os.abort)"
    late = "time.sleep(0.3 * (1 - rank))"
    assert joined(bad_end, late, 'print(rank, "어텐션")') == "0 어텐션\n1 어텐션\n"


@pytest.mark.slow
def test_nobody_leaves_while_another_is_still_at_work() -> None:
    program = """
import time
from utils.llm.training import distributed
with distributed.process_group("cpu"):
    if distributed.team().leads:
        time.sleep(0.5)
    done = time.monotonic()
print(done, time.monotonic())
"""
    (done, _), (_, left) = (
        map(float, line.split()) for line in launch.together(program).splitlines()
    )
    assert left >= done


@pytest.mark.slow
def test_a_program_may_join_by_pytorchs_own_means() -> None:
    program = """
import torch.distributed as dist
dist.init_process_group("gloo")
print(dist.get_rank(), dist.get_world_size())
dist.barrier()
"""
    assert launch.together(program, processes=3) == "0 3\n1 3\n2 3\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ('if rank == 1: raise ValueError("boom")', "process 1 of 2 failed: ValueError: boom\n"),
        ('if rank == 0: sys.exit("no luck")', "process 0 of 2 ended with 1\nno luck\n"),
        ("if rank == 1: os._exit(3)", "process 1 of 2 ended with 3\n"),
        pytest.param(
            "if rank == 1: os.kill(os.getpid(), 9)",
            "process 1 of 2 was ended by SIGKILL\n",
            marks=pytest.mark.skipif(os.name != "posix", reason="no signals"),
        ),
    ],
)
def test_whoever_failed_first_is_told_and_nothing_is_left(
    inside: str, told: str, tmp_path: Path
) -> None:
    note = f'open({str(tmp_path)!r} + f"/{{os.getpid()}}", "w").close()'
    with pytest.raises(RuntimeError) as caught:
        joined(note, inside)
    said = str(caught.value)
    assert said.startswith(told)
    if "raise" in inside:
        assert inside in said, "the line that failed"
        assert "process 0" not in said, "who lost it has nothing to say"
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) == 2
    assert not any(map(psutil.pid_exists, pids))


@pytest.mark.slow
def test_too_long_is_an_error_and_nothing_is_left(tmp_path: Path) -> None:
    program = (
        f"import os, time; open(f'{tmp_path.as_posix()}/{{os.getpid()}}', 'w'); time.sleep(99)"
    )
    with pytest.raises(subprocess.TimeoutExpired):
        launch.together(program, timeout=5)
    assert not any(psutil.pid_exists(int(path.name)) for path in tmp_path.iterdir())


def test_none_is_too_few() -> None:
    with pytest.raises(ValueError, match="one is the least"):
        launch.together("pass", processes=0)
