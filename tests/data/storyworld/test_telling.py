"""What a model tells, and the first word of it that the world could not have told."""

from __future__ import annotations

import pytest
import torch

from utils.data.storyworld import is_possible, stories
from utils.data.storyworld.model import fresh_story_model
from utils.data.storyworld.telling import Storyteller, first_slip, marked, tell
from utils.data.storyworld.tokens import END_ID, VOCABULARY, stream
from utils.llm.gpt.model import GPT
from utils.llm.training.loop import TrainConfig, train


def test_the_first_slip_is_that_of_a_walk_word_by_word() -> None:
    words = stories(1, seed=5)[0].split()
    assert first_slip(words) is None
    assert first_slip([]) is None
    for place in (0, 7, len(words) - 1):
        wrong = [*words[:place], "nobody_says_this", *words[place + 1 :]]
        naive = next(n for n in range(len(wrong)) if not is_possible(wrong[: n + 1]))
        assert first_slip(wrong) == naive == place


def test_the_slip_is_marked_and_named() -> None:
    said = marked(["Mina", "had", "had", "a"])
    assert "Mina had ›had‹ a" in said
    assert "word 3 of 4, “had”, is impossible there" in said
    assert "every word of it is possible" in marked(stories(1)[0].split())


@pytest.mark.parametrize("training", [True, False])
def test_the_likeliest_words_are_told_and_the_model_left_as_it_was(training: bool) -> None:
    model = GPT.load("stories").train(training)
    words = tell(model)
    assert model.training is training
    ids = torch.tensor([[END_ID, *map(VOCABULARY.index, words)]])
    with torch.no_grad():
        likeliest = model.eval()(ids)[0].argmax(-1).tolist()
    assert likeliest[: len(words)] == ids[0, 1:].tolist()


def test_it_tells_at_its_steps_alone(capsys: pytest.CaptureFixture[str]) -> None:
    ids = stream(stories(30))
    model = fresh_story_model("story-tiny")
    config = TrainConfig(steps=3, batch_size=2, context_length=16)
    train(model, ids, ids[:200], config, [Storyteller([1, 3])])
    said = capsys.readouterr().out
    assert "after 1 steps" in said
    assert "after 2 steps" not in said
    assert "after 3 steps" in said
