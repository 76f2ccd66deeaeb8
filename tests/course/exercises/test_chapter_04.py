"""What chapter 04 says to answers written the way learners write them, not the way we test."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from utils.course.checking import registry
from utils.course.checking.check import RIGHT, judge
from utils.llm.attention import heads as attention


def steps(x, w_q, w_k, w_v, forbid, weigh=lambda masked: masked.softmax(-1)):
    q, k, v = x @ w_q, x @ w_k, x @ w_v
    scores = q @ k.T / math.sqrt(k.shape[1])
    masked = forbid(scores)
    weights = weigh(masked)
    return q, k, v, scores, masked, weights, weights @ v


def renormalised(x, w_q, w_k, w_v, mask):
    def weigh(masked):
        weights = masked.softmax(-1) * mask
        return weights / weights.sum(-1, keepdim=True)

    return steps(x, w_q, w_k, w_v, lambda scores: scores, weigh)


def renormalised_of_masked(x, w_q, w_k, w_v, mask):
    *before, _, masked, _, _ = steps(x, w_q, w_k, w_v, lambda s: s.masked_fill(~mask, -torch.inf))
    scores = before[0] @ before[1].T / math.sqrt(before[1].shape[1])
    weights = scores.softmax(-1) * mask
    weights = weights / weights.sum(-1, keepdim=True)
    return *before, scores, masked, weights, weights @ before[2]


def minus_a_thousand(x, w_q, w_k, w_v, mask):
    return steps(x, w_q, w_k, w_v, lambda scores: scores.masked_fill(~mask, -1e3))


def in_place(x, w_q, w_k, w_v, mask):
    return steps(x, w_q, w_k, w_v, lambda scores: scores.masked_fill_(~mask, -torch.inf))


def one_tensor_two_names(x, w_q, w_k, w_v, mask):
    def forbid(scores):
        masked = scores
        masked[~mask] = -1e9
        return masked

    return steps(x, w_q, w_k, w_v, forbid)


def ones_of_bytes(n_tokens):
    return torch.ones(n_tokens, n_tokens, dtype=torch.uint8).tril()


def to_be_added(n_tokens):
    return torch.full((n_tokens, n_tokens), -torch.inf).triu(1)


def up_to_the_longest(lengths, n_tokens):
    return (torch.arange(int(lengths.max())) < lengths[:, None])[:, None, None, :]


def padding_to_be_added(lengths, n_tokens):
    kept = attention.padding_mask(lengths, n_tokens)
    return torch.zeros(kept.shape).masked_fill(~kept, -torch.inf)


def view_at_the_end(x, n_heads, work):
    b, t, c = x.shape
    heads = x.view(b, t, n_heads, c // n_heads).transpose(1, 2)
    return heads, work(heads).transpose(1, 2).view(b, t, c)


def worked_on(x, n_heads, work):
    b, t, c = x.shape
    heads = work(x.view(b, t, n_heads, c // n_heads).transpose(1, 2))
    return heads, heads.transpose(1, 2).flatten(-2)


def interleaved(x, n_heads, work):
    b, t, c = x.shape
    heads = x.view(b, t, c // n_heads, n_heads).permute(0, 3, 1, 2)
    return heads, work(heads).permute(0, 2, 3, 1).reshape(b, t, c)


def whole_layer(x, w_qkv, b_qkv, w_out, b_out, n_heads, mask, attend=None):
    q, k, v = (attention.split_heads(p, n_heads) for p in (x @ w_qkv + b_qkv).chunk(3, -1))
    scores = attend(q, k) if attend else q @ k.mT / math.sqrt(q.shape[-1])
    weights = scores.masked_fill(~mask, -torch.inf).softmax(-1)
    return attention.merge_heads(weights @ v) @ w_out + b_out, weights


def weights_first(*args):
    out, weights = whole_layer(*args)
    return weights, out


def keys_look(*args):
    return whole_layer(*args, attend=lambda q, k: k @ q.mT / math.sqrt(q.shape[-1]))


def by_the_root_of_heads(*args):
    return whole_layer(*args, attend=lambda q, k: q @ k.mT / math.sqrt(q.shape[1]))


def inverted(*args):
    return whole_layer(*args[:-1], ~args[-1])


def turned(x, angles):
    a, b, cos, sin = x[:, 0::2], x[:, 1::2], angles.cos(), angles.sin()
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


def growing(x, positions):
    width = x.shape[1]
    return turned(x, positions[:, None] * 10_000.0 ** (torch.arange(0, width, 2) / width))


def twice_the_exponent(x, positions):
    width = x.shape[1]
    return turned(x, positions[:, None] * 10_000.0 ** (-2 * torch.arange(0, width, 2) / width))


def in_degrees(x, positions):
    width = x.shape[1]
    angles = positions[:, None] * 10_000.0 ** (-torch.arange(0, width, 2) / width)
    return turned(x, torch.deg2rad(angles))


def by_a_table(phi_q, phi_k, v):
    weights = (phi_q @ phi_k.T).tril()
    return weights @ v / weights.sum(-1, keepdim=True)


def by_prefixes(phi_q, phi_k, v):
    rows = [
        (phi_q[i] @ phi_k[: i + 1].T) @ v[: i + 1] / (phi_q[i] @ phi_k[: i + 1].T).sum()
        for i in range(len(v))
    ]
    return torch.stack(rows)


def by_sums_of_prefixes(phi_q, phi_k, v):
    rows = []
    for i in range(len(v)):
        state = (phi_k[: i + 1, :, None] * v[: i + 1, None, :]).sum(0)
        rows.append(phi_q[i] @ state / (phi_q[i] @ phi_k[: i + 1].sum(0)))
    return torch.stack(rows)


def by_growing_the_output(phi_q, phi_k, v):
    out = torch.empty(0, v.shape[1])
    state, total = torch.zeros(phi_k.shape[1], v.shape[1]), torch.zeros(phi_k.shape[1])
    for q, k, value in zip(phi_q, phi_k, v, strict=True):
        state, total = state + torch.outer(k, value), total + k
        out = torch.cat([out, (q @ state / (q @ total))[None]])
    return out


def lost_axis(phi_q, phi_k, v):
    sums = (phi_k[:, :, None] * v[:, None, :]).cumsum(0)
    return torch.einsum("tm,tmd->td", phi_q, sums) / (phi_q * phi_k.cumsum(0)).sum(-1)


def features_of_features(phi_q, phi_k, v):
    return attention.linear_attention(phi_q, phi_k, v, causal=True)


ZERO_BY_ZERO = "You forbade after the softmax, and divided by what was left"
TO_BE_ADDED = "These are numbers to add to the scores, 0 and −inf"
SAID = {
    renormalised_of_masked: ("4.1", ZERO_BY_ZERO),
    minus_a_thousand: (
        "4.1",
        "A forbidden score became a small number, and a large score may come near it",
    ),
    in_place: ("4.1", "You filled in place"),
    one_tensor_two_names: ("4.1", "You filled in place"),
    ones_of_bytes: ("4.2", "These are ones and zeros of a whole-number dtype"),
    to_be_added: ("4.2", TO_BE_ADDED),
    up_to_the_longest: ("4.3", "T is n_tokens, not the longest length"),
    padding_to_be_added: ("4.3", TO_BE_ADDED),
    view_at_the_end: ("4.4", "`view` refuses"),
    worked_on: ("4.4", "Your `heads` have been worked on already"),
    interleaved: ("4.4", "The columns were dealt out in turn, and merged so too"),
    weights_first: ("4.5", "The two results stand in the wrong order"),
    keys_look: ("4.5", "Queries and keys are swapped: in the thirds"),
    by_the_root_of_heads: ("4.5", "You scaled by √H"),
    inverted: ("4.5", "The mask is the wrong way round"),
    growing: ("4.6", "Your frequencies grow"),
    twice_the_exponent: ("4.6", "Your frequencies fall twice as fast"),
    in_degrees: ("4.6", "The angles are in radians"),
    by_a_table: ("4.7", "Your numbers are right, but on the way you made a table of T × T"),
    by_prefixes: ("4.7", "Your numbers are right, but for twice the tokens"),
    by_sums_of_prefixes: ("4.7", "Your numbers are right, but"),
    by_growing_the_output: ("4.7", "Your numbers are right, but for twice the tokens"),
    lost_axis: ("4.7", "The divisor lost its axis"),
    features_of_features: ("4.7", "A feature map was applied once more"),
}


@pytest.mark.parametrize("answer", SAID, ids=lambda answer: answer.__name__)
def test_a_wrong_turn_is_told_what_it_is(answer):
    id, said = SAID[answer]
    assert judge(registry.exercise(id), answer).diagnosis.startswith(said)


def test_nothing_leaks_where_a_row_is_no_number():
    diagnosis = judge(registry.exercise("4.1"), renormalised).diagnosis
    assert "leaks" not in diagnosis


def test_a_refused_detour_is_told_under_the_learners_own_name():
    diagnosis = judge(registry.exercise("4.7"), by_prefixes).diagnosis
    assert "for linear_attention(tensor of shape (200, 4)" in diagnosis
    assert "tuple" not in diagnosis


def with_an_empty_output(phi_q, phi_k, v):
    out = torch.empty_like(v)
    state, total = torch.zeros(phi_k.shape[1], v.shape[1]), torch.zeros(phi_k.shape[1])
    for i in range(len(v)):
        state += phi_k.T[:, i, None] * v[i]
        total += phi_k.T[:, i]
        out[i] = phi_q[i] @ state / (phi_q[i] @ total)
    return out


def in_blocks(phi_q, phi_k, v):
    return attention.linear_attention(phi_q, phi_k, v, lambda x: x, causal=True)


def in_numpy(phi_q, phi_k, v):
    q, k, v = (x.numpy() for x in (phi_q, phi_k, v))
    sums = np.cumsum(k[:, :, None] * v[:, None, :], axis=0)
    return np.einsum("tm,tmd->td", q, sums) / (q * k.cumsum(0)).sum(-1, keepdims=True)


@pytest.mark.parametrize("answer", [with_an_empty_output, in_blocks, in_numpy])
def test_linear_attention_may_be_written_in_many_ways(answer):
    assert judge(registry.exercise("4.7"), answer).status == RIGHT
