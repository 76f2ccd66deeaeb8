"""Exercise 9.2: find the answer in what a model wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from utils.course.checking.exercise import Exercise
from utils.data.puzzles import sums


def parse_answer(text: str) -> int | None:
    """The answer to the last question of a text, or None."""
    return sums.parse_answer(text)


def _behind(text: str) -> str:
    """What stands behind the last `=`."""
    return text.rpartition("=")[2]


def _digit(found: re.Match[str] | None) -> int | None:
    return int(found[1]) if found else None


def _last_colon(text: str) -> int | None:
    found = re.findall(r":([0-9]);", text)
    return int(found[-1]) if found else None


def _last_digit(text: str) -> int | None:
    found = re.findall(r"[0-9]", _behind(text))
    return int(found[-1]) if found else None


IsDigit = Callable[[str], bool]


def _no_colon(text: str, is_digit: IsDigit = str.isdecimal) -> int | None:
    piece, end, _ = _behind(text).partition(";")
    return int(piece[-1]) if end and is_digit(piece[-1:]) else None


def _any_colon(text: str, is_digit: IsDigit = str.isdecimal) -> int | None:
    piece, end, _ = _behind(text).partition(";")
    return int(piece[-1]) if end and ":" in piece and is_digit(piece[-1:]) else None


def _no_length(text: str, is_digit: IsDigit = str.isdecimal) -> int | None:
    piece, end, _ = _behind(text).partition(";")
    return int(piece[-1]) if piece[-2] == ":" and is_digit(piece[-1]) and end else None


def _no_length_inside(text: str, is_digit: IsDigit = str.isdecimal) -> int | None:
    piece, end, _ = _behind(text).partition(";")
    return int(piece[-1]) if end and piece[-2] == ":" and is_digit(piece[-1]) else None


def _many_digits(text: str, is_digit: IsDigit = str.isdecimal) -> int | None:
    piece, end, _ = _behind(text).partition(";")
    given = piece.rpartition(":")[2]
    return int(given) if end and ":" in piece and is_digit(given) else None


def _no_question(text: str) -> int | None:
    return sums.parse_answer(text) if "=" in text else None


def _first_colon_of_answer(text: str) -> int | None:
    piece, end, _ = _behind(text).partition(";")
    given = piece.partition(":")[2]
    return int(given) if end and len(given) == 1 and given in "0123456789" else None


def _any_character(text: str) -> int | None:
    piece, end, _ = _behind(text).partition(";")
    return int(piece[-1]) if end and piece[-2:-1] == ":" else None


def _by_isdigit(text: str) -> int | None:
    piece, end, _ = _behind(text).partition(";")
    return int(piece[-1]) if end and piece[-2:-1] == ":" and piece[-1].isdigit() else None


def _signed(text: str) -> int | None:
    piece, end, _ = _behind(text).partition(";")
    return _digit(re.search(r":([+-]?[0-9])$", piece)) if end else None


def _the_last_semicolon(text: str) -> int | None:
    piece, end, _ = _behind(text).rpartition(";")
    return _digit(re.search(r":([0-9])$", piece)) if end else None


def _behind_the_first(text: str) -> int | None:
    piece, end, _ = text.partition("=")[2].partition(";")
    return _digit(re.search(r":([0-9])$", piece)) if end else None


def _instead_of_none(value: Any) -> Any:
    def answer(text: str) -> Any:
        found = sums.parse_answer(text)
        return value if found is None else found

    return answer


def _as_text(text: str) -> str | None:
    found = sums.parse_answer(text)
    return None if found is None else str(found)


def _in_a_list(text: str) -> list[int] | None:
    found = sums.parse_answer(text)
    return None if found is None else [found]


def _raises(text: str) -> int:
    found = sums.parse_answer(text)
    if found is None:
        raise ValueError("no answer")
    return found


def _as_truth(text: str) -> bool:
    return sums.parse_answer(text) is not None


def _by_hand(text: str) -> int | None:
    last = text.split("=")[-1]
    if ";" not in last:
        return None
    before = last[: last.index(";")]
    if len(before) < 2 or before[-2] != ":" or before[-1] not in "0123456789":
        return None
    return int(before[-1])


def _by_regex(text: str) -> int | None:
    found = re.search(r"(?:^|=)[^=;]*:([0-9]);[^=]*$", text)
    return int(found.group(1)) if found else None


NO_COLON = (
    "Nobody looked for the `:`. Without one just before its digit, a line of the scratchpad passes "
    "for the answer."
)
ANY_COLON = (
    "A `:` somewhere before the `;` is enough for you: it must stand just before the one digit."
)
NO_LENGTH = (
    "A piece of fewer than two characters has no piece[-2]: piece[-2:-1] is empty there, and "
    "raises nothing."
)
SHORT = (
    "Before the `;` there may be a single character, which has no piece[-2]: piece[-2:-1] is empty "
    "there, and raises nothing."
)
MANY = "An answer is one digit: with two there is none."
BY_ISDIGIT = (
    "`isdigit` and `isnumeric` are true of ² too, and `int` can not read it: ask "
    '`in "0123456789"`, or `isdecimal`.'
)

PARSE_ANSWER = Exercise(
    id="9.2",
    title="Parse an answer",
    minutes=6,
    stars=2,
    reference=parse_answer,
    probes=[
        ("47=4471:1;",),
        ("7=:7;",),
        ("55=5550:0;",),
        ("47=4471",),
        ("47=4471:1",),
        ("47=4471;",),
        ("47=:11;",),
        ("47=:;",),
        ("12=:3;47=",),
        ("12=:3;47=4471:1;",),
        ("12=:3;47=4471:",),
        ("47=4471;:9;",),
        ("47=:12;:3;",),
        ("47=4471:1;;:9;",),
        ("47=4:471:1;",),
        ("47=44:71;",),
        ("47=:x;",),
        ("47=✓1;",),
        ("47=:-1;",),
        ("47=:²;",),
        ("47=44✓72✗71✓:1;",),
        ("4471:1;",),
        ("47=4471:1;55",),
    ],
    mistakes={
        "You took the first answer of the text: an example in front of the question has an answer, "
        "too. Look only behind the last `=`.": lambda text: _digit(re.search(r":([0-9]);", text)),
        "You look behind the first `=`, where the example's answer stands. Look behind the last "
        "one, with `rpartition`.": _behind_the_first,
        "Where the model gave no answer you took that of the example before. Look only behind "
        "the last `=`, and return None where nothing is there.": _last_colon,
        "The first `;` behind the last `=` ends the answer, and you look on behind it. Cut there, "
        "then look.": lambda text: _digit(re.search(r":([0-9]);", _behind(text))),
        "You go by the last `;`. The first one behind the last `=` ends the "
        "answer.": _the_last_semicolon,
        "Any last digit will do for you. An answer stands between `:` and `;`; a line of the "
        "scratchpad is none.": _last_digit,
        NO_COLON: _no_colon,
        ANY_COLON: _any_colon,
        NO_LENGTH: _no_length,
        SHORT: _no_length_inside,
        "A text without a `=` has an answer too: the whole text is looked at there.": _no_question,
        "You look behind the first `:`. The answer's is the one just before its digit and the "
        "`;`, and there may be others before.": _first_colon_of_answer,
        "You took an answer that wasn't finished: without a `;` the model was still "
        "writing.": lambda text: _digit(re.search(r":([0-9])$", _behind(text).partition(";")[0])),
        "The answer 0 became None: 0 is a digit like the others, though `or` takes it for "
        "nothing.": (lambda text: sums.parse_answer(text) or None),
        MANY: _many_digits,
        "What stands between `:` and `;` need not be a digit: look before you call `int`, and "
        "return None.": _any_character,
        BY_ISDIGIT: _by_isdigit,
        "A sign is no digit: −1 is no answer, it is two characters.": _signed,
        "Return a number: the character '0' equals no sum.": _as_text,
        '`split("=")[1]` stands behind the first `=`: behind the last is `rpartition("=")[2]`, and '
        "without a `=` it is the whole text.": lambda text: sums.parse_answer(text.split("=")[1]),
        "You look at the end of the text, and something may stand behind the `;` that ends the "
        "answer: cut there first.": lambda text: _digit(re.search(r":([0-9]);$", text)),
        "A list came back: return the number alone.": _in_a_list,
        "No answer must give None: you raise an error.": _raises,
        "Return the digit itself, not whether there is one.": _as_truth,
        "No answer must give None: −1 would be counted as a vote.": _instead_of_none(-1),
        "No answer must give None: 0 is an answer.": _instead_of_none(0),
        "No answer must give None, not an empty text.": _instead_of_none(""),
    },
    together={
        (NO_COLON, BY_ISDIGIT): partial(_no_colon, is_digit=str.isdigit),
        (ANY_COLON, BY_ISDIGIT): partial(_any_colon, is_digit=str.isdigit),
        (NO_LENGTH, BY_ISDIGIT): partial(_no_length, is_digit=str.isdigit),
        (SHORT, BY_ISDIGIT): partial(_no_length_inside, is_digit=str.isdigit),
        (MANY, BY_ISDIGIT): partial(_many_digits, is_digit=str.isdigit),
    },
    alternatives={
        "slices": _by_hand,
        "one regular expression": _by_regex,
        "any decimal digit": lambda text: _digit(re.search(r"(?:^|=)[^=;]*:(\d);[^=]*$", text)),
    },
)
