"""The *predict, then run* questions of chapter 10, Your own local LLM."""

from __future__ import annotations

from utils.course.asking.question import Choice, Question

QUESTIONS: list[Question] = [
    Question(
        "10.a",
        "The story model has read sixty thousand stories and not one instruction. We give it an "
        "instruction, framed by marks that it has never seen. What does it write?",
        [
            Choice(
                "a story that obeys",
                "Where should it have learned what an instruction is for?",
            ),
            Choice(
                "a sound story about something else",
                "So it would after an end mark, the one place from which it has learned to begin. "
                "It has never seen these marks, and they are not that.",
            ),
            Choice(
                "nothing: it raises an error",
                "Ids that it has rows for are as good as any.",
            ),
            Choice(
                "pieces of stories, from somewhere in the middle",
                "It goes on from what looks like words, as well as it can.",
                True,
            ),
        ],
    ),
    Question(
        "10.b",
        "A matrix of 512 × 128 gets a LoRA of rank 8. How many numbers are learned?",
        [
            Choice("8 · (512 + 128) = 5,120", "A is 8 × 128, and B is 512 × 8.", True),
            Choice("512 · 128 = 65,536", "That is the matrix itself, and it is frozen."),
            Choice(
                "8 · 512 · 128",
                "A and B are multiplied by one another; they are not that big.",
            ),
            Choice("8", "The rank is the number of columns in between, not of parameters."),
        ],
    ),
    Question(
        "10.c",
        "A model was taught never to tell what its system message says, in answer to four "
        "questions. Which way to ask brings the secret out?",
        [
            Choice(
                "asking politely",
                "It is the kind of question that it was taught to refuse.",
            ),
            Choice(
                "asking for what the secret is there for: a story",
                "It does what the message says, and so shows what it says.",
                True,
            ),
            Choice(
                "none: the message is hidden",
                "It is in front of the text, as plain tokens.",
            ),
        ],
    ),
    Question(
        "10.d",
        "Eight vectors in front of a frozen model are changed by gradient until its stories are "
        "about a golden kite in the snow. Which words lie nearest to them?",
        [
            Choice(
                "golden, kite and snow: the words that they bring out",
                "A few of them may be among them, but nothing in the loss asks for it.",
            ),
            Choice(
                "an instruction that asks for it",
                "There are vectors that are instructions; but there are far more that are not.",
            ),
            Choice(
                "those where they began, or a mixture that nobody would write",
                "There is room for many vectors that do the work, and words are few.",
                True,
            ),
        ],
    ),
    Question(
        "10.e",
        "The model has written 300 stories. Some are forbidden by the world. How many bits does it "
        "say that those cost, compared with the possible ones?",
        [
            Choice(
                "more, always: a threshold parts the two",
                "It parts them where the lie was an accident of the draw, but not where the model "
                "believes it.",
            ),
            Choice(
                "just as many: it can't know",
                "It knows much of the world, and many a slip it finds unlikely itself.",
            ),
            Choice(
                "mostly more, but some no more than many a possible one",
                "What it has learned wrongly looks to it like what it has learned rightly.",
                True,
            ),
            Choice("fewer: lies are simpler", "Nothing makes them so in this world."),
        ],
    ),
]
