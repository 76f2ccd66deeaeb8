"""A GPT with one part taken away, to see what the part was good for (chapter 05)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.gpt.block import Block
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.gpt.norms import DynamicTanh

__all__ = [
    "PARTS",
    "BlockWithoutResidual",
    "build",
    "build_with_norm",
    "held_out_bits",
    "running_mean",
    "steps_to_reach",
]

#: What can be taken away, and how the configuration says so, where it can.
PARTS: dict[str, dict[str, str | int]] = {
    "residual": {},
    "norm": {"norm": "none"},
    "feed-forward": {},
    "positions": {"positions": "none"},
    "heads": {"n_heads": 1},
}


class Nothing(nn.Module):
    """A branch that adds nothing: zeros."""

    def forward(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B T C"]:
        """Zeros in the shape of x."""
        return torch.zeros_like(x)


class BlockWithoutResidual(Block):
    """The same parts one behind the other: whatever of x gets on, gets on through the branches."""

    def forward(self, x: Float[Tensor, "B T C"], *args: object, **settings: object) -> Tensor:
        """What the feed-forward layer makes of what attention found, (B, T, C)."""
        found = self.attention(self.norm_1(x), *args, **settings)
        return self.feed_forward(self.norm_2(found))


def build(config: GPTConfig, without: str = "", seed: int = 0) -> GPT:
    """A GPT of this configuration, freshly rolled, without one of PARTS.

    Without "heads" it keeps one, as wide as the stream. The whole model and those without the
    residual or the feed-forward layer start from the same numbers.

    >>> config = GPTConfig(vocab_size=9, context_length=4, n_layers=1, n_heads=2, d_model=4)
    >>> build(config).num_parameters() - build(config, without="feed-forward").num_parameters()
    156

    Raises ValueError for a part that is not in PARTS.
    """
    if without and without not in PARTS:
        raise ValueError(f"without is {without!r}: give one of {', '.join(map(repr, PARTS))}.")
    config = config.with_changes(**PARTS.get(without, {}))
    torch.manual_seed(seed)
    model = GPT(config)
    for i, block in enumerate(model.blocks):
        if without == "residual":
            model.blocks[i] = BlockWithoutResidual(config)
            model.blocks[i].load_state_dict(block.state_dict())
        elif without == "feed-forward":
            block.norm_2, block.feed_forward = nn.Identity(), Nothing()
    return model


def build_with_norm(config: GPTConfig, norm: str, seed: int = 0, *, alpha: float = 1.0) -> GPT:
    """A GPT for the comparison of norms: the stream starts at deviation 1, the head is its own.

    GPT-2 starts its embeddings at deviation 0.02, which a norm brings to 1 at once. A Dynamic
    Tanh can't: so small a number it only multiplies by `alpha`, where its bend is not felt. So all
    kinds start alike, where the tanh works; the paper multiplies the embeddings for the same
    reason (Zhu et al. 2025, arXiv 2503.10622).
    """
    torch.manual_seed(seed)
    model = GPT(config.with_changes(norm=norm, tied=False))
    nn.init.normal_(model.token_embedding.weight)
    for layer in model.modules():
        if isinstance(layer, DynamicTanh):
            nn.init.constant_(layer.alpha, alpha)
    return model


@torch.no_grad()
def held_out_bits(
    model: nn.Module, inputs: Int[Tensor, "N T"], targets: Int[Tensor, "N T"]
) -> float:
    """What the model pays for a word, in bits; `recall.encode` makes inputs and targets."""
    logits = model(inputs).flatten(0, 1)  # (N · T, V)
    return F.cross_entropy(logits, targets.flatten()).item() / math.log(2)


def running_mean(values: Sequence[float], window: int = 10) -> list[float]:
    """The mean of the last `window` values, or of as many as there are.

    >>> running_mean([1.0, 3.0, 5.0], window=2)
    [1.0, 2.0, 4.0]
    """
    return [
        sum(part) / len(part)
        for part in (values[max(0, i + 1 - window) : i + 1] for i in range(len(values)))
    ]


def steps_to_reach(losses: Sequence[float], level: float, window: int = 10) -> int | None:
    """How many steps it takes until the running mean is at or below the level; None for never.

    >>> steps_to_reach([5.0, 3.0, 1.0, 1.0], level=2.0, window=2)
    3
    """
    means = running_mean(losses, window)
    return next((i + 1 for i, mean in enumerate(means) if mean <= level), None)
