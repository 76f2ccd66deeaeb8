"""A transformer block, parts before the whole: activation, feed-forward layer, block.

Shapes: `B` texts in a batch, `T` tokens, `C` = d_model columns of a token, `H` heads, `Tk` tokens
that are attended to.
"""

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.attention.heads import KVCache, MultiHeadAttention
from utils.llm.gpt.config import GPTConfig
from utils.llm.gpt.norms import make_norm

__all__ = ["ACTIVATIONS", "Block", "FeedForward", "feed_forward", "gelu", "swiglu"]


def gelu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """x · Φ(x), a ReLU without the corner, by GPT-2's formula (Hendrycks and Gimpel 2016).

    It takes x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))) for the normal distribution's Φ.

    >>> import torch
    >>> gelu(torch.tensor([-2.0, 0.0, 2.0])).round(decimals=3)
    tensor([-0.0450,  0.0000,  1.9550])
    """
    return F.gelu(x, approximate="tanh")


ACTIVATIONS = {"gelu": gelu, "relu": F.relu}


def feed_forward(
    x: Float[Tensor, "*B C"],
    w_in: Float[Tensor, "hidden C"],
    b_in: Float[Tensor, "hidden"] | None,
    w_out: Float[Tensor, "C hidden"],
    b_out: Float[Tensor, "C"] | None,
    activation: str = "gelu",
) -> Float[Tensor, "*B C"]:
    """activation(x · w_inᵀ + b_in) · w_outᵀ + b_out: each token thinks for itself.

    Weights have a row for each output, as `nn.Linear` keeps them.
    """
    hidden = ACTIVATIONS[activation](F.linear(x, w_in, b_in))  # (*B, hidden)
    return F.linear(hidden, w_out, b_out)  # (*B, C)


def swiglu(
    x: Float[Tensor, "*B C"],
    w_gate: Float[Tensor, "hidden C"],
    w_up: Float[Tensor, "hidden C"],
    w_down: Float[Tensor, "C hidden"],
) -> Float[Tensor, "*B C"]:
    """(silu(x · w_gateᵀ) * (x · w_upᵀ)) · w_downᵀ, where silu(a) = a · σ(a) (Shazeer 2020).

    One matrix says what a hidden column holds, the other how much of it passes.
    """
    hidden = F.silu(F.linear(x, w_gate)) * F.linear(x, w_up)  # (*B, hidden)
    return F.linear(hidden, w_down)  # (*B, C)


class FeedForward(nn.Module):
    """`feed_forward` with its weights: `up` widens a token to 4 C columns, `down` narrows it.

    `d_hidden` is another width than 4 C. With "swiglu" a second matrix as large as `up`, the
    `gate`, says how much of each hidden column passes (see `swiglu`).
    """

    def __init__(
        self,
        d_model: int,
        d_hidden: int | None = None,
        *,
        activation: str = "gelu",
        bias: bool = True,
    ) -> None:
        super().__init__()
        known = [*ACTIVATIONS, "swiglu"]
        if activation not in known:
            raise ValueError(f"activation is {activation!r}: give one of {known}.")
        d_hidden = 4 * d_model if d_hidden is None else d_hidden
        self.activation = activation
        self.up = nn.Linear(d_model, d_hidden, bias=bias)
        self.gate = nn.Linear(d_model, d_hidden, bias=bias) if activation == "swiglu" else None
        self.down = nn.Linear(d_hidden, d_model, bias=bias)

    def forward(self, x: Float[Tensor, "*B C"]) -> Float[Tensor, "*B C"]:
        """What each token makes of itself."""
        if self.gate is not None:
            return self.down(F.silu(self.gate(x)) * self.up(x))
        return self.down(ACTIVATIONS[self.activation](self.up(x)))


class Block(nn.Module):
    """Tokens speak (attention), then each thinks (feed-forward); both add to what was there.

    With pre-norm x becomes x + part(norm(x)), so a straight road runs from the first block to
    the last (Xiong et al. 2020); with post-norm, the first transformers', norm(x + part(x)).
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        width, bias = config.d_model, config.bias
        self.pre, self.dropout = config.norm_position == "pre", config.dropout
        self.norm_1 = make_norm(config.norm, width, eps=config.norm_eps, bias=bias)
        self.attention = MultiHeadAttention(
            width,
            config.n_heads,
            dropout=config.dropout,
            bias=bias,
            qkv_bias=config.qkv_bias,
            n_kv_heads=config.n_kv_heads,
            d_head=config.d_head,
            qk_norm_eps=config.norm_eps if config.qk_norm else None,
            rotary_base=config.rotary_base if config.positions == "rotary" else None,
            rotary_scaling=config.rotary_scaling,
        )
        self.norm_2 = make_norm(config.norm, width, eps=config.norm_eps, bias=bias)
        self.feed_forward = FeedForward(
            width, config.d_hidden, activation=config.activation, bias=bias
        )

    def forward(
        self,
        x: Float[Tensor, "B T C"],
        mask: Tensor | None = None,
        cache: KVCache | None = None,
        *,
        head_mask: Float[Tensor, "H"] | Bool[Tensor, "H"] | None = None,
        need_weights: bool = False,
    ) -> Float[Tensor, "B T C"] | tuple[Float[Tensor, "B T C"], Float[Tensor, "B H T Tk"]]:
        """The tokens after this block, and on request the weights of its attention.

        `mask`, `cache` and `head_mask` are `MultiHeadAttention`'s.
        """
        found = self.attention(
            self.norm_1(x) if self.pre else x, mask, cache, need_weights, head_mask=head_mask
        )
        found, weights = found if need_weights else (found, None)
        x = x + F.dropout(found, self.dropout, self.training)
        if not self.pre:
            x = self.norm_1(x)
        thought = self.feed_forward(self.norm_2(x) if self.pre else x)
        x = x + F.dropout(thought, self.dropout, self.training)
        if not self.pre:
            x = self.norm_2(x)
        return (x, weights) if need_weights else x
