"""The question of chapter 00, Start here."""

from utils.course.asking.question import Choice, Question

QUESTIONS = [
    Question(
        "0.a",
        "Further down in its story the model has to name the colour of the kite again. "
        "It looks at the last three words only. What will it say?",
        [
            Choice("blue, since it was told so", "It was told, but it no longer knows: the word "
                   "*blue* left its window three words after it was written."),
            Choice("some colour, drawn by lot", "It knows that a colour must come, since in its "
                   "stories a colour comes here, and has nothing to choose by.", right=True),
            Choice("no colour at all, but any word", "Its counts are good for that much: in the "
                   "stories it read, a colour always stands here."),
        ],
    ),
]  # fmt: skip
