"""The loop that writes: cached as uncached, rows as texts alone, counts as chances say."""

import doctest
import math

import pytest
import torch
from torch import nn

from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.sampling import loop as sampling
from utils.llm.sampling import reading
from utils.llm.sampling.loop import (
    FILLER,
    Sampler,
    draw,
    generate,
    greedy,
    min_p,
    repetition_penalty,
    temperature,
    top_k,
    top_p,
)
from utils.llm.sampling.reading import as_rows

V, CONTEXT = 40, 12


def make_model(seed=0, **changes):
    """A GPT with large random weights: far from uniform, and hardly ever a tie."""
    torch.manual_seed(seed)
    model = GPT(GPTConfig(V, CONTEXT, 2, 2, 16, **changes)).eval()
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "norm" not in name:
                weights.normal_(std=0.5)
    return model


@pytest.fixture(scope="module")
def model():
    return make_model()


def write(*args, **kwargs):
    """All that was generated, (steps, B) as a list."""
    return [tokens.tolist() for tokens in generate(*args, **kwargs)]


def write_naively(model, ids, n, choose=lambda logits: logits.argmax(-1)):
    """One text, each window read anew: the rule of `Reader` written out."""
    ids, start = list(ids), max(0, len(ids) - CONTEXT)
    for _ in range(n):
        if len(ids) - start > CONTEXT:
            start = len(ids) - CONTEXT // 2
        with torch.no_grad():
            ids.append(int(choose(model(torch.tensor([ids[start:]]))[0, -1])))
    return ids[-n:]


class Fixed(nn.Module):
    """Gives the same scores always: rows of the batch count through `table`."""

    def __init__(self, table):
        super().__init__()
        self.table = torch.as_tensor(table, dtype=torch.float32)

    def forward(self, ids):
        return self.table[None, None].expand(*ids.shape, -1)


PROMPTS = [
    torch.tensor([1, 2, 3]),
    torch.tensor([4]),
    torch.arange(30),
    torch.tensor([7, 7, 7, 8, 9]),
    torch.arange(CONTEXT),
]


@pytest.mark.parametrize("module", [sampling, reading])
def test_doctests(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("positions", ["learned", "rotary", "none"])
@pytest.mark.parametrize("cache", [True, False])
def test_each_row_is_written_as_if_alone_across_the_slides(positions, cache):
    model = make_model(positions=positions)
    got = torch.tensor(write(model, PROMPTS, 40, cache=cache)).T.tolist()
    assert got == [write_naively(model, prompt.tolist(), 40) for prompt in PROMPTS]


@pytest.mark.parametrize("context", [1, 2, 3])
def test_smallest_contexts(context):
    torch.manual_seed(0)
    model = GPT(GPTConfig(V, context, 1, 2, 16)).eval()
    prompts = [torch.tensor([5]), torch.tensor([6, 7, 8, 9])]
    assert write(model, prompts, 9) == write(model, prompts, 9, cache=False)


def test_cached_draws_equal_uncached_ones(model):
    sampler = Sampler(repetition_penalty(1.2), temperature(0.9), top_k(20), top_p(0.95))
    for prompts in (PROMPTS, PROMPTS[0]):
        cached = write(model, prompts, 40, sampler, seed=3)
        assert cached == write(model, prompts, 40, sampler, cache=False, seed=3)
        assert cached != write(model, prompts, 40, sampler, seed=4)


def test_greedy_as_hugging_face(model, tmp_path):
    from transformers import GPT2LMHeadModel

    model.to_hf(tmp_path)
    twin = GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    prompt = torch.tensor([[3, 1, 4]])
    theirs = twin.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=CONTEXT - 3,
        do_sample=False,
        pad_token_id=0,
        eos_token_id=None,
    )
    assert [row[0] for row in write(model, prompt, CONTEXT - 3)] == theirs[0, 3:].tolist()


def test_forms_of_prompts(model):
    alone = write(model, torch.tensor([1, 2, 3]), 5)
    assert write(model, torch.tensor([[1, 2, 3]]), 5) == alone
    assert write(model, [torch.tensor([1, 2, 3])], 5) == alone
    batch = torch.tensor([[1, 2, 3], [9, 9, 4]])
    mask = torch.tensor([[True, True, True], [False, False, True]])
    texts = [batch[0], batch[1, 2:]]
    assert write(model, batch, 5, mask=mask) == write(model, texts, 5)
    assert write(model, batch, 5) != write(model, texts, 5)
    assert write(model, torch.tensor([[1, 2, 3], [-1, -1, 4]]), 5) == write(model, texts, 5)


def test_a_function_is_model_enough():
    def next_number(ids):
        return nn.functional.one_hot((ids + 1) % V, V).float()

    batch = torch.tensor([[3], [38]])
    assert write(next_number, batch, 3, cache=False) == [[4, 39], [5, 0], [6, 1]]


def test_stop_tokens_by_row(model):
    free = torch.tensor(write(model, PROMPTS, 30)).T.tolist()
    stops = {free[0][4], free[1][9]}
    expected = []
    for row in free:
        n = next((i for i, token in enumerate(row) if token in stops), len(row))
        expected.append(row[:n] + [FILLER] * (30 - n))
    longest = max(sum(token != FILLER for token in row) for row in expected)
    for cache in (True, False):
        got = write(model, PROMPTS, 30, stop_ids=stops, cache=cache)
        assert len(got) == min(longest, 30)
        assert torch.tensor(got).T.tolist() == [row[: len(got)] for row in expected]


def test_a_text_that_stops_ends_without_its_stop_token(model):
    free = [row[0] for row in write(model, PROMPTS[0], 20)]
    first = free.index(free[10])
    assert [row[0] for row in write(model, PROMPTS[0], 20, stop_ids=[free[10]])] == free[:first]
    assert write(model, PROMPTS[0], 0) == []
    assert write(Fixed([0.0, 9.0]), PROMPTS[1], 5, cache=False, stop_ids=[1]) == []


def test_tokens_come_one_at_a_time(model):
    calls = []
    hook = model.register_forward_hook(lambda *_: calls.append(1))
    try:
        tokens = generate(model, PROMPTS[0], 5)
        assert calls == []
        for n in range(1, 6):
            next(tokens)
            assert len(calls) == n
    finally:
        hook.remove()


@pytest.mark.parametrize("cache", [True, False])
def test_samples_share_their_prompt(model, cache):
    lengths = []
    hook = model.register_forward_pre_hook(lambda _, args: lengths.append(tuple(args[0].shape)))
    sampler = Sampler(temperature(1.0))
    prompts = PROMPTS[:2]
    try:
        shared = write(model, prompts, 30, sampler, seed=5, n_samples=4, cache=cache)
    finally:
        hook.remove()
    assert lengths[0] == (2, 3)
    assert lengths[1] == (8, 1 if cache else 4)
    repeated = [prompt for prompt in prompts for _ in range(4)]
    assert shared == write(model, repeated, 30, sampler, seed=5, cache=cache)
    assert len({tuple(column) for column in zip(*shared, strict=True)}) == 8


def test_cache_is_allocated_once_and_no_larger_than_needed(model, monkeypatch):
    made = []
    make = GPT.make_caches

    def counted(self, batch, context_length=None):
        made.append((batch, context_length))
        return make(self, batch, context_length)

    monkeypatch.setattr(GPT, "make_caches", counted)
    write(model, PROMPTS[:2], 40)
    write(model, PROMPTS[0], 4)
    assert made == [(2, CONTEXT), (1, 7)]


def test_seed_of_its_own(model):
    sampler = Sampler()
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    first = write(model, PROMPTS[0], 20, sampler, seed=1)
    unseeded = [write(model, PROMPTS[0], 20, sampler) for _ in range(3)]
    sampler(torch.zeros(2, 5))
    assert torch.equal(torch.rand(3), expected)  # the global generator was not touched
    torch.manual_seed(12)
    assert write(model, PROMPTS[0], 20, sampler, seed=1) == first
    assert len({str(tokens) for tokens in unseeded}) == 3


def test_two_texts_can_be_written_in_turns(model):
    sampler = Sampler()
    alone = [write(model, prompt, 10, sampler, seed=i) for i, prompt in enumerate(PROMPTS[:2])]
    both = zip(
        *(generate(model, p, 10, sampler, seed=i) for i, p in enumerate(PROMPTS[:2])), strict=True
    )
    assert [[a.tolist(), b.tolist()] for a, b in both] == [
        [a, b] for a, b in zip(*alone, strict=True)
    ]


def test_leaves_modes_as_they_were():
    model = make_model(dropout=0.5)
    expected = write(model, PROMPTS[0], 20)
    model.train()
    got = []
    for token in generate(model, PROMPTS[0], 20):
        assert model.training
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert not token.is_inference()
        got.append(token.tolist())
    assert got == expected
    model(torch.tensor([got[0]])).sum().backward()  # the model can still be trained


def test_draw_follows_the_distribution():
    weights = torch.tensor([0.0, 5.0, 1.0, 0.0, 3.0, 0.5, 0.0])
    n = 40_000
    generator = torch.Generator().manual_seed(0)
    counts = draw(weights.expand(n, -1), generator).bincount(minlength=7)
    assert chi_square(counts, weights) < 16.3  # 99.9 % of chi-square with 3 degrees of freedom
    assert counts[weights == 0].sum() == 0


@pytest.mark.parametrize(("dart", "token"), [(0.0, 1), (0.2, 1), (0.25, 3), (1 - 2**-53, 3)])
@pytest.mark.parametrize("size", [1.0, 1 / 3, 3.0])
def test_no_dart_hits_a_slice_of_size_zero(dart, token, size, monkeypatch):
    monkeypatch.setattr(
        torch, "rand", lambda shape, dtype, **_: torch.full(shape, dart, dtype=dtype)
    )
    chances = torch.tensor([0.0, 0.25, 0.0, 0.75, 0.0], dtype=torch.float64) * size
    assert draw(chances) == token


def chi_square(counts, weights):
    expected = counts.sum() * weights / weights.sum()
    possible = weights > 0
    return ((counts - expected)[possible].square() / expected[possible]).sum().item()


def test_sampled_counts_follow_what_the_filters_leave():
    logits = torch.tensor([2.0, 0.0, 1.5, -1.0, 1.0])
    sampler = Sampler(temperature(1.5), top_p(0.8), min_p(0.2))
    heated = [math.exp(x / 1.5) for x in logits.tolist()]
    nucleus = [heated[0], 0, heated[2], 0, heated[4]]  # 0.36, 0.26, 0.19: the third crosses 0.8
    assert sum(nucleus[i] for i in (0, 2)) < 0.8 * sum(heated) < sum(nucleus)
    tokens = next(
        generate(
            Fixed(logits), torch.tensor([0]), 1, sampler, cache=False, seed=0, n_samples=30_000
        )
    )
    counts = tokens.bincount(minlength=5)
    assert counts[[1, 3]].sum() == 0
    assert chi_square(counts, torch.tensor(nucleus)) < 13.8  # 99.9 %, 2 degrees of freedom
    torch.testing.assert_close(
        sampler.probabilities(logits), torch.tensor(nucleus) / sum(nucleus), rtol=1e-5, atol=0
    )


def test_a_generated_text_follows_the_chain_rule(model):
    """Pairs of tokens, counted, against p(a) · p(b | a) from the model itself."""
    sampler, prompt = Sampler(top_k(3)), PROMPTS[0]
    with torch.no_grad():
        first = sampler.probabilities(model(prompt[None])[:, -1])[0]
        joint = torch.zeros(V, V)
        for a in first.nonzero()[:, 0]:
            ids = torch.cat([prompt, a[None]])[None]
            joint[a] = first[a] * sampler.probabilities(model(ids)[:, -1])[0]
    a, b = generate(model, prompt, 2, sampler, seed=0, n_samples=20_000)
    counts = (a * V + b).bincount(minlength=V * V)
    assert counts[joint.flatten() == 0].sum() == 0
    assert chi_square(counts, joint.flatten()) < 26.1  # 99.9 %, 8 degrees of freedom


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_draw_in_any_leading_shape_and_type(dtype):
    one_hot = nn.functional.one_hot(torch.arange(24).reshape(2, 3, 4) % 7, 7)
    assert torch.equal(draw(one_hot.to(dtype)), torch.arange(24).reshape(2, 3, 4) % 7)
    logits = torch.where(one_hot.bool(), 0.0, -torch.inf).to(dtype)
    assert torch.equal(Sampler()(logits), torch.arange(24).reshape(2, 3, 4) % 7)
    assert torch.equal(greedy(logits), torch.arange(24).reshape(2, 3, 4) % 7)
    assert draw(torch.ones(5)).shape == ()


def test_filters_see_the_text_of_their_row():
    seen = []

    def spy(logits, ids):
        seen.append(ids.tolist())
        return logits

    spy.reads_ids = True
    prompts = [torch.tensor([1, 2]), torch.tensor([3])]
    write(make_model(), prompts, 3, Sampler(temperature(0), spy), n_samples=1)
    assert seen[0] == [[1, 2], [-1, 3]]
    assert [len(ids[0]) for ids in seen] == [2, 3, 4]
    with pytest.raises(ValueError, match="give its ids"):
        Sampler(spy)(torch.zeros(1, 5))


def test_what_cannot_be_drawn():
    for row in ([-torch.inf] * 3, [math.nan, 0, 0], [torch.inf, 0, 0]):
        with pytest.raises(ValueError, match="all −inf, or hold nan"):
            Sampler()(torch.tensor([[0.0, 1.0, 2.0], row]))
    with pytest.raises(ValueError, match="sums to 0"):
        draw(torch.zeros(3))


@pytest.mark.parametrize(
    "each", [temperature(0), temperature(0.5), top_k(1), top_k(2), top_p(0), top_p(0.9), min_p(0.5)]
)
def test_no_filter_hides_what_is_no_number(each):
    for row in (
        [1.0, math.nan, 2.0],
        [math.nan, 0.0, 0.0],
        [-torch.inf] * 3,
        [0.0, 3.0, torch.inf],
    ):
        with pytest.raises(ValueError, match="all −inf, or hold nan"):
            Sampler(each)(torch.tensor([[0.0, 1.0, 2.0], row]))


def test_refused_before_anything_is_read(model):
    for prompt, message in (
        (torch.tensor([], dtype=torch.long), "no token at its end"),
        ([], "one text or more"),
        ([torch.tensor([1]), torch.tensor([], dtype=torch.long)], "one token at least"),
        (torch.tensor([[1, 2], [3, -1]]), "no token at its end"),
        (torch.tensor([[1, -1, 2]]), "put it in front"),
        (torch.tensor([0.5]), "float32"),
        (torch.zeros(1, 2, 3, dtype=torch.long), r"\(1, 2, 3\)"),
    ):
        with pytest.raises(ValueError, match=message):
            generate(model, prompt, 5)
    with pytest.raises(ValueError, match="max_new_tokens is -1"):
        generate(model, PROMPTS[0], -1)
    with pytest.raises(ValueError, match="n_samples is 0"):
        generate(model, PROMPTS[0], 1, n_samples=0)
    with pytest.raises(ValueError, match=r"\(1, 2\) and the ids have the shape \(1, 3\)"):
        generate(model, PROMPTS[0], 1, mask=torch.ones(1, 2, dtype=torch.bool))


def test_ids_beyond_the_vocabulary(model):
    with pytest.raises(ValueError, match="vocabulary has the ids"):
        next(generate(model, torch.tensor([V]), 1))


def test_as_rows_leaves_its_input_alone():
    texts = [torch.tensor([1, 2]), torch.tensor([3])]
    assert as_rows(texts).tolist() == [[1, 2], [-1, 3]]
    assert [text.tolist() for text in texts] == [[1, 2], [3]]
