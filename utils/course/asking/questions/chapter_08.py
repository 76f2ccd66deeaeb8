"""The *predict, then run* questions of chapter 08, The sampler."""

from __future__ import annotations

from utils.course.asking.question import Choice, Question

QUESTIONS: list[Question] = [
    Question(
        "8.a",
        "A bigram looks at a single word. It writes greedily, always the word that mostly follows. "
        "What does it write in the long run?",
        [
            Choice(
                "sentence after sentence, each a little different",
                "For that it would need a choice, or a memory. It has neither.",
            ),
            Choice(
                "a sentence, and then nothing more",
                "Something follows every word, so it never comes to an end by itself.",
            ),
            Choice(
                "the same words round and round",
                "At the first word that comes a second time, all that followed it follows again.",
                True,
            ),
            Choice(
                "words without any order",
                "Each pair of neighbours is a frequent one. It is the whole that goes nowhere.",
            ),
        ],
    ),
    Question(
        "8.b",
        "A word has a chance of 0.8, the only other one 0.2. What are they at temperature 2?",
        [
            Choice(
                "0.67 and 0.33",
                "The odds were 4 : 1. Half the logits means the root of the odds, 2 : 1.",
                True,
            ),
            Choice("0.4 and 0.1", "Half of each is no pie any more: the logits are divided."),
            Choice("0.94 and 0.06", "These are the odds 16 : 1, at temperature ½: that is colder."),
            Choice(
                "0.5 and 0.5",
                "No temperature makes unequal chances equal, it only comes nearer and nearer.",
            ),
        ],
    ),
    Question(
        "8.c",
        "One pie has a slice of 95 % and crumbs, another a hundred equal slices. How many tokens "
        "does p = 0.9 keep of each?",
        [
            Choice("90 of each", "p is a share of the pie, not of the vocabulary."),
            Choice("9 and 90", "The largest slice of the first pie has more than 90 % by itself."),
            Choice("none, and 90", "The slice that crosses p stays, so at least one token does."),
            Choice(
                "1 and 90",
                "As many as it takes to have 90 % together: no single k would suit both.",
                True,
            ),
        ],
    ),
    Question(
        "8.d",
        "The model writes 500 stories at temperature 2. How many of them does the story world call "
        "possible?",
        [
            Choice(
                "nearly all: it has learned the pies almost to the crumb",
                "At temperature 1, yes. Here the crumbs swell: one word in a million becomes one "
                "in a thousand, and there are hundreds of them.",
            ),
            Choice(
                "none, or next to none",
                "A story has a hundred words, and a single impossible one spoils it.",
                True,
            ),
            Choice(
                "about half: twice the heat, half the stories",
                "What goes wrong at each word adds up over the hundred words of a story.",
            ),
        ],
    ),
    Question(
        "8.e",
        "Our loop begins with one token and writes 100 more. Each time the model reads the whole "
        "text. How many tokens has it read in the end?",
        [
            Choice("100", "So it will be with a cache, which reads every token once."),
            Choice("200", "Each is read far more than twice: the first one 100 times."),
            Choice("5,050", "1 + 2 + … + 100: it grows as the square of the length.", True),
            Choice("10,000", "It would be, if every reading were of 100 tokens. The first has 1."),
        ],
    ),
]
