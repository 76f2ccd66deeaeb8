"""Stories as ids against a dictionary made here."""

import pytest
import torch

from utils.data.storyworld import tokens as story_tokens
from utils.data.storyworld import world as storyworld
from utils.data.storyworld.tokens import END_ID, VOCABULARY, decode, encode, stream


def test_the_end_is_0_and_every_word_has_its_own_id():
    assert VOCABULARY[END_ID] == storyworld.END == story_tokens.END
    assert len(set(VOCABULARY)) == len(VOCABULARY) == len(storyworld.VOCABULARY) + 1
    assert encode(VOCABULARY) == list(range(len(VOCABULARY)))


def test_stories_come_back_whole():
    for story in storyworld.stories(50, seed=3):
        words = story.split()
        assert encode(story) == [VOCABULARY.index(word) for word in words]
        assert decode(encode(words)) == words
        assert encode(storyworld.prose(story)) == encode(story)


def test_a_stream_has_an_end_before_each_story_and_after_the_last():
    stories = storyworld.stories(3, seed=1)
    ids = stream(stories)
    assert ids.dtype == torch.int64
    assert ids.ndim == 1
    words = " ".join(f"{storyworld.END} {story}" for story in stories).split()
    assert decode(ids) == [*words, storyworld.END]
    assert stream([]).tolist() == [END_ID]
    assert encode(f"{storyworld.END} Mina")[0] == END_ID


def test_what_is_no_word_is_named():
    with pytest.raises(ValueError, match=r"know the word 'zebra'\. It knows the 368 words"):
        encode("A duck zebra")
    with pytest.raises(ValueError, match=r"'mina'\. Did you mean 'Mina'\?"):
        encode("mina")
    with pytest.raises(ValueError, match=r"369 is no id: ids go from 0 to 368"):
        decode([1, 369])
    with pytest.raises(ValueError, match="-1 is no id"):
        decode([-1])
