"""What a GPT refuses, and that it says why."""

import pytest
import torch

from utils.llm.gpt import GPT, FeedForward, GPTConfig

SIZES = {"vocab_size": 13, "context_length": 9, "n_layers": 3, "n_heads": 2, "d_model": 8}


@pytest.fixture(scope="module")
def model():
    return GPT(GPTConfig(**SIZES)).eval()


def ids(batch=2, n_tokens=4):
    return torch.zeros(batch, n_tokens, dtype=torch.long)


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"n_heads": 3}, ValueError, r"d_model is 8 and n_heads 3"),
        ({"vocab_size": 0}, ValueError, r"vocab_size is 0; it must be at least 1"),
        ({"context_length": -2}, ValueError, r"context_length is -2"),
        ({"n_layers": 0}, ValueError, r"n_layers is 0"),
        ({"n_heads": 0}, ValueError, r"n_heads is 0"),
        ({"d_model": 8.0}, TypeError, r"d_model is 8\.0; it must be a whole number"),
        ({"n_layers": True}, TypeError, r"n_layers is True"),
        ({"dropout": 1.0}, ValueError, r"dropout is 1\.0"),
        ({"dropout": "0.1"}, TypeError, r"dropout is '0\.1'"),
        ({"norm": "batchnorm"}, ValueError, r"norm is 'batchnorm': give one of 'layernorm', "),
        ({"norm_position": "middle"}, ValueError, r"'middle': give one of 'pre', 'post'"),
        ({"positions": "sinusoidal"}, ValueError, r"'learned', 'rotary', 'none'"),
        ({"activation": "swish"}, ValueError, r"'gelu', 'relu'"),
        ({"norm_eps": 0.0}, ValueError, r"norm_eps is 0\.0"),
        ({"tied": 1}, TypeError, r"tied is 1; it must be True or False"),
        ({"positions": "rotary", "n_heads": 8}, ValueError, r"Heads are 1 wide"),
    ],
    ids=str,
)
def test_a_config_that_can_not_be(changes, error, match):
    with pytest.raises(error, match=match):
        GPTConfig(**{**SIZES, **changes})


def test_a_config_can_not_be_changed_but_copied():
    config = GPTConfig(**SIZES)
    with pytest.raises(AttributeError):
        config.n_layers = 4
    assert config.with_changes(n_layers=4).n_layers == 4
    with pytest.raises(ValueError, match="n_heads 5"):
        config.with_changes(n_heads=5)
    assert GPTConfig(**config.to_dict()) == config
    assert GPTConfig(13, 9, 3, 2, 8, 0.1, "dyt").norm == "dyt"


def test_an_unknown_preset_names_the_known():
    with pytest.raises(ValueError, match=r"'gpt3'.*gpt2-medium.*story"):
        GPTConfig.preset("gpt3")
    assert GPTConfig.preset("gpt2-xl", n_layers=2).n_layers == 2


def test_too_long_an_input_says_the_two_lengths(model):
    with pytest.raises(ValueError, match=r"10 tokens long.*context_length is 9"):
        model(ids(1, 10))
    with pytest.raises(ValueError, match="0 tokens long"):
        model(ids(1, 0))
    for inspect in (model.maps, model.residual_stream, model.lens):
        with pytest.raises(ValueError, match="10 tokens long"):
            inspect(ids(1, 10))


@torch.no_grad()
def test_a_full_cache_says_the_lengths_and_stays_as_it_was(model):
    caches = model.make_caches(2)
    model(ids(2, 7), caches=caches)
    with pytest.raises(ValueError, match=r"3 tokens long after 7 in the caches.*is 9"):
        model(ids(2, 3), caches=caches)
    assert [len(cache) for cache in caches] == [7, 7, 7]
    short = model.make_caches(2, context_length=5)
    with pytest.raises(ValueError, match="holds 0 of 5 tokens"):
        model(ids(2, 6), caches=short)
    with pytest.raises(ValueError, match="2 caches for 3 layers"):
        model(ids(), caches=caches[:2])


@pytest.mark.parametrize("wrong", [13, -1, 50_000])
def test_ids_out_of_range_say_which(model, wrong):
    given = ids()
    given[1, 2] = wrong
    with pytest.raises(ValueError, match=rf"ids\[1, 2\] is {wrong}, .* 0 to 12"):
        model(given)


def test_ids_of_another_kind(model):
    with pytest.raises(ValueError, match=r"shape \(4,\): give \(batch, tokens\)"):
        model(ids()[0])
    with pytest.raises(TypeError, match=r"torch\.bool"):
        model(ids().bool())
    assert model(ids().int()).shape == (2, 4, 13)


def test_ids_or_embeddings(model):
    for options in ({}, {"ids": ids(), "embeddings": torch.zeros(2, 4, 8)}):
        with pytest.raises(ValueError, match="either ids or embeddings"):
            model(**options)
    for shape in [(4, 8), (2, 4, 7)]:
        with pytest.raises(ValueError, match=r"give \(batch, tokens, 8\)"):
            model(embeddings=torch.zeros(shape))


def test_positions_that_do_not_fit(model):
    with pytest.raises(ValueError, match=r"shape \(2, 3\) and the tokens \(2, 4\)"):
        model(ids(), positions=ids(2, 3))
    with pytest.raises(ValueError, match=r"positions go from 0 to 9, .* 0 to 8"):
        model(ids(1, 2), positions=torch.tensor([[0, 9]]))
    with pytest.raises(ValueError, match=r"positions go from -1 to 3"):
        model(ids(1, 2), positions=torch.tensor([[-1, 3]]))


def test_masks_that_do_not_fit(model):
    with pytest.raises(ValueError, match=r"head_mask has the shape \(2, 2\): give \(3, heads\)"):
        model(ids(), head_mask=torch.ones(2, 2))
    with pytest.raises(ValueError, match=r"head_mask has the shape \(5,\)"):
        model(ids(), head_mask=torch.ones(3, 5))
    with pytest.raises(ValueError, match="mask has the shape"):
        model(ids(), mask=torch.ones(4, 5).bool())


def test_an_unknown_activation():
    with pytest.raises(ValueError, match="'swish'"):
        FeedForward(4, activation="swish")
