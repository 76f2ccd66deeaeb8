"""The shipped story model, on stories that neither its training nor its recipe's judge has seen."""

import pytest

from utils.data.storyworld import world as storyworld
from utils.data.storyworld.scores import bits_per_word, recall_accuracy, true_bits_per_word
from utils.llm.gpt.checkpoints import SHIPPED
from utils.llm.gpt.model import GPT

UNSEEN = storyworld.stories(200, seed=77)


@pytest.fixture(scope="module")
def model():
    return GPT.load("stories")


def test_it_is_within_one_percent_of_the_floor(model):
    bits, floor = bits_per_word(model, UNSEEN), true_bits_per_word(UNSEEN)
    assert 1.0 < bits / floor < 1.01  # below 1 it would have seen the dice


def test_it_recalls_every_kind_of_fact(model):
    shares = recall_accuracy(model, UNSEEN)
    assert min(shares.values()) > 0.95, shares


def test_it_names_its_tokenizer_and_is_small(model):
    assert model.tokenizer == "stories"
    assert (SHIPPED / "stories.safetensors").stat().st_size < 6e6
