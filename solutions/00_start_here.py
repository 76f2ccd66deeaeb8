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
# # 00 · Start here
#
# **What is a language model, before anybody says the word *neural*?** In twenty minutes you will have
# one that writes, you will have caught it out, and you will have written a smaller one yourself.
#
# This page is a notebook: text like this, and grey cells with Python in them. Choose
# **Run → Run All Cells** from the menu at the top, once, before you read on. It takes a few
# seconds. Later, <kbd>Shift</kbd>+<kbd>Enter</kbd> runs one cell and moves to the next, and you may
# change any cell and run it again; nothing here can break your computer.

# %%
from collections import Counter

import torch
from utils.course import ask, check, progress
from utils.data import storyworld
from utils.data.texts.models import open_model
from utils.llm.counting.ngram import NGramModel
from utils.viz import plots, widgets

print("PyTorch adds six ones:", torch.ones(2, 3).sum().item())

# %% [markdown]
# If that says 6.0, your machine is ready: two processor cores and this laptop are all that the
# course asks for. If a red box stands there instead, open a terminal (**File → New → Terminal**)
# and type `course doctor`; it says in plain words what is missing and how to get it.
#
# ## A model answers
#
# Before anything is explained, here is one. It is a GPT, built of the very parts that you will
# build, with seven hundred thousand numbers in it where the famous ones have billions. (The letters
# stand for *generative pre-trained transformer*: it writes, it has learned before it is put to use,
# and *transformer* is the name of what it is built like.) It has read
# short stories and nothing else. Give it the first words of one, and it goes on, a word at a time.
#
# It opens in the middle of a story, at a question: *Is it behind the …*. Press ▶ and watch it
# go on. Then put your own words into *first words*, followed by
# <kbd>Enter</kbd>: *Tom had a red*, or only *Lena*, or nothing at all. (It knows 368 words, and says
# so when it is given another.) With the arrow keys on the slider you can go back and look at any
# word again.

# %%
story_model = open_model("stories")
widgets.story_explorer(story_model, "Mina had a", words_written=61, seed=5)

# %% [markdown]
# The right pie is the model: before each word it gives a chance (a *probability*) to every word it
# knows, then rolls dice. It does nothing else. Half of the pie is *cupboard*, since that is where
# Mina put the bucket two dozen words ago; the dice hit another slice, the one that is pulled out.
# The left pie is the truth, and that there is such a thing is the peculiarity of this course.
# Mostly you will have to look twice to tell the two apart. **That is what you will have built in
# week 4**, and you will know why it ends up there and no further.
#
# ## A small world
#
# How can there be a true chance of a word? The course does not train on the internet. It has a
# world of its own, in which very little happens and all of it is written down: somebody has a
# thing, the thing has a colour, there is some weather, and then things go wrong in one of a few
# ways.

# %%
stories = storyworld.stories(4000)
print(storyworld.prose(stories[0], width=88))

# %% [markdown]
# A program writes these stories by drawing lots, one word at a time. Because we know the program,
# we know something that nobody knows about English: the **true chance of every next word**. After
# *On the second day*, in the middle of a journey with an owl, this is what may come, and these are
# the chances that a left pie shows:

# %%
told = (
    "Mina had a blue kite . One morning there was fog over the mill . It was a good "
    "day to see the castle , which was two days away . Mina took the blue kite and a "
    "shirt . On the first day she met an owl who was going there too . On the second day"
)
truth = storyworld.next_words(told.split())
plots.bars(
    truth,
    "chance of being the next word",
    "“They argued”, “the owl slept” or “Mina” herself: three words can come, not equally often",
)

# %% [markdown]
# Keep this picture. A language model, from the smallest to the ones with a trillion numbers in
# them, is a function that looks at the words so far and gives a chance to every word that might be
# next. All eleven chapters are about that one function: how to build it, how to train it, how to draw
# words from it.
#
# ## A model that counts
#
# Now the simplest one that does anything, and the first that you will build. It has read the four
# thousand stories and counted which word followed which three words. To write, it looks up the
# last three words, draws the next one in proportion to its counts, and starts over. (`order=4`:
# three words and the one that follows.) Change `first_words` and run the cell again; words and full
# stops are separated by spaces.

# %%
model = NGramModel(order=4).fit([story.split() for story in stories])
first_words = "Mina had a blue kite .".split()
written = model.write(60, first_words, seed=12)
print(storyworld.prose(first_words + written, width=88))

# %% [markdown]
# Nearly any four words in a row are fine. The whole is not: the story forgets what it was about.
# **Predict, then run.**

# %%
ask("0.a")

# %% [markdown]
# Now you know what to look for, and since the world is ours, we need not squint: it can say which
# word was the first that no story allows, and what could have stood there.

# %%
try:
    storyworld.next_words(first_words + written)
    print("Up to here, this story is possible.")
except storyworld.ImpossibleStoryError as error:
    print(error)

# %% [markdown]
# It went wrong even before the kite came up: by then *Mina* stood more than three words back, and
# for the model there was no Mina any more. You will meet this judge again in every week. In week 1
# it shows how far counting can go, in week 2 it shows attention reaching back for the kite, in week
# 4 it marks the stories of a GPT that you have trained.
#
# ## How an exercise works
#
# Each later chapter has six to ten exercises; this one has a single small one. You replace one line,
# `raise NotImplementedError(…)`, by code of your own and run the cell. The last line of the cell
# checks it, and there are three answers you may see:
#
# - ⬜ not attempted yet. The chapter uses the course's version, so everything below still runs.
# - ✅ right. From here on the chapter runs on *your* function.
# - ❌ wrong, with what is wrong and the smallest input that shows it. The chapter again uses the
#   course's version: you are never stuck, and you may come back later.
#
# Any sound answer passes, however it is written. Hints are folded under the text, weakest first. An
# exercise keeps its number as a name, so 1.8 may well stand before 1.5.
#
# ### Exercise 0.1 · The likeliest next word
# ★☆☆ · 8 min · Shannon 1948, section 3
#
# Shannon made a machine that writes English with a book and no computer: pick a word, open the book
# anywhere, read on until the word turns up, write down the word behind it, and repeat with that
# one. Count instead of leafing, and you have a model.
#
# Given a list of `words` and one `word`, return the word that **most often comes right after it**.
# If several come equally often, return the one that followed it first. If nothing ever comes after it,
# return `None`. By hand, for *a cat saw a dog and a cat ran*:
#
#     after "a":   cat, dog, cat     →  "cat"
#     after "cat": saw, ran          →  "saw"   (a tie: saw came first)
#     after "ran": nothing           →  None
#
# <details><summary>A nudge</summary>You need each word together with the one behind it.
# <code>zip(words, words[1:])</code> walks over just these pairs.</details>
# <details><summary>A plan</summary>Collect the words that stand behind <code>word</code> and count
# them with a <code>Counter</code>, which is imported above. It keeps the order in which it first
# met its keys, and <code>most_common(1)</code> gives a list of the first of the most frequent, with
# its count. The list is empty where nothing was counted.</details>
# <details><summary>Nearly all</summary><code>followers = Counter(b for a, b in zip(words, words[1:])
# if a == word)</code>, and then <code>return followers.most_common(1)[0][0]</code>, but only
# <code>if followers</code>.</details>


# %%
def likeliest_next(words: list[str], word: str) -> str | None:
    """The word that most often follows `word`; the first of them on a tie, None if none does."""
    ### BEGIN SOLUTION
    followers = Counter(b for a, b in zip(words, words[1:], strict=False) if a == word)
    return followers.most_common(1)[0][0] if followers else None
    ### END SOLUTION


likeliest_next = check("0.1", likeliest_next)

# %% [markdown]
# Let it write from the first two hundred stories, always taking the likeliest word:

# %%
book = " ".join(stories[:200]).split()
sentence = ["Mina"]
for _ in range(14):
    sentence.append(likeliest_next(book, sentence[-1]))
print(" ".join(sentence))

# %% [markdown]
# A model that remembers one word and always takes the favourite soon walks in a circle. Both cures
# are chapters of this course: look further back (week 2), and roll dice instead of always taking
# the favourite (week 4).
#
# ## The plan
#
# | week | chapters | at the end of it you have built |
# |---|---|---|
# | 1 | 01 Models that learn · 02 Text, tokens, chances | gradient descent by hand; a tokenizer; models that count |
# | 2 | 03 Attention is kernel smoothing · 04 Self-attention | attention, and a model that remembers the kite |
# | 3 | 05 The transformer block · 06 A whole GPT | GPT-2, number for number |
# | 4 | 07 Training · 08 The sampler | a model at the limit of what can be known, and its dice |
# | 5 | 09 Thinking out loud · 10 Your own local LLM · 11 A real one | votes, chains of thought, a model of your own, a real chat model on your own code |
#
# A week is about five hours alone, with two chapters (three in the last), and two hours together on
# Sunday, for which each chapter ends with questions. Come to the meeting also when you have not
# solved everything; ⬜ is no disgrace.
#
# When you are stuck, unfold a hint; then leave the exercise and read on, since the chapter runs
# without it; then look into `solutions/`, where every chapter stands solved. In a terminal,
# `course check` runs all your notebooks afresh and lists what is right, wrong and open. How far you
# have come stands here too, read from your notebooks as they were last saved:

# %%
progress()

# %% [markdown]
# ## Recap
#
# A language model gives every possible next word a chance. A GPT's chances were nearly the true
# ones. Ours counted, and wrote a story in which nearly any four words are sound and the whole is
# not. To do better, it will have to learn (chapter 01), and to know what a word is (chapter 02).
#
# **Source.** C. E. Shannon, *A Mathematical Theory of Communication*, 1948, section 3: the first
# n-gram models, made with books and dice.
#
# | English | Korean |
# |---|---|
# | language model | 언어 모델 |
# | next-word distribution | 다음 단어의 확률 분포 |
# | n-gram | n-그램 |
# | to sample, to draw | 표본 추출하다, 뽑다 |
# | notebook, cell | 노트북, 셀 |
