"""The functions of chapter 01 against oracles that share no code with them."""

import doctest
import math

import numpy as np
import pytest
import torch
from torch import nn

from utils.llm import learning


def uniform(*shape, seed=0, low=-2.0, high=2.0):
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(*shape, generator=generator)


def test_doctests():
    assert doctest.testmod(learning).failed == 0


@pytest.mark.parametrize(("p", "q"), [((0, 1), (1, 3)), ((-2, 7.5), (3, -2.5)), ((5, 4), (2, 4))])
def test_line_goes_through_both_points(p, q):
    slope, intercept = learning.line_through(p, q)
    assert slope * p[0] + intercept == pytest.approx(p[1])
    assert slope * q[0] + intercept == pytest.approx(q[1])


@pytest.mark.parametrize("q", [(3, 4), (3, 1)])
def test_points_above_each_other_have_no_line(q):
    with pytest.raises(ValueError, match="same x"):
        learning.line_through((3, 1), q)


def test_mean_squared_error_is_torchs():
    predicted, wanted = uniform(7), uniform(7, seed=1)
    expected = nn.functional.mse_loss(predicted, wanted)
    torch.testing.assert_close(learning.mean_squared_error(predicted, wanted), expected)


def test_mean_squared_error_refuses_to_broadcast():
    with pytest.raises(ValueError, match=r"\(4, 1\).*\(4,\)"):
        learning.mean_squared_error(uniform(4, 1), uniform(4))
    with pytest.raises(ValueError, match="no examples"):
        learning.mean_squared_error(torch.empty(0), torch.empty(0))


@pytest.mark.parametrize("n", [1, 2, 9])
def test_line_gradient_is_autograds_and_the_finite_difference(n):
    x, y = uniform(n), uniform(n, seed=1)
    point = torch.tensor([1.5, -0.5], requires_grad=True)
    loss = nn.functional.mse_loss(point[0] * x + point[1], y)
    (expected,) = torch.autograd.grad(loss, point)
    got = torch.stack(learning.line_gradient(1.5, -0.5, x, y))
    torch.testing.assert_close(got, expected)
    measured = learning.finite_difference(
        lambda p: (p[0] * x.double() + p[1] - y.double()).square().mean(), point.detach()
    )
    torch.testing.assert_close(got.double(), measured, rtol=1e-5, atol=1e-5)


def test_descent_is_torchs_plain_sgd():
    x, y = uniform(5), uniform(5, seed=1)
    point = nn.Parameter(torch.tensor([-1.0, 3.0]))
    optimiser, path = torch.optim.SGD([point], lr=0.1), [point.detach().clone()]
    for _ in range(20):
        optimiser.zero_grad()
        nn.functional.mse_loss(point[0] * x + point[1], y).backward()
        optimiser.step()
        path.append(point.detach().clone())
    got = learning.descend(-1.0, 3.0, x, y, learning_rate=0.1, n_steps=20)
    torch.testing.assert_close(got, torch.stack(path))


def test_descent_of_no_steps_stays_and_of_fewer_is_an_error():
    x = torch.ones(2)
    assert learning.descend(1.0, 2.0, x, x, 0.1, 0).tolist() == [[1.0, 2.0]]
    with pytest.raises(ValueError, match="-1"):
        learning.descend(1.0, 2.0, x, x, 0.1, -1)


def test_descent_diverges_just_above_the_smallest_diverging_rate_and_not_below():
    x = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
    y = 2 * x + 1
    edge = learning.smallest_diverging_rate(x)
    sizes = [
        (learning.descend(0.0, 0.0, x, y, rate * edge, 2000)[-1] - torch.tensor([2.0, 1.0])).norm()
        for rate in (0.99, 1.01)
    ]
    assert sizes[0] < 1e-6
    assert sizes[1] > 1e6


@pytest.mark.parametrize("degree", [0, 1, 3, 9])
def test_least_squares_on_powers_is_numpys_polynomial(degree):
    x, y = uniform(12, low=-1, high=1).double(), uniform(12, seed=1).double()
    got = learning.least_squares(learning.powers(x, degree), y)
    expected = np.polynomial.polynomial.polyfit(x.numpy(), y.numpy(), degree)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-6)


def test_least_squares_needs_enough_examples():
    with pytest.raises(ValueError, match="2 examples cannot determine 3 weights"):
        learning.least_squares(uniform(2, 3), uniform(2))
    with pytest.raises(ValueError, match="degree is -1"):
        learning.powers(uniform(2), -1)
    with pytest.raises(ValueError, match="width is 0"):
        learning.finite_difference(torch.sum, uniform(2), width=0)


def test_logistic_and_loss_are_torchs():
    score, label = uniform(9, low=-5, high=5), (uniform(9, seed=1) > 0).float()
    chance, loss = learning.logistic_and_loss(score, label)
    torch.testing.assert_close(chance, score.sigmoid())
    expected = nn.functional.binary_cross_entropy_with_logits(score, label, reduction="none")
    torch.testing.assert_close(loss, expected)


def test_loss_survives_scores_of_a_thousand():
    score = torch.tensor([1000.0, 1000.0, -1000.0, -1000.0])
    chance, loss = learning.logistic_and_loss(score, torch.tensor([1.0, 0.0, 1.0, 0.0]))
    assert chance.tolist() == [1, 1, 0, 0]
    assert loss.tolist() == [0, 1000, 1000, 0]
    assert learning.logistic_and_loss(torch.zeros(1), torch.ones(1))[1].item() == pytest.approx(
        math.log(2)
    )


def test_loss_pushes_by_chance_minus_label_even_at_the_score_zero():
    score = torch.tensor([0.0, 0.0, 3.0], requires_grad=True)
    label = torch.tensor([1.0, 0.0, 0.0])
    chance, loss = learning.logistic_and_loss(score, label)
    (push,) = torch.autograd.grad(loss.sum(), score)
    torch.testing.assert_close(push, (chance - label).detach())


def test_neuron_gradient_is_autograds():
    x, label = uniform(6, 3), (uniform(6, seed=1) > 0).float()
    weights, bias = uniform(3, seed=2).requires_grad_(), torch.tensor(0.3, requires_grad=True)
    scores = x @ weights + bias
    loss = nn.functional.binary_cross_entropy_with_logits(scores, label)
    expected = torch.autograd.grad(loss, [weights, bias])
    error, *gradient = learning.neuron_gradient(weights.detach(), 0.3, x, label)
    torch.testing.assert_close(gradient, list(expected))
    torch.testing.assert_close(error, (scores.sigmoid() - label).detach())


def test_two_layer_is_torchs_sequential():
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    x = uniform(4, 3)
    first, _, second = model
    before, hidden, output = learning.two_layer(
        x, first.weight.T, first.bias, second.weight.T, second.bias
    )
    torch.testing.assert_close(before, first(x))
    torch.testing.assert_close(hidden, model[:2](x))
    torch.testing.assert_close(output, model(x))
