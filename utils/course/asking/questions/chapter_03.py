"""The *predict, then run* questions of chapter 03."""

from __future__ import annotations

from utils.course.asking.question import Choice, Question

QUESTIONS = [
    Question(
        "3.a",
        "Make the bandwidth enormous, a thousand times the width of the data. What does the "
        "smoother draw?",
        [
            Choice(
                "A straight line that follows the trend of the points",
                "Nothing in it knows what a slope is. It can only average.",
            ),
            Choice(
                "A level line at the mean of all values",
                "Every distance is next to nothing compared with the bandwidth, so all keys "
                "weigh the same, wherever the query is.",
                right=True,
            ),
            Choice(
                "A curve through every point",
                "That is the other end: where the kernel is so narrow that a point hears only "
                "itself.",
            ),
        ],
    ),
    Question(
        "3.b",
        "Somebody adds 1,000 to every score of a row. What becomes of its softmax?",
        [
            Choice(
                "The weights do not change",
                "e^(s + 1000) = e^s · e^1000, and the factor stands above and below the "
                "fraction. On paper it cancels. In a computer it has to survive until then.",
                right=True,
            ),
            Choice(
                "The weights become more equal, since 1,000 and 1,001 are nearly the same",
                "As a ratio, yes, but a softmax looks at differences: e^1001 is still e times "
                "e^1000.",
            ),
            Choice(
                "The largest score takes everything",
                "For that the *differences* between scores must grow, by a multiplication say.",
            ),
        ],
    ),
    Question(
        "3.c",
        "You want a kernel twice as wide. What do you do to the temperature?",
        [
            Choice(
                "Double it",
                "The temperature divides the dot product; the bandwidth divides a distance that "
                "is then squared.",
            ),
            Choice(
                "Halve it",
                "A low temperature sharpens: it makes differences of scores larger.",
            ),
            Choice(
                "Make it four times as large",
                "T = h². A bandwidth of 0.5 is a temperature of 0.25, a bandwidth of 1 is 1.",
                right=True,
            ),
        ],
    ),
    Question(
        "3.d",
        "Queries and keys grow from 64 to 256 numbers, each still about 1 in size. A typical "
        "score q · k was ±8. What is it now?",
        [
            Choice(
                "Still ±8, since plus and minus cancel out",
                "They cancel in the mean, which stays 0. The sum of many random terms still "
                "wanders, and the further, the more of them there are.",
            ),
            Choice(
                "±16",
                "Four times as many terms, four times the variance, twice the typical size: √256 "
                "where it was √64.",
                right=True,
            ),
            Choice(
                "±32",
                "That would be so if all terms had the same sign. Variances add up, and the "
                "typical size is the root of the variance.",
            ),
        ],
    ),
    Question(
        "3.e",
        "We shuffle the keys, and the values along with them in the same way. What becomes of "
        "the output for a query?",
        [
            Choice(
                "It stays the same",
                "Each value keeps its weight, and the sum is the same. Attention by itself does "
                "not know in which order the words stood.",
                right=True,
            ),
            Choice(
                "It is shuffled too",
                "There is one output for one query. It is a sum over the keys, and a sum does not "
                "care about the order.",
            ),
            Choice(
                "It changes, because words further away count less",
                "Nothing in the formula knows how far away a word stands, only what its key is.",
            ),
        ],
    ),
    Question(
        "3.f",
        "Three untrained networks read 101 vectors each. Whose last output still answers when the "
        "very first vector is nudged?",
        [
            Choice(
                "The LSTM's and attention's; the RNN's hardly",
                "Right about the other two. Look at what PyTorch gives an LSTM's forget gate "
                "to start with.",
            ),
            Choice(
                "Nobody's: 100 steps are 100 steps",
                "For attention they are not: each vector is one weighted sum away from the output.",
            ),
            Choice(
                "Attention's; the RNN's and the LSTM's hardly at all",
                "Each step of an untrained recurrent network passes on about half, and a half to "
                "the power of 100 is nothing. For attention all distances are one step.",
                right=True,
            ),
        ],
    ),
]
