"""Beam search: against a search through all texts, greedy, and Hugging Face."""

import itertools

import pytest
import torch

from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.sampling.beam import beam_search
from utils.llm.sampling.loop import generate


def make_model(vocabulary, seed=0, context=16):
    torch.manual_seed(seed)
    model = GPT(GPTConfig(vocabulary, context, 2, 2, 16)).eval()
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "norm" not in name:
                weights.normal_(std=0.4)
    return model


def log_probability(model, prompt, ids):
    """Of the continuation, from one reading of the whole."""
    text = torch.tensor([[*prompt, *ids]])
    with torch.no_grad():
        logits = model(text[:, :-1]).double().log_softmax(-1)[0, len(prompt) - 1 :]
    return logits.gather(1, torch.tensor(ids)[:, None]).sum().item()


def all_texts(model, prompt, n, stops):
    """Every text of at most n tokens, ended by a stop token or by its length."""
    for length in range(1, n + 1):
        for ids in itertools.product(range(model.config.vocab_size), repeat=length):
            ended = ids[-1] in stops
            if not set(ids[:-1]) & set(stops) and (ended or length == n):
                yield ids, log_probability(model, prompt, ids), ended


@pytest.mark.parametrize("length_penalty", [-1.0, 0.0, 1.0, 2.0])
@pytest.mark.parametrize("stops", [(), (2,), (0, 3)])
def test_wide_enough_it_finds_the_best_of_all(length_penalty, stops):
    model, prompt, n = make_model(4, seed=3), [1, 2], 3
    texts = list(all_texts(model, prompt, n, stops))
    scored = sorted(
        ((total / len(ids) ** length_penalty, ids, ended) for ids, total, ended in texts),
        reverse=True,
    )[:5]
    found = beam_search(
        model, torch.tensor(prompt), n, beams=64, n_best=5,
        length_penalty=length_penalty, stop_ids=stops,
    ).best  # fmt: skip
    assert [hypothesis.ids for hypothesis in found] == [
        ids[: len(ids) - ended] for _, ids, ended in scored
    ]
    assert [hypothesis.stopped for hypothesis in found] == [ended for *_, ended in scored]
    assert [hypothesis.score for hypothesis in found] == pytest.approx([s for s, *_ in scored])


def search_naively(model, prompt, n, beams):
    """Without stop tokens: the beams as sorted lists, every text read anew."""
    alive = [((), 0.0)]
    for _ in range(n):
        grown = [
            ((*ids, token), log_probability(model, prompt, (*ids, token)))
            for ids, _ in alive
            for token in range(model.config.vocab_size)
        ]
        alive = sorted(grown, key=lambda pair: -pair[1])[:beams]
    return alive


@pytest.mark.parametrize("beams", [1, 2, 5])
@pytest.mark.parametrize("cache", [True, False])
def test_as_sorted_lists(beams, cache):
    model, prompt = make_model(9), [1, 2, 3]
    expected = search_naively(model, prompt, 8, beams)
    found = beam_search(model, torch.tensor(prompt), 8, beams, n_best=beams, cache=cache).best
    assert [hypothesis.ids for hypothesis in found] == [ids for ids, _ in expected]
    totals = [hypothesis.log_probability for hypothesis in found]
    assert totals == pytest.approx([total for _, total in expected], abs=1e-5)


def test_one_beam_is_greedy_across_the_slide():
    model = make_model(20, context=8)
    prompt = torch.tensor([3, 1])
    expected = tuple(int(token) for token in generate(model, prompt, 30))
    assert beam_search(model, prompt, 30, 1).best[0].ids == expected


def test_cached_equals_uncached_across_the_slide():
    model = make_model(20, context=8)
    searches = [
        beam_search(model, torch.tensor([3]), 25, 4, n_best=4, stop_ids=[5], cache=cache)
        for cache in (True, False)
    ]
    assert [h.ids for h in searches[0].best] == [h.ids for h in searches[1].best]
    assert [n.token for n in searches[0].nodes] == [n.token for n in searches[1].nodes]


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("beams", [2, 4])
def test_as_hugging_face(beams, length_penalty, tmp_path):
    from transformers import GPT2LMHeadModel

    stopped = 0
    for seed in range(4):
        model = make_model(30, seed=seed)
        model.to_hf(tmp_path / str(seed))
        twin = GPT2LMHeadModel.from_pretrained(tmp_path / str(seed)).eval()
        prompt = torch.tensor([[4, 9]])
        stop = int(list(generate(model, prompt, 4))[-1])  # one that will come up
        theirs = twin.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=10,
            do_sample=False,
            num_beams=beams,
            num_return_sequences=beams,
            length_penalty=length_penalty,
            early_stopping="never",
            eos_token_id=stop,
            pad_token_id=stop,
            return_dict_in_generate=True,
            output_scores=True,
        )
        ours = beam_search(
            model, prompt, 10, beams, length_penalty=length_penalty, n_best=beams, stop_ids=[stop]
        ).best
        for row, score, hypothesis in zip(
            theirs.sequences.tolist(), theirs.sequences_scores.tolist(), ours, strict=True
        ):
            ids = row[2:]
            ids = ids[: ids.index(stop)] if stop in ids else ids
            assert tuple(ids) == hypothesis.ids
            assert score == pytest.approx(hypothesis.score, abs=1e-5)
            stopped += hypothesis.stopped
    assert stopped or length_penalty > 1  # which favours texts that go on


def test_the_tree_holds_every_candidate():
    model, prompt = make_model(12, seed=1), [1, 2]
    found = beam_search(model, torch.tensor(prompt), 6, 3, n_best=3, stop_ids=[4, 5])
    nodes = found.nodes
    assert nodes[0].parent is None
    assert [node.index for node in nodes] == list(range(len(nodes)))
    for node in nodes[1:]:
        parent = nodes[node.parent]
        assert parent.fate == "kept"
        assert node.step == parent.step + 1
        assert node.total == pytest.approx(parent.total + node.log_probability)
        ids = [each.token for each in found.path(node.index)]
        assert node.total == pytest.approx(log_probability(model, prompt, ids), abs=1e-5)
        assert (node.fate == "stopped") <= (node.token in (4, 5))
    for step in range(1, max(node.step for node in nodes) + 1):
        level = [node for node in nodes if node.step == step]
        assert sum(node.fate == "kept" for node in level) == 3
        assert [node.total for node in level] == sorted((n.total for n in level), reverse=True)
    for hypothesis in found.best:
        path = [node.token for node in found.path(hypothesis.node)]
        assert tuple(path[: len(hypothesis.ids)]) == hypothesis.ids


def test_length_penalty_decides_between_short_and_long():
    def model(ids):  # it stops, by 1, with probability 0.4
        return torch.tensor([0.6, 0.4]).log().expand(*ids.shape, 2)

    prompt = torch.tensor([0])
    kwargs = {"stop_ids": [1], "cache": False}
    assert beam_search(model, prompt, 4, 2, length_penalty=0.0, **kwargs).best[0].ids == ()
    best = beam_search(model, prompt, 4, 2, length_penalty=2.0, **kwargs).best[0]
    assert best.ids == (0, 0, 0, 0)


def test_it_waits_for_a_long_text_that_may_still_win():
    def model(ids):  # 0.2 to go on, and then for certain; 0.7 to stop, by 1
        first = torch.tensor([0.2, 0.7, 0.1]).log()
        logits = torch.tensor([0.0, -torch.inf, -torch.inf]).repeat(*ids.shape, 1)
        logits[:, 0] = first
        return logits

    def best(n):
        return beam_search(model, torch.tensor([0]), n, 2, stop_ids=[1], cache=False).best[0].ids

    assert best(3) == ()  # ln 0.2 / 3 is below ln 0.7
    assert best(8) == (0,) * 8  # ln 0.2 / 8 is above


def test_a_stop_token_ends_a_text_only_if_it_is_among_the_best():
    def model(ids):
        return torch.tensor([0.6, 0.4]).log().expand(*ids.shape, 2)

    kwargs = {"length_penalty": 0.0, "stop_ids": [1], "cache": False}
    found = beam_search(model, torch.tensor([0]), 3, 1, **kwargs)
    assert found.best[0].ids == (0, 0, 0)  # as greedy, though it is less likely than to stop
    assert {node.fate for node in found.nodes if node.token == 1} == {"dropped"}


def test_fewer_possible_texts_than_beams():
    def model(ids):  # two tokens, the second never
        return torch.tensor([0.0, -torch.inf]).expand(*ids.shape, 2)

    found = beam_search(model, torch.tensor([0]), 3, 4, n_best=4, cache=False)
    assert [(h.ids, h.log_probability) for h in found.best] == [((0, 0, 0), 0.0)]
    assert beam_search(model, torch.tensor([0]), 3, 4, stop_ids=[0], cache=False).best[0].ids == ()


def test_equal_candidates_take_the_lowest_ids():
    def model(ids):
        return torch.zeros(*ids.shape, 5)

    found = beam_search(model, torch.tensor([0]), 2, 3, n_best=3, cache=False)
    assert [h.ids for h in found.best] == [(0, 0), (0, 1), (0, 2)]


def test_refusals():
    model = make_model(5)
    with pytest.raises(ValueError, match="There are 2 prompts"):
        beam_search(model, torch.zeros(2, 3, dtype=torch.long), 3, 2)
    with pytest.raises(ValueError, match="n_best is 3, and there are 2 beams"):
        beam_search(model, torch.tensor([0]), 3, 2, n_best=3)
    with pytest.raises(ValueError, match="beams is 0"):
        beam_search(model, torch.tensor([0]), 3, 0)
    with pytest.raises(ValueError, match="max_new_tokens is 0"):
        beam_search(model, torch.tensor([0]), 0, 2)
