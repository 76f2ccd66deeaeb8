"""What the judge says of stories that are true, broken, cut short, or all the same."""

from __future__ import annotations

import json
import math
from importlib.resources import files

import pytest
import torch

from utils.data.storyworld import judge as story_judge
from utils.data.storyworld import tokens as story_tokens
from utils.data.storyworld import world as storyworld
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.sampling.loop import Sampler, temperature, top_k


def model() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(369, 160, n_layers=1, n_heads=1, d_model=8)).eval()


def test_true_stories_are_possible_and_cost_what_the_world_says() -> None:
    told = [story.split() for story in storyworld.stories(20, seed=3)]
    verdict = story_judge.judge(told)
    assert (verdict.n, verdict.possible, verdict.different) == (20, 1.0, 20)
    own = -sum(storyworld.log2_probability(story) for story in told) / 20
    assert verdict.bits == pytest.approx(own)
    assert verdict.words == sum(map(len, told)) / 20
    assert math.isnan(verdict.chance)


def test_broken_and_unended_stories_are_not_possible() -> None:
    story = storyworld.stories(1, seed=3)[0].split()
    wrong = [word if place != 4 else "owl" for place, word in enumerate(story)]
    verdict = story_judge.judge([story, story, wrong, story[:-1]])
    assert (verdict.possible, verdict.different) == (0.5, 1)
    assert story_judge.judge([story[:-1]]).as_row()["bits"] is None


def test_no_story_has_no_verdict() -> None:
    with pytest.raises(ValueError, match="at least one"):
        story_judge.judge([])


def test_greedy_puts_no_chance_into_a_story() -> None:
    written = story_judge.write_stories(model(), 3, Sampler(temperature(0)), seed=0, most_words=5)
    assert written.bits == [0.0, 0.0, 0.0]
    assert written.stories[0] == written.stories[2]


def test_bits_are_those_of_what_was_drawn() -> None:
    """Beside an oracle that reads each story anew, without a cache and in another order."""
    gpt, sampler = model(), Sampler(temperature(2.0), top_k(5))
    with torch.no_grad():
        gpt.head.weight[0] += 0.4 * torch.randn(8)  # so that some end early, and some don't
    written = story_judge.write_stories(gpt, 12, sampler, seed=1, most_words=6)
    assert {len(story) for story in written.stories} != {6}
    for story, bits, unfinished in zip(
        written.stories, written.bits, written.unfinished, strict=True
    ):
        ids = [story_tokens.END_ID, *story_tokens.encode(story)]
        ids += [] if unfinished else [story_tokens.END_ID]
        with torch.no_grad():
            chances = sampler.probabilities(gpt(torch.tensor([ids]))[0, :-1])
        own = [chances[place, token] for place, token in enumerate(ids[1:])]
        assert bits == pytest.approx(-sum(math.log2(p) for p in own), abs=1e-3)
        assert unfinished == (len(story) == 6)


def test_the_seed_alone_decides() -> None:
    one, two, other = (
        story_judge.write_stories(model(), 4, Sampler(), seed=seed, most_words=4).stories
        for seed in (0, 0, 1)
    )
    assert one == two != other


def test_the_record_was_made_by_the_model_that_is_shipped() -> None:
    path = files("utils.data") / "logs" / "judged_stories.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    greedy = [row for row in record["rows"] if row["temperature"] == 0]
    written = story_judge.write_stories(
        GPT.load("stories").eval(), 1, Sampler(temperature(0)), seed=0
    )
    verdict = story_judge.judge(written)
    assert [row["bits"] for row in greedy] == [pytest.approx(verdict.bits, abs=1e-3)]
    assert [row["words"] for row in greedy] == [verdict.words]
    assert all(row["n"] == record["stories"] == 500 for row in record["rows"])
