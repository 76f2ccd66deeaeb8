"""The *predict, then run* questions of chapter 05, The transformer block."""

from __future__ import annotations

from utils.course.asking.question import Choice, Question

QUESTIONS: list[Question] = [
    Question(
        "5.a",
        "Each of 24 layers passes on three tenths of the message that it gets. How much arrives "
        "below the last of them?",
        [
            Choice("three tenths", "That is what is left after one layer."),
            Choice(
                "about a hundredth: 0.3 / 24",
                "The layers don't share the loss out, each takes its part of what is left.",
            ),
            Choice(
                "less than a millionth of a millionth part",
                "0.3 to the power of 24 is 3 · 10⁻¹³. Chapter 01's chain, only longer.",
                right=True,
            ),
        ],
    ),
    Question(
        "5.b",
        "All numbers of a token are multiplied by 10, and then 3 is added to each. What becomes "
        "of its LayerNorm (without weight and bias)?",
        [
            Choice(
                "It stays the same",
                "The 3 goes with the mean, the 10 with the spread. Only ε notices, and hardly.",
                right=True,
            ),
            Choice("It is ten times as large", "So is the root of the variance it is divided by."),
            Choice("It is shifted by 3", "So is the mean that is subtracted."),
            Choice(
                "It is divided by 10",
                "It would be, had we divided by the variance: that is 100 times as large.",
            ),
        ],
    ),
    Question(
        "5.c",
        "Attention has four matrices and is what the model is famous for. Where are most of the "
        "parameters of a block?",
        [
            Choice("in attention", "Four matrices of C × C. Now count the other two."),
            Choice("in the norms", "Two numbers a column. They can be counted by hand."),
            Choice(
                "in the feed-forward layer",
                "Two matrices of C × 4C: eight times C², to attention's four.",
                right=True,
            ),
            Choice("half here, half there", "That would be so if the hidden layer were 2C wide."),
        ],
    ),
    Question(
        "5.d",
        "Two blocks, 120 steps of training. Which part will be missed most?",
        [
            Choice(
                "the positions: without them it can't tell one order from another",
                "Through two layers the causal mask gives away much of the order: the first sees "
                "fewer words at an early place than at a late one.",
            ),
            Choice(
                "the residual",
                "And in only two blocks. Everything has to squeeze through every branch.",
                right=True,
            ),
            Choice(
                "three of the four heads",
                "One wide head is still a head. Most words here need a single look.",
            ),
            Choice(
                "the feed-forward layer, with two thirds of each block's parameters",
                "Parameters are room, and 120 steps don't fill much of it.",
            ),
        ],
    ),
    Question(
        "5.e",
        "One of a token's 64 numbers becomes a thousand times larger. What happens to the other "
        "63 in LayerNorm, and what in Dynamic Tanh?",
        [
            Choice(
                "Their differences all but vanish, in both",
                "In Dynamic Tanh no number knows of the others.",
            ),
            Choice(
                "Their differences all but vanish in LayerNorm; in Dynamic Tanh they stay as they "
                "are",
                "The one large number makes the variance large, and all are divided by its root: "
                "the others come out nearly equal, 1/8 in size. The tanh bends each alone.",
                right=True,
            ),
            Choice(
                "Nothing in either",
                "LayerNorm divides all 64 by the same root, and the large one is under it.",
            ),
        ],
    ),
    Question(
        "5.f",
        "You want the chance of a whole sentence. Which of the three can give it, by multiplying "
        "the chances of its words?",
        [
            Choice(
                "all three",
                "The encoder has seen the right-hand side. Its chances of single words don't "
                "multiply to that of the sentence.",
            ),
            Choice(
                "the decoder, and the encoder–decoder for a translation given its source",
                "Both predict each word from those before it, and the chain rule does the rest.",
                right=True,
            ),
            Choice(
                "only the encoder, as it sees the whole sentence",
                "That is just why it can't: it would say how likely a word is, given the word.",
            ),
        ],
    ),
]
