"""The puzzle of chapter 09: its forms, its reader, and what is held out."""

from __future__ import annotations

import math
import random
import re

import pytest
import torch

from utils.data.puzzles import models
from utils.data.puzzles import sums as puzzles
from utils.llm.gpt import GPT


def test_answers_are_sums_modulo_ten() -> None:
    dice = random.Random(0)
    for _ in range(200):
        digits = [dice.randrange(10) for _ in range(dice.randrange(1, 12))]
        question = "".join(map(str, digits)) + "="
        assert puzzles.answer(question) == int(str(sum(digits))[-1])


@pytest.mark.parametrize("form", puzzles.FORMS)
@pytest.mark.parametrize("n_digits", [1, 3, 8])
def test_each_form_ends_in_the_answer(form: str, n_digits: int) -> None:
    for question in puzzles.questions(20, n_digits):
        text = question + puzzles.answer_text(question, form)
        assert puzzles.parse_answer(text) == puzzles.answer(question)
        assert puzzles.decode(puzzles.encode(text)) == text
        assert puzzles.spaced(text).replace(" ", "") == text


def test_scratchpad_and_dots_are_equally_long() -> None:
    for question in puzzles.questions(20, 8):
        forms = [len(puzzles.answer_text(question, form)) for form in ("scratchpad", "dots")]
        assert forms == [19, 19]
        pad = puzzles.scratchpad(question)
        assert pad[0::2] == question[:-1]
        assert int(pad[-1]) == puzzles.answer(question)


def test_no_question_is_in_both_parts() -> None:
    train = set(puzzles.questions(3000, 4))
    held_out = set(puzzles.questions(800, 4, held_out=True))
    assert not train & held_out
    every = [f"{n:04d}=" for n in range(10_000)]
    assert 0.09 < sum(map(puzzles.is_held_out, every)) / 10_000 < 0.11
    assert puzzles.questions(5, 8, seed=1) == puzzles.questions(5, 8, seed=1)
    assert puzzles.questions(5, 8, seed=1) != puzzles.questions(5, 8, seed=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12=:3;47=", None), ("47=4471:1", None), ("47=:12;", None), ("5", None), ("12=:3;47=:0;", 0)],
)
def test_an_answer_is_read_only_where_it_stands(text: str, expected: int | None) -> None:
    assert puzzles.parse_answer(text) == expected
    assert puzzles.verify("46=", expected) == (expected == 0)


def test_the_mask_marks_what_is_written_and_no_mistake() -> None:
    asked = puzzles.questions(200, 5)
    ids, mask = puzzles.lessons(asked, "checked", mistakes=0.3)
    assert ids.shape == mask.shape
    wrong = 0
    for question, row, learned in zip(asked, ids, mask, strict=True):
        text = puzzles.decode(row)
        assert not learned[: len(question)].any()
        body = text[len(question) :]
        for line in re.finditer(r"\d(\d)(\d)([✓✗])", body):
            at = len(question) + line.start()
            assert learned[at : at + 4].tolist() == [True, line[3] == "✓", True, True]
            assert (line[1] == line[2]) == (line[3] == "✓")
            wrong += line[3] == "✗"
        kept = "".join(re.findall(r"(\d\d)\d✓", body))
        assert kept == puzzles.scratchpad(question)
    assert wrong > 100


def test_none_to_all_lines_are_wrong_equally_often() -> None:
    ids, _ = puzzles.lessons(puzzles.questions(900, 8), "checked", mistakes=1.0, seed=3)
    found = (ids == puzzles.WRONG_ID).sum(dim=1).bincount(minlength=9)
    assert len(found) == 9
    assert found.min() > 60
    half, _ = puzzles.lessons(puzzles.questions(90, 8), "checked", mistakes=0.5, seed=3)
    assert (half == puzzles.WRONG_ID).sum(dim=1).max() == 4
    none, _ = puzzles.lessons(puzzles.questions(9, 8), "checked")
    assert not (none == puzzles.WRONG_ID).any()


def test_the_second_sum_is_always_right() -> None:
    asked = puzzles.questions(200, 4)
    ids, _ = puzzles.lessons(asked, "checked", mistakes=0.4)
    for question, row in zip(asked, ids, strict=True):
        pad, line = puzzles.scratchpad(question), 0
        body = puzzles.decode(row)[len(question) :]
        for digit, again, mark in re.findall(r"(\d)\d(\d)([✓✗])", body):
            assert digit + again == pad[2 * line : 2 * line + 2]
            line += mark == "✓"


def test_rewards_read_whole_rows_with_filling() -> None:
    right, wrong = puzzles.encode("47=4471:1;"), puzzles.encode("47=4472:2;")
    rows = torch.tensor([[*right, -1], [*wrong, -1], [*puzzles.encode("47=4471"), -1, -1, -1, -1]])
    assert puzzles.rewards(rows) == [1.0, 0.0, 0.0]


def test_what_is_no_puzzle_is_refused() -> None:
    for bad in ("", "=", "12", "1a="):
        with pytest.raises(ValueError, match="is no question"):
            puzzles.answer(bad)
    with pytest.raises(ValueError, match="form is 'long'"):
        puzzles.answer_text("1=", "long")
    with pytest.raises(ValueError, match="character 1"):
        puzzles.encode("1+2=")
    with pytest.raises(ValueError, match="n_digits is 0"):
        puzzles.questions(1, 0)


def test_a_search_from_minus_infinity_finds_something_whatever_was_written() -> None:
    scores = models.judge(GPT.load("sums-checked"), ["12=", "12=11:", "12=1133:3;", "?"])
    assert all(score > -math.inf for score in scores)
    assert max(scores) == scores[2]
