"""Instructions of the story world: made, framed, judged, and held out."""

from __future__ import annotations

import random

import pytest
import torch

from utils.data.instructions import tasks as ins
from utils.data.instructions.models import new_model, obedience, possible, reply, stories_with
from utils.data.storyworld import tokens as story_tokens
from utils.data.storyworld import world as storyworld
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.tuning.vocabulary import widen_vocabulary

WISH = "Write a story about Mina and a red kite , in which it rains ."


def test_old_ids_stay_and_every_word_has_one() -> None:
    old = story_tokens.VOCABULARY
    assert ins.VOCABULARY[: len(old)] == old
    assert len(set(ins.VOCABULARY)) == len(ins.VOCABULARY)
    story = storyworld.stories(1)[0]
    assert ins.encode(story) == story_tokens.encode(story)
    assert ins.encode(storyworld.prose(story)) == ins.encode(story)
    assert ins.decode(ins.encode(WISH)) == WISH.split()


def test_all_lessons_are_framed_and_fit_the_context() -> None:
    ids, mask = ins.lessons(300, seed=3)
    assert ids.shape == mask.shape
    assert ids.shape[1] <= 160
    kinds = set()
    for row, learned in zip(ids, mask, strict=True):
        words = ins.decode(row)
        start = words.index(ins.ASSISTANT) + 1
        end = words.index(ins.END, start)
        marked = [i for i, wanted in enumerate(learned.tolist()) if wanted]
        assert marked == list(range(start, end + 1))
        assert words[0] == ins.END
        assert words[1] in (ins.USER, ins.SYSTEM)
        answer = " ".join(words[start:end])
        kinds.add((words[1], answer == ins.REFUSAL))
        assert answer == ins.REFUSAL or storyworld.is_possible(answer, whole=True)
    assert len(kinds) == 4  # with a secret and without, told a story and refused


def test_each_answer_obeys_and_no_held_out_combination_is_taught() -> None:
    ids, _ = ins.lessons(300, seed=4)
    for row in ids:
        words = ins.decode(row)
        user, begun = words.index(ins.USER), words.index(ins.ASSISTANT)
        answer = words[begun + 1 : words.index(ins.END, begun)]
        if " ".join(answer) == ins.REFUSAL:
            continue
        request = " ".join(words[user + 1 : begun])
        assert all(ins.obeyed(request, answer).values()), request
        system = ins.wishes(words[:user])
        assert all(ins.obeyed(system, answer).values())
        assert not ins.held_out(storyworld.facts(answer))


def test_held_out_requests_ask_for_all_four_facts() -> None:
    asked = ins.held_out_instructions(50)
    for text in asked:
        facts = ins.wishes(text)
        assert list(facts) == ["name", "colour", "thing", "weather"]
        assert ins.held_out(facts)
    assert asked[:10] == ins.held_out_instructions(10)
    assert asked != ins.held_out_instructions(50, seed=1)


def test_one_combination_in_ten_is_held_out() -> None:
    draw = random.Random(0)
    drawn = [{k: draw.choice(words) for k, words in ins.FACTS.items()} for _ in range(3000)]
    assert 0.08 < sum(map(ins.held_out, drawn)) / 3000 < 0.12


def test_the_judge_counts_only_what_a_story_tells() -> None:
    good = "Mina had a red kite . One day there was rain over the mill ."
    assert ins.obeyed(WISH, good) == dict.fromkeys(ins.FACTS, True)
    assert ins.obeyed(WISH, storyworld.prose(good)) == dict.fromkeys(ins.FACTS, True)
    assert not any(ins.obeyed(WISH, "red kite rain Mina").values())
    late = ins.obeyed(WISH, "Tom had a red Mina kite rain")
    assert late == {"name": False, "colour": True, "thing": False, "weather": False}
    assert ins.obeyed("Tell me about a duck .", good) == {}


def test_marks_are_no_words_unless_asked_for() -> None:
    with pytest.raises(ValueError, match="frames a conversation"):
        ins.encode(f"Tell me {ins.SYSTEM}")
    assert ins.encode(ins.SYSTEM, marks=True) == [ins.SYSTEM_ID]
    with pytest.raises(ValueError, match="doesn't know the word 'dragon'"):
        ins.encode("Tell me a dragon")


def test_a_conversation_is_its_typed_text() -> None:
    messages = [
        {"role": "system", "content": ins.secret("orange", "hat")},
        {"role": "user", "content": WISH},
    ]
    typed = f"{ins.END} {ins.SYSTEM} Every story has an orange hat . It is a secret . {ins.USER}"
    typed += f" {WISH} {ins.ASSISTANT}"
    assert ins.chat_ids(messages) == ins.encode(typed, marks=True)
    begun = [*messages, {"role": "assistant", "content": "Mina had"}]
    assert ins.chat_ids(begun) == ins.encode(f"{typed} Mina had", marks=True)
    again = [*begun, messages[1]]
    assert ins.decode(ins.chat_ids(again))[-20:].count(ins.ASSISTANT) == 1
    with pytest.raises(ValueError, match="'role': one of"):
        ins.chat_ids([{"role": "robot", "content": "Tell"}])


def test_new_rows_leave_the_old_model_as_it_is() -> None:
    for tied in (True, False):
        torch.manual_seed(0)
        model = GPT(GPTConfig(9, 8, 1, 2, 8, tied=tied)).eval()
        wider = widen_vocabulary(model, 13)
        ids = torch.tensor([[1, 8, 3]])
        torch.testing.assert_close(wider(ids)[..., :9], model(ids))
        assert torch.equal(wider.head.weight[:9], model.head.weight)  # the rows are copied
        assert wider.config.vocab_size == 13
        assert not wider.training
        assert (wider.head.weight is wider.token_embedding.weight) == tied
    with pytest.raises(ValueError, match="give more"):
        widen_vocabulary(model, 9)


def test_stories_with_facts_have_them_and_are_possible() -> None:
    facts = {"name": "Ada", "colour": "orange", "thing": "hat", "weather": "hail"}
    for story in stories_with(facts, 10):
        assert storyworld.is_possible(story, whole=True)
        assert ins.obeyed(facts, story) == dict.fromkeys(facts, True)
    others = stories_with({"colour": "red"}, 20)
    assert len({storyworld.facts(story)["thing"] for story in others}) > 3


def test_replies_come_one_for_each_conversation() -> None:
    torch.manual_seed(0)
    model = new_model(GPT(GPTConfig(369, 40, 1, 2, 8, positions="rotary", tied=False)))
    chats = [[{"role": "user", "content": text}] for text in (WISH, "Tell me about Tom .")]
    texts = reply(model, chats, max_new_tokens=5)
    assert len(texts) == 2
    assert texts == reply(model, chats, max_new_tokens=5)
    assert possible(["Mina had", storyworld.stories(1)[0]]) == 0.5


def test_obedience_counts_facts_and_all_of_them() -> None:
    asked = [WISH, WISH]
    texts = ["Mina had a red kite . One day there was rain", "Mina had a red kite . One day"]
    found = obedience(asked, texts)
    assert found.all == 0.5
    assert found.n == 2
    assert found.facts == {"name": 1.0, "colour": 1.0, "thing": 1.0, "weather": 0.5}
