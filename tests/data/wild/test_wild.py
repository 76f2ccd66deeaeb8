"""The questions of chapter 11: put to the small model here, and to the real one where it is."""

import math

import pytest
import torch

from utils.data.texts.models import open_model
from utils.data.texts.real_models import kept_model
from utils.data.wild import facts, heads, naming, parts, record, secret, speed, sums, teaching
from utils.llm.gpt.model import GPT, GPTConfig

needs_real = pytest.mark.skipif(kept_model(record.REAL) is None, reason="smollm2 was not fetched")


@pytest.fixture(scope="module")
def small():
    return open_model(record.SMALL)


@pytest.fixture(scope="module")
def real():
    return open_model(record.REAL)


def uniform_model(vocab_size: int = 32) -> GPT:
    """A model to which all tokens are alike."""
    config = GPTConfig(vocab_size, 64, n_layers=2, n_heads=2, d_model=8, tied=False)
    model = GPT(config).eval()
    torch.nn.init.zeros_(model.head.weight)
    return model


def test_without_the_file_the_small_one_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "kept_model", lambda name: None)
    opened, is_real = record.open_a_real_one()
    assert opened.name == record.SMALL
    assert not is_real


def test_the_small_one_is_of_the_real_one_s_kind(small) -> None:
    ours, real = small.model.config, GPTConfig.preset("smollm2-135m")
    for name in ("norm", "positions", "activation", "bias", "tied"):
        assert getattr(ours, name) == getattr(real, name), name
    assert ours.n_heads // ours.n_kv_heads == real.n_heads // real.n_kv_heads == 3


def test_names_of_a_file_lead_back_to_the_same_model(small) -> None:
    tensors = naming.in_a_file(small.model)
    assert sum(t.numel() for t in tensors.values()) == small.model.num_parameters()
    first = tensors["blk.0.attn_k.weight"]
    assert first.shape == (2 * 16, 96)
    assert torch.equal(first, small.model.blocks[0].attention.qkv.weight[96:128])


def test_random_tokens_stand_twice() -> None:
    ids = heads.repeated(50, n=7, texts=3)
    assert ids.shape == (3, 15)
    assert torch.equal(ids[:, 1:8], ids[:, 8:])


def test_a_head_that_looks_behind_the_last_appearance_scores_one() -> None:
    n, model = 5, uniform_model()
    ids = heads.repeated(32, n=n, texts=2)

    class Looking:
        def maps(self, ids):
            found = torch.zeros(2, 1, 2, 2 * n + 1, 2 * n + 1)
            for t in range(n + 1, 2 * n + 1):
                found[:, :, 1, t, t - n + 1] = 1.0  # head 1 does it, head 0 looks at the start
            found[:, :, 0, :, 0] = 1.0
            return found

    scores = heads.induction_scores(Looking(), ids)
    assert scores.tolist() == [[0.0, 1.0]]
    assert heads.strongest(scores, 1) == [(0, 1)]
    assert heads.without(model, [(1, 0)]).tolist() == [[1, 1], [0, 1]]


def test_a_head_that_looks_one_back_is_found() -> None:
    class Looking:
        def maps(self, ids):
            found = torch.zeros(1, 2, 1, 6, 6)
            found[:, 1, :, torch.arange(1, 6), torch.arange(5)] = 1.0
            found[:, 0] = torch.eye(6)
            return found

    assert heads.previous_scores(Looking(), torch.zeros(1, 6)).tolist() == [[0.0], [1.0]]


def test_every_token_is_looked_from(small) -> None:
    tokens, maps, expected = heads.look(small, "Mina had a")
    assert tokens == ["·", "Mina", "had", "a"]
    assert maps.shape == (3, 6, 4, 4)
    assert len(expected) == 4


def test_a_model_that_knows_nothing_pays_the_same_in_both_halves() -> None:
    ids = heads.repeated(32)
    first, second = heads.bits_by_half(uniform_model(), ids, [(0, 0)])
    assert first == pytest.approx(math.log2(32), rel=1e-4)
    assert second == pytest.approx(math.log2(32), rel=1e-4)


@pytest.mark.parametrize(
    ("reply", "number"),
    [("9", 9), ("It is nine.", 9), ("4 + 5 = 9, minus 2 is 7.", 7), ("1,000", 1000), ("", None)],
)
def test_the_last_number_of_a_reply_is_its_answer(reply: str, number: int | None) -> None:
    assert sums.answer_of(reply) == number


def test_sums_are_told_with_their_own_answer() -> None:
    for told, answer in sums.problems(40, seed=1):
        words = [w for w in told.replace(".", "").split() if sums.answer_of(w) is not None]
        has, more, away = (sums.answer_of(word) for word in words)
        assert has + more - away == answer
        assert answer >= 1


def test_a_secret_is_told_spelt_out_too_and_only_then() -> None:
    assert secret.tells("p, e, l, i, c, a, n", "pelican")
    assert not secret.tells("I can't tell you about a bird.", "pelican")
    rule, asked = secret.conversation("violin", "Well?")
    assert "violin" in rule["content"]
    assert asked == {"role": "user", "content": "Well?"}


def test_a_hundred_capitals_once_each() -> None:
    assert len(facts.CAPITALS) == 100
    assert len({country for country, _, _ in facts.CAPITALS}) == 100
    assert all(capital != city for _, capital, city in facts.CAPITALS)


def test_an_answer_costs_what_its_tokens_cost(small) -> None:
    (bits,) = facts.bits_of(small, ["Mina had a"], ["blue kite"])
    ids = torch.tensor([small.encode("Mina had a blue kite")])
    with torch.no_grad():
        log_p = small.model(ids)[0].log_softmax(-1)
    expected = -(log_p[-3, ids[0, -2]] + log_p[-2, ids[0, -1]]).item() / math.log(2)
    assert bits == pytest.approx(expected, rel=1e-4)


def test_what_comes_next_is_named_with_its_chance(small) -> None:
    found = facts.next_tokens(small, "Mina had a blue", 4)
    assert len(found) == 4
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_it_is_timed_in_each_format(small) -> None:
    assert all(rate > 0 for rate in speed.tokens_per_second(small, 3).values())


def test_no_question_that_is_asked_was_a_lesson() -> None:
    assert not {question for question, _ in teaching.ASKED} & {q for q, _ in teaching.LESSONS}


def test_the_record_has_every_part() -> None:
    for part in parts.PARTS:
        assert record.recorded(part)
    bits, floor = record.designs()
    assert all(len(each) == 3 and min(each) > floor for each in bits.values())


@needs_real
@pytest.mark.slow
class TestReal:
    """What the record says is what the model says here; what takes long is not asked again."""

    def test_the_file(self, real) -> None:
        assert parts.file(real) == record.recorded("file")

    def test_chances(self, real) -> None:
        for name in ("pies", "turns"):
            again, kept = parts.PARTS[name](real), record.recorded(name)
            for text, chances in kept.items():
                first = next(iter(chances))
                assert again[text][first] == pytest.approx(chances[first], abs=0.02), text

    def test_tokens(self, real) -> None:
        assert parts.languages(real) == record.recorded("languages")

    def test_the_lens(self, real) -> None:
        again, kept = parts.lens(real), record.recorded("lens")
        assert again["tokens"] == kept["tokens"]
        sure = [
            (d, i) for d, row in enumerate(kept["chances"]) for i, p in enumerate(row) if p > 0.6
        ]
        assert all(again["guesses"][d][i] == kept["guesses"][d][i] for d, i in sure)

    def test_its_first_induction_head(self, real) -> None:
        ids = heads.repeated(real.model.config.vocab_size)
        best = heads.strongest(heads.induction_scores(real.model, ids), 1)
        assert [list(place) for place in best] == record.recorded("induction")["best"][:1]

    def test_capitals(self, real) -> None:
        again = facts.judged(real, facts.CAPITALS[:6])[:5]  # the sixth has another next one
        for one, kept in zip(again, record.recorded("capitals"), strict=False):
            assert one[0] == kept[0]
            assert one[1:] == pytest.approx(kept[1:], abs=0.3)

    def test_lessons_learn_the_answer_and_its_end(self, real) -> None:
        ids, mask = teaching.lessons(real, teaching.LESSONS[:2])
        answer = teaching.LESSONS[0][1]
        assert real.decode(ids[0][mask[0]].tolist()) == answer
        assert ids[0][mask[0]][-1] in real.stop_ids
