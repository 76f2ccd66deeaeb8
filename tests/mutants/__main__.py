"""`make mutants`: wrong answers through every check; `python tests/mutants --help` tells more."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # so that this folder is a package

from mutants.cases import Case, chapters, load  # noqa: E402
from mutants.report import table  # noqa: E402
from mutants.trial import Trial, attempt, fault  # noqa: E402


def options(argv: Sequence[str]) -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(prog="mutants", description="Put answers through the checks.")
    parser.add_argument("--chapter", metavar="04", help="only the exercises of this chapter")
    parser.add_argument("--exercise", metavar="4.6", help="only this exercise")
    return parser.parse_args(argv)


def by_hand(cases: Sequence[Case]) -> list[str]:
    """Try the cases, print what each is told; the faults."""
    wrong, sound = list[Trial](), list[Trial]()
    faults = []
    for case in cases:
        trial = attempt(case.exercise, case.name, case.answer, case.says)
        (sound if case.is_sound else wrong).append(trial)
        said = fault(case, trial)
        if said:
            faults.append(f"{case.label}: {said}")
    print(table("wrong answers written by hand", wrong))
    print()
    print(table("sound answers written by hand", sound))
    return faults


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; 1 where an answer did not come out as it must."""
    given = options(sys.argv[1:] if argv is None else argv)
    chosen = [given.chapter.zfill(2)] if given.chapter else chapters()
    if given.exercise:
        chosen = [given.exercise.split(".")[0].zfill(2)]
    cases = [c for n in chosen for c in load(n) if given.exercise in (None, c.exercise)]
    faults = by_hand(cases)
    for each in faults:
        print(f"\n{each}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
