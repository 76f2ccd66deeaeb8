"""The same numbers on a GPU as on the CPU, in every type; skipped where there is no GPU."""

import pytest
import torch

from utils.llm.attention import heads as attention
from utils.llm.attention import masks, smoothing
from utils.llm.attention.heads import KVCache, MultiHeadAttention

B, T, C, H = 2, 37, 48, 3
DEVICES = [
    pytest.param(
        "cuda",
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU"),
        ],
    ),
    pytest.param(
        "mps", marks=pytest.mark.skipif(not torch.backends.mps.is_available(), reason="no MPS GPU")
    ),
]
TOLERANCES = {torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float64: 1e-10}
pytestmark = [pytest.mark.parametrize("device", DEVICES)]
each_type = pytest.mark.parametrize("dtype", TOLERANCES)


def skip_missing(device, dtype):
    if device == "mps" and dtype == torch.float64:
        pytest.skip("MPS has no float64")


def tensors(*shapes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]


def close(got, expected, dtype):
    tolerance = TOLERANCES[dtype]
    torch.testing.assert_close(
        got.cpu().double(), expected.double(), rtol=tolerance, atol=tolerance
    )


def the_masks():
    allowed = attention.causal_mask(T).expand(B, 1, T, T).clone()
    allowed[1, :, 5] = False  # a query that may attend to nothing
    allowed[1, :, :, 30:] = False
    additive = torch.zeros(B, 1, T, T).masked_fill(~allowed, -torch.inf)
    return {"none": None, "boolean": allowed, "additive": additive}


@each_type
@pytest.mark.parametrize("kind", ["none", "boolean", "additive"])
@pytest.mark.parametrize("path", ["explicit", "fused"])
def test_attention_and_its_gradients(device, path, kind, dtype):
    skip_missing(device, dtype)
    rounded = [x.to(dtype) for x in tensors(*[(B, H, T, 16)] * 4)]
    mask = the_masks()[kind]

    def run(where, dtype, path):
        q, k, v, towards = (x.to(dtype).to(where) for x in rounded)
        inputs = [x.requires_grad_() for x in (q, k, v)]
        there = None if mask is None else mask.to(where)
        if path == "fused":
            output = attention.fused_attention(*inputs, there, causal=True)
        else:
            both = masks.both(there, attention.causal_mask(T, device=where))
            output = attention.scaled_dot_product_attention(*inputs, both)[0]
        return output, *torch.autograd.grad(output, inputs, towards)

    got = run(device, dtype, path)
    for ours, exact in zip(got, run("cpu", torch.float64, "explicit"), strict=True):
        assert ours.dtype == dtype
        assert ours.isfinite().all()
        close(ours, exact, dtype)
    if mask is not None:
        assert (got[0][1, :, 5] == 0).all()
        assert (got[1][1, :, 5] == 0).all()


@each_type
@pytest.mark.parametrize("rotary_base", [None, 10_000.0])
@pytest.mark.parametrize("explicit", [False, True])
@torch.no_grad()
def test_layer_and_cache(device, explicit, rotary_base, dtype):
    skip_missing(device, dtype)
    torch.manual_seed(0)
    layer = MultiHeadAttention(C, H, rotary_base=rotary_base).to(dtype).eval()
    (x,) = (x.to(dtype) for x in tensors((B, T, C)))
    exact = MultiHeadAttention(C, H, rotary_base=rotary_base).double()
    exact.load_state_dict(layer.state_dict())
    expected = exact(x.double())
    layer, x = layer.to(device), x.to(device)
    cache = KVCache(B, H, T, C // H, dtype=dtype, device=device)
    parts = []
    for part in x.split([20, 1, 10, 6], dim=1):
        output = layer(part, cache=cache, need_weights=explicit)
        parts.append(output[0] if explicit else output)
    close(torch.cat(parts, dim=1), expected, dtype)
    close(layer(x), expected, dtype)


@each_type
@pytest.mark.parametrize("causal", [False, True])
def test_linear_attention(device, causal, dtype):
    skip_missing(device, dtype)
    rounded = [x.to(dtype) for x in tensors(*[(B, H, 150, 16)] * 3)]
    got = attention.linear_attention(*(x.to(device) for x in rounded), causal=causal)
    exact = attention.linear_attention(*(x.double() for x in rounded), causal=causal)
    assert got.dtype == dtype
    close(got, exact, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_positions_masks_and_smoothing(device, dtype):
    skip_missing(device, dtype)
    x, y = (x.to(dtype) for x in tensors((T, 8), (T, 8)))
    there, other = x.to(device), y.to(device)
    close(attention.rotary(there), attention.rotary(x), dtype)
    smoothed = smoothing.nadaraya_watson(there, other, other, 0.7)
    close(smoothed, smoothing.nadaraya_watson(x, y, y, 0.7), dtype)
    lengths = torch.tensor([3, 0], device=device)
    assert attention.padding_mask(lengths, T).device.type == device
    assert attention.causal_mask(T, device=device).device.type == device


@pytest.mark.parametrize("causal", [False, True])
def test_dropout_strikes_in_training_only(device, causal):
    torch.manual_seed(0)
    layer = MultiHeadAttention(C, H, dropout=0.5, causal=causal).to(device)
    (x,) = (x.float().to(device) for x in tensors((B, T, C)))
    assert not torch.allclose(layer(x), layer(x))
    torch.testing.assert_close(layer.eval()(x), layer(x))
