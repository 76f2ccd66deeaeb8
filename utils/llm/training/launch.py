"""Start several processes that train together, on this machine, as `torchrun` does."""

from __future__ import annotations

import os
import subprocess
import sys


def torchrun(program: str, processes: int = 2, timeout: float = 300.0) -> str:
    """Run a Python program in so many processes of one group; returns what they printed.

    All talk over 127.0.0.1: no network is needed. Raises RuntimeError with the end of the
    error output where a process fails, subprocess.TimeoutExpired after `timeout` seconds.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "1"]
    command += ["--nproc-per-node", str(processes), "--rdzv-backend", "c10d"]
    command += ["--rdzv-endpoint", "127.0.0.1:0", "--local-addr", "127.0.0.1", "--no-python"]
    command += [sys.executable, "-c", program]
    alone = {"OMP_NUM_THREADS": "1"}
    if sys.platform.startswith("linux"):
        alone["GLOO_SOCKET_IFNAME"] = "lo"  # else gloo asks the network for this host's name
    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
        env={**os.environ, **alone, "PYTHONIOENCODING": "utf-8"},
    )
    if done.returncode:
        raise RuntimeError(f"torchrun ended with {done.returncode}: {done.stderr[-1500:]}")
    return done.stdout
