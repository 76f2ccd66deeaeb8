"""The *predict, then run* questions of chapter 01."""

from __future__ import annotations

from utils.course.asking.question import Choice, Question

QUESTIONS = [
    Question(
        "1.a",
        "Every error of a line becomes twice as large. What becomes of its mean squared error?",
        [
            Choice(
                "It stays the same, because it is a mean",
                "The mean divides by the number of examples, and that has not changed. "
                "Each square has.",
            ),
            Choice(
                "It doubles",
                "That is the mean of the *sizes* of the errors. Here each is squared first.",
            ),
            Choice(
                "It becomes four times as large",
                "(2 · error)² = 4 · error². Large errors count more than in "
                "proportion: the few worst points have the most say in where the line lies.",
                right=True,
            ),
        ],
    ),
    Question(
        "1.b",
        "You stand on the side of a long, narrow bowl, and take the steepest way down. "
        "Does that way lead straight to the bottom?",
        [
            Choice(
                "Yes: the negative gradient points at the minimum",
                "It knows only the slope under your feet, and nothing of where the bottom lies.",
            ),
            Choice(
                "Only where the bowl is round, or from a few lucky places",
                "The steepest way crosses the contour lines at a right angle. In a round bowl that "
                "is towards the centre, in a long one it is mostly towards the opposite wall.",
                right=True,
            ),
            Choice(
                "No, and so descent cannot find the bottom",
                "It misses, but then it looks again from where it stands. Many small corrections "
                "arrive.",
            ),
        ],
    ),
    Question(
        "1.c",
        "With a learning rate of 0.2 the loss fell. What will 0.25 do, only a quarter more?",
        [
            Choice(
                "It arrives a quarter faster",
                "That would be so if the slope stayed the same on the way. It changes with each "
                "step.",
            ),
            Choice(
                "It arrives more slowly, since it steps too far and has to come back",
                "Stepping too far is right. But look at what a step too far does to the slope at "
                "the other side.",
            ),
            Choice(
                "It never arrives: every step lands higher than the one before",
                "On the steep sides each step overshoots to a place that is steeper still, so the "
                "next step is longer. There is a sharp edge, for these points at 0.238.",
                right=True,
            ),
        ],
    ),
    Question(
        "1.d",
        "A model gives an applicant a chance of 0.0001, and the right label is “approved”. Which "
        "loss pushes the score harder in the right direction?",
        [
            Choice(
                "The squared error, since its error is almost as large as it can be",
                "The error is large, but the push is the error times the slope of the logistic "
                "there, and that slope is 0.0001.",
            ),
            Choice(
                "The log loss",
                "Its push is chance − label, close to −1: the more wrong, the harder. The squared "
                "error's is 2 · (chance − label) · chance · (1 − chance), some 5,000 times "
                "smaller.",
                right=True,
            ),
            Choice(
                "Both alike, they agree on what is wrong",
                "They agree on the direction. Compare how long the step is.",
            ),
        ],
    ),
    Question(
        "1.e",
        "We fit polynomials of degree 0, 1, 2, … up to 10 to the same twelve points. "
        "Their error on *these twelve points*:",
        [
            Choice(
                "falls to degree 3 and then rises again",
                "That is what happens on *other* points. On its own, a higher degree can do all "
                "that a lower one can, with the extra weights at zero.",
            ),
            Choice(
                "never rises",
                "Degree 10 contains degree 9: set the last weight to 0. Least squares would find "
                "that if nothing better existed. This is why the training loss alone can't choose "
                "between models.",
                right=True,
            ),
            Choice(
                "reaches exactly zero at degree 10",
                "Nearly: eleven weights for twelve points still leave one equation too many. "
                "Degree 11 would do it, by elimination.",
            ),
        ],
    ),
    Question(
        "1.f",
        "The logistic function is steepest at 0, where its slope is 1/4. Twelve of them stand in "
        "a row, each fed by the one before, with weights of 1. How much of the gradient at the "
        "end can still arrive at the first layer, at most?",
        [
            Choice(
                "A twelfth",
                "They don't share the gradient out; each multiplies what it gets from the next.",
            ),
            Choice(
                "A quarter",
                "That is what one of them lets through. The next takes a quarter of that quarter.",
            ),
            Choice(
                "Less than a ten-millionth",
                "(1/4)¹² is 0.00000006. By the chain rule slopes in a row multiply, and twelve "
                "factors of a quarter leave next to nothing.",
                right=True,
            ),
        ],
    ),
]
