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
# How does text become numbers, and what would it mean to predict it well?
#
# First run everything: **Run → Run All Cells**.

# %%
from utils.course import check

# %% [markdown]
# ## Merging, by hand
#
# A tokenizer of the kind that GPT uses is made by one small act, done some ten thousand times: find two
# neighbours, and put one new id in the place of both.
#
# ### Exercise 2.3 · Merge a pair
# ★★☆ · 10 min · Sennrich et al. 2016, section 3.2
#
# Put `new_id` wherever the two ids of `pair` stand side by side, reading from left to right. A token that has been
# merged is used up; it cannot be half of a second merge. With the pair (1, 1) and the new id 9:
#
#     [1, 1, 1, 2]   →   [9, 1, 2]
#
# <details><summary>A nudge</summary>Walk with an index of your own: sometimes it moves by one, sometimes by
# two.</details>
# <details><summary>More</summary><code>while i &lt; len(ids):</code>, and inside it compare
# <code>(ids[i], ids[i + 1])</code> with <code>pair</code>, but only where there is an
# <code>ids[i + 1]</code>.</details>


# %%
def merge_pair(ids: list[int], pair: tuple[int, int], new_id: int) -> list[int]:
    """Put new_id in the place of every occurrence of pair, from left to right."""
    ### BEGIN SOLUTION
    merged, i = [], 0
    while i < len(ids):
        hit = i + 1 < len(ids) and (ids[i], ids[i + 1]) == pair
        merged.append(new_id if hit else ids[i])
        i += 2 if hit else 1
    return merged
    ### END SOLUTION


merge_pair = check("2.3", merge_pair)

# %%
print(merge_pair([1, 1, 1, 2], (1, 1), 9))
