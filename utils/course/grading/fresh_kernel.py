"""A fresh kernel of this very Python, for running cells one at a time with a limit on each."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Literal

from jupyter_client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager

START_TIMEOUT = 60.0
GRACE = 4.0  # seconds that an interrupted cell has to come back
_TICK = 0.2


class KernelDied(Exception):
    """The kernel is gone; the message says how it ended."""


class KernelStuck(Exception):
    """A cell went on after its time and two interrupts."""


class Stopped(Exception):
    """The whole run was called off while this cell ran."""


class _ThisPython(KernelSpecManager):
    """Knows one kernel: an installed 'python3' kernelspec may belong to another Python."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(
            argv=[*argv, "--HistoryManager.hist_file=:memory:"],
            name=kernel_name,
            display_name="The course's Python",
            language="python",
        )


@dataclass(frozen=True)
class Reply:
    """How a cell ended. For an error: its name, its message, and IPython's traceback."""

    status: Literal["ok", "error", "timed out"]
    name: str = ""
    value: str = ""
    traceback: list[str] = field(default_factory=list)
    ends_kernel: bool = False


class FreshKernel:
    """A kernel started in `folder`; a context manager that leaves nothing running behind it.

    Outputs are not collected, so a cell that prints for ever costs no memory here.
    """

    def __init__(self, folder: Path, env: Mapping[str, str], stop: threading.Event) -> None:
        self._folder, self._env, self._stop = folder, dict(env), stop
        self._manager = KernelManager(kernel_name="python3", kernel_spec_manager=_ThisPython())
        self._client: BlockingKernelClient | None = None
        self._healthy = True

    def __enter__(self) -> FreshKernel:
        self._log = tempfile.TemporaryFile()
        try:
            self._manager.start_kernel(
                cwd=str(self._folder), env=self._env, stdout=self._log, stderr=subprocess.STDOUT
            )
            self._client = self._manager.client()
            self._client.start_channels(iopub=False, stdin=False, hb=False)
            self._wait(self._client.kernel_info(), monotonic() + START_TIMEOUT)
        except BaseException as error:
            self._healthy = False
            self.__exit__(None, None, None)
            if isinstance(error, queue.Empty):
                raise KernelDied(f"did not answer within {START_TIMEOUT:.0f} s") from None
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            self._client.stop_channels()
        if self._manager.has_kernel:
            self._manager.shutdown_kernel(now=not self._healthy or error is not None)
        self._manager.cleanup_resources()
        self._log.close()

    def prepare(self, source: str) -> None:
        """Run a line that the notebook's cells neither count nor see; its errors are nobody's."""
        assert self._client is not None
        message = self._client.execute(source, silent=True, store_history=False)
        with contextlib.suppress(queue.Empty):
            self._wait(message, monotonic() + START_TIMEOUT)

    def run(self, source: str, timeout: float) -> Reply:
        """Run one cell, and interrupt it after `timeout` seconds.

        Raises `KernelDied`, `KernelStuck` (the interrupt did not help either) or `Stopped`.
        """
        assert self._client is not None
        message = self._client.execute(source, allow_stdin=False, stop_on_error=False)
        try:
            return _reply(self._wait(message, monotonic() + timeout))
        except queue.Empty:
            return self._interrupt(message)

    def _interrupt(self, message: str) -> Reply:
        for _ in range(2):
            self._manager.interrupt_kernel()
            try:
                self._wait(message, monotonic() + GRACE / 2)
                return Reply("timed out")
            except queue.Empty:
                continue
        self._healthy = False
        raise KernelStuck

    def _wait(self, message: str, deadline: float) -> dict[str, Any]:
        """The reply to `message`; `queue.Empty` when the deadline passes."""
        assert self._client is not None
        while True:
            try:
                reply = self._client.get_shell_msg(timeout=_TICK)
            except queue.Empty:
                if self._stop.is_set():
                    self._healthy = False
                    raise Stopped from None
                if not self._manager.is_alive():
                    raise KernelDied(self._last_words()) from None
                if monotonic() > deadline:
                    raise
            else:
                if reply["parent_header"].get("msg_id") == message:
                    return reply["content"]

    def _last_words(self) -> str:
        process = getattr(self._manager.provisioner, "process", None)
        code = getattr(process, "returncode", None)
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else ""
            memory = ", which is often a lack of memory" if name == "SIGKILL" else ""
            return f"was ended by signal {-code} {name}".rstrip() + memory
        said = self._log_tail()
        return f"ended with exit code {code}" + (f": {said}" if said else "")

    def _log_tail(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - 2000))
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        own = [line.strip() for line in lines if "[IPKernelApp]" not in line]
        return own[-1] if own else ""


def _reply(content: dict[str, Any]) -> Reply:
    ends = any(
        part.get("source") == "ask_exit" and not part.get("keepkernel")
        for part in content.get("payload") or []
    )
    if content.get("status") == "ok":
        return Reply("ok", ends_kernel=ends)
    name, value = str(content.get("ename", "")), str(content.get("evalue", ""))
    return Reply("error", name, value, list(content.get("traceback") or []), ends)
