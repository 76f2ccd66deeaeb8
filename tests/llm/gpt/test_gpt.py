"""The GPT and its parts: against PyTorch's encoder layers, and by what every GPT must do."""

import copy
import doctest
import math

import pytest
import torch
from helpers.shape_checks import enforce_annotations
from jaxtyping import TypeCheckError
from torch import nn
from torch.nn import functional as F

from utils.llm.attention.heads import causal_mask
from utils.llm.gpt import GPT, Block, FeedForward, GPTConfig
from utils.llm.gpt import block as gpt_block
from utils.llm.gpt import config as gpt_config
from utils.llm.gpt import model as gpt_model

SIZES = {"vocab_size": 13, "context_length": 9, "n_layers": 3, "n_heads": 2, "d_model": 8}
VARIANTS = [
    {},
    {"positions": "rotary"},
    {"positions": "none"},
    {"norm": "rmsnorm", "tied": False},
    {"norm": "dyt", "activation": "relu"},
    {"norm": "none", "bias": False},
    {"norm_position": "post"},
]
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(autouse=True)
def annotated(monkeypatch):
    enforce_annotations(monkeypatch, gpt_block, gpt_model, gpt_config)


def build(seed=0, std=0.3, **changes):
    """A model whose weights, biases and norms are all random and large enough to matter."""
    torch.manual_seed(seed)
    model = GPT(GPTConfig(**{**SIZES, **changes})).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn_like(weights) * std)
    return model


def texts(batch=2, n_tokens=9, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(13, (batch, n_tokens), generator=generator)


def torchs_layer(block, config):
    """PyTorch's own transformer layer with the block's weights."""
    layer = nn.TransformerEncoderLayer(
        config.d_model,
        config.n_heads,
        dim_feedforward=4 * config.d_model,
        dropout=0.0,
        activation=F.relu if config.activation == "relu" else nn.GELU(approximate="tanh"),
        layer_norm_eps=config.norm_eps,
        batch_first=True,
        norm_first=config.norm_position == "pre",
    )
    ours = block.state_dict()
    names = {
        "self_attn.in_proj_weight": "attention.qkv.weight",
        "self_attn.in_proj_bias": "attention.qkv.bias",
        "self_attn.out_proj": "attention.out",
        "linear1": "feed_forward.up",
        "linear2": "feed_forward.down",
        "norm1": "norm_1",
        "norm2": "norm_2",
    }
    theirs = {}
    for name in layer.state_dict():
        part, _, kind = name.rpartition(".")
        theirs[name] = ours[names.get(name) or f"{names[part]}.{kind}"]
    layer.load_state_dict(theirs)
    return layer.eval()


@pytest.mark.parametrize("module", [gpt_block, gpt_model, gpt_config])
def test_doctests(module):
    assert doctest.testmod(module).failed == 0


def test_annotations_are_enforced_here():
    with pytest.raises(TypeCheckError):
        build()(texts().float())


def test_gelu_is_its_formula_and_near_the_exact():
    x = torch.linspace(-6, 6, 101, dtype=torch.float64)
    tanh = [
        v / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) for v in x.tolist()
    ]
    exact = [v / 2 * (1 + math.erf(v / math.sqrt(2))) for v in x.tolist()]
    torch.testing.assert_close(gpt_block.gelu(x), torch.tensor(tanh, dtype=torch.float64))
    assert (gpt_block.gelu(x) - torch.tensor(exact, dtype=torch.float64)).abs().max() < 1e-3


@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_feed_forward_is_two_products(activation):
    x = torch.randn(2, 3, 4, dtype=torch.float64)
    layer = FeedForward(4, 6, activation=activation).double()
    w_in, b_in, w_out, b_out = layer.parameters()
    hidden = x.numpy() @ w_in.detach().numpy().T + b_in.detach().numpy()
    bent = {"gelu": gpt_block.gelu(torch.tensor(hidden)).numpy(), "relu": hidden.clip(0)}[
        activation
    ]
    expected = torch.tensor(bent @ w_out.detach().numpy().T + b_out.detach().numpy())
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(
        gpt_block.feed_forward(x, w_in, b_in, w_out, b_out, activation), expected
    )


@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_a_block_is_torchs_transformer_layer(norm_position, activation):
    model = build(norm_position=norm_position, activation=activation, norm_eps=0.1)
    x = torch.randn(2, 5, 8)
    layer = torchs_layer(model.blocks[0], model.config)
    expected = layer(x, src_mask=~causal_mask(5))
    torch.testing.assert_close(model.blocks[0](x), expected, **CLOSE)
    output, weights = model.blocks[0](x, need_weights=True)
    torch.testing.assert_close(output, expected, **CLOSE)
    assert weights.shape == (2, 2, 5, 5)


@pytest.mark.parametrize("norm_position", ["pre", "post"])
@pytest.mark.parametrize("tied", [True, False])
def test_a_gpt_is_embeddings_torchs_stack_and_head(norm_position, tied):
    model, ids = build(norm_position=norm_position, tied=tied), texts(3, 6)
    w = dict(model.named_parameters())
    x = w["token_embedding.weight"][ids] + w["position_embedding.weight"][:6]
    for block in model.blocks:
        x = torchs_layer(block, model.config)(x, src_mask=~causal_mask(6))
    if norm_position == "pre":
        x = F.layer_norm(x, (8,), w["final_norm.weight"], w["final_norm.bias"])
    matrix = w["token_embedding.weight" if tied else "head.weight"]
    torch.testing.assert_close(model(ids), x @ matrix.T, **CLOSE)


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_the_future_changes_nothing(changes):
    model, ids = build(**changes), texts()
    before = model(ids)
    assert before.shape == (2, 9, 13)
    other = ids.clone()
    other[:, 5] = (ids[:, 5] + 1) % 13
    after = model(other)
    torch.testing.assert_close(before[:, :5], after[:, :5], rtol=0, atol=1e-6)
    assert all(not torch.allclose(before[:, t], after[:, t]) for t in range(5, 9))


@pytest.mark.parametrize("chunks", [[9], [1] * 9, [4, 1, 1, 3], [1, 8]], ids=str)
@pytest.mark.parametrize("changes", VARIANTS, ids=str)
@torch.no_grad()
def test_cached_equals_uncached(changes, chunks):
    model, ids = build(**changes), texts()
    caches = model.make_caches(2)
    parts = [model(part, caches=caches) for part in ids.split(chunks, dim=1)]
    torch.testing.assert_close(torch.cat(parts, dim=1), model(ids), **CLOSE)
    assert [len(cache) for cache in caches] == [9, 9, 9]


@pytest.mark.parametrize("changes", VARIANTS[:3], ids=str)
@torch.no_grad()
def test_texts_filled_up_on_the_left(changes):
    model, ids = build(**changes), texts(2, 6)
    alone = [model(ids[0:1, 2:]), model(ids[1:2])]
    keys = torch.tensor([[0, 0, 1, 1, 1, 1], [1] * 6]).bool()
    positions = (keys.cumsum(dim=1) - 1).clamp(min=0)
    whole = model(ids, positions=positions, mask=keys[:, None, None])
    torch.testing.assert_close(whole[0, 2:], alone[0][0], **CLOSE)
    torch.testing.assert_close(whole[1], alone[1][0], **CLOSE)
    caches = model.make_caches(2)
    model(ids[:, :5], positions=positions[:, :5], mask=keys[:, None, None, :5], caches=caches)
    step = model(ids[:, 5:], positions=positions[:, 5:], mask=keys[:, None, None], caches=caches)
    torch.testing.assert_close(step, whole[:, 5:], **CLOSE)


@torch.no_grad()
def test_positions_choose_their_vectors():
    model, ids = build(), texts()
    counted = torch.arange(9).expand(2, 9)
    torch.testing.assert_close(model(ids, positions=counted), model(ids))
    assert not torch.allclose(model(ids, positions=counted.flip(1)), model(ids))


def test_embeddings_take_the_place_of_ids():
    model, ids = build(), texts()
    vectors = model.embed(ids).detach().requires_grad_()
    logits = model(embeddings=vectors)
    torch.testing.assert_close(logits, model(ids))
    logits.logsumexp(-1).sum().backward()
    assert vectors.grad.abs().sum() > 0
    assert torch.equal(model.embed(ids)[1, 2], model.token_embedding.weight[ids[1, 2]])


def test_only_the_last_token_is_read_out():
    model, ids = build(), texts()
    torch.testing.assert_close(model(ids, last_only=True), model(ids)[:, -1:], **CLOSE)


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
@torch.no_grad()
def test_what_can_be_seen_inside(changes):
    model, ids = build(**changes), texts(2, 5)
    maps, stream, lens = model.maps(ids), model.residual_stream(ids), model.lens(ids)
    assert maps.shape == (2, 3, 2, 5, 5)
    torch.testing.assert_close(maps.sum(-1), torch.ones(2, 3, 2, 5))
    assert (maps.triu(1) == 0).all()
    assert (stream.shape, lens.shape) == ((4, 2, 5, 8), (4, 2, 5, 13))
    torch.testing.assert_close(lens[-1], model(ids), **CLOSE)
    for i, block in enumerate(model.blocks):
        output, weights = block(stream[i], need_weights=True)
        torch.testing.assert_close(output, stream[i + 1], **CLOSE)
        torch.testing.assert_close(weights, maps[:, i], **CLOSE)
    torch.testing.assert_close(lens[1], model.head(model.final_norm(stream[1])), **CLOSE)


@torch.no_grad()
def test_a_head_is_switched_off():
    model, ids = build(), texts()
    kept = torch.ones(3, 2)
    torch.testing.assert_close(model(ids, head_mask=kept), model(ids))
    kept[1, 0] = 0
    ablated = copy.deepcopy(model)
    ablated.blocks[1].attention.out.weight[:, :4] = 0
    torch.testing.assert_close(model(ids, head_mask=kept), ablated(ids), **CLOSE)


@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm", "dyt", "none"])
@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_gradients_reach_every_number(norm, norm_position):
    model, ids = build(norm=norm, norm_position=norm_position, tied=False), texts()
    loss = F.cross_entropy(model(ids).flatten(0, 1), texts(seed=1).flatten())
    loss.backward()
    seen = set(ids.flatten().tolist())
    for name, weights in model.named_parameters():
        assert weights.grad.isfinite().all(), name
        if name == "token_embedding.weight":
            assert {i for i, row in enumerate(weights.grad) if row.any()} == seen
        elif name.endswith("qkv.bias"):  # a key's bias moves all scores of a row alike
            assert weights.grad[:8].any()
            assert weights.grad[16:].any()
        else:
            assert weights.grad.any(), name


def test_the_tied_head_is_the_embedding():
    model = GPT(GPTConfig(**SIZES))
    assert model.head.weight is model.token_embedding.weight
    twin = copy.deepcopy(model).double()
    assert twin.head.weight is twin.token_embedding.weight
    untied = GPT(GPTConfig(**SIZES, tied=False))
    assert untied.num_parameters() == model.num_parameters() + 13 * 8


def test_initialisation_is_gpt2s():
    torch.manual_seed(0)
    config = GPTConfig(500, 400, n_layers=8, n_heads=4, d_model=256, tied=False)
    for name, weights in GPT(config).named_parameters():
        if "norm" in name:
            wanted = 1.0 if name.endswith("weight") else 0.0
            assert (weights == wanted).all(), name
        elif name.endswith("bias"):
            assert (weights == 0).all(), name
        else:
            adds = name.endswith(("attention.out.weight", "feed_forward.down.weight"))
            assert weights.std().item() == pytest.approx(0.02 / (4 if adds else 1), rel=0.02), name
            assert abs(weights.mean().item()) < 5e-4


@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm", "dyt"])
@pytest.mark.parametrize("tied", [True, False])
def test_the_first_loss_is_that_of_guessing(norm, tied):
    torch.manual_seed(0)
    config = GPTConfig.preset("story", norm=norm, tied=tied)
    ids = torch.randint(369, (4, 100))
    loss = F.cross_entropy(GPT(config)(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    assert loss.item() == pytest.approx(math.log(369), abs=0.05)


def test_dropout_strikes_in_training_only():
    model, ids = build(dropout=0.3), texts()
    torch.testing.assert_close(model(ids), model(ids))
    model.train()
    assert not torch.allclose(model(ids), model(ids))
    torch.testing.assert_close(model.eval()(ids), build()(ids))


def test_a_model_learns_one_batch_by_heart(monkeypatch):
    monkeypatch.undo()  # annotations were checked above, and checks take time
    torch.manual_seed(0)
    model, ids = GPT(GPTConfig(**{**SIZES, "d_model": 32})), texts(4, 9)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(80):
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    first_guesses = F.cross_entropy(model(ids[:, :1]).flatten(0, 1), ids[:, 1])
    assert loss.item() < first_guesses.item() / 8 + 0.1  # the first word alone can't be known


def test_a_block_alone():
    block = Block(GPTConfig(**SIZES))
    assert block(torch.zeros(1, 1, 8)).shape == (1, 1, 8)
