"""The *predict, then run* questions of chapter 06, A whole GPT."""

from __future__ import annotations

from utils.course.asking.question import Choice, Question

QUESTIONS: list[Question] = [
    Question(
        "6.a",
        "Two texts of five tokens go through a GPT-2, whose vocabulary has 50,257 tokens. What is "
        "the shape of what comes out?",
        [
            Choice(
                "(2, 50257)", "That would be one prediction a text. There is one at each place."
            ),
            Choice("(2, 5)", "These are the ids that went in. Out come scores, not tokens."),
            Choice("(2, 5, 50257)", "A score for every token, at every place of every text.", True),
            Choice("(2, 5, 768)", "So it is before the head, which makes scores of it."),
        ],
    ),
    Question(
        "6.b",
        "Which part holds the most of GPT-2's 124 million parameters?",
        [
            Choice(
                "the feed-forward layers",
                "8 C² a block, twice as many as attention's: 57 million, not quite half.",
                True,
            ),
            Choice("attention", "4 C² a block: 28 million, fewer than in the tokens' table."),
            Choice("the table of tokens", "50,257 rows of 768: 39 million, the second place."),
            Choice("the norms", "They have 2 C each, which is next to nothing."),
        ],
    ),
    Question(
        "6.c",
        "A fair guess among 369 words pays 5.9. What does the model pay at first, if the numbers "
        "in its tied table are fifty times as large?",
        [
            Choice(
                "about 5.9: random is random", "Random logits, yes, but they are no longer small."
            ),
            Choice("less: larger numbers say more", "They say it louder. What they say is random."),
            Choice(
                "about twice as much",
                "Each logit is fifty times as large as before, and one of them more.",
            ),
            Choice(
                "more than ten times as much",
                "It is all but certain of one word at every place, and nearly always wrong.",
                True,
            ),
        ],
    ),
    Question(
        "6.d",
        "A model that returns chances, trained with a loss that takes another softmax: how low can "
        "its loss get on one batch?",
        [
            Choice(
                "as low as that of the sound model",
                "It would need logits far apart. Chances differ by 1 at most.",
            ),
            Choice(
                "a little below where it began",
                "The second softmax gives the right word e / (e + 368) at best.",
                True,
            ),
            Choice(
                "it doesn't move at all",
                "There is a gradient, and it falls. But there is an end to it.",
            ),
        ],
    ),
    Question(
        "6.e",
        "Held to the stream *before* the first block, the head names a next word. Which "
        "one, mostly?",
        [
            Choice(
                "the one that mostly follows",
                "A table in and another one out could learn that, pair by pair. Here it is the "
                "same one.",
            ),
            Choice(
                "the very word that was just read",
                "The table that embeds it is the table that scores it.",
                True,
            ),
            Choice(
                "the most frequent word of all",
                "The vector is that of a certain word, not of none.",
            ),
            Choice("a random one", "The head's table is the one that the word was looked up in."),
        ],
    ),
]
