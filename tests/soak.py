"""What takes long to prove: kills, flips and processes, by chance, until they have held.

    python tests/soak.py [resume] [folder] [flips] [processes]      all four where none is named

Each is a program of its own beside this one and takes options there. Ends with 1 where one failed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = {
    "resume": "a training killed at fifty moments and resumed",
    "folder": "trainings that begin anew in one folder, killed",
    "flips": "a thousand flipped bits in every kind of file",
    "processes": "two processes that train together, three hundred times",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PROGRAMS))
    names = parser.parse_args().names or list(PROGRAMS)
    if unknown := sorted(set(names) - set(PROGRAMS)):
        parser.error(f"{', '.join(unknown)}: there are {', '.join(PROGRAMS)}")
    failed = []
    for name in names:
        print(f"{name}: {PROGRAMS[name]}", flush=True)
        began = time.perf_counter()
        code = subprocess.run([sys.executable, str(HERE / f"soak_{name}.py")]).returncode
        failed += [name] * (code != 0)
        print(f"{name}: {'failed' if code else 'held'}, {time.perf_counter() - began:.0f} s\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
