"""The *predict, then run* questions of chapter 07, Training."""

from __future__ import annotations

from utils.course.asking.question import Choice, Question

QUESTIONS: list[Question] = [
    Question(
        "7.a",
        "A text of four tokens goes through a GPT. How many predictions does the loss judge?",
        [
            Choice("1, that of the last place", "That one has no target: the text ends there."),
            Choice(
                "3",
                "Each place but the last is asked for the token to its right, all at once.",
                True,
            ),
            Choice("4", "Four places predict, but nobody knows what comes after the fourth."),
            Choice("6, one for each pair", "Attention looks at pairs. The loss asks each place."),
        ],
    ),
    Question(
        "7.b",
        "Our vocabulary has 369 tokens. What will a model whose weights have just been rolled pay "
        "for a word?",
        [
            Choice("about 0.45 bits", "That is the floor. It takes knowledge to get there."),
            Choice("about 50 bits", "A model can be that wrong, if it is sure. This one isn't."),
            Choice(
                "about 8.5 bits",
                "log₂ 369 = 8.5: nearly all words are alike to it, a die with 369 faces.",
                True,
            ),
            Choice("infinitely many", "A softmax never says 0, so no word is impossible."),
        ],
    ),
    Question(
        "7.c",
        "A batch of 32 does not fit into memory, so you compute it in four parts of 8, and step "
        "once. What changes in the weights after the step?",
        [
            Choice("The step is four times as long", "Only if you forget to divide."),
            Choice("It is noisier, as with a batch of 8", "All 32 texts have had their say."),
            Choice(
                "Nothing, but for rounding",
                "The mean of all is the weighted mean of the parts' means.",
                True,
            ),
        ],
    ),
    Question(
        "7.d",
        "A model of 147,000 parameters reads the same ten stories again and again. What happens "
        "to its loss on stories that it has not read?",
        [
            Choice(
                "It falls, and then it rises",
                "First it learns how stories go, then how these ten go, and is sure of it.",
                True,
            ),
            Choice(
                "It falls with the loss on the ten", "Only as long as it can't tell them apart."
            ),
            Choice("It never falls", "It does at first: these ten are stories, too."),
        ],
    ),
    Question(
        "7.e",
        "Over the steps of the training, what will the share of right recalls look like, kind by "
        "kind?",
        [
            Choice(
                "All kinds rise together, as the loss falls",
                "The loss is a mean over all words. What hides in it need not move together.",
            ),
            Choice(
                "Each kind rises steadily from the first step on",
                "Something has to be found first: where to look. Until then there are guesses.",
            ),
            Choice(
                "The rare ones first, since they cost most when they are missed",
                "They cost much each time, but the gradient hears of them seldom.",
            ),
            Choice(
                "Kind by kind, each rather suddenly, roughly the frequent ones first",
                "The more lessons a story holds, the sooner the model finds out where to look.",
                True,
            ),
        ],
    ),
    Question(
        "7.f",
        "Four models, from 36 thousand to 888 thousand parameters, get the same number of "
        "arithmetic operations to learn with. Which is ahead in the end?",
        [
            Choice(
                "the largest", "It could be the best in the end. But it has read 30 times less."
            ),
            Choice(
                "the smallest",
                "It has read most, and is ahead at first. Then it has learned what it can hold.",
            ),
            Choice(
                "one in the middle",
                "Large enough to learn more, small enough to read enough of it with this budget.",
                True,
            ),
            Choice("all the same", "Operations can be spent on width or on words, and it matters."),
        ],
    ),
    Question(
        "7.g",
        "A training is killed after 6 of 12 steps and goes on from its checkpoint. What must be in "
        "the file, so that it ends with the very same weights?",
        [
            Choice("the weights", "AdamW would begin again with means of 0, and step differently."),
            Choice(
                "the weights and AdamW's two means",
                "Nearly. The learning rate and the batches would begin anew.",
            ),
            Choice(
                "these, the step's number, and what the dice depend on",
                "Schedule, place in the data and random states all follow from step and seed here.",
                True,
            ),
        ],
    ),
]
