"""Find a Python that the course can use, and hand over to it.

Kept, as `pythons.py` is, to what Python 3.6 can read; what follows may use the course's Python.
"""

import os
import subprocess
import sys

from tools.pythons import ROOT, supported_range, version_of


def find_python() -> "list[str] | None":
    """A command for the newest supported Python of this machine, or None."""
    low, high = supported_range()
    for minor in range(high[1] - 1, low[1] - 1, -1):
        name = f"3.{minor}"
        commands = [["python" + name]]
        if os.name == "nt":
            commands.append(["py", "-" + name])
        for command in commands:
            if version_of(command) == (3, minor):
                return command
    return None


def refusal(version: "tuple[int, int]", explicit: "str | None") -> str:
    """One line: which Python this is, which is needed, and what to do."""
    low, high = supported_range()
    which = f" (PYTHON={explicit})" if explicit else ""
    fault = "old" if version < low else "new"
    return (
        f"setup: Python {version[0]}.{version[1]}{which} is too {fault}: the course needs "
        f"3.{low[1]} to 3.{high[1] - 1}; install one from python.org and run this again, "
        "or name one: make lab PYTHON=/path/to/python3"
    )


def main(argv: "list[str]") -> int:
    """Run the task with this Python, or with a supported one found on this machine."""
    low, high = supported_range()
    version = sys.version_info[:2]
    if low <= version < high:
        from tools.tasks import run_task

        return run_task(argv)
    explicit = os.environ.get("PYTHON")
    other = None if explicit else find_python()
    if other is None:
        print(refusal(version, explicit), file=sys.stderr)
        return 1
    command = [*other, str(ROOT / "setup_env.py"), *argv]
    if os.name == "posix":
        os.execvp(command[0], command)
    return subprocess.call(command)
