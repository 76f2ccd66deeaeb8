"""Start several processes that train together, on this machine.

`torchrun` does this over many machines, but not on Windows, where PyTorch lacks the libuv that it
asks for. Here each process is told who it is by the same environment variables, and a file is where
they meet: there is no port that somebody else could take first.
"""

from __future__ import annotations

import linecache
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from utils.llm.training.distributed import STORE

_CHILD = "from utils.llm.training import launch; launch._take_part()"
_KEPT = 1500  # characters of what a failed process said last


def together(program: str, processes: int = 2, timeout: float = 300.0) -> str:
    """Run a Python program in so many processes of one group; what each printed, in their order.

    All talk over 127.0.0.1: no network is needed. A process ends right after the program's last
    line, without what is registered for a later exit. Where one fails the others are ended, and
    RuntimeError tells its error; subprocess.TimeoutExpired comes after `timeout` seconds.
    """
    if processes < 1:
        raise ValueError(f"processes is {processes}: one is the least.")
    with tempfile.TemporaryDirectory(prefix="together-", ignore_cleanup_errors=True) as name:
        folder, children = Path(name), []
        (folder / "program.py").write_text(program, encoding="utf-8")
        common = _environment(folder, processes)
        try:
            for rank in range(processes):
                children.append(_start(folder, rank, common))
            failed = _wait(children, timeout)
        finally:
            for child in children:
                child.kill()
            for child in children:
                child.communicate()
        if failed:
            raise RuntimeError(_told(folder, failed, processes))
        return "".join(_read(folder / f"{rank}.out") for rank in range(processes))


def _environment(folder: Path, processes: int) -> dict[str, str]:
    """What all of them are told: torchrun's variables, and the file in which they meet."""
    told = {
        STORE: str(folder / "store"),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",  # this and the port: for a program that joins by env://
        "MASTER_PORT": str(_free_port()),
        "USE_LIBUV": "0",  # which PyTorch for Windows is built without
        "OMP_NUM_THREADS": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    if sys.platform.startswith("linux"):
        told["GLOO_SOCKET_IFNAME"] = "lo"  # else gloo asks the network for this host's name
    return {**os.environ, **told}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _start(folder: Path, rank: int, common: dict[str, str]) -> subprocess.Popen[bytes]:
    """One process; what it says goes to files, which are never too full to go on."""
    own = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    with (folder / f"{rank}.out").open("wb") as out, (folder / f"{rank}.err").open("wb") as err:
        return subprocess.Popen(
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,  # says nothing, and closes when we are gone
            stdout=out,
            stderr=err,
            env={**common, **own},
        )


def _wait(children: list[subprocess.Popen[bytes]], timeout: float) -> dict[int, int]:
    """Until all are done or one has failed; the statuses of those that have, by rank."""
    until = time.monotonic() + timeout
    while True:
        statuses = [child.poll() for child in children]
        failed = {rank: status for rank, status in enumerate(statuses) if status}
        if failed or None not in statuses:
            return failed
        if time.monotonic() > until:
            raise subprocess.TimeoutExpired([sys.executable, "program.py"], timeout)
        time.sleep(0.02)


def _told(folder: Path, failed: dict[int, int], processes: int) -> str:
    """What the first to fail says; the others only lost it. Who died without a word is named."""
    words = []
    for rank, status in failed.items():
        if not (folder / f"{rank}.error").exists():
            last = _read(folder / f"{rank}.err")[-_KEPT:]
            words.append(f"process {rank} of {processes} {_ended(status)}\n{last}")
    errors = [(*_read(path).split("\n", 1), path.stem) for path in folder.glob("*.error")]
    for _, said, rank in sorted(errors, key=lambda error: int(error[0]))[:1]:
        words.append(f"process {rank} of {processes} failed: {said}")
    return "\n".join(words)


def _ended(status: int) -> str:
    if status > 0:
        return f"ended with {status}"
    names = {int(each): each.name for each in signal.Signals}
    return f"was ended by {names.get(-status, f'signal {-status}')}"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _take_part() -> None:
    """Be one of the processes: run the program, and leave.

    Not by Python's way out, which takes C++ threads down in any order and may abort after all is
    done; and a failure is told before the connections end, which is how the others hear of it.
    """
    folder, status = Path(os.environ[STORE]).parent, 0
    threading.Thread(target=_leave_with_the_starter, daemon=True).start()
    try:
        _execute(folder / "program.py")
        sys.stdout.flush()
    except SystemExit as left:
        if left.code is not None and not isinstance(left.code, int):
            print(left.code, file=sys.stderr)
        status = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException as error:
        _tell(folder, error)
        status = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def _leave_with_the_starter() -> None:
    """Whoever started us may be killed, and then nobody waits for what we find."""
    os.read(0, 1)
    os._exit(1)


def _execute(path: Path) -> None:
    text, name = _read(path), "program"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)  # for a traceback
    sys.argv = [name]
    exec(compile(text, name, "exec"), {"__name__": "__main__"})


def _tell(folder: Path, error: BaseException) -> None:
    """Leave word of an error: when it came, what it is, and where, whole or not at all."""
    error.__traceback__ = error.__traceback__.tb_next.tb_next  # from the program's own first line
    short = traceback.format_exception_only(error)[-1].strip()
    whole = "".join(traceback.format_exception(error))[-_KEPT:]
    part = folder / f"{os.environ['RANK']}.part"
    part.write_text(f"{time.monotonic_ns()}\n{short}\n\n{whole}", encoding="utf-8")
    part.replace(part.with_suffix(".error"))
