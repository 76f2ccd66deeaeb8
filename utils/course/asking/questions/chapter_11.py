"""The *predict, then run* questions of chapter 11, A real one."""

from __future__ import annotations

from utils.course.asking.question import Choice, Question

QUESTIONS: list[Question] = [
    Question(
        "11.a",
        "A token has the same number, 3, in all of its columns. With weights of one, what does "
        "LayerNorm make of it, and what RMSNorm?",
        [
            Choice("both make zeros", "RMSNorm subtracts nothing: it can make no zero of a 3."),
            Choice(
                "LayerNorm makes zeros, RMSNorm ones",
                "Without its mean nothing is left of the token; divided by its root mean square, "
                "which is 3, it is all ones.",
                True,
            ),
            Choice(
                "both make ones", "LayerNorm subtracts the mean first, and the mean is 3 as well."
            ),
            Choice(
                "LayerNorm divides by zero",
                "The deviation is zero, but ε under the root keeps the division sound.",
            ),
        ],
    ),
    Question(
        "11.b",
        "A model was trained on texts of up to 2,000 tokens, with rotary positions. It is given "
        "one of 10,000. What happens at token 5,000?",
        [
            Choice(
                "an error: there is no row for that position",
                "That is GPT-2. Here there is no table, and any position has its angle.",
            ),
            Choice(
                "nothing special: only distances count, and it knows those",
                "It knows distances up to 2,000. Keys further away stand at angles of the slow "
                "pairs that it has never seen.",
            ),
            Choice(
                "near tokens look as ever; far ones at angles it has not met",
                "So it may still speak well, or not, and nothing raises an error.",
                True,
            ),
        ],
    ),
    Question(
        "11.c",
        "Five changes, each alone, at equal compute: some three hundred steps on stories of a "
        "hundred words, three seeds each. What will the figure show?",
        [
            Choice(
                "each change gains clearly",
                "Gains of a few hundredths were measured, in models a thousand times as large and "
                "as long in training. So short a run can't show them.",
            ),
            Choice(
                "the seeds of one design differ as much as most designs do",
                "Two of the five are there to save memory or work, and the others gain little. "
                "Whoever compares with one seed compares dice.",
                True,
            ),
            Choice(
                "rotary positions decide it alone",
                "In a text of a hundred words a table of places is soon learned.",
            ),
            Choice(
                "grouped queries cost the most: two thirds of the keys are gone",
                "They make a step cheaper, and here hardly any head misses a key of its own.",
            ),
        ],
    ),
    Question(
        "11.d",
        "The matrices of a small story model are rounded in blocks of 32, to 8, 6, 5, 4, 3 and 2 "
        "bits a weight. Where does it begin to hurt?",
        [
            Choice(
                "at once: weights are learned to seven digits",
                "The digits behind the second were never needed; noise in training is larger.",
            ),
            Choice(
                "nowhere: the errors cancel out in the sums",
                "They do for a while. With four levels a weight they are as large as the weights.",
            ),
            Choice(
                "around four bits, and then fast",
                "Each bit less doubles every error, and its square grows by four.",
                True,
            ),
        ],
    ),
    Question(
        "11.e",
        "A model of 135 million weights is asked for sums such as 4 + 9 − 3, told in words. Does "
        "it help to ask for a step by step answer, or to let ten answers vote?",
        [
            Choice(
                "both help, as in chapter 09",
                "There the model had been trained on scratchpads, and its single answers were "
                "right often enough for a vote.",
            ),
            Choice(
                "steps help, votes don't",
                "Steps help where each is mostly right. See how right these are.",
            ),
            Choice(
                "neither helps",
                "What helps a large model need not help a small one: it writes in the manner of a "
                "calculation, and loses its way in it.",
                True,
            ),
        ],
    ),
    Question(
        "11.f",
        "The model has read of all hundred capitals. For which kind of wrong answer will it fail "
        "more often: the capital of another country, or a well-known city of the same one?",
        [
            Choice(
                "another country's capital: it is a capital, after all",
                "It is hardly ever named beside this country, and that is what counts.",
            ),
            Choice(
                "a city of the same country",
                "It stands beside the country's name in texts nearly as often as the capital, or "
                "more often.",
                True,
            ),
            Choice("neither: it knows capitals", "It knows what is written beside what."),
        ],
    ),
]
