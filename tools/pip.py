"""Run pip with one line of progress, and say in one line why it failed."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tools.errors import SetupError

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_SECONDS = 3.0

NO_NETWORK = re.compile(
    r"NewConnectionError|Failed to establish a new connection|NameResolutionError|"
    r"name resolution|getaddrinfo failed|Name or service not known|Network is unreachable|"
    r"Connection refused|ConnectTimeout|ReadTimeout|Read timed out|ProxyError|Connection reset|"
    r"Could not fetch URL|Connection broken|IncompleteRead"
)
CERTIFICATE = re.compile(r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerification")
NO_SPACE = re.compile(
    r"No space left on device|\[Errno 28\]|\[Errno 122\]|\[WinError 112\]|not enough space"
)
NO_RIGHT = re.compile(r"Permission denied|Read-only file system|Access is denied|\[WinError 5\]")
TOO_LONG = re.compile(r"\[WinError 206\]|\[Errno 36\]|file ?name or extension is too long", re.I)
NOTHING_AT_ALL = re.compile(r"requirement ([^\s;]+) \(from versions: none\)")
NO_WHEEL = re.compile(r"No matching distribution found for ([^\s;]+)")


#: What Windows allows of a path, and the longest name below the course's folder, in torch.
MOST_OF_A_PATH, LONGEST_NAME = 259, len("/.venv/Lib/site-packages/") + 167


def long_path_advice() -> str:
    """What to do where Windows finds the names of files too long."""
    return (
        "the course's folder lies too deep for Windows: move it to a short place, as C:\\gpt, or "
        "allow long paths (Settings, System, For developers), and run this again."
    )


def is_too_deep(root: str, system: str = platform.system(), long_paths: bool = False) -> bool:
    """Whether what is installed below this folder would have names too long for Windows."""
    return system == "Windows" and not long_paths and len(root) + LONGEST_NAME > MOST_OF_A_PATH


def allows_long_paths() -> bool:
    """Whether this Windows was told to allow them; True elsewhere."""
    if platform.system() != "Windows":
        return True
    import winreg

    try:
        place = r"SYSTEM\CurrentControlSet\Control\FileSystem"
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return False


def explanation(output: str, log: Path) -> str:
    """One line from pip's output: what is wrong, and what to do."""
    if NO_SPACE.search(output):
        return "the disk is full; make room (some 2.5 GB in all) and run this again."
    if TOO_LONG.search(output):
        return long_path_advice()
    if CERTIFICATE.search(output):
        return (
            "the package index's certificate is not accepted; behind a company's proxy set "
            "PIP_CERT to its certificate file and run this again."
        )
    if NO_NETWORK.search(output):
        return (
            "pip could not reach the package index; check the network, and your proxy or "
            "PIP_INDEX_URL if you use one, and run this again."
        )
    if NO_RIGHT.search(output):
        return f"pip may not write there; see the end of {log}, mend the rights, run this again."
    found = NOTHING_AT_ALL.search(output)
    if found:  # told not to retry, pip says no more than this when it finds no network
        return (
            f"pip found no {found[1]} at all: most likely it could not reach the package index; "
            "check the network, and your proxy or PIP_INDEX_URL if you use one, and run this again."
        )
    found = NO_WHEEL.search(output)
    if found:
        machine = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
        return (
            f"there is no {found[1]} for {machine}; try another Python (make lab "
            "PYTHON=python3.12) or run the course on Binder or Colab (README.md says how)."
        )
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    said = errors[-1][len("ERROR:") :].strip() if errors else "no reason given"
    return f"pip failed: {said} (all of its output: {log})"


def show(line: str) -> None:
    """Overwrite the terminal's last line with what pip is at; nothing where it is no terminal."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print("\r" + f"  {line.strip()}"[:width].ljust(width), end="", flush=True)


def run_pip(
    python: Path, arguments: Sequence[str], environment: dict[str, str], root: Path, log: Path
) -> None:
    """Run `pip install` quietly, all of its output in the log. Raises SetupError."""
    environment = {
        **environment,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PYTHONUNBUFFERED": "1",
    }
    command = [str(python), "-m", "pip", "install", "--progress-bar", "off", *arguments]
    lines = []
    with (
        log.open("a", encoding="utf-8") as kept,
        subprocess.Popen(
            command,
            env=environment,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as child,
    ):
        for line in child.stdout or ():
            kept.write(line)
            lines.append(line)
            show(line)
    show("")
    if child.returncode != 0:
        raise SetupError(explanation("".join(lines), log))


def has_nvidia() -> bool:
    """True where an NVIDIA driver is visible, so that CUDA's gigabytes are worth their place."""
    return shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()


def chooses_own_source(python: Path, environment: dict[str, str]) -> bool:
    """True where the user's pip is told where to look: that choice is left alone."""
    asked = subprocess.run(
        [str(python), "-m", "pip", "config", "list"],
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
    )
    return bool(re.search(r"\.(index-url|extra-index-url|find-links|no-index)=", asked.stdout))


def answers(url: str, seconds: float = PROBE_SECONDS) -> bool:
    """True where the page answers within so many seconds, name look-up included."""
    answered = threading.Event()

    def ask() -> None:
        try:
            with urllib.request.urlopen(url, timeout=seconds):
                answered.set()
        except (OSError, ValueError):
            pass

    threading.Thread(target=ask, daemon=True).start()
    return answered.wait(seconds)


def torch_source(python: Path, environment: dict[str, str]) -> str | None:
    """An index with a smaller torch, where that is wanted and answers; None for pip's own way.

    On Linux, PyPI's torch brings several gigabytes of CUDA. `COURSE_TORCH_INDEX` names another
    index, or `none`; without it, PyTorch's own is taken where no NVIDIA driver is visible and
    nobody has told pip where to look.
    """
    chosen = environment.get("COURSE_TORCH_INDEX", "")
    if chosen:
        return None if chosen.lower() == "none" else chosen
    if sys.platform != "linux" or has_nvidia() or chooses_own_source(python, environment):
        return None
    if answers(f"{CPU_INDEX}/torch/"):
        return CPU_INDEX
    print("setup: PyTorch's CPU index does not answer; taking PyPI's torch, CUDA included.")
    return None


def pip_install(
    python: Path, root: Path, extras: Sequence[str], environment: dict[str, str], log: Path
) -> None:
    """Install the course, editable, with its extras, at the pinned versions. Raises SetupError."""
    if is_too_deep(str(root), long_paths=allows_long_paths()):
        raise SetupError(long_path_advice())
    what = f"the course and its {', '.join(extras)} tools" if extras else "the course"
    print(f"setup: installing {what} into .venv (a minute or two the first time)", flush=True)
    pinned = ["-c", "constraints.txt"]
    if not list(python.parent.parent.glob("[Ll]ib/**/site-packages/torch-*.dist-info")):
        index = torch_source(python, environment)
        if index:
            run_pip(python, [*pinned, "torch", "--extra-index-url", index], environment, root, log)
    package = f".[{','.join(extras)}]" if extras else "."
    run_pip(python, [*pinned, "-e", package], environment, root, log)
    if os.name == "nt":
        print("setup: done.", flush=True)
