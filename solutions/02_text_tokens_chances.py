# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 · Text, tokens, chances
#
# **How does text become numbers, and what would it mean to predict it well?**
#
# A GPT never sees a letter. It reads a row of whole numbers, and for each place in the row it says
# how likely every number is to come next. This chapter builds what stands on either side of that
# model: the **tokenizer** that turns any text into numbers and back, and the **yardstick**, bits
# per word, by which every model of this course will be judged. In between you build a language
# model with nothing but counting, find out how good it is, and see exactly what it cannot do.
#
# You write eight small functions: UTF-8 by hand, the three parts of a BPE trainer, an n-gram
# model, entropy, an experiment, and the windows that a GPT trains on. Reading and doing take some
# two hours, a good hour of them in the exercises.
#
# First run everything once: **Run → Run All Cells**. Then read from the top, and run each cell
# again when you get there.

# %%
import math
import textwrap
from collections import Counter
from itertools import pairwise

import torch
from utils.course import ask, check
from utils.data import storyworld
from utils.data.texts.corpora import load_corpus
from utils.llm import tokenizer
from utils.llm.counting import information, lempel_ziv
from utils.llm.counting.ngram import NGramModel
from utils.llm.tokenizer.windows import windows
from utils.viz import plots, widgets
from utils.viz.widgets.tokens import written

# %% [markdown]
# ## A text is bytes
#
# Computers settled long ago how text becomes numbers, in two steps. **Unicode** gives each
# character a number, its *code point*: A is 65, 한 is 54,620, 😀 is 128,512. **UTF-8** writes that
# number as one to four bytes, numbers from 0 to 255, with the common ones short.

# %%
for char in "Aé한😀":
    print(f"{char}: number {ord(char):,}, bytes {list(char.encode())}")

# %% [markdown]
# The bytes follow a pattern that a reader can take up in the middle of a file. A byte that starts
# with the bit 0 is a character by itself. One that starts with 110, 1110 or 11110 opens a
# character of two, three or four bytes, and every byte that follows it starts with 10.

# %%
plots.utf8_bits({"A": "A", "é": "é", "the syllable han": "한", "grinning face": "😀"})

# %%
ask("2.a")

# %%
sizes = [len(char.encode()) for char in "한😀!"]
print(sizes, "bytes, together", sum(sizes))

# %% [markdown]
# ### Exercise 2.1 · UTF-8 by hand
# ★★☆ · 12 min · RFC 3629, section 3
#
# Turn a string into the list of its UTF-8 bytes, from code points and bits, without `encode`. In
# the table the x are the bits of the code point, filled in from the right, with zeros in front.
#
# | code points | byte 1 | byte 2 | byte 3 | byte 4 |
# |---|---|---|---|---|
# | below 128 (`0x80`) | `0xxxxxxx` | | | |
# | below 2,048 (`0x800`) | `110xxxxx` | `10xxxxxx` | | |
# | below 65,536 (`0x10000`) | `1110xxxx` | `10xxxxxx` | `10xxxxxx` | |
# | the rest | `11110xxx` | `10xxxxxx` | `10xxxxxx` | `10xxxxxx` |
#
# By hand, for é. Its number is 233, in binary 11101001, so two bytes. The last six bits, 101001,
# go into the second byte: 10·101001 is 169. What is left, 00011, goes into the first: 110·00011 is
# 195. So é is `[195, 169]`.
#
# <details><summary>A nudge</summary><code>code &gt;&gt; 6</code> drops the last six bits, and
# <code>code &amp; 0b111111</code> keeps only them.</details>
# <details><summary>A plan</summary>A later byte is <code>0b10000000 | six_bits</code>. The first of
# two is <code>0b11000000 | code &gt;&gt; 6</code>, and of three
# <code>0b11100000 | code &gt;&gt; 12</code>.</details>
# <details><summary>Nearly all</summary>For three bytes, the list grows by
# <code>[0xE0 | code &gt;&gt; 12, 0x80 | code &gt;&gt; 6 &amp; 0x3F, 0x80 | code &amp; 0x3F]</code>.
# The other cases are this one, shorter or longer: <code>[0xC0 | code &gt;&gt; 6, 0x80 | code &amp;
# 0x3F]</code> for two, and four begin with <code>0xF0 | code &gt;&gt; 18</code>.</details>


# %%
def utf8_bytes(text: str) -> list[int]:
    """The UTF-8 bytes of a text, as numbers from 0 to 255."""
    ### BEGIN SOLUTION
    values = []
    for code in map(ord, text):
        if code < 0x80:
            values.append(code)
            continue
        n_later = 1 + (code >= 0x800) + (code >= 0x10000)
        mark = {1: 0b11000000, 2: 0b11100000, 3: 0b11110000}[n_later]
        values.append(mark | code >> 6 * n_later)
        for i in reversed(range(n_later)):
            values.append(0b10000000 | code >> 6 * i & 0b111111)
    return values
    ### END SOLUTION


utf8_bytes = check("2.1", utf8_bytes)

# %% [markdown]
# 256 numbers now hold every text that can be written, in any script, whether its characters existed
# when the model was trained or not. **Nothing is ever out of vocabulary.** For contrast:
#
# ### Break it
# Here is a tokenizer that knows whole characters, all of those in two thousand stories. Ask it
# for one character more.

# %%
corpus = load_corpus("stories")
stories = corpus.train.splitlines()[:2000]
number_of = {char: i for i, char in enumerate(sorted(set("".join(stories))))}
print(len(number_of), "characters known")
try:
    print([number_of[char] for char in "Mina flew a 🪁"])
except KeyError as error:
    print("KeyError:", error)

# %% [markdown]
# Systems of this kind used to write `<unk>`, unknown, for such a character, and lost it for good.
# With bytes, the same text goes in and comes out:

# %%
ids = utf8_bytes("Mina flew a 🪁")
print(ids)
print(bytes(ids).decode())

# %% [markdown]
# ## Why not stop here?
#
# Because bytes make long rows. A model has to carry whatever it knows from byte to byte, and
# attention, in chapter 04, compares each place with every earlier one: a row five times as long
# costs twenty-five times the work.
#
# Then why not a number for every word? Because words never end. Here is real text, the language
# reference that ships inside your Python. We list the words of its first half, and look for others
# in its second.

# %%
docs = load_corpus("python-docs").train
half = len(docs) // 2
new = set(docs[half:].split()) - set(docs[:half].split())
print(f"words that only the second half has: about {round(len(new), -3):,}")
per_word = len(corpus.val.encode()) / len(corpus.val.split())
print("bytes in a word of the stories, its space included:", round(per_word))

# %% [markdown]
# So we want something in between: pieces longer than a byte, common words whole, and bytes still
# there for everything else. The way to get them was invented to compress files, by Philip Gage in
# 1994, brought to machine translation in 2016 and to GPT in 2018, and put on bytes, as we do it
# here, for GPT-2 in 2019. It is called **byte-pair encoding**, BPE.
#
# ## Byte-pair encoding
#
# The whole idea: *find the pair of neighbours that occurs most often, and give it a number of its
# own. Again. And again.* On paper, with `banana bandana`:
#
# | | row | most frequent pair | how often |
# |---|---|---|---|
# | | b a n a n a ␣ b a n d a n a | a n | 4 |
# | X = an | b X X a ␣ b X d X a | b X, and X a too | 2 |
# | Y = bX | Y X a ␣ Y d X a | X a | 2 |
# | Z = Xa | Y Z ␣ Y d Z | | |
#
# Fourteen bytes have become six tokens, ban·ana·␣·ban·d·ana. In the second row two pairs are
# equally frequent. Any rule will do, so long as it is one rule: **of equally frequent pairs, the
# smaller wins, by its first number and then by its second.** Here b is the byte 98 and X is the
# number 256, so (98, 256) comes before (256, 97).
#
# ### Exercise 2.2 · Count the pairs
# ★★☆ · 10 min · Sennrich et al. 2016, algorithm 1
#
# Count how often each pair of neighbours could be merged: `{pair: count}`, a dict or a `Counter`.
# By hand, for the row 5 6 5 6 6: (5, 6) twice, (6, 5) once, (6, 6) once.
#
# One trap: in 7 7 7 the pair (7, 7) stands twice, but the two share the middle 7, and only one of
# them can be merged. Our counts say what a merge would save, so **7 7 7 counts once**, and 7 7 7 7
# twice.
#
# <details><summary>A nudge</summary><code>pairwise(ids)</code> gives the pairs, one after the
# other. Without the trap, a <code>Counter</code> of it would do.</details>
# <details><summary>A plan</summary>Remember the pair just counted. If the next pair is the same one,
# skip it and remember nothing. Any other pair is counted, and takes its place in your
# memory.</details>
# <details><summary>Nearly all</summary>With <code>counts, last = Counter(), None</code>:
# <pre><code>for pair in pairwise(ids):
#     if pair == last:
#         last = None
#     else:
#         counts[pair] += 1
#         last = pair</code></pre></details>


# %%
def count_pairs(ids: list[int]) -> dict[tuple[int, int], int]:
    """How often each pair of neighbours in ids could be merged."""
    ### BEGIN SOLUTION
    counts = Counter()
    taken = None
    for pair in pairwise(ids):
        if pair == taken:
            taken = None
            continue
        counts[pair] += 1
        taken = pair if pair[0] == pair[1] else None
    return counts
    ### END SOLUTION


count_pairs = check("2.2", count_pairs)

# %% [markdown]
# ### Exercise 2.3 · Merge a pair
# ★★☆ · 8 min · Sennrich et al. 2016, algorithm 1
#
# Put `new_id` wherever the two ids of `pair` stand side by side, reading from left to right. A
# token that has been merged is used up: it cannot be half of a second merge. With the pair (1, 1)
# and the new id 9:
#
#     [1, 1, 1, 2]   →   [9, 1, 2]
#
# <details><summary>A nudge</summary>Walk with an index of your own: sometimes it moves on by one,
# sometimes by two.</details>
# <details><summary>A plan</summary><code>while i &lt; len(ids):</code>, and inside it compare
# <code>(ids[i], ids[i + 1])</code> with <code>pair</code>, but only where there is an
# <code>ids[i + 1]</code>. (A slice, <code>ids[i:i + 2]</code>, is a list, and no list equals a
# tuple.)</details>
# <details><summary>Nearly all</summary>With <code>merged, i = [], 0</code>:
# <pre><code>while i &lt; len(ids):
#     if i + 1 &lt; len(ids) and (ids[i], ids[i + 1]) == tuple(pair):
#         merged.append(new_id)
#         i += 2
#     else:
#         merged.append(ids[i])
#         i += 1</code></pre></details>


# %%
def merge_pair(ids: list[int], pair: tuple[int, int], new_id: int) -> list[int]:
    """Put new_id in the place of every occurrence of pair, from left to right."""
    ### BEGIN SOLUTION
    merged, i = [], 0
    while i < len(ids):
        hit = i + 1 < len(ids) and (ids[i], ids[i + 1]) == tuple(pair)
        merged.append(new_id if hit else ids[i])
        i += 2 if hit else 1
    return merged
    ### END SOLUTION


merge_pair = check("2.3", merge_pair)

# %% [markdown]
# ### Words first
#
# On real text one thing must be settled before the counting starts. Left alone, BPE would soon make
# tokens such as `. The` and `dog,`, which mix words with whatever happened to stand next to them.
# So the text is first cut into chunks, and **no token ever crosses the edge of a chunk**. GPT-2
# does this with one regular expression; so do we.

# %%
print(tokenizer.split_text("It's 10 o'clock, and Mina had a kite."))

# %% [markdown]
# Note where the spaces went: to the front of the word behind them. They are part of the text, so
# they have to be part of some token.
#
# ### Exercise 2.4 · The trainer's step
# ★★☆ · 8 min · Sennrich et al. 2016, algorithm 1
#
# Now join your two functions. `words` is a list of chunks, each a list of ids; a word that occurs
# three times is there three times. Find the most frequent pair in all of them together, merge it
# everywhere as `new_id`, and return the pair and the new words. Of equally frequent pairs take the
# smaller. Where no word has a pair left, return `None` and the words as they were. By hand:
#
#     words    [[5, 6, 7], [5, 6], [6, 7]]      (5, 6) twice, (6, 7) twice, so (5, 6)
#     returns  (5, 6), [[256, 7], [256], [6, 7]]
#
# <details><summary>A nudge</summary>One <code>Counter</code> for all words;
# <code>counts.update(...)</code> adds the counts of one word to it.</details>
# <details><summary>A plan</summary>Most frequent first, then the smaller pair: that is the minimum by
# <code>(-counts[pair], pair)</code>. <code>min</code> of nothing raises, so look for an empty
# counter before.</details>
# <details><summary>Nearly all</summary>After the counting <code>if not counts: return None,
# words</code>; then <code>pair = min(counts, key=lambda pair: (-counts[pair], pair))</code>, and
# <code>return pair, [merge_pair(word, pair, new_id) for word in words]</code>.</details>


# %%
def merge_most_frequent(words: list[list[int]], new_id: int):
    """The most frequent pair of all words, or None, and the words after merging it."""
    ### BEGIN SOLUTION
    counts = Counter()
    for word in words:
        counts.update(count_pairs(word))
    if not counts:
        return None, words
    pair = min(counts, key=lambda pair: (-counts[pair], pair))
    return pair, [merge_pair(word, pair, new_id) for word in words]
    ### END SOLUTION


merge_most_frequent = check("2.4", merge_most_frequent)

# %% [markdown]
# Training a tokenizer is this step in a loop. That is all: no gradient, no model. Forty stories and
# forty merges:

# %%
text = "\n".join(stories[:40])
words = [utf8_bytes(chunk) for chunk in tokenizer.split_text(text)]
learned, lengths = [], [sum(map(len, words))]
for new_id in range(256, 296):
    pair, words = merge_most_frequent(words, new_id)
    learned.append((pair, new_id))
    lengths.append(sum(map(len, words)))

# %%
plots.lines(
    {"tokens": lengths},
    "merges learned",
    "tokens in 40 stories",
    f"Forty merges cut the row to {lengths[-1] / lengths[0]:.2f} of its length, "
    f"the first ten alone to {lengths[10] / lengths[0]:.2f}",
    y_from=0,
)

# %% [markdown]
# The first merges save the most, since the most frequent pairs come first. What have they learned?
# A vocabulary is a list of byte strings, and each merge adds one that joins two older ones.

# %%
token = {i: bytes([i]) for i in range(256)}
for (left, right), new_id in learned:
    token[new_id] = token[left] + token[right]
print(" ".join(written(token[i]) for i in range(256, 296)))

# %% [markdown]
# Nobody gave the trainer a list of words. It found *the*, *was* and *day* because they are
# frequent, and pieces such as *ke* for no other reason. Even *␣.* is a token: these stories have a
# space before each full stop, and later we shall see why.
#
# The package has the same algorithm with unique words, linked lists and a heap, so that a megabyte
# takes it about a second. It learns the same merges, and gives them as a `tiktoken.Encoding`, the
# very type that holds GPT-4's vocabulary.

# %%
encoding = tokenizer.train_bpe(text, vocab_size=256 + 40 + 1)  # + 1: <|endoftext|>
fast = [joined for _, joined in tokenizer.merges(encoding)]
same = sum(theirs == token[i] for i, theirs in enumerate(fast, start=256))
print(f"{same} of {len(fast)} merges are the same, in the same order")

# %% [markdown]
# ### Encoding a new text
#
# Training is over, and a new text arrives. Which merges apply to it, and when?

# %%
ask("2.b")


# %%
def encode(chunk: list[int], merges: list[tuple[tuple[int, int], int]]) -> list[int]:
    """Replay the merges, oldest first."""
    for pair, new_id in merges:
        chunk = merge_pair(chunk, pair, new_id)
    return chunk


a, b, c, d = b"abcd"
rules = [((c, d), 256), ((a, b), 257), ((257, c), 258)]
print(encode([a, b, c, d], rules), "is ab, cd")

# %% [markdown]
# That is the whole of encoding, and `tiktoken` does nothing else, only faster:

# %%
chunks = [
    utf8_bytes(chunk) for chunk in tokenizer.split_text("The kite was said to sing.")
]
by_hand = [i for chunk in chunks for i in encode(chunk, learned)]
print("yours:   ", by_hand)
print("tiktoken:", encoding.encode("The kite was said to sing."))
print(encoding.decode(by_hand))

# %%
ask("2.c")

# %%
stories_512 = tokenizer.train_bpe("\n".join(stories), vocab_size=512)
for sample in ("kite", " kite", "Kite", "kites"):
    tokens = stories_512.decode_tokens_bytes(stories_512.encode(sample))
    print(f"{sample!r}:", " | ".join(map(written, tokens)))

# %% [markdown]
# To the model these are four rows of numbers with nothing in common to look at. That *kite* and
# *␣kite* mean the same, it has to learn from the company they keep.
#
# ### Play with it
#
# Type your own text, choose a tokenizer with the first slider, and step through the merges with the
# second; the left and right arrow keys move both. The token that a merge has just made is set in
# bold. Try your name, a number, a Korean word; and try `kite kite`. (The last choices are tokenizers
# of real models, where they are on this machine: GPT-2's of 50,257 tokens, once
# `tokenizer.gpt2_encoding()` has been called with a network, and that of chapter 11's chat model, of
# 49,152 tokens, which `course fetch smollm2` brings in a terminal.)

# %%
docs_2048 = tokenizer.train_bpe(docs, vocab_size=2048)
widgets.TokenPlayground(
    {"stories (512)": stories_512, "Python docs (2,048)": docs_2048},
    "Mina had a blue kite and 한 balloon 😀.",
    real=True,
)

# %% [markdown]
# ## What a token costs
#
# You pay for a model by the token, in money and in memory, so ask how much text a token holds.
# We take four kinds of text and two tokenizers, one trained on our stories, one on the Python
# documentation.

# %%
samples = {
    "English": "All human beings are born free and equal in dignity and rights.",
    "code": "for i in range(10):\n    if i % 2 == 0:\n        print(i, i ** 2)\n",
    "Korean": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "emoji": "😀🎉🚀🌈🐶",
}


def bytes_per_token(encoding) -> dict[str, float]:
    sizes = {kind: len(encoding.encode(text)) for kind, text in samples.items()}
    return {kind: len(samples[kind].encode()) / n for kind, n in sizes.items()}


# %% tags=["nbval-ignore-output"] reason="Python's documentation differs between versions"
costs = {
    "trained on stories": bytes_per_token(stories_512),
    "trained on Python's docs": bytes_per_token(docs_2048),
}
plots.bytes_per_token(
    costs,
    "English and code are cheap where the tokenizer has read them; Korean and emoji "
    "cost a token for every byte",
)

# %%
code = [values["code"] for values in costs.values()]
n = {kind: len(docs_2048.encode(text)) for kind, text in samples.items()}
print(f"code: {code[1] / code[0]:.0f} times as much in a token of the docs")
for kind in ("Korean", "emoji"):
    print(f"{kind}: {len(samples[kind].encode())} bytes, {n[kind]} tokens")
print(f"Korean against English: about {n['Korean'] / n['English']:.0f} times as many")

# %% [markdown]
# The second tokenizer holds more code because it has read code. It also has four times the
# vocabulary, and that alone makes tokens longer. Both can write Korean, and neither has ever seen
# any, so they spell it byte by byte: three tokens for each syllable. The two sentences say the
# same, article 1 of the Universal Declaration of Human Rights. With the tokenizer of the Python
# docs, a reader in Seoul would pay nearly four times as much for it, and fit about a quarter as
# much into the model's window. Many times the vocabulary alone does not help: SmolLM2, the real
# model of chapter 11, has read English and code, and its 49,152 tokens write the English sentence in
# 13 and the Korean one in 85. BPE isn't unfair by nature: it is short where its training text was
# long.
#
# ## A world whose chances are known
#
# Now the second half of the question: *what would it mean to predict text well?* For English nobody
# can say, since nobody knows the true chance of the next word. So this course has a small world of
# its own. A program writes its stories by throwing dice, one word at a time, and because we have
# the program, we can ask it for the true chances after any beginning.

# %%
lines = [line for line in corpus.val.splitlines() if "asked for the" in line]
story = lines[0].split()
print(textwrap.fill(storyworld.prose(story), 88))

# %% [markdown]
# Full stops and commas are words here, with spaces around them. After the first few words of the
# story, what can come next? `next_words` knows, exactly.

# %%
start = story[: story.index("was") + 1]
print(storyworld.prose(start), "…")
chances = storyworld.next_words(start)
print({word: round(p, 3) for word, p in chances.items()})

# %% [markdown]
# And further on, where somebody asks for the thing?

# %%
asked = ["asked", "for", "the"]
recall = next(r for r in storyworld.recalls(story) if story[: r.index][-3:] == asked)
prefix = story[: recall.index]
print("…", storyworld.prose(prefix[-8:]), "…")
print(storyworld.next_words(prefix), f"said {recall.distance} words before")

# %% [markdown]
# One word, for certain. The story has named the colour, far back, and whoever remembers it needn't
# guess. These two places are the whole drama of language modelling: at one there is a choice that
# nobody can foresee, at the other a fact that everybody could remember.
#
# ## Prediction by counting
#
# The oldest language model is a table. For each **context**, the last few words, it counts which
# words have followed. An **n-gram** model looks at n − 1 words, so that context and next word are n
# words together; Markov counted letters like this in 1913, and Shannon words in 1948.


# %%
def count_table(stories: list[list[str]], length: int) -> dict[tuple, Counter]:
    """What followed each context of `length` words, and how often."""
    table = {}
    for words in stories:
        for i in range(length, len(words)):
            context = tuple(words[i - length : i])
            table.setdefault(context, Counter())[words[i]] += 1
    return table


train = [line.split() for line in stories]
tables = [count_table(train, length) for length in range(4)]
print(tables[2]["One", "morning"], tables[1][("left",)].most_common(3))

# %% [markdown]
# Counts become chances when we divide by their sum. But a word that never followed a context would
# get the chance 0: *impossible*, after a few thousand words. So we mix in a humbler opinion, that
# of the context one word shorter, which has been seen more often. It gets the weight of `strength`
# imagined words:
#
# $$p(w \mid \text{context}) = \frac{\text{count}(w) + \text{strength} \cdot p_\text{lower}(w)}{\text{total} + \text{strength}}$$
#
# Here count(w) says how often w followed the context, and total how often anything did. The shorter
# context counts as much as `strength` further words would, shared out as it says.
#
# ### Exercise 2.5 · N-gram chances with smoothing
# ★★☆ · 7 min · MacKay and Peto 1995
#
# `table` is one of the tables above, `lower` the chances of every word according to the shorter
# context. Return the chances of every word in `lower`. A context that the table doesn't have has
# counted nothing: then the formula gives back `lower` itself.
#
# By hand: after *a* came *red* three times and *blue* once, `lower` says one half each, and the
# strength is 4. Then *red* has (3 + 4 · ½) / (4 + 4) = 0.625, and *blue* (1 + 4 · ½) / 8 = 0.375.
#
# <details><summary>A nudge</summary><code>table.get(context, {})</code> spares you a special case,
# and so does <code>counts.get(word, 0)</code>.</details>
# <details><summary>A plan</summary>The total is <code>sum(counts.values())</code>. Loop over
# <code>lower.items()</code>, not over the counts: every word needs a chance. Put both sums of the
# formula in parentheses.</details>
# <details><summary>Nearly all</summary><code>counts = table.get(context, {})</code>, <code>total =
# sum(counts.values())</code>, and <code>return {word: (counts.get(word, 0) + strength * p) / (total +
# strength) for word, p in lower.items()}</code>.</details>


# %%
def ngram_chances(table, context, lower, strength) -> dict[str, float]:
    """The chances of every word in `lower` after `context`, smoothed; they sum to 1."""
    ### BEGIN SOLUTION
    counts = table.get(context, {})
    total = sum(counts.values())
    return {
        word: (counts.get(word, 0) + strength * p) / (total + strength)
        for word, p in lower.items()
    }
    ### END SOLUTION


ngram_chances = check("2.5", ngram_chances)

# %% [markdown]
# A whole model is that function called once for each length of context, from the shortest up. The
# first opinion of all is that every word is equally likely.

# %%
vocabulary = storyworld.VOCABULARY


def believe(prefix: list[str], order: int, strength: float = 1.0) -> dict[str, float]:
    """The next-word chances of an n-gram model, from its tables."""
    chances = {word: 1 / len(vocabulary) for word in vocabulary}
    for length in range(order):
        context = tuple(prefix[len(prefix) - length :])
        chances = ngram_chances(tables[length], context, chances, strength)
    return chances


# %% [markdown]
# `utils.llm.counting.ngram.NGramModel` is the same thing with sorted arrays in place of dictionaries.

# %%
models = {n: NGramModel(n).fit(train, vocabulary) for n in range(1, 6)}
mine, fast = believe(prefix, order=4), models[4].next_words(prefix)
apart = max(abs(mine[word] - fast[word]) for word in vocabulary)
print(f"no word's chance differs by more than {apart:.6f}")

# %% [markdown]
# ### The pie that is, the pie that the model believes
#
# First the weather, where there is nothing to remember:

# %%
true, believed = storyworld.next_words(start), believe(start, order=4)
apart = max(abs(true.get(word, 0) - p) for word, p in believed.items())
plots.pie_pair(
    true,
    believed,
    f"Where the dice decide, counting is enough: no slice is off by more than {apart:.2f}",
    titles=("the pie that is", "the pie that the 4-gram believes"),
    most=8,
)

# %% [markdown]
# And now where somebody *asked for the …*?

# %%
ask("2.d")

# %%
true, believed = storyworld.next_words(prefix), believe(prefix, order=4)
(colour,) = true
plots.pie_pair(
    true,
    believed,
    f"Where the story must be remembered, the 4-gram gives “{colour}” "
    f"{100 * believed[colour]:.0f} percent",
    titles=("the pie that is", "the pie that the 4-gram believes"),
    most=8,
    drawn=colour,
)

# %% [markdown]
# The 4-gram isn't stupid. It knows that a colour comes here, and it spreads its chances fairly. It
# just can't see as far back as the beginning. Walk through the story yourself, with arrow keys, and
# change the order: the words in brackets are all that the model reads. At which places does a
# longer context help, and at which is it no use?

# %%
widgets.pies_of_a_story(
    story, storyworld.next_words, models, position=recall.index, order=4
)

# %% [markdown]
# ## How surprised?
#
# We need one number for a pie and for the word that then came. Take the chance that the model had
# given to that word, and call **−log₂ of it the surprise, in bits**. A word that was certain costs
# 0 bits. One chance in two costs 1 bit, one in four 2 bits, one in eight 3: each halving costs one
# bit more. Chances multiply along a text, so surprises add up; that is what the logarithm is for.
#
# Along our story, word by word, the truth and the 4-gram:

# %%
dice = storyworld.distributions(story)  # the true chances before each word
true_bits = [
    -math.log2(chances[word]) for chances, word in zip(dice[:-1], story, strict=True)
]
model_bits = models[4].word_bits(story)
here = slice(recall.index - 8, recall.index + 20)
plots.word_bits(
    story[here],
    {"truth": true_bits[here], "4-gram": model_bits[here]},
    f"The 4-gram pays {model_bits[recall.index]:.1f} bits for “{colour}”, which the story "
    f"told {recall.distance} words before",
)

# %% [markdown]
# Where only the 4-gram has a spike, the words before, near or far, had already settled it. Where
# both have one, a die was thrown. On a single word a wrong belief can be lucky and pay less than
# the truth, as at *ate*. On average it can't, as we shall see.
#
# The surprise to be expected, before the word comes, is the **entropy** of the pie: each surprise
# weighed by its chance, and all of them added. It says how much of a choice there is. 2 to the
# power of the entropy is the **perplexity**: the number of equally likely choices that would be as
# hard.

# %%
ask("2.e")

# %% [markdown]
# ### Exercise 2.6 · Entropy and perplexity
# ★☆☆ · 4 min · Shannon 1948, section 6
#
# From a list of chances that sum to 1, return the entropy in bits and the perplexity. By hand, for
# ½, ¼, ¼: the surprises are 1, 2 and 2 bits. Weighed by their chances, ½ · 1 + ¼ · 2 + ¼ · 2 = 1.5
# bits. The perplexity is 2 to the power of 1.5, about 2.83: less than three equal choices, as one
# of the three is likelier. A chance of 0 adds nothing, since what never comes surprises nobody.
#
# <details><summary>A nudge</summary><code>math.log2</code> cannot take the logarithm of 0: leave
# such chances out.</details>
# <details><summary>A plan</summary>Each chance times its surprise, added up over the chances above
# 0; and 2 to the power of that.</details>
# <details><summary>Nearly all</summary><code>bits = sum(-x * math.log2(x) for x in p if x &gt;
# 0)</code>, and <code>return bits, 2 ** bits</code>.</details>


# %%
def entropy_and_perplexity(p: list[float]) -> tuple[float, float]:
    """The entropy of the chances p in bits, and their perplexity."""
    ### BEGIN SOLUTION
    bits = sum(-x * math.log2(x) for x in p if x > 0)
    return bits, 2**bits
    ### END SOLUTION


entropy_and_perplexity = check("2.6", entropy_and_perplexity)

# %%
for place, words_so_far in {"the weather": start, "the colour": prefix}.items():
    for name, pie in {
        "truth": storyworld.next_words(words_so_far),
        "4-gram": believe(words_so_far, order=4),
    }.items():
        bits, choices = entropy_and_perplexity(list(pie.values()))
        print(f"{place}, {name}: {bits:.1f} bits, perplexity {choices:.1f}")

# %% [markdown]
# But a model's own entropy says how sure it *feels*. To judge it, let the world throw the dice and
# the model be surprised: that is the **cross-entropy**, the true chance of each word times the
# model's surprise at it, summed over all words. On paper, for a fair coin that a model takes to be
# loaded ¼ to ¾: two equal chances, and the surprises 2 and 0.415. That makes
# ½ · 2 + ½ · 0.415 = 1.21 bits, where the coin itself has 1. It can be shown (Gibbs) that no belief
# about the coin costs less than the truth does. **Entropy is the floor of cross-entropy.**

# %%
for belief in ([0.25, 0.75], [0.5, 0.5], [0.6, 0.4]):
    bits = information.cross_entropy([0.5, 0.5], belief)
    print(f"believing {belief}: {bits:.2f} bits")

# %% [markdown]
# And it isn't accuracy. Here are two forecasters of a world where it rains nine days in ten. Both
# say rain every day, and both are right on nine days in ten; one of them knows how sure to be.

# %%
for name, belief in {"sure enough": [0.9, 0.1], "too unsure": [0.6, 0.4]}.items():
    bits = information.cross_entropy([0.9, 0.1], belief)
    print(f"{name}: {bits:.2f} bits, perplexity {information.perplexity(bits):.2f}")

# %% [markdown]
# ### Counting is training, done at once
#
# You have met cross-entropy before. Chapter 01's log loss is the same
# number in another unit: with the natural logarithm surprise is counted in **nats**, and a bit is
# ln 2 = 0.693 of them. So a model that descends on the log loss pays less and less surprise, and it
# should end where counting is at once. Let us see it arrive. The smallest network that can read a
# word is a table with a row of scores for each; a softmax makes chances of a row, all of them
# positive and with the sum 1 (chapter 03 builds it). At the start every score is 0. The gradient is
# taken by autograd, and the steps are those of chapter 01:

# %%
row_of = {word: i for i, word in enumerate(vocabulary)}
told = [row_of[word] for words in train for pair in pairwise(words) for word in pair]
before, after = torch.tensor(told).view(-1, 2).T
counted = torch.zeros(len(vocabulary), len(vocabulary))
counted.index_put_((before, after), torch.ones(len(before)), accumulate=True)
shares = counted / counted.sum(1, keepdim=True).clamp(min=1)  # counting, at once

scores = torch.zeros_like(shares, requires_grad=True)
for step in range(801):
    chances = scores.softmax(dim=-1)
    if step in (0, 20, 800):
        bits = -(counted * chances.log2()).sum() / counted.sum()
        print(f"after {step:3} steps: {bits:.2f} bits a word")
    loss = -(shares * chances.log()).sum()  # each row's cross-entropy, in nats
    (gradient,) = torch.autograd.grad(loss, scores)
    with torch.no_grad():
        scores -= 5 * gradient
bits = -(counted * shares.clamp(min=1e-9).log2()).sum() / counted.sum()
print(f"counted at once: {bits:.2f} bits a word")

# %%
for word in ("the", "for"):
    at = row_of["asked"], row_of[word]
    print(f"asked {word}: counted {shares[at]:.2f}, trained {chances[at]:.2f}")

# %% [markdown]
# Eight hundred steps for what a division does. But the table can only be counted since each of its
# scores belongs to one context. Put a second layer in, which many contexts share, and there is
# nothing left to count; there is still a gradient. That is the way from here to a GPT. (These are the
# words that it has read. On new stories both would need smoothing.)
#
# ### Break it
#
# Set the strength to 0, and the model believes its counts and nothing else. Look at what it makes
# of the word after *Suna*, and what a single word costs that it had ruled out.

# %%
lower = believe([], order=1)
strict = ngram_chances(tables[1], ("Suna",), lower, 0.0)
impossible = [word for word, p in strict.items() if p == 0]
print(f"after “Suna”: {len(impossible)} of {len(strict)} words ruled out")
word = max(impossible, key=len)
surprise = -torch.tensor(strict[word]).log2()
print(f"if “{word}” should come after all: {surprise:.0f} bits")

# %% [markdown]
# One such word among a million, and the mean over the million is infinite. That is why models are
# smoothed. A GPT, which is built never to give exactly 0, is smooth by birth.
#
# ## The race
#
# Now everything meets on one axis: **bits per word on stories that no model has seen**, from models
# that have all read the same 2,000. First the floor. `entropy_per_word` works it out exactly from
# the program, and we can check it: let the program predict three hundred new stories itself.

# %%
held_out = [line.split() for line in corpus.val.splitlines()[:300]]
floor = storyworld.entropy_per_word()
paid = sum(-storyworld.log2_probability(words) for words in held_out)
print(f"the floor: {floor:.2f} bits a word")
print(f"what the truth itself pays: {paid / sum(map(len, held_out)):.2f} bits a word")

# %% [markdown]
# Then the n-grams, and with them contestants that aren't usually called language models at all.
#
# Any compressor is one. A word to which you give the chance ¼ can be written down in 2 bits, and in
# general a chance p in −log₂ p bits, so a good predictor makes small files, and a program that
# makes small files must be predicting. gzip looks for phrases that it has seen in the last 32 kB,
# and writes *how far back* and *how long* in place of them. The Lempel-Ziv coder of 1978 grows a
# tree of phrases, each one byte longer than one before it, and writes the number of the old phrase
# and the new byte. Both know bytes only. The third contestant takes that tree and lets it predict
# (Langdon 1983): where we stand in it, the counts of its branches say what may follow. They are
# smoothed by the formula of your n-gram, and where a phrase ends it keeps what context it can.

# %%
ask("2.f")

# %%
read, new = "\n".join(stories), "\n".join(map(" ".join, held_out))
orders = {n: model.bits_per_word(held_out) for n, model in models.items()}
compressors = {
    "gzip": lempel_ziv.gzip_bits_per_word(read, new),
    "Lempel-Ziv 1978": lempel_ziv.lz78_bits_per_word(read, new),
    "its tree, predicting": lempel_ziv.bits_per_word(read, new),
}
plots.bits_per_word(orders, compressors, floor)

# %% [markdown]
# Two words of context are worth more than five bits, the third a quarter of a bit, the fourth next
# to nothing, and the gap to the dashed line stays open. gzip forgets, and each phrase that it copies
# costs it two numbers. The coder of 1978 throws its context away at the end of every phrase, and
# does worse than counting single words. But its tree knows more than the code makes of it: with the
# context kept and the counts smoothed it comes close to the 4-gram, though it begins with bytes.
# Predicting and compressing are one craft.
#
# Would a fifth word of context close the gap?

# %%
sixth = NGramModel(6).fit(train, vocabulary).bits_per_word(held_out)
print(f"order 5: {orders[5]:.2f} bits a word, order 6: {sixth:.2f}")

# %% [markdown]
# ### Exercise 2.8 · What twice the text is worth
# ★★☆ · 10 min · an experiment of your own
#
# All of these have read 2,000 stories. Would more help? A question of this kind has no formula: one
# measures. So measure: **how many bits a word does an n-gram gain on new stories when it has read
# 2,000 stories in place of 1,000?** Write the experiment as a function of the order, which returns
# the bits a word after 1,000 stories minus those after 2,000.
#
# At hand are `train`, the 2,000 stories as lists of words; `held_out`, 300 that none of the models
# has read; and `vocabulary`, all their words. You may draw others. Leave the strength of a model at
# 1. The check knows the gain from a dozen draws, and accepts whatever lies within their spread.
# That is wide enough for other stories, and too narrow for an experiment in which anything else
# changes along with the text. What has to be held still? Decide before you write, and guess the
# gains of the 3-gram and the 5-gram.
#
# <details><summary>A nudge</summary>Two models that differ in nothing but the number of stories: one
# order, one strength (leave it at 1), one vocabulary. And one judge, the same new stories for both,
# which neither has read.</details>
# <details><summary>A plan</summary><code>NGramModel(order).fit(some_stories, vocabulary)</code> reads
# lists of words, such as <code>train</code>, and <code>bits_per_word(held_out)</code> judges. Do both
# for the first 1,000 stories of <code>train</code> and for all 2,000.</details>
# <details><summary>Nearly all</summary><code>bits = [NGramModel(order).fit(train[:n],
# vocabulary).bits_per_word(held_out) for n in (1000, 2000)]</code>, and <code>return bits[0] -
# bits[1]</code>.</details>


# %%
def gain_of_doubling(order: int) -> float:
    """Bits a word that an n-gram gains from 2,000 stories in place of 1,000."""
    ### BEGIN SOLUTION
    bits = [
        NGramModel(order).fit(train[:n], vocabulary).bits_per_word(held_out)
        for n in (1000, 2000)
    ]
    return bits[0] - bits[1]
    ### END SOLUTION


gain_of_doubling = check("2.8", gain_of_doubling)

# %%
gains = [gain_of_doubling(order) for order in range(1, 7)]
plots.lines(
    {"1,000 → 2,000 stories": (range(1, 7), gains)},
    "order of the n-gram",
    "bits a word gained",
    "The longer the context, the more twice the text is worth",
    markers=True,
    y_from=0,
)

# %% [markdown]
# Single words are counted well after a thousand stories, and the second thousand brings next to
# nothing. The 5-gram gains some ten times as much as the 2-gram. That is hunger: a long context is
# seldom met, and has always too few examples. How far does one get by feeding? Here are all the
# stories that come with the course, five times as many:

# %%
many = [line.split() for line in corpus.train.splitlines()]
for n in (2_000, 10_000):
    fed = [NGramModel(order).fit(many[:n], vocabulary) for order in (5, 6)]
    five, six = (model.bits_per_word(held_out) for model in fed)
    print(f"{n:6,} stories: order 5 {five:.2f}, order 6 {six:.2f} bits a word")

# %% [markdown]
# Order 6 has caught up, so it was hunger that had hurt it. But the meal has to double each
# time, and both still pay more than twice the floor of 0.45.

# %% [markdown]
# ## Why counts can't remember
#
# To know the colour, an n-gram would need a context that reaches back to where it was told, dozens
# of words. Why not simply raise n? Because a table knows a context only if it has met it,
# word for word. Longer contexts are more numerous, so each is met less often, and more and more of
# those in a new story have never been met at all.


# %%
def contexts_of(stories: list[list[str]], order: int) -> list[tuple]:
    """The order − 1 words before each word that has so many before it."""
    length = order - 1
    return [tuple(w[i - length : i]) for w in stories for i in range(length, len(w))]


distinct, unseen = [], []
for order in range(1, 11):
    known, met = set(contexts_of(train, order)), contexts_of(held_out, order)
    distinct.append(len(known))
    unseen.append(sum(context not in known for context in met) / len(met))

# %%
plots.contexts(range(1, 11), distinct, unseen)

# %% [markdown]
# At order 10 a third of what comes is new to the table, and the colour was told many more than ten
# words ago. A table can share only what stands in the same *last* words: of *Omar had a green hat* it
# can use *a green hat* for Suna's, and nothing that reaches back to the name, where the two are
# different entries. What we would want is a model that looks back for one word, wherever it is, and
# takes it. That is attention, and it begins in chapter 03.
#
# Before it, people gave the table a memory. A **hidden Markov model** walks through some dozens or
# hundreds of states that nobody sees, and each state has a pie of its own. So it can know that it is
# in the middle of a sentence about weather (Rabiner 1989). But with N states it can keep log₂ N bits
# of all that has been read, and the world's sixteen names times ten colours, ten things and eight kinds
# of weather are 12,800 states already, each of which would have to be met often enough to learn its
# pie. A network keeps the four facts side by side, in numbers of their own, and learns each of them
# once.
#
# ### What has to be kept
#
# All this is about the *next* word. Is that not a short-sighted aim? Ask it the other way round:
# what must a reader keep of a story, if no word is to surprise it more than it must? We exchange one
# word of ours, and ask the world where, if anywhere, it goes on differently.


# %%
def told_apart(words: list[str], place: int, other: str) -> int | None:
    """How many words behind a place the chances first depend on what stands there."""
    changed = [*words[:place], other, *words[place + 1 :]]
    for end in range(place + 1, len(words) + 1):
        here, there = (storyworld.next_words(w[:end]) for w in (words, changed))
        if here != there:
            return end - place
    return None


for kind, place, other in [
    ("the time of day", story.index("One") + 1, "day"),
    ("the colour", story.index(colour), "green" if colour != "green" else "red"),
]:
    after = told_apart(story, place, other)
    told = "never" if after is None else f"{after} words later"
    print(f"{kind}, “{other}” for “{story[place]}”: makes a difference {told}")

# %% [markdown]
# Two stories that differ in *One morning* and *One day* are the same story from the next word on: the
# best reader may drop the difference at once. The colour makes no difference for a long while, and
# then it settles a word. So whoever wants to be right about each next word has to carry along what
# the story is about, for as long as it may still matter. The aim is one word long. What it takes to
# reach it isn't.
#
# ## What a GPT will train on
#
# Which tokens? This chapter has built two kinds: pieces of words by byte-pair encoding, and whole
# words. The story models of this course read whole words, since the world has only 368 of them, and
# bits a word then need no conversion. Models of real text read pieces, as the one of chapter 10 that
# you train on a text of your own.
#
# The last step of preparing a text is cutting it. All stories become one long row of ids, with an
# end-of-text token between them, and the row is cut into **windows** of T inputs, each with T
# **targets**: the same ids, one place further on. At every place the model sees the window up to
# there, and is to predict the target.

# %%
sample = stories_512.encode("Mina had a blue kite")
window = [written(token) for token in stories_512.decode_tokens_bytes(sample)]
plots.window_examples(window)

# %% [markdown]
# One pass over a window is T lessons for the price of one, with contexts of every length from 1 to
# T. A GPT isn't a table, but it too has an order: nothing that lies before its window can reach it.
#
# ### Exercise 2.7 · Windows
# ★★☆ · 7 min · Radford et al. 2018, section 3.1
#
# Cut a row of ids into windows that lie end to end. Return `inputs` and `targets`, each a tensor of
# shape (N, T), where T is `context_length`. Drop what is left at the end and doesn't fill a window;
# there are always at least T + 1 ids. (`torch.tensor(ids)` makes a tensor of a list, and
# `t.view(n, T)` gives a tensor a new shape.) By hand, with T = 2:
#
#     ids      10 11 12 13 14 15
#     inputs   [[10, 11], [12, 13]]
#     targets  [[11, 12], [13, 14]]
#
# Note that 12 is a target in the first window and an input in the second, and that 15 finds no
# place.
#
# <details><summary>A nudge</summary>How many windows are there? Not <code>len(ids) // T</code>: the
# last target needs one id more than the inputs.</details>
# <details><summary>A plan</summary>With <code>n = (len(ids) - 1) // T</code>, the inputs are the
# first <code>n * T</code> ids in a new shape, and the targets the <code>n * T</code> ids that begin one
# place later.</details>
# <details><summary>Nearly all</summary><code>row, T = torch.tensor(ids), context_length</code>, and
# with n as above <code>return row[:n * T].view(n, T), row[1:n * T + 1].view(n, T)</code>.</details>


# %%
def cut_windows(
    ids: list[int], context_length: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets, each (N, T); a target is its input one id further on."""
    ### BEGIN SOLUTION
    row = torch.tensor(ids)
    n = (len(row) - 1) // context_length
    inputs = row[: n * context_length].view(n, context_length)  # (N, T)
    targets = row[1 : n * context_length + 1].view(n, context_length)  # (N, T)
    return inputs, targets
    ### END SOLUTION


cut_windows = check("2.7", cut_windows)

# %%
joined = "<|endoftext|>".join(stories[:100])
row = stories_512.encode(joined, allowed_special="all")
inputs, targets = cut_windows(row, context_length=32)
theirs = windows(row, 32)
print(tuple(inputs.shape), tuple(targets.shape))
print("input: ", inputs[0, :12].tolist())
print("target:", targets[0, :12].tolist())
differ = sum((a != b).sum() for a, b in zip((inputs, targets), theirs, strict=True))
print("places where the package's differ:", differ.item())

# %% [markdown]
# From here on, *the data* of this course is these two tensors, and *the loss* is the cross-entropy
# of the targets.
#
# ## What people get wrong
#
# *"A token is a word."* Sometimes. It may be a word with its space, a syllable, a third of a Hangul
# syllable, or a line break with three spaces. Ask a model how many letters a word has, and you ask
# about something that it was never shown.
#
# *"The tokenizer removes the spaces."* It keeps every byte; `decode(encode(text)) == text`. The
# space before a word is part of the word's token, so a prompt that ends in a space asks for a word
# that doesn't begin with one, and models answer such prompts badly.
#
# *"Merges are applied longest first"*, or *"encoding looks for the longest token"*. They are
# replayed in the order in which they were learned, as in the question on `abcd`.
#
# *"An emoji is one character and one byte."* 😀 is four bytes, and 👩‍🚀 is three code points,
# woman, joiner and rocket, and eleven bytes.
#
# *"Perplexity is accuracy"*, or *"a perplexity of 20 beats one of 35"*. Perplexity says how unsure,
# not how often right. And two perplexities compare only if they count the same tokens: a tokenizer
# with longer tokens makes every token harder to guess and the text no harder. Compare bits per word
# or per byte of the same text.
#
# *"A better model would reach zero."* No model gets under the entropy of its source. Where a
# training curve does, look for a leak: chapter 04 builds one on purpose.
#
# *"More context always helps."* For a table it soon hurts, as order 6 has shown after 2,000 stories:
# a rarer context is a worse witness.
#
# ## For the meeting
#
# 1. The Korean sentence cost nearly four times as much as the English one. You may train the
#    tokenizer anew. What would you change, and who would pay for it?
# 2. Model A has a perplexity of 20 a token, at 4.0 bytes a token. Model B has 35, at 5.0 bytes a
#    token. Which of the two predicts the text better?
# 3. gzip was far behind, though it is the one in daily use. Is it a bad compressor? What would a
#    GPT need before it could take over?
# 4. A story has about 0.45 bits a word. Roughly how many different beginnings of 60 words are there
#    that one could really meet, and what does that say about a table of order 61?
# 5. Where would you put the border between *memory* and *understanding* in the word-by-word figure?

# %% [markdown] tags=["solution-only"]
# ### Answers for the meeting
#
# 1. Train it on a text with more Korean in it, or give it more merges. With a fixed vocabulary each
#    Korean token takes the place of an English one, so English gets a little longer. A larger
#    vocabulary helps both, and costs parameters and time in the model's first and last layers.
# 2. Per byte: A pays log₂ 20 / 4.0 = 4.32 / 4.0 = 1.08 bits, B pays log₂ 35 / 5.0 = 5.13 / 5.0 =
#    1.03 bits. B predicts better, for all its larger perplexity.
# 3. gzip has to start from nothing on every file, in any format, with 32 kB of memory and at tens
#    of megabytes a second. A GPT would make smaller files (with arithmetic coding), but both sides
#    need the same weights and bit-identical arithmetic, and it is slower by many thousand times.
#    The weights count too, unless many files share them.
# 4. About 2 to the power of 0.45 · 60 = 27, more than a hundred million. (There are more than 300
#    to the power of 60 rows of 60 words; nearly all of them are never told.) A table of that order
#    would need to have met most of them, in a corpus of thousands of millions of words.
# 5. There is no one answer. The spikes that only the 4-gram has are memory: the answer stands in
#    the text. But some can be removed with two more words of context, and some only by knowing that
#    five plums less one are four. The figure can't tell the two apart, and neither can a loss.

# %% [markdown]
# ## Recap
#
# Text is bytes, by a code that any string fits (RFC 3629, Yergeau 2003). Bytes are merged into
# tokens, the most frequent pair first (Gage 1994, *A New Algorithm for Data Compression*; Sennrich,
# Haddow and Birch 2016, *Neural Machine Translation of Rare Words with Subword Units*; on bytes and
# with a split pattern: Radford et al. 2019, *Language Models are Unsupervised Multitask Learners*,
# section 2.2). A language model gives chances to the next token. Counting does so for short
# contexts (Shannon 1948, *A Mathematical Theory of Communication*; smoothing: MacKay and Peto 1995,
# *A Hierarchical Dirichlet Language Model*; with hidden states: Rabiner 1989, *A Tutorial on Hidden
# Markov Models*). Its worth is measured in bits: entropy is what the
# source holds, cross-entropy what the model pays (Shannon 1948; and for English with people as the
# model, Shannon 1951, *Prediction and Entropy of Printed English*). Compression is the same game
# (Ziv and Lempel 1978, *Compression of Individual Sequences via Variable-Rate Coding*; the tree
# that predicts: Langdon 1983, *A Note on the Ziv-Lempel Model for Compressing Individual
# Sequences*). Counts can't reach far back, as contexts outnumber any corpus. A GPT will, and trains
# on windows of inputs and shifted targets (Radford et al. 2018, *Improving Language Understanding
# by Generative Pre-Training*).
#
# | English | Korean |
# |---|---|
# | byte | 바이트 |
# | code point | 코드 포인트 |
# | token, tokenizer | 토큰, 토크나이저 |
# | vocabulary | 어휘 집합 |
# | out of vocabulary | 미등록 단어 |
# | byte-pair encoding | 바이트 쌍 인코딩 |
# | merge | 병합 |
# | language model | 언어 모델 |
# | n-gram | n-그램, 엔그램 |
# | context | 문맥 |
# | probability distribution | 확률 분포 |
# | smoothing | 평활화 |
# | surprise, self-information | 놀람도, 자기 정보량 |
# | entropy | 엔트로피 |
# | cross-entropy | 교차 엔트로피 |
# | bit, nat | 비트, 내트 |
# | embedding | 임베딩 |
# | hidden Markov model, state | 은닉 마르코프 모형, 상태 |
# | probability | 확률 |
# | perplexity | 퍼플렉서티, 혼란도 |
# | compression | 압축 |
# | held-out data | 검증용으로 떼어 둔 데이터 |
# | window, context length | 윈도, 문맥 길이 |
# | input, target | 입력, 타깃(정답) |
