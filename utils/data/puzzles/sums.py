"""Sums of digits modulo ten: a puzzle that is easy on paper and hard in one's head.

The question `479=` asks for the last digit of 4 + 7 + 9. The answer stands between `:` and `;`, and
before it there is room to think, in one of four forms:

    direct       479=:0;                  the answer at once
    scratchpad   479=447190:0;            each digit, then the running sum: 4 4 · 7 1 · 9 0
    dots         479=......:0;            as long as the scratchpad, and nothing in it
    checked      479=444✓761✗711✓900✓:0;  each sum is made twice, and compared: ✗ is for once more

A token is a character. One question in ten is held out, by a rule: what a model is asked here it
has never been trained on, whatever the seed.
"""

import random
import re
import zlib
from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from utils.llm.tuning.answers import fill_up

__all__ = [
    "ANSWER_ID",
    "DOT_ID",
    "END_ID",
    "EQUALS_ID",
    "FORMS",
    "RIGHT_ID",
    "VOCABULARY",
    "WRONG_ID",
    "answer",
    "answer_text",
    "decode",
    "encode",
    "is_held_out",
    "lessons",
    "parse_answer",
    "prompts",
    "questions",
    "rewards",
    "scratchpad",
    "spaced",
    "verify",
]

#: What each id stands for.
VOCABULARY: tuple[str, ...] = tuple("0123456789=:.✓✗;")
EQUALS_ID, ANSWER_ID, DOT_ID, RIGHT_ID, WRONG_ID, END_ID = range(10, 16)
FORMS = ("direct", "scratchpad", "dots", "checked")
_NUMBER = {token: number for number, token in enumerate(VOCABULARY)}
_QUESTION = re.compile(r"[0-9]+=")


def is_held_out(question: str) -> bool:
    """Whether a question is kept from every training: one in ten, by its checksum."""
    return zlib.crc32(question.encode()) % 10 == 0


def questions(n: int, n_digits: int, seed: int = 0, *, held_out: bool = False) -> list[str]:
    """n questions of so many digits, drawn from those to train on, or from those held out.

    Raises ValueError for fewer than one digit.

    >>> questions(2, 8)
    ['77983841=', '53270992=']
    """
    if n_digits < 1:
        raise ValueError(f"n_digits is {n_digits}: a sum has at least one digit.")
    dice, found = random.Random(f"{seed} {n_digits} {held_out}"), []
    while len(found) < n:
        question = f"{dice.randrange(10**n_digits):0{n_digits}d}="
        if is_held_out(question) == held_out:
            found.append(question)
    return found


def answer(question: str) -> int:
    """The last digit of the sum of a question's digits.

    Raises ValueError for what is no question.

    >>> answer("479=")
    0
    """
    return sum(_digits(question)) % 10


def _digits(question: str) -> list[int]:
    if not _QUESTION.fullmatch(question):
        raise ValueError(f"{question!r} is no question: give digits and an =, as '479='.")
    return [int(digit) for digit in question[:-1]]


def scratchpad(question: str) -> str:
    """Each digit of the question, followed by the sum so far modulo ten.

    >>> scratchpad("479=")
    '447190'
    """
    lines, total = [], 0
    for digit in _digits(question):
        total = (total + digit) % 10
        lines.append(f"{digit}{total}")
    return "".join(lines)


def answer_text(question: str, form: str = "scratchpad") -> str:
    """All that is to be written after a question, without a mistake.

    Raises ValueError for a form that is not one of FORMS.

    >>> [answer_text("479=", form) for form in FORMS]
    [':0;', '447190:0;', '......:0;', '444✓711✓900✓:0;']
    """
    lines = scratchpad(question)
    thought = {
        "direct": "",
        "scratchpad": lines,
        "dots": "." * len(lines),
        "checked": "".join(_checked(lines[i : i + 2]) for i in range(0, len(lines), 2)),
    }
    if form not in thought:
        raise ValueError(f"form is {form!r}: give one of {', '.join(map(repr, FORMS))}.")
    return f"{thought[form]}:{answer(question)};"


def _checked(line: str) -> str:
    return f"{line}{line[1]}✓"


def spaced(text: str) -> str:
    """A text for reading: the lines of its thought apart from one another.

    >>> spaced("479=447190:0;"), spaced("47=444✓761✗711✓:1;")
    ('479= 44 71 90 :0;', '47= 444✓ 761✗ 711✓ :1;')
    """
    question, equals, rest = text.partition("=")
    thought, colon, last = rest.partition(":")
    lines = re.findall(r"[0-9]*[✓✗]|[0-9.]{1,2}|.", thought)
    return " ".join([question + equals, *lines, colon + last]).strip()


def parse_answer(text: str) -> int | None:
    """The answer to the last question of a text, None where none is given.

    After the last `=`, the first `;` ends the answer, and just before it a colon and one digit
    must stand. Whatever comes before the last `=` are other people's answers.

    >>> parse_answer("479=447190:0;"), parse_answer("12=:3;479="), parse_answer("479=:12;")
    (0, None, None)
    """
    written, end, _ = text.rpartition("=")[2].partition(";")
    found = re.search(r":([0-9])$", written) if end else None
    return int(found[1]) if found else None


def verify(question: str, given: int | None) -> bool:
    """Whether an answer is right; no answer is not."""
    return given is not None and given == answer(question)


def rewards(ids: Iterable[Sequence[int]] | Int[Tensor, "N T"]) -> list[float]:
    """1 for each text, question and all, that ends in the right answer, else 0."""
    texts = [decode(row) for row in ids]
    asked = [text[: text.index("=") + 1] for text in texts]
    return [
        float(verify(question, parse_answer(text)))
        for question, text in zip(asked, texts, strict=True)
    ]


def encode(text: str) -> list[int]:
    """The id of each character.

    Raises ValueError, naming the first character that is no token of the puzzle.

    >>> encode("47=")
    [4, 7, 10]
    """
    for place, token in enumerate(text):
        if token not in _NUMBER:
            raise ValueError(
                f"{token!r}, character {place} of {text!r}, is none of {' '.join(VOCABULARY)}"
            )
    return [_NUMBER[token] for token in text]


def decode(ids: Iterable[int] | Int[Tensor, "T"]) -> str:
    """The text of ids; filling, any id below 0, is left out.

    >>> decode([4, 7, 10, -1])
    '47='
    """
    numbers = ids.tolist() if isinstance(ids, Tensor) else ids
    return "".join(VOCABULARY[number] for number in numbers if number >= 0)


def prompts(asked: Sequence[str]) -> list[Int[Tensor, "T"]]:
    """Questions as `generate` takes them: a tensor of ids each."""
    return [torch.tensor(encode(question)) for question in asked]


def lessons(
    asked: Sequence[str], form: str = "scratchpad", *, mistakes: float = 0.0, seed: int = 0
) -> tuple[Int[Tensor, "N T"], Bool[Tensor, "N T"]]:
    """Questions with their answers as ids, and the mask of what is to be learned.

    In the checked form some lines are first written with a wrong sum. How many is drawn evenly for
    each question, from none up to the share `mistakes` of its lines: so lessons without a mistake
    and with many come equally often. To make the sum again, and to see that the two differ, is part
    of the lesson; to make the mistake is not, and the mask leaves it out.
    """
    dice, texts, masks = random.Random(seed), [], []
    for question in asked:
        text, mask = answer_text(question, form), None
        if form == "checked" and mistakes:
            text, mask = _with_mistakes(question, mistakes, dice)
        texts.append(encode(question + text))
        masks.append([False] * len(question) + (mask or [True] * len(text)))
    return fill_up(texts, masks, END_ID)


def _with_mistakes(question: str, most: float, dice: random.Random) -> tuple[str, list[bool]]:
    text, mask, lines = "", [], scratchpad(question)
    n_lines = len(lines) // 2
    wrong = set(dice.sample(range(n_lines), dice.randint(0, round(most * n_lines))))
    for i in range(n_lines):
        digit, total = lines[2 * i : 2 * i + 2]
        if i in wrong:
            slip = (int(total) + dice.randrange(1, 10)) % 10
            text += f"{digit}{slip}{total}✗"
            mask += [True, False, True, True]
        text += _checked(digit + total)
        mask += [True] * 4
    last = f":{answer(question)};"
    return text + last, mask + [True] * len(last)
