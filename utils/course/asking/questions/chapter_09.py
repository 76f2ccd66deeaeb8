"""The *predict, then run* questions of chapter 09, Thinking out loud."""

from __future__ import annotations

from utils.course.asking.question import Choice, Question

QUESTIONS: list[Question] = [
    Question(
        "9.a",
        "Both models get 300 steps. One answers at once, the other writes sixteen characters "
        "first. How many held-out sums of eight digits are right in the end?",
        [
            Choice(
                "At once nearly all: it has only one character to learn, not seventeen",
                "One character, but it depends on all eight digits, and no part of it on fewer.",
            ),
            Choice(
                "Both about half: it is the same network, and it saw the same sums",
                "The same network, but what it is asked to do in one pass is not the same.",
            ),
            Choice(
                "On paper nearly all, at once about one in ten",
                "Each character on paper needs one small step, and chance is one in ten.",
                True,
            ),
        ],
    ),
    Question(
        "9.b",
        "The model with the scratchpad knows sums of one to eight digits. It is now given ten.",
        [
            Choice(
                "It fails: the places of the last digits are new to it",
                "It finds the next digit by its place, and has trained only those it met.",
                True,
            ),
            Choice(
                "It does as well: it has learned how to add",
                "It has learned a procedure that works at the places it was trained at.",
            ),
            Choice(
                "It is a little worse, by two lines out of ten",
                "Each line hangs on the line before: one wrong sum, and all after it are wrong.",
            ),
        ],
    ),
    Question(
        "9.c",
        "A model is trained to write sixteen dots before its answer, as many characters as the "
        "scratchpad has. What does it gain over one that answers at once?",
        [
            Choice(
                "As much as the scratchpad: it has sixteen passes more to compute in",
                "More passes, but each is two layers deep, and a dot hands nothing on.",
            ),
            Choice(
                "Nothing that we can measure",
                "Nothing is carried from dot to dot: the way from the question to the answer is "
                "as short as before.",
                True,
            ),
            Choice(
                "About half as much",
                "There is no half way: where the running sum isn't kept, the answer is a guess.",
            ),
        ],
    ),
    Question(
        "9.d",
        "The half-trained model answers a question right in 40 of 100 samples. Its wrong answers "
        "are spread evenly over the other nine digits. What does a vote of 256 give?",
        [
            Choice(
                "Right nearly always: 40 against fewer than 7 for each other",
                "Less than half is enough, when the rest doesn't agree.",
                True,
            ),
            Choice("Right in 40 of 100 cases: a vote adds nothing new", "A single answer does."),
            Choice(
                "Wrong nearly always: 60 of 100 votes are against it",
                "The 60 are against it, but for nine different candidates.",
            ),
        ],
    ),
    Question(
        "9.e",
        "All eight answers to a question are wrong. What does the model learn from them?",
        [
            Choice(
                "To make all eight less likely",
                "Without a baseline it would not even be told that: 0 pays nothing. With one, "
                "none of them is worse than the others.",
            ),
            Choice(
                "The right answer, by elimination",
                "Nobody tells it what would have been right.",
            ),
            Choice(
                "Nothing",
                "None is better than their mean, so all advantages are 0. Easy questions, where "
                "all are right, teach nothing either.",
                True,
            ),
        ],
    ),
]
