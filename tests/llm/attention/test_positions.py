"""Positions: waves by the formula, rotations by complex numbers, vectors by their place."""

import doctest
import math

import pytest
import torch
from helpers.shape_checks import enforce_annotations

from utils.llm.attention import positions
from utils.llm.attention.positions import LearnedPositions


@pytest.fixture
def annotated(monkeypatch):
    enforce_annotations(monkeypatch, positions)


def normal(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def test_doctests():
    assert doctest.testmod(positions).failed == 0


@pytest.mark.usefixtures("annotated")
@pytest.mark.parametrize("width", [2, 6, 10])
def test_waves_by_the_formula(width):
    interleaved = positions.sinusoidal_positions(9, width)
    halves = positions.sinusoidal_positions(9, width, interleaved=False)
    assert interleaved.shape == halves.shape == (9, width)
    for t in range(9):
        for i in range(width // 2):
            angle = t / 10_000 ** (2 * i / width)
            sine, cosine = pytest.approx(math.sin(angle)), pytest.approx(math.cos(angle))
            assert interleaved[t, 2 * i].item() == sine
            assert interleaved[t, 2 * i + 1].item() == cosine
            assert halves[t, i].item() == sine
            assert halves[t, width // 2 + i].item() == cosine


@pytest.mark.usefixtures("annotated")
def test_a_step_of_the_waves_is_the_same_rotation_everywhere():
    table = positions.sinusoidal_positions(50, 8).double()
    sums = [(table[t] @ table[t + 7]).item() for t in range(43)]
    assert sums == pytest.approx([sums[0]] * 43, abs=1e-5)


@pytest.mark.usefixtures("annotated")
def test_waves_far_away_are_exact():
    far = positions.sinusoidal_positions(100_001, 4)[-1]
    assert far[0].item() == pytest.approx(math.sin(100_000), abs=1e-6)


@pytest.mark.usefixtures("annotated")
def test_learned_positions_are_rows_of_their_table():
    table = LearnedPositions(6, 4)
    assert torch.equal(table(6), table.weight)
    assert torch.equal(table(2, offset=3), table.weight[3:5])
    assert table(0, offset=6).shape == (0, 4)
    table(2, offset=3).sum().backward()
    assert table.weight.grad.sum(1).tolist() == [0, 0, 0, 4, 4, 0]


@pytest.mark.parametrize(("n", "offset"), [(7, 0), (3, 4), (1, 6), (2, -1)])
def test_no_learned_position_beyond_the_table(n, offset):
    with pytest.raises(ValueError, match=f"{offset} to {offset + n - 1} .* 0 to 5"):
        LearnedPositions(6, 4)(n, offset)


@pytest.mark.usefixtures("annotated")
@pytest.mark.parametrize("width", [2, 8])
def test_rotary_multiplies_complex_numbers(width):
    x = normal(2, 3, 5, width)
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    rates = torch.tensor([100.0 ** (-2 * i / width) for i in range(width // 2)]).double()
    turns = torch.polar(torch.ones(5, width // 2).double(), torch.arange(5.0)[:, None] * rates)
    expected = torch.view_as_real(pairs * turns).flatten(-2)
    torch.testing.assert_close(positions.rotary(x, base=100.0), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("annotated")
def test_rotary_keeps_every_length():
    x = normal(2, 3, 50, 8)
    torch.testing.assert_close(positions.rotary(x).norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(positions.rotary(x)[..., 0, :], x[..., 0, :])


@pytest.mark.usefixtures("annotated")
def test_a_dot_product_depends_on_the_distance_only():
    q, k = normal(8), normal(8, seed=1)
    turned_q, turned_k = (positions.rotary(x.expand(40, 8)) for x in (q, k))
    scores = turned_q @ turned_k.T
    for distance in range(-39, 40):
        same = scores.diagonal(distance)
        torch.testing.assert_close(same, same[:1].expand_as(same))
    assert scores.diagonal(1)[0] != scores.diagonal(2)[0]
    assert scores.diagonal(1)[0] != scores.diagonal(-1)[0]


@pytest.mark.usefixtures("annotated")
def test_rotary_goes_on_from_an_offset():
    x = normal(2, 3, 9, 4)
    whole = positions.rotary(x)
    part = positions.rotary(x[:, :, 5:], torch.arange(5, 9))
    torch.testing.assert_close(part, whole[:, :, 5:])
    each = positions.rotary(x[:, :, :2], torch.tensor([[[0, 1]], [[5, 6]]]))  # (B, 1, T)
    torch.testing.assert_close(each[0], whole[0, :, :2])
    again = positions.rotary(x[1, :, :2], torch.tensor([5, 6]))
    torch.testing.assert_close(each[1], again)


@pytest.mark.usefixtures("annotated")
def test_rotary_has_exact_gradients():
    x = normal(2, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(positions.rotary, (x,))


@pytest.mark.usefixtures("annotated")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_rotary_keeps_its_type_and_turns_precisely(dtype):
    x = torch.tensor([[1.0, 0.0]], dtype=dtype)
    turned = positions.rotary(x, torch.tensor([1001]))  # bfloat16 would make it 1000
    assert turned.dtype == dtype
    exact = torch.tensor([[math.cos(1001), math.sin(1001)]], dtype=torch.float64)
    torch.testing.assert_close(turned.double(), exact, rtol=0, atol=2 * torch.finfo(dtype).eps)


def test_odd_widths_and_positions_that_do_not_fit():
    with pytest.raises(ValueError, match="width is 5"):
        positions.sinusoidal_positions(3, 5)
    with pytest.raises(ValueError, match="width is 5"):
        positions.rotary(torch.zeros(3, 5))
    with pytest.raises(ValueError, match="n_tokens is -1"):
        positions.sinusoidal_positions(-1, 4)
    with pytest.raises(ValueError, match=r"\(4,\) and x \(2, 3, 6\)"):
        positions.rotary(torch.zeros(2, 3, 6), torch.arange(4))
    with pytest.raises(ValueError, match="context_length is 0"):
        LearnedPositions(0, 4)
