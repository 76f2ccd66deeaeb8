"""The *predict, then run* questions of chapter 02, Text, tokens, chances."""

from __future__ import annotations

from utils.course.asking.question import Choice, Question

QUESTIONS: list[Question] = [
    Question(
        "2.a",
        "How many bytes does `한😀!` take in UTF-8?",
        [
            Choice("3", "Three characters, yes. A byte has only 256 values, though."),
            Choice("5", "Hangul takes three bytes a syllable, and the emoji one more than that."),
            Choice("8", "Three for the Hangul syllable, four for the emoji, one for the !.", True),
            Choice("12", "Four bytes for each would be UTF-32. UTF-8 spends only what it needs."),
        ],
    ),
    Question(
        "2.b",
        "Three merges were learned, in this order: `c`+`d`, then `a`+`b`, then `ab`+`c`. "
        "How is `abcd` cut?",
        [
            Choice(
                "abc · d",
                "That is the longest token first. BPE never looks for long tokens: it replays "
                "the merges in the order in which they were learned.",
            ),
            Choice(
                "ab · cd",
                "The oldest merge takes the c away, and abc never comes about.",
                True,
            ),
            Choice("a · b · cd", "There is one more merge to replay: a and b are neighbours."),
            Choice("abcd", "No merge makes a token of all four letters."),
        ],
    ),
    Question(
        "2.c",
        "`kite` stands at the very beginning of a text, and again after a space. "
        "Is it the same token both times?",
        [
            Choice("Yes", "It would be if spaces were cut off. But then nobody could decode them."),
            Choice("No", "The space belongs to the token: ␣kite and kite are two.", True),
        ],
    ),
    Question(
        "2.d",
        "A 4-gram model has counted 2,000 stories. It reads *… asked for the* in a story that "
        "began with somebody's blue balloon. What chance does it give to *blue*?",
        [
            Choice(
                "nearly 1, as the story has said so",
                "The story has, dozens of words ago. The 4-gram reads only *asked for the*.",
            ),
            Choice(
                "about one in ten, as for the other colours",
                "All that it can know is which words have followed *asked for the* in any story.",
                True,
            ),
            Choice(
                "0, as it has never seen this story",
                "It needs no memory of the whole story: *asked for the* has been followed by "
                "*blue* in others.",
            ),
        ],
    ),
    Question(
        "2.e",
        "A pie has a perplexity of 8. What does that say?",
        [
            Choice(
                "A guess is right one time in eight",
                "Only where all slices are equal. How often the likeliest word comes is accuracy, "
                "another number: a larger slice than the others raises it.",
            ),
            Choice(
                "The choice is as hard as one between 8 equally likely words",
                "And that is 3 bits, since 2³ = 8.",
                True,
            ),
            Choice("The word costs 8 bits", "8 words, 3 bits: the perplexity is 2 to the bits."),
            Choice("8 % of its slices are wrong", "A chance by itself is never right or wrong."),
        ],
    ),
    Question(
        "2.f",
        "gzip has read the same 2,000 stories as the n-grams. "
        "How many bits a word does it spend on new stories?",
        [
            Choice(
                "fewer than the floor",
                "Nothing does in the long run: the floor is what the dice of the stories cost.",
            ),
            Choice(
                "about as many as the 4-gram",
                "It knows whole phrases by heart, true. But it forgets all but the last 32 kB, "
                "and pays for saying where a phrase stands.",
            ),
            Choice(
                "somewhere between the unigram and the bigram",
                "It copies phrases, so it beats the unigram; but each copy costs a distance and "
                "a length, so it doesn't reach the bigram.",
                True,
            ),
            Choice(
                "more than the unigram",
                "It does copy whole phrases, which no unigram can.",
            ),
        ],
    ),
]
