"""The *predict, then run* questions of chapter 04, Self-attention."""

from __future__ import annotations

from utils.course.asking.question import Choice, Question

QUESTIONS: list[Question] = [
    Question(
        "4.a",
        "Five words, each a vector of 6 numbers; queries and keys have a width of 4. What is the "
        "shape of the table of weights?",
        [
            Choice("(5, 4)", "That is the shape of the queries, and that of the keys."),
            Choice("(4, 4)", "The four numbers are summed over in each dot product. None is left."),
            Choice(
                "(5, 5)", "A weight for each pair of a word that looks and one looked at.", True
            ),
            Choice("(6, 6)", "6 is the width of x. The projections have already used it up."),
        ],
    ),
    Question(
        "4.b",
        "Under the rule *look at nothing that comes later*, what is the first word's row of "
        "weights?",
        [
            Choice(
                "the same weight for every word",
                "That would be a row without any preference. This one has no choice at all.",
            ),
            Choice(
                "1 for itself, 0 for the others, whatever the scores",
                "One score is left, and a softmax of one number is 1.",
                True,
            ),
            Choice(
                "It depends on its score with itself",
                "A softmax looks at differences, and a single score has none.",
            ),
            Choice("0 everywhere", "A row of weights sums to 1, and one place is open to it."),
        ],
    ),
    Question(
        "4.c",
        "A causal model reads a batch of texts with filling behind the shorter ones. Which words "
        "of a text could look at its filling?",
        [
            Choice(
                "all of them",
                "In BERT, yes. Under a causal mask a word sees only what stands before it.",
            ),
            Choice("only the last", "The filling begins one step behind it, in its future."),
            Choice(
                "none",
                "The filling stands behind the text, so the causal mask hides it already. What "
                "the filling itself computes is thrown away, provided that the loss skips it.",
                True,
            ),
        ],
    ),
    Question(
        "4.d",
        "A layer of width 96 gets four heads of width 24 in place of one head of width 96. How "
        "many parameters have its three matrices, for queries, keys and values, now?",
        [
            Choice("a quarter", "Each head has a quarter of the columns, but there are four."),
            Choice("the same number", "The same matrices, read in four strips of columns.", True),
            Choice("four times as many", "It would, if each head kept the whole width."),
        ],
    ),
    Question(
        "4.e",
        "Take attention without a mask and shuffle the words. What happens to the outputs?",
        [
            Choice("Nothing", "Each word's output stays the same, but the rows have moved."),
            Choice(
                "They are shuffled in the same way, and are otherwise unchanged",
                "A weighted average doesn't ask in what order its terms stand.",
                True,
            ),
            Choice(
                "They become different numbers",
                "Only if some number depended on a place, and so far none does.",
            ),
        ],
    ),
    Question(
        "4.f",
        "An n-gram finds the right colour hardly more often than a guess would, one time in ten. "
        "Two layers of attention read 4,800 stories, each once. How often will they find a colour "
        "that was last told 30 or more words before?",
        [
            Choice(
                "about as often: chance is chance",
                "It would be, if the model could not look back. That is all it can do.",
            ),
            Choice(
                "about half of the time", "Once a head has found out how, it can nearly always."
            ),
            Choice(
                "nearly always",
                "The word is there to be found, and 30 words back is as near as 3.",
                True,
            ),
        ],
    ),
]
