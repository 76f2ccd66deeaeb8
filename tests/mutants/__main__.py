"""`make mutants`: wrong answers through every check; `python tests/mutants --help` tells more."""

from __future__ import annotations

import argparse
import itertools
import math
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # so that this folder is a package

from mutants import reports, survivors  # noqa: E402
from mutants.answers import from_files  # noqa: E402
from mutants.cases import chapters, load  # noqa: E402
from mutants.mutate import mutants  # noqa: E402
from mutants.report import detail, table  # noqa: E402
from mutants.trial import CRASHED, NOT_ATTEMPTED, SURVIVED, Trial, fault  # noqa: E402
from mutants.worker import Order, try_all  # noqa: E402
from utils.course.checking import registry  # noqa: E402

SECONDS = 2.0  # for one mutant: many of them never end


def options(argv: Sequence[str]) -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(prog="mutants", description="Put answers through the checks.")
    parser.add_argument("--chapter", metavar="04", help="only the exercises of this chapter")
    parser.add_argument("--exercise", metavar="4.6", help="only this exercise")
    parser.add_argument("--hand", action="store_true", help="only what was written by hand")
    parser.add_argument("--machine", action="store_true", help="only the mutants")
    parser.add_argument("--folder", type=Path, help="JSON files of answers, in place of all else")
    parser.add_argument(
        "--reports", type=Path, help="files of `course report`, whose code is run, in place of all"
    )
    parser.add_argument("--sample", type=float, metavar="SECONDS", help="stop after so long")
    parser.add_argument("--seed", type=int, default=0, help="which sample")
    parser.add_argument(
        "--plain", action="store_true", help="of mutants, see only which fall: ten times as fast"
    )
    parser.add_argument("--survivors", action="store_true", help="show the mutants that pass")
    parser.add_argument("--all", action="store_true", help="show what every answer is told")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    return parser.parse_args(argv)


def chosen(given: argparse.Namespace) -> list[str]:
    """The exercises that are asked for."""
    chapter = given.chapter and f"{int(given.chapter)}."
    return [
        id
        for id in registry.exercises()
        if given.exercise in (None, id) and (not chapter or id.startswith(chapter))
    ]


def run(title: str, orders: Sequence[Order], given: argparse.Namespace) -> list[Trial]:
    """Try them all, or as many as there is time for, and print the table."""
    ends = time.monotonic() + (given.sample or math.inf)
    waiting = iter(orders)
    trials = []
    for trial in try_all(
        itertools.takewhile(lambda _: time.monotonic() < ends, waiting), given.jobs
    ):
        trials.append(trial)
        if sys.stderr.isatty():
            print(f"\r{title}: {len(trials)} of {len(orders)}", end="\r", file=sys.stderr)
    print(table(title, trials), end="\n\n", flush=True)
    if given.all:
        print("\n\n".join(detail(trial) for trial in trials), end="\n\n")
    return trials


def by_hand(given: argparse.Namespace, is_sound: bool) -> list[str]:
    """Try the cases; what is told of those that did not come out as they must."""
    ids = set(chosen(given))
    cases = {
        Order(case.exercise, case.name, chapter, index, says=case.says): case
        for chapter in chapters()
        for index, case in enumerate(load(chapter))
        if case.is_sound is is_sound and case.exercise in ids
    }
    trials = run(("sound" if is_sound else "wrong") + " answers, by hand", list(cases), given)
    faults = [(t, fault(t, c.says, is_sound)) for t, c in zip(trials, cases.values(), strict=False)]
    return [f"{t.exercise} {t.name}: {said}" for t, said in faults if said]


def by_machine(given: argparse.Namespace) -> list[str]:
    """Try the mutants; those that pass, and are not known to be sound."""
    orders = [
        Order(
            m.exercise, m.change, code=m.code, function=m.name, timeout=SECONDS, plain=given.plain
        )
        for id in chosen(given)
        for m in mutants(id.split(".")[0].zfill(2), id)
    ]
    if given.sample:
        random.Random(given.seed).shuffle(orders)
    trials = run("mutants of the solutions", orders, given)
    passed = [trial for trial in trials if trial.outcome == SURVIVED]
    new = [trial for trial in passed if survivors.why(trial.exercise, trial.name) is None]
    if given.survivors:
        print(survivors.listed(passed), end="\n\n")
    bad = [t for t in trials if t.outcome in (CRASHED, NOT_ATTEMPTED)]
    return [f"{t.exercise} {t.name}: {t.outcome} {t.said}".rstrip() for t in (*new, *bad)]


def from_folder(given: argparse.Namespace) -> list[str]:
    """Try the answers in files."""
    ids = set(chosen(given))
    answers = [each for each in from_files(given.folder) if each.exercise in ids]
    faults = []
    for is_sound in (False, True):
        mine = [each for each in answers if (each.says is None) is is_sound]
        orders = [Order(a.exercise, a.name, code=a.code, says=a.says or ()) for a in mine]
        trials = run(("sound" if is_sound else "wrong") + " answers", orders, given)
        for trial, order in zip(trials, orders, strict=False):
            said = fault(trial, order.says, is_sound)
            faults += [f"{trial.exercise} {trial.name}: {said}"] if said else []
    return faults


def from_reports(given: argparse.Namespace) -> list[str]:
    """Try what learners have sent; the answers whose verdicts no longer hold."""
    ids = set(chosen(given))
    try:
        sent = reports.read(given.reports)
    except ValueError as error:
        sys.exit(f"mutants: {error}")
    counts = {each: n for each, n in sent.items() if each.exercise in ids}
    orders = [Order(s.exercise, s.verdict, code=s.code, function=s.function) for s in counts]
    tried = [*zip(counts, run("answers sent by learners", orders, given), strict=False)]
    print("\n\n".join(reports.unnamed(tried, counts)), end="\n\n")
    return [said for sent, trial in tried if (said := reports.differs(sent, trial))]


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; 1 where an answer did not come out as it must."""
    given = options(sys.argv[1:] if argv is None else argv)
    faults = list[str]()
    if given.reports:
        faults += from_reports(given)
    elif given.folder:
        faults += from_folder(given)
    elif not given.machine:
        faults += by_hand(given, is_sound=False) + by_hand(given, is_sound=True)
    if not (given.folder or given.reports or given.hand):
        faults += by_machine(given)
    print("\n\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
