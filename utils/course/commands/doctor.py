"""What this machine has for the course, what is missing, and how to get it, in plain words."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
KERNEL_SECONDS = 30.0
OFFLINE_SECONDS = 2.0
AGAIN = "make lab"
#: Before these, something of the course does not work.
OLDEST = {"jupyterlab": "4.0", "nbformat": "5.4", "starlette": "0.37", "typer": "0.12"}
SIGNS = {"good": "✅", "missing": "❌", "note": "⬜"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    `status` is "good", "missing" (the course does not work without it) or "note" (it does).
    `remedy` is what to do about it, a command where there is one; empty where all is well.
    """

    name: str
    status: str
    detail: str
    remedy: str = ""


def version_of(package: str) -> str | None:
    """The installed version of a package; None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def project(root: Path = ROOT) -> dict[str, object]:
    """The `[project]` table of `pyproject.toml`; empty where the file is not there."""
    try:
        text = (root / "pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        return {}
    return tomllib.loads(text).get("project", {})


def python() -> Finding:
    """Is this Python one that the course supports, and is it the course's own?"""
    version = platform.python_version()
    bounds = re.findall(r"3\.(\d+)", str(project().get("requires-python", ">=3.11,<3.14")))
    low, high = int(bounds[0]), int(bounds[1])
    where = f"{version} at {sys.executable}"
    if not (3, low) <= sys.version_info[:2] < (3, high):
        which = f"The course needs Python 3.{low} to 3.{high - 1}"
        return Finding("Python", "missing", where, f"{which}: make lab PYTHON=python3.{high - 1}")
    return Finding("Python", "good", where)


def packages() -> Finding:
    """Are all packages there that the course needs to run?"""
    wanted = [re.split(r"[<>=!~\s\[;]", str(d))[0] for d in project().get("dependencies", [])]
    missing = [name for name in wanted if version_of(name) is None]
    if missing:
        return Finding("packages", "missing", f"not installed: {', '.join(missing)}", AGAIN)
    old = [
        f"{name} {version_of(name)} (it needs {least} or later)"
        for name, least in OLDEST.items()
        if _numbers(version_of(name) or least) < _numbers(least)
    ]
    if old:
        return Finding("packages", "missing", f"too old: {', '.join(old)}", AGAIN)
    return Finding("packages", "good", f"all {len(wanted)} that the course needs are installed")


def _numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version, to compare by."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def torch() -> Finding:
    """Is PyTorch there, recent enough, and does it start?"""
    if find_spec("torch") is None:
        return Finding("PyTorch", "missing", "not installed", AGAIN)
    try:
        import torch as package
    except Exception as error:  # a broken library can raise anything on import
        line = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        return Finding(
            "PyTorch",
            "missing",
            f"installed, but does not start: {line[0]}",
            "delete the folder .venv, then make lab (on Windows, install the Visual C++ runtime)",
        )
    version = package.__version__
    if _numbers(version) < (2, 6):
        return Finding("PyTorch", "missing", f"{version}; the course needs 2.6 or later", AGAIN)
    capability = package.backends.cpu.get_cpu_capability()
    threads = package.get_num_threads()
    return Finding("PyTorch", "good", f"{version}, {capability} instructions, {threads} threads")


def device() -> Finding:
    """Where the models will be trained, and what that means."""
    try:
        import torch as package
    except Exception:  # said by `torch` already
        return Finding("device", "note", "unknown while PyTorch does not start")
    if package.cuda.is_available():
        name = package.cuda.get_device_name(0)
        gigabytes = package.cuda.get_device_properties(0).total_memory / 1e9
        return Finding("device", "good", f"CUDA: {name}, {gigabytes:.0f} GB; faster, not different")
    if package.backends.mps.is_available():
        return Finding(
            "device", "good", "MPS: this Mac's own GPU; faster, its numbers differ a little"
        )
    return Finding("device", "good", "the CPU: all of the course runs on it; no GPU is needed")


def speed() -> Finding:
    """How fast a small model is trained here, and what share of the arithmetic that uses."""
    try:
        from utils.llm.gpt.model import GPTConfig
        from utils.llm.training.speed import training_speed
    except Exception:  # said by `torch` and `packages` already
        return Finding("speed", "note", "unknown while PyTorch does not start")
    found = training_speed(GPTConfig.preset("story"), batch_size=8)
    detail = (
        f"a story model trains at {found.tokens_per_second:,.0f} tokens per second on the CPU, "
        f"{found.precision}: {found.share:.0%} of its fastest matrix product"
    )
    return Finding("speed", "good", detail)


def memory_bytes() -> tuple[int | None, int | None]:
    """Total and free memory of this machine in bytes, None where it is not known."""
    from utils.llm.machine import memory

    return memory.memory_bytes()


def machine() -> Finding:
    """Cores and memory."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    total, free = memory_bytes()
    if total is None:
        return Finding("machine", "good", f"{platform.system()}, {cores} cores")
    words = f"{platform.system()}, {cores} cores, {total / 1e9:.1f} GB of memory"
    if free is None:
        return Finding("machine", "good", words)
    words += f", {free / 1e9:.1f} GB of it free"
    if free < 1.5e9:
        return Finding("machine", "note", words, "close other programs before you train a model")
    return Finding("machine", "good", words)


def kernel() -> Finding:
    """Is there a Jupyter kernel, is it this Python, and does it compute?"""
    name = "kernel"
    if find_spec("jupyter_client") is None or find_spec("ipykernel") is None:
        return Finding(name, "missing", "Jupyter's kernel for Python is not installed", AGAIN)
    from jupyter_client.kernelspec import NoSuchKernel
    from jupyter_client.manager import start_new_kernel

    began = time.perf_counter()
    try:
        manager, client = start_new_kernel(
            startup_timeout=KERNEL_SECONDS, kernel_name="python3", stderr=subprocess.DEVNULL
        )
    except NoSuchKernel:
        remedy = f"{sys.executable} -m ipykernel install --sys-prefix"
        return Finding(name, "missing", "no kernel is called python3", remedy)
    except Exception as error:  # whatever keeps a kernel from starting is the finding
        return Finding(name, "missing", f"does not start: {error}", AGAIN)
    try:
        printed = run_in(client, "import sys; print(1 + 1, sys.executable)")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    seconds = time.perf_counter() - began
    result, _, executable = printed.strip().partition(" ")
    if result != "2":
        return Finding(name, "missing", f"started, but did not compute 1 + 1: {printed!r}", AGAIN)
    if Path(executable).resolve() != Path(sys.executable).resolve():
        remedy = f"{sys.executable} -m ipykernel install --sys-prefix"
        return Finding(name, "missing", f"it runs another Python: {executable}", remedy)
    return Finding(name, "good", f"starts and computes in {seconds:.1f} s, with this Python")


def run_in(client: object, code: str) -> str:
    """What a kernel prints for a line of code; the error's text where it fails."""
    printed: list[str] = []

    def keep(message: dict) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    try:
        client.execute_interactive(code, timeout=KERNEL_SECONDS, output_hook=keep)
    except TimeoutError as error:
        return str(error)
    return "".join(printed)


def widgets() -> Finding:
    """Are the interactive pieces there, in versions that fit each other?"""
    kernel_side, browser_side = version_of("ipywidgets"), version_of("jupyterlab_widgets")
    if kernel_side is None or browser_side is None:
        gone = "ipywidgets" if kernel_side is None else "jupyterlab_widgets"
        return Finding("widgets", "missing", f"{gone} is not installed", AGAIN)
    words = f"ipywidgets {kernel_side} with jupyterlab_widgets {browser_side}"
    if _numbers(kernel_side) < (8,):
        return Finding("widgets", "missing", f"{words}; the course needs ipywidgets 8", AGAIN)
    if _numbers(kernel_side)[0] == 8 and _numbers(browser_side)[0] != 3:
        return Finding("widgets", "missing", f"{words} do not fit each other", AGAIN)
    return Finding("widgets", "good", words)


def letters() -> Finding:
    """Can figures show Hangul?"""
    try:
        from utils.viz.style import families
    except Exception:  # said by `packages` already
        return Finding("letters", "note", "unknown while matplotlib does not start")
    own, *more = families()
    if more:
        return Finding("letters", "good", f"figures show Hangul, with {more[0]}")
    return Finding(
        "letters",
        "note",
        f"figures write Hangul as code points: {own} has none",
        "install a font that has it, as fonts-nanum (Debian, Ubuntu) or google-noto-sans-cjk-fonts "
        "(Fedora), if you want to draw Korean",
    )


def disk() -> Finding:
    """Is there room for what the chapters write?"""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < 0.5:
        return Finding("disk", "note", f"{free:.1f} GB free", "make room: checkpoints are written")
    return Finding("disk", "good", f"{free:.1f} GB free")


def real_model() -> Finding:
    """Was the real chat model fetched that chapter 11 talks with?"""
    try:
        from utils.data.texts.real_models import REAL_MODELS, kept_model
    except Exception:  # said by `torch` and `packages` already
        return Finding("model", "note", "unknown while packages are missing")
    for name in REAL_MODELS:
        if path := kept_model(name):
            return Finding("model", "good", f"{name} is here: {path}")
    remedy = "course fetch smollm2 brings it, 93 MB; all chapters work without"
    return Finding("model", "note", "no real chat model was fetched yet", remedy)


def network() -> Finding:
    """Can the optional downloads be had? Nothing that the course needs depends on it."""
    import socket
    import threading

    found = threading.Event()

    def look_up() -> None:
        try:
            socket.getaddrinfo("huggingface.co", 443)
            found.set()
        except OSError:
            pass

    threading.Thread(target=look_up, daemon=True).start()
    if found.wait(OFFLINE_SECONDS):
        return Finding("network", "good", "online: the optional downloads can be had")
    return Finding("network", "note", "offline: all chapters work, the optional downloads do not")


EXAMINATIONS: tuple[Callable[[], Finding], ...] = (
    python,
    packages,
    torch,
    device,
    machine,
    speed,
    kernel,
    widgets,
    letters,
    disk,
    real_model,
    network,
)


def examine(
    examinations: tuple[Callable[[], Finding], ...] = EXAMINATIONS,
) -> Iterator[Finding]:
    """The findings, one after the other. An examination that fails is a finding too."""
    for examination in examinations:
        try:
            yield examination()
        except Exception as error:  # the doctor never falls ill
            detail = f"could not be looked at: {type(error).__name__}: {error}"
            yield Finding(examination.__name__, "missing", detail, AGAIN)


def report(findings: list[Finding]) -> str:
    """The findings as lines of text, and a sentence that sums them up."""
    lines = []
    for finding in findings:
        lines.append(f"{SIGNS[finding.status]} {finding.name:<9} {finding.detail}")
        if finding.remedy:
            lines.append(f"   {'':<9} → {finding.remedy}")
    missing = [f.name for f in findings if f.status == "missing"]
    if missing:
        lines.append(f"\nThe course does not work here yet: see {', '.join(missing)} above.")
    else:
        lines.append("\nAll that the course needs is here.")
    return "\n".join(lines)


def main(as_json: bool = False) -> int:
    """Print the findings. Returns 0 where all that is needed is there, 1 otherwise."""
    findings = list(examine())
    well = all(f.status != "missing" for f in findings)
    if as_json:
        print(json.dumps({"well": well, "findings": [asdict(f) for f in findings]}, indent=2))
    else:
        print(report(findings))
    return 0 if well else 1
