"""Further wrong answers to the exercises of chapter 03."""

from __future__ import annotations

import math

import torch
from mutants.cases import course, wrong

kernel_weights, softmax = course("3.1"), course("3.3")


@wrong("3.1", "The weights have an axis of length 1")
def a_column_of_weights_normalised_by_the_largest(query, keys, bandwidth):
    distance2 = ((query - keys) ** 2).sum(dim=-1, keepdim=True)
    kernel = torch.exp(-distance2 / (2 * bandwidth**2))
    return kernel / kernel.max()


@wrong("3.2", "Your weights are turned")
def weights_transposed(queries, keys, values, bandwidth):
    weights = torch.stack([kernel_weights(q, keys, bandwidth) for q in queries])
    return weights @ values, weights.T


@wrong("3.2", "Your estimates are one number each")
def only_the_first_value(queries, keys, values, bandwidth):
    weights = torch.stack([kernel_weights(q, keys, bandwidth) for q in queries])
    return (weights * values[:, 0]).sum(dim=-1, keepdim=True), weights


@wrong("3.5", "Your scores are distances")
def by_distance(query, keys, values):
    scores = -((keys - query) ** 2).sum(-1) / math.sqrt(query.shape[-1])
    weights = softmax(scores)
    return weights @ values, weights
