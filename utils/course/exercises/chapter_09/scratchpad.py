"""Exercise 9.1: write the scratchpad of a sum."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np

from utils.course.checking.exercise import Exercise
from utils.course.exercises.slips import Wrong, alone, in_pairs
from utils.data.puzzles import sums


def scratchpad(question: str) -> str:
    """Each digit of a question, and after it the sum so far modulo ten."""
    return sums.scratchpad(question)


def _slipped(question: str, wrong: Wrong) -> Any:
    cut = 2 if "short" in wrong else 1
    digits = [int(digit) for digit in question[:-cut]]
    lines, total = [], 0
    for i, digit in enumerate(digits):
        late, total = total, _added(digits, i, total, wrong)
        shown = late if "lags" in wrong else total
        lines.append([str(shown), str(digit)] if "turned" in wrong else [str(digit), str(shown)])
    return _laid_out(question, lines, wrong)


def _added(digits: list[int], i: int, total: int, wrong: Wrong) -> int:
    if "two at a time" in wrong:
        total = digits[i - 1] if i else 0
    total = total * digits[i] if "times" in wrong and i else total + digits[i]
    return total if "tens" in wrong else total % 10


def _laid_out(question: str, lines: list[list[str]], wrong: Wrong) -> Any:
    place = 1 if "turned" in wrong else 0
    if "no digits" in wrong:
        lines = [[line[1 - place]] for line in lines]
    if "no sums" in wrong:
        lines = [[line[place]] for line in lines]
    if "apart" in wrong:
        lines = [[line[0] for line in lines], [line[-1] for line in lines]]
    text = "".join("".join(line) for line in lines)
    if "question" in wrong:
        text = question + text
    if "answer" in wrong:
        text += f":{lines[-1][-1][-1]};" if lines and lines[-1] else ":0;"
    if "mark" in wrong:
        text += "="
    return text


SAID = {
    "tens": "The sums run over ten: keep the last digit only, % 10.",
    "turned": "Each sum is written before its digit: first the digit, then the sum so far.",
    "lags": "The sum lags one behind: it must count the digit before it, too.",
    "no digits": "You wrote the sums and left the digits out. The copied digit says which one is "
    "being added.",
    "no sums": "You copied the digits and left the sums out: they are the work.",
    "two at a time": "Each line adds only the digit before it and its own. The sum runs from the "
    "first digit on.",
    "apart": "All digits come first, then all sums: write each sum right after its digit.",
    "question": "The question stands in front: return only what is written after it.",
    "answer": "The answer stands at the end: the scratchpad stops after the last sum.",
    "short": "The last digit of the question is missing: `question[:-1]` drops the `=` alone.",
    "times": "You multiply the digits; the scratchpad adds them.",
    "mark": "An `=` stands at the end: it belongs to the question, which is written already.",
}
APART = [
    "tens | no sums",
    "lags | no sums",
    "times | no sums",
    "two at a time | no sums",
    "turned | no sums | no digits",
    "apart | no sums | no digits",
    "two at a time | lags | times",
    "answer | mark",
    "short | answer",
    "no sums | mark",  # what returns its argument does
]


def _joined_by(mark: str) -> Any:
    return lambda question: mark.join(sums.scratchpad(question))


def _as_pairs(question: str) -> list[tuple[int, int]]:
    text = sums.scratchpad(question)
    return [(int(a), int(b)) for a, b in zip(text[::2], text[1::2], strict=True)]


def _totals(digits: str) -> list[tuple[str, int]]:
    return list(zip(digits, accumulate(map(int, digits)), strict=True))


def _explain(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """What is said of a text that is right but for what stands between its figures."""
    if not isinstance(got, str) or got == expected:
        return None
    figures = "".join(character for character in got if character in "0123456789")
    if figures != expected:
        return None
    return (
        "The figures are right, and something else stands among them: write nothing between a "
        "digit and its sum, nor between the lines."
    )


def _explain_form(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """What is said of lines that are right, and still apart."""
    lines = isinstance(got, list | tuple) and all(isinstance(line, str) for line in got)
    return A_LIST if lines and "".join(got) == expected else None


A_LIST = 'A list is no text: put the figures one behind the other, `"".join(…)`.'


def _by_accumulate(question: str) -> str:
    digits = [int(digit) for digit in question.rstrip("=")]
    totals = accumulate(digits, lambda total, digit: (total + digit) % 10)
    return "".join(f"{digit}{total}" for digit, total in zip(digits, totals, strict=True))


def _by_numpy(question: str) -> str:
    digits = np.array(list(question[:-1]), dtype=int)
    return "".join(map(str, np.stack([digits, digits.cumsum() % 10], axis=1).ravel()))


SCRATCHPAD = Exercise(
    id="9.1",
    title="Write the scratchpad",
    minutes=4,
    stars=1,
    reference=scratchpad,
    probes=[("58=",), ("7=",), ("374=",), ("0050=",), ("99999=",), ("86712475=",)],
    mistakes={
        **alone(_slipped, SAID),
        'Spaces stand between the figures: write them one behind the other, `"".join(…)`.': (
            _joined_by(" ")
        ),
        'Commas stand between the figures: write them one behind the other, `"".join(…)`.': (
            _joined_by(",")
        ),
        A_LIST: (lambda question: list(sums.scratchpad(question))),
        "A list of pairs is no text: write each digit and its sum one behind the other, as one "
        "string.": _as_pairs,
        "`int` can't read the `=`: walk over question[:-1], which leaves it out.": (
            lambda question: "".join(f"{digit}{int(digit)}" for digit in question)
        ),
        "The sums run over ten, and you kept their first digit: the last one, % 10.": (
            lambda question: "".join(
                f"{digit}{str(total)[0]}" for digit, total in _totals(question[:-1])
            )
        ),
        "Each digit stands there twice: behind it belongs the sum of all digits so far.": (
            lambda question: "".join(digit * 2 for digit in question[:-1])
        ),
        "Your total begins at 1: the sum of no digits is 0.": lambda question: "".join(
            f"{digit}{(total + 1) % 10}" for digit, total in _totals(question[:-1])
        ),
        "The digits are subtracted: add them.": lambda question: "".join(
            f"{digit}{-total % 10}" for digit, total in _totals(question[:-1])
        ),
        "Behind every digit stands the sum of all: it is the sum so far.": lambda question: "".join(
            f"{digit}{sum(map(int, question[:-1])) % 10}" for digit in question[:-1]
        ),
        "Only the first line came back: return when all digits are through, behind the "
        "loop.": lambda question: sums.scratchpad(question)[:2],
        "Only the last line came back: put each behind those before, `+=`.": (
            lambda question: sums.scratchpad(question)[-2:]
        ),
        "You kept the tens of the sum: the last digit, % 10.": lambda question: "".join(
            f"{digit}{total // 10}" for digit, total in _totals(question[:-1])
        ),
        "A number can't be joined to a text: str(total), or an f-string.": lambda question: (
            question[0] + int(question[0])
        ),
        "You began with the last digit: the first comes first.": lambda question: sums.scratchpad(
            question[-2::-1] + "="
        ),
        "A number forgets the noughts in front, and a model reads characters: return the "
        "text.": lambda question: int(sums.scratchpad(question)),
    },
    together=in_pairs(_slipped, SAID, APART),
    alternatives={"accumulate": _by_accumulate, "numpy": _by_numpy},
    explain=_explain,
    explain_form=_explain_form,
)
