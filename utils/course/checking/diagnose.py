"""What is wrong with an answer: a sentence of the exercise where one is true, else what differs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from utils.course.checking import tensors
from utils.course.checking.compare import Difference, Remark, difference
from utils.course.checking.exercise import Answer, Exercise
from utils.course.checking.own_code import (
    argument_name,
    in_words,
    may_end_without_return,
    one_line,
    own_raise,
    same_error,
    where,
)
from utils.course.checking.running import (
    NOT_AGAIN,
    Outcome,
    OutOfTime,
    compared_values,
    differs_again,
    guarded,
    run,
)
from utils.course.checking.show import apart, show
from utils.course.checking.state import own_randomness
from utils.course.checking.tensors import ROW, are_weights, plain

MOST_KEPT = 50_000  # outcomes of listed mistakes
CHANGED = "the result is right, but the argument was changed on the way"


@dataclass(frozen=True)
class Findings:
    """An answer, its outcome on every probe beside the reference's, and how the two depart."""

    exercise: Exercise
    answer: Answer
    expected: list[Outcome]
    got: list[Outcome]
    faults: list[Difference | None]

    @property
    def first(self) -> int:
        """The first probe that went wrong; there must be one."""
        return next(i for i, fault in enumerate(self.faults) if fault)


def compared(exercise: Exercise, answer: Answer, got: list[Outcome]) -> Findings:
    """The outcomes of an answer beside the reference's on the same probes."""
    expected = [_outcome_of(exercise, exercise.reference, place) for place in range(len(got))]
    faults = [fault(exercise, e, g) for e, g in zip(expected, got, strict=True)]
    return Findings(exercise, answer, expected, got, faults)


def _may_stand_for(expected: BaseException, got: BaseException) -> bool:
    return isinstance(got, type(expected))


def fault(
    exercise: Exercise,
    expected: Outcome,
    got: Outcome,
    alike: Callable[[BaseException, BaseException], bool] = _may_stand_for,
) -> Difference | None:
    """How one outcome departs from the expected one, None where it does not.

    A result may be anything, so comparing it may raise or take long; that is a difference, too.
    """
    found, error, _ = guarded(lambda: _fault(exercise, expected, got, alike), exercise.timeout)
    if not error:
        return found
    why = "that takes too long" if isinstance(error, OutOfTime) else one_line(error)
    return Difference(f"what it returns can't be compared with what is expected ({why})", kind=True)


def _fault(
    exercise: Exercise,
    expected: Outcome,
    got: Outcome,
    alike: Callable[[BaseException, BaseException], bool],
) -> Difference | None:
    if got.timed_out or expected.timed_out:
        return None if got.timed_out and expected.timed_out else Difference("no result in time")
    if got.error or expected.error:
        if expected.error and got.error and alike(expected.error, got.error):
            return None
        if isinstance(got.value, BaseException):
            return Difference(f"it returned the {type(got.value).__name__}: raise it instead")
        wanted = f"expected a {type(expected.error).__name__}, " if expected.error else ""
        came = f"got {show(got.value)}" if not got.error else f"it raised {one_line(got.error)}"
        return Difference(wanted + came)
    found = difference(*compared_values(expected, got), exercise.rtol, exercise.atol)
    if found:
        return found
    if got.changed_argument is not None and expected.changed_argument is None:
        return Difference(CHANGED)
    lost = _way_back_lost(exercise, expected, got)
    return Difference(lost) if lost else None


def _way_back_lost(exercise: Exercise, expected: Outcome, got: Outcome) -> str:
    """What of the gradient is lost; a `call` of the exercise's own looks closer by itself."""
    theirs, ours = ([(call.args, call.value) for call in o.calls] for o in (expected, got))
    return tensors.way_back_lost(theirs, ours, closely=exercise.call is Exercise.call)


def told(found: Findings, sentence: str | None) -> str:
    """The diagnosis: what is wrong, the smallest input that shows it, expected and got.

    `sentence` is that of a listed mistake, as `named` finds it.
    """
    exercise, first = found.exercise, found.first
    outcome, wanted, fault = found.got[first], found.expected[first], found.faults[first]
    if outcome.timed_out:
        text = sentence or f"no result after {exercise.timeout:g} s: does a loop ever end?"
        return _with_input(found, text, bool(sentence))
    if outcome.error and not wanted.error:
        return _with_input(found, _raised(found, sentence), bool(sentence))
    unseen = fault.values in (tensors.CUT_OFF, tensors.CUT_IN_PART)
    results = "" if wanted.error or unseen else _results(found)
    text = sentence or _explanation(found) or _in_words(found)
    if fault.values == CHANGED:
        name = argument_name(exercise.reference, outcome.changed_argument)
        text = sentence or f"{CHANGED}: work on a copy of {name}."
    elif sentence and fault.kind:
        results = f"\n   {fault.text}" + results
    return _with_input(found, text, bool(sentence)) + results


def told_briefly(found: Findings) -> str:
    """The diagnosis where a result can't be looked at any closer."""
    outcome, fault = found.got[found.first], found.faults[found.first]
    return f"{fault.values}\n   for {_call(found, outcome)}"


def _raised(found: Findings, sentence: str | None) -> str:
    outcome = found.got[found.first]
    lines = in_words(outcome.error, found.answer, outcome.failed_outside)
    place = where(outcome.error, found.answer)
    return "\n   ".join([sentence, *place, *lines] if sentence else [*lines, *place])


def named(found: Findings) -> str | None:
    """The sentence of the listed mistake that does what the answer did on every probe.

    Where there is none, the two sentences of a pair of mistakes that does, one a line; where
    several pairs do, what they have in common, since any of them may be the answer's.
    """
    exercise = found.exercise
    with own_randomness():
        for sentence, wrong in exercise.mistakes.items():
            if _does_the_same(found, wrong):
                return sentence
        pairs = [said for said, wrong in exercise.together.items() if _does_the_same(found, wrong)]
    sure = [said for said in pairs[0] if all(said in pair for pair in pairs)] if pairs else []
    if sure:
        return "\n   ".join(sure)
    again = (differs_again(exercise, found.answer, found.got[i]) for i in {0, found.first})
    return NOT_AGAIN if any(again) else None


def _does_the_same(found: Findings, wrong: Answer) -> bool:
    """Whether a listed mistake does what the answer did, the first wrong probe looked at first."""
    exercise, first = found.exercise, found.first
    for place in [first, *range(first), *range(first + 1, len(found.got))]:
        expected, outcome, seen = found.expected[place], found.got[place], found.faults[place]
        theirs = _outcome_of(exercise, wrong, place)
        if theirs.changed_argument != outcome.changed_argument:
            return False
        # An error that is wanted may be raised in any words; one that isn't is told by them.
        as_wanted = expected.error and not seen and not fault(exercise, expected, theirs)
        both_raise = own_raise(theirs.error, wrong) and own_raise(outcome.error, found.answer)
        alike = _may_stand_for if both_raise else same_error
        if not as_wanted and fault(exercise, theirs, outcome, alike):
            return False
    return True


# What the reference and listed mistakes do is the same for every answer. The exercise is kept with
# it: an id that is free again may soon be another's.
_outcomes: dict[tuple[int, int, int], tuple[Exercise, Answer, Outcome]] = {}


def _outcome_of(exercise: Exercise, known: Answer, place: int) -> Outcome:
    key = id(exercise), id(known), place
    if key not in _outcomes:
        if len(_outcomes) > MOST_KEPT:
            _outcomes.clear()
        outcome = run(exercise, known, exercise.probes[place])
        if outcome.timed_out and known is exercise.reference:  # on a machine too busy for once
            return outcome
        _outcomes[key] = exercise, known, outcome
    return _outcomes[key][2]


def _explanation(found: Findings) -> str | None:
    """What the exercise itself has to say, or which of several results departs."""
    exercise, fault = found.exercise, found.faults[found.first]
    expected, got = found.expected[found.first], found.got[found.first]
    if expected.error or got.error:
        return None
    several = _another_order(found) or _one_missing(found) or _one_alone(found)
    if several or fault.nan:
        return several
    # An exercise's own `call` may put a word in a result's place, for `explain` to explain.
    worded = exercise.call is not Exercise.call and isinstance(got.value, str)
    explain = exercise.explain_form if fault.kind and not worded else exercise.explain
    try:
        said = explain(got.args, expected.value, got.value) if explain else None
    except Exception:  # a result that it was not written for
        said = None
    return said or _departing_part(found)


def _departing_part(found: Findings) -> str | None:
    exercise = found.exercise
    members = [_members(o[found.first].value) for o in (found.expected, found.got)]
    if len(members[0]) != len(members[1]):
        return None
    for name, e, g in zip(exercise.parts, *members, strict=False):
        departs = difference(e, g, exercise.rtol, exercise.atol)
        if departs:
            remark = f"{departs.remark}: " if _borne_out(found) else ""
            return f"the first part that departs is `{name}`: {remark}{departs.values}"
    return None


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if not isinstance(value, tuple | list):
        return []
    return [member for member in value if not isinstance(member, Remark)]


def _tuples(found: Findings) -> Iterator[tuple[list[Any], list[Any]]]:
    """The members of the two results, probe by probe, where both return several."""
    for expected, got in zip(found.expected, found.got, strict=True):
        if isinstance(expected.value, tuple) and isinstance(got.value, tuple | list):
            yield _members(expected.value), _members(got.value)


def _equal(found: Findings, expected: list[Any], got: list[Any]) -> bool:
    tolerance = found.exercise.rtol, found.exercise.atol
    pairs = zip(expected, got, strict=True)
    return not any(difference(e, g, *tolerance) for e, g in pairs)


def _another_order(found: Findings) -> str | None:
    """Words for several results, each right and in another's place on every probe."""
    pairs = list(_tuples(found))
    n = len(pairs[0][0]) if pairs else 0
    if len(pairs) < len(found.got) or not 2 <= n <= 4 or not _all_long(pairs, n, n):
        return None
    for order in list(itertools.permutations(range(n)))[1:]:
        if all(_equal(found, [e[i] for i in order], g) for e, g in pairs):
            names = _part_names(found.exercise, n)
            came = ", ".join(names[i] for i in order)
            return f"the results stand in another order: expected {', '.join(names)}, got {came}"
    return None


def _one_missing(found: Findings) -> str | None:
    """Words for several results, all right, of which one is left out on every probe."""
    pairs = list(_tuples(found))
    n = len(pairs[0][0]) if pairs else 0
    if len(pairs) < len(found.got) or n < 3 or not _all_long(pairs, n, n - 1):
        return None
    for i in range(n):
        if all(_equal(found, e[:i] + e[i + 1 :], g) for e, g in pairs):
            name = _part_names(found.exercise, n)[i]
            return f"{name} is missing: expected {n} results, got {n - 1}"
    return None


def _one_alone(found: Findings) -> str | None:
    """Words for one of several results, right and without the others on every probe."""
    pairs = [(e.value, g.value) for e, g in zip(found.expected, found.got, strict=True)]
    n = len(_members(pairs[0][0]))
    if n < 2 or not all(isinstance(e, tuple) and len(_members(e)) == n for e, _ in pairs):
        return None
    names = _part_names(found.exercise, n)
    for i, name in enumerate(names):
        if all(_equal(found, [_members(e)[i]], [g]) for e, g in pairs):
            return f"{name} came back alone: {n} results are asked for, {', '.join(names)}"
    return None


def _all_long(pairs: list[tuple[list[Any], list[Any]]], n: int, m: int) -> bool:
    return all(len(e) == n and len(g) == m for e, g in pairs)


def _part_names(exercise: Exercise, n: int) -> list[str]:
    if len(exercise.parts) == n:
        return [f"`{name}`" for name in exercise.parts]
    return [f"the {nth}" for nth in "first second third fourth fifth sixth".split()[:n]] + [
        f"number {i + 1}" for i in range(6, n)
    ]


def _in_words(found: Findings) -> str:
    """The first difference, with a remark only where every probe bears it out."""
    fault = found.faults[found.first]
    if found.got[found.first].value is None and fault.kind and not fault.path:
        ends = may_end_without_return(found.answer)
        return fault.values + ": is there a `return` on every path?" * ends
    return fault.text if _borne_out(found) else fault.values


def _borne_out(found: Findings) -> bool:
    """Whether what one result looks like is true of every probe that can show it, and of two."""
    first = found.faults[found.first]
    if not first.remark:
        return False
    if first.remark.startswith(ROW):  # by chance, or because rows of weights are asked for?
        return all(_is_there(o.value, first, _holds_weights) for o in found.expected)
    n_seen = 0
    for expected, fault in zip(found.expected, found.faults, strict=True):
        if fault is None:
            if not _is_there(expected.value, first, _shows_nothing):
                return False
            continue
        n_seen += 1
        if (fault.factor, _outer(fault)) != (first.factor, _outer(first)):
            return False
    return n_seen > 1 or len(found.got) == 1


def _is_there(value: Any, fault: Difference, look: Callable[[Any], bool]) -> bool:
    """What a look finds at the place in a result at which another probe's result departs."""
    try:
        value = plain(_part(value, fault))
        return value is not None and look(value)
    except Exception:
        return False


def _holds_weights(value: Any) -> bool:
    return value.ndim > 0 and are_weights(value)


def _shows_nothing(value: Any) -> bool:
    """Whether it is 0 everywhere: a multiple of it is 0 as well."""
    return not value.any()


def _part(value: Any, fault: Difference) -> Any:
    """The tensor or number of a result in which another probe's result departs."""
    for step in fault.path:
        value = step.into(value) if step.how else value
    return value


def _outer(fault: Difference) -> list[str]:
    """The path to the tensor or number that departs."""
    return [str(step) for step in fault.path if step.how]


def _with_input(found: Findings, text: str, is_named: bool) -> str:
    outcome = found.got[found.first]
    lines = f"{text}\n   for {_call(found, outcome)}"
    n_right = sum(fault is None for fault in found.faults)
    if n_right and not is_named:
        n = len(found.exercise.probes)
        lines += f"\n   right for {n_right} of {n} inputs; this is the first that goes wrong"
    if outcome.printed.strip():
        lines += f"\n   your code printed: {show(outcome.printed.strip().splitlines()[0])}"
    return lines


def _call(found: Findings, outcome: Outcome) -> str:
    arguments = ", ".join(show(value, 60) for value in outcome.args)
    name = getattr(found.exercise.reference, "__name__", "answer")
    name = getattr(found.answer, "__name__", name) if name == "<lambda>" else name
    return f"{name}({arguments})"


def _results(found: Findings) -> str:
    """Both results, or the parts that depart, where showing them tells them apart."""
    expected, got = compared_values(found.expected[found.first], found.got[found.first])
    if isinstance(got, Remark):
        return ""
    shown = apart(*map(_without_remarks, (expected, got)), found.faults[found.first].path)
    return f"\n   expected: {shown[0]}\n   got:      {shown[1]}" if shown else ""


def _without_remarks(value: Any) -> Any:
    if type(value) in (tuple, list) and any(isinstance(member, Remark) for member in value):
        return type(value)(_members(value))
    return value
