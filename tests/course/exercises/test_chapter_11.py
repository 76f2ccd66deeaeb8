"""What chapter 11 says to answers written the way learners write them, and whether it is so."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch
from helpers.feedback import said
from torch.nn import functional as F

from utils.course.assembling.modern import file_tensors
from utils.course.assembling.places import course_part
from utils.data.texts.models import open_model
from utils.data.texts.real_models import kept_model
from utils.llm.attention.heads import causal_mask, fused_attention, rotary, share_heads
from utils.llm.gpt.block import swiglu
from utils.llm.gpt.gguf import open_gguf
from utils.llm.gpt.norms import RMSNorm, rms_norm

needs_the_file = pytest.mark.skipif(
    kept_model("smollm2") is None, reason="`course fetch smollm2` was not run"
)


def grouped_by_the_package(q, k, v):
    k, v = (share_heads(each, q.shape[1]) for each in (k, v))
    return fused_attention(q, k, v, causal_mask(q.shape[2], k.shape[2]))


def normed_by_a_module(x, weight, eps):
    layer = RMSNorm(x.shape[-1], eps)
    return torch.func.functional_call(layer, {"weight": weight}, x)


def half_a_head_apart(x, positions, base):
    """As Hugging Face's Llama does."""
    inverse = 1.0 / base ** (torch.arange(0, x.shape[-1], 2) / x.shape[-1])
    angles = torch.cat([positions[:, None] * inverse] * 2, dim=-1)
    first, second = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return x * angles.cos() + torch.cat([-second, first], dim=-1) * angles.sin()


def repeated_as_a_whole(q, k, v):
    n = q.shape[1] // k.shape[1]
    return grouped_by_the_package(q, k.repeat(1, n, 1, 1), v.repeat(1, n, 1, 1))


def halves_in_turn(block):
    d, m = struct.unpack("<ee", block[:4])
    q = torch.tensor([half for byte in block[4:] for half in (byte & 15, byte >> 4)])
    return d * q + m


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("11.1", rms_norm),
        ("11.1", normed_by_a_module),
        ("11.2", lambda x, positions, base: rotary(x, positions, base=base)),
        ("11.3", swiglu),
        ("11.4", grouped_by_the_package),
    ],
)
def test_what_the_package_ships_passes(id, answer):
    assert said(id, answer) == "right"


@pytest.mark.parametrize(
    ("id", "answer", "begins"),
    [
        (
            "11.1",
            lambda x, w, e: F.layer_norm(x, x.shape[-1:], w, eps=e),
            "The mean was subtracted",
        ),
        ("11.1", lambda x, w, e: F.normalize(x, dim=-1, eps=e) * w, "You summed the squares"),
        ("11.1", lambda x, w, e: rms_norm(x.half(), w, e).float(), "The numbers are right to some"),
        ("11.1", lambda x, w, e: rms_norm(x, w, e).detach(), "the numbers are right, but autograd"),
        ("11.2", half_a_head_apart, "You paired column i with column i + D/2"),
        ("11.2", lambda x, p, base: rotary(x, p), "Your base is 10000"),
        ("11.2", lambda x, p, base: rotary(x, base=base), "You counted the positions from 0"),
        ("11.2", lambda x, p, base: rotary(x, -p, base=base), "You turned the other way"),
        ("11.3", lambda x, g, u, d: swiglu(x, u, g, d), "Gate and up are swapped"),
        ("11.4", repeated_as_a_whole, "The query heads read the key heads in turn"),
        (
            "11.4",
            lambda q, k, v: F.scaled_dot_product_attention(
                q, k, v, is_causal=True, enable_gqa=True
            ),
            "Your mask sets the first query beside the first key",
        ),
        ("11.5", halves_in_turn, "Low and high half of each byte were put side by side"),
        ("11.6", lambda tensors, n: dict(tensors), "The tensors still go by the file's names"),
        ("11.7", lambda messages: course_part("11.7")(messages)[:-1], "The open turn ends with"),
        ("11.8", lambda *sizes: int(np.prod(sizes)), "You counted keys or values alone"),
    ],
)
def test_usual_wrong_answers_are_told_why(id, answer, begins):
    assert said(id, answer).startswith(begins), said(id, answer)


def test_a_block_is_what_the_formats_own_package_makes_of_it():
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize, quantize

    weights = np.random.default_rng(0).normal(size=(20, 32)).astype(np.float32)
    for block in quantize(weights, GGMLQuantizationType.Q4_1):
        theirs = torch.from_numpy(dequantize(block, GGMLQuantizationType.Q4_1))
        torch.testing.assert_close(course_part("11.5")(block.tobytes()), theirs)


def test_the_mapping_gives_a_whole_state_dict():
    model = open_model("stories-modern").model
    found = course_part("11.6")(file_tensors(model), model.config.n_layers)
    assert found.keys() == model.state_dict().keys()
    model.load_state_dict(found)


@needs_the_file
def test_frame_blocks_and_names_are_those_of_the_real_file():
    file = open_gguf(kept_model("smollm2"))
    for messages in (
        [{"role": "user", "content": "Hi"}],
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " Hi\n"}],
    ):
        assert course_part("11.7")(messages) == file.render(messages)
    tensor = file._tensors["blk.0.attn_k.weight"]
    blocks = np.ascontiguousarray(tensor.data).reshape(-1, 20)
    ours = torch.stack([course_part("11.5")(block.tobytes()) for block in blocks[:18]])
    torch.testing.assert_close(ours.flatten(), file.read(tensor.name)[0])
    config = file.config
    names = [name for name in file._tensors if not name.startswith("blk.0.")]
    assert len(names) == 2 + 9 * (config.n_layers - 1)
    sizes = config.n_layers, config.n_kv_heads, config.d_head, config.context_length, 2
    assert course_part("11.8")(*sizes) == 188_743_680
