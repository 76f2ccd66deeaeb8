"""JupyterLab on a copy of the chapters, and a browser that reads, runs and saves them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from utils.course.commands.lab import prepare

ROOT = Path(__file__).resolve().parents[2]
QUIET = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking"
QUIET += " --disable-component-update --disable-sync"
LAPTOP = {"width": 1440, "height": 789}  # what a browser's frame leaves of 1440 × 900
LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"
RUN_S = 400


@contextmanager
def browser(path: str) -> Iterator[Browser]:
    """A browser without a window, and with an empty profile."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=QUIET.split())
        yield opened
        opened.close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Lab:
    """A JupyterLab in a folder of its own, set as `make lab` sets it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        for part in ("chapters", "solutions"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns(".*"))
        self.log = (folder / "lab.log").open("w")

    def __enter__(self) -> Lab:
        prepare()
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            f"--ServerApp.root_dir={self.folder}",
            *("--ServerApp.token=t", f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0"),
            *("--ServerApp.ip=127.0.0.1", "--LabApp.expose_app_in_browser=True"),
        ]
        here = {"PYTHONPATH": str(ROOT), "JUPYTERLAB_SETTINGS_DIR": str(self.folder / "settings")}
        here |= {"JUPYTERLAB_WORKSPACES_DIR": str(self.folder / "workspaces")}
        environment = os.environ | here | {"OMP_NUM_THREADS": "1"}
        self.server = subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=subprocess.STDOUT
        )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.end_kernels()
        self.server.terminate()
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
        self.log.close()

    def _wait(self, seconds: float = 90) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.server.poll() is None:
            try:
                self.ask("api/status")
                return
            except OSError:
                time.sleep(0.3)
        raise RuntimeError((self.folder / "lab.log").read_text(encoding="utf-8")[-2000:])

    def ask(self, path: str, method: str = "GET") -> Any:
        """What the server says to a request."""
        address = f"http://127.0.0.1:{self.port}/{path}?token=t"
        with urllib.request.urlopen(
            urllib.request.Request(address, method=method), timeout=30
        ) as r:
            return json.loads(r.read() or b"null")

    def end_kernels(self) -> None:
        for session in self.ask("api/sessions"):
            self.ask(f"api/sessions/{session['id']}", "DELETE")

    def restart_kernels(self) -> None:
        for kernel in self.ask("api/kernels"):
            self.ask(f"api/kernels/{kernel['id']}/restart", "POST")

    def notebook(self, name: str) -> dict[str, Any]:
        """A notebook as it was saved."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def open(self, opened: Browser, name: str, **context: Any) -> Chapter:
        """Open a notebook in a fresh browser context, alone on its page."""
        page = opened.new_context(viewport=context.pop("viewport", LAPTOP), **context).new_page()
        page.goto(f"http://127.0.0.1:{self.port}/lab/tree/{name}?token=t&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        return Chapter(page, name)


class Chapter:
    """A notebook on its page."""

    def __init__(self, page: Page, name: str) -> None:
        self.page, self.name = page, name
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.ready()

    def command(self, name: str) -> None:
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def ready(self, seconds: float = 90) -> None:
        """Wait until the kernel is there and has nothing to do."""
        self._until("() => __kernel() === 'idle'", seconds)

    def run_all(self, seconds: float = RUN_S) -> None:
        """Run → Run All Cells, and wait for the end."""
        self.page.evaluate(
            "() => { window.__ran = false; window.jupyterapp.commands"
            ".execute('notebook:run-all-cells').then(() => { window.__ran = true; }); }"
        )
        self._until("() => window.__ran && __kernel() === 'idle'", seconds)

    def save(self) -> None:
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def close(self) -> None:
        self.page.context.close()

    def theme(self, name: str) -> None:
        theme = {"theme": name}
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', theme)", theme
        )
        self._until(f"() => document.body.dataset.jpThemeName === '{name}'", 30)
        self._until("() => !document.querySelector('#jupyterlab-splash')", 30)

    def cells(self) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell")

    def show(self, cell: Locator) -> None:
        """Bring a cell to the top, and wait till what it holds is drawn."""
        cell.evaluate("cell => cell.scrollIntoView({block: 'start'})")
        self.page.wait_for_timeout(300)

    def wait(self, script: str, seconds: float = 20) -> None:
        self._until(script, seconds)

    def _until(self, script: str, seconds: float) -> None:
        self.page.evaluate(KERNEL)
        self.page.wait_for_function(script, timeout=seconds * 1000)


KERNEL = """() => { window.__kernel = () => {
  const at = window.jupyterapp.shell.currentWidget;
  return at?.sessionContext?.session?.kernel?.status;
}; }"""
