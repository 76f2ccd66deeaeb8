"""Chapter 10: what a model is shown around a request and its answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any

from utils.course.checking.compare import Remark
from utils.course.checking.exercise import Exercise

# 10.2 · the instruction template

END, SYSTEM, USER, ASSISTANT = "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>"
Framed = tuple[list[str], list[bool]]


def frame(instruction: str, answer: str, system: str = "") -> Framed:
    """The words of a lesson with its marks, and which of them are to be learned."""
    return _frame(instruction, answer, system)


def _frame(
    instruction: str,
    answer: str,
    system: str = "",
    *,
    begin: tuple[str, ...] = (END,),
    user: tuple[str, ...] = (USER,),
    mark: tuple[str, ...] = (ASSISTANT,),
    end: tuple[str, ...] = (END,),
    learn_mark: bool = False,
    learn_end: bool = True,
    always_system: bool = False,
    system_mark: tuple[str, ...] = (SYSTEM,),
    told: bool = True,
) -> Framed:
    front = [*system_mark, *system.split()] if (system and told) or always_system else []
    given = [*begin, *front, *user, *instruction.split()]
    answered = answer.split()
    learned = [False] * len(given) + [learn_mark] * len(mark) + [True] * len(answered)
    return [*given, *mark, *answered, *end], learned + [learn_end] * len(end)


def _all_learned(instruction: str, answer: str, system: str = "") -> Framed:
    words, _ = _frame(instruction, answer, system)
    return words, [True] * len(words)


def _without_the_first(instruction: str, answer: str, system: str = "") -> Framed:
    words, learned = _frame(instruction, answer, system)
    first = learned.index(True)
    return words, [wanted and i > first for i, wanted in enumerate(learned)]


def _turned_round(instruction: str, answer: str, system: str = "") -> Framed:
    words, learned = _frame(instruction, answer, system)
    return words, [not wanted for wanted in learned]


def _one_place_early(instruction: str, answer: str, system: str = "") -> Framed:
    words, learned = _frame(instruction, answer, system)
    return words, [*learned[1:], False]


def _user_first(instruction: str, answer: str, system: str = "") -> Framed:
    words, learned = _frame(instruction, answer, system)
    told = [SYSTEM, *system.split()] if system else []
    rest = words[1 + len(told) :]
    cut = rest.index(ASSISTANT)
    return [END, *rest[:cut], *told, *rest[cut:]], learned


def _by_appending(instruction: str, answer: str, system: str = "") -> Framed:
    words: list[str] = []
    learned: list[bool] = []

    def add(text: str, wanted: bool) -> None:
        for word in text.split():
            words.append(word)
            learned.append(wanted)

    add(END, False)
    if system:
        add(f"{SYSTEM} {system}", False)
    add(f"{USER} {instruction} {ASSISTANT}", False)
    add(f"{answer} {END}", True)
    return words, learned


def _by_one_string(instruction: str, answer: str, system: str = "") -> Framed:
    told = f"{SYSTEM} {system} " if system else ""
    words = f"{END} {told}{USER} {instruction} {ASSISTANT} {answer} {END}".split()
    place = words.index(ASSISTANT)
    return words, [i > place for i in range(len(words))]


END_UNLEARNED = (
    "The end mark behind the answer is not learned: a model that never learns to stop writes on."
)


def _is_pair(each: Any) -> bool:
    return isinstance(each, tuple | list) and len(each) == 2 and isinstance(each[0], str)


NO_DEFAULT = (
    'The system message may be left out in a call, and yours must have one: leave the `= ""` '
    "behind its name in the first line."
)


def as_two_lists(answer: Callable[..., Any], *args: str) -> Any:
    """Call an answer that returns words and marks: a remark tells of one that returns half.

    Where there is no system message, it is called without one, as the chapter does.
    """
    try:
        got = answer(*args) if args[-1] else answer(*args[:-1])
    except TypeError as error:
        if "missing 1 required positional argument" in str(error) and not args[-1]:
            return Remark(NO_DEFAULT)
        raise
    if isinstance(got, str):
        return Remark("This is one text: return two lists, the words and their marks.")
    if isinstance(got, tuple | list) and len(got) == 2 and isinstance(got[0], str):
        return Remark("The words are one text: return a list of them, and a list of their marks.")
    if isinstance(got, list) and got and all(_is_pair(each) for each in got):
        return Remark("Words and marks came in pairs: return two lists, the words and their marks.")
    if isinstance(got, list) and got and all(isinstance(each, str) for each in got):
        return Remark("Only the words came back: return two lists, the words and their marks.")
    if isinstance(got, list) and got and all(isinstance(each, bool) for each in got):
        return Remark("Only the marks came back: return two lists, the words and their marks.")
    return got


def explain(args: tuple[Any, ...], expected: Any, got: Any) -> str | None:
    """Say which words are missing or too many, or what the first wrong mark stands at."""
    if isinstance(got, str):
        return None
    words, learned = expected
    theirs, marks = list(got[0]), list(got[1])
    if theirs != words:
        return _about_words(words, theirs)
    if marks == [*learned[:-1], False]:
        return END_UNLEARNED
    if len(marks) != len(words):
        return f"There are {len(words)} words and {len(marks)} marks: each word has one."
    return _about_marks(words, learned, marks)


def _about_words(words: list[str], theirs: list[str]) -> str:
    """How a list of words departs from the one that is wanted."""
    if all(len(word) == 1 for word in theirs if word not in (END, SYSTEM, USER, ASSISTANT)):
        return "A text was taken apart into its characters: take it apart with split()."
    if any(" " in word.strip() for word in theirs):
        return "A whole text stands in the list as one word: take it apart with split()."
    lacks, more = Counter(words) - Counter(theirs), Counter(theirs) - Counter(words)
    if not lacks and not more:
        place = next(
            i for i, pair in enumerate(zip(words, theirs, strict=True)) if len({*pair}) > 1
        )
        return f"The words are all there, in another order: word {place} is to be {words[place]!r}."
    told = [f"{what}: {', '.join(n)}" for what, n in (("missing", lacks), ("too much", more)) if n]
    return f"Of the words {'; '.join(told)}."


def _about_marks(words: list[str], learned: list[bool], marks: list[bool]) -> str | None:
    """The first mark that departs, and why it should be another."""
    place = next((i for i, (e, g) in enumerate(zip(learned, marks, strict=True)) if e != g), None)
    if place is None or not isinstance(marks[place], bool):
        return None
    if learned[place]:
        return f"Word {place}, {words[place]!r}, is the answer's, and is to be learned."
    return f"Word {place}, {words[place]!r}, is given, and is not to be learned."


WRONG_FRAMES = {
    "There is no end mark behind the answer: a model that never sees one doesn't learn to stop.": {
        "end": ()
    },
    "The mark of the assistant is not there: the model can't know where the question ends and "
    "its answer begins.": {"mark": ()},
    "The mark of the assistant is to be learned in your mask: it is given, and stands there "
    "before the model writes.": {"learn_mark": True},
    "The mark of the user is not there.": {"user": ()},
    "The end mark in front is not there: this model has always read one before a text.": {
        "begin": ()
    },
    "Without a system message there is no mark for one, either.": {"always_system": True},
    "The system message was left out.": {"told": False},
    "The system message stands there without its mark.": {"system_mark": ()},
    END_UNLEARNED: {"learn_end": False},
}


def _can_be_two(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two slips can be seen beside each other."""
    names = {*one, *other}
    hidden = ({"mark", "learn_mark"}, {"end", "learn_end"}, {"told", "system_mark"})
    hidden = (*hidden, {"learn_mark", "learn_end"})  # together: all marks one place early
    return not any(
        pair <= names
        for pair in (*hidden, {"told", "always_system"}, {"system_mark", "always_system"})
    )


FRAME = Exercise(
    id="10.2",
    title="The instruction template",
    minutes=8,
    stars=2,
    reference=frame,
    probes=[
        ("Sing .", "La .", ""),
        ("Tell me about Mina .", "Mina had a kite .", ""),
        ("Sing .", "La la .", "Be kind ."),
        ("Tell me about a duck .", "Tom found a duck . That is all .", "Every story has a hat ."),
    ],
    mistakes={
        "The prompt is to be learned, too: mark only the answer and the end mark behind it.": (
            _all_learned
        ),
        **{said: partial(_frame, **slip) for said, slip in WRONG_FRAMES.items()},
        "The system message stands behind the instruction: it goes in front.": _user_first,
        "The first word of the answer isn't learned: it is the model's own to write.": (
            _without_the_first
        ),
        NO_DEFAULT: lambda instruction, answer, system: frame(instruction, answer, system),
        "The mask is turned round: True says that a word is to be learned.": _turned_round,
        "The marks stand one place too early: True belongs to the word that is to be learned, not "
        "to the one before it. The loss does the shifting.": _one_place_early,
    },
    together={
        (one, other): partial(_frame, **WRONG_FRAMES[one], **WRONG_FRAMES[other])
        for one, other in combinations(WRONG_FRAMES, 2)
        if _can_be_two(WRONG_FRAMES[one], WRONG_FRAMES[other])
    },
    alternatives={"word by word": _by_appending, "one string": _by_one_string},
    call=as_two_lists,
    parts=("words", "learned"),
    explain=explain,
)
