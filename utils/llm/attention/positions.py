"""Three ways to tell a token's place: a learned vector, waves, a rotation."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

#: Llama 3's stretch of rotary positions: pairs that turn round less than `low` times in the
#: `context` of the first training turn slower by `factor`, those that do so more than `high` times
#: as before, the rest in between: (factor, low, high, context).
Scaling = tuple[float, float, float, int]


def sinusoidal_positions(
    n_tokens: int, d_model: int, *, interleaved: bool = True, base: float = 10_000.0
) -> Float[Tensor, "T C"]:
    """A vector of waves for each position, to be added to the tokens' (Vaswani et al. 2017, 3.5).

    Two conventions are about, the same numbers in another order of columns. `interleaved=True` is
    the paper's formula: column 2i is sin(t / base^(2i / C)), column 2i + 1 the cosine of the same
    angle. `interleaved=False` is the order of the authors' own program, and of many since: all
    sines in the first half, all cosines in the second. (That program also spaces the wavelengths
    a little differently; here both orders use the paper's.)

    Raises ValueError for an odd width, or for fewer than no tokens.

    >>> sinusoidal_positions(2, 4).round(decimals=3)
    tensor([[0.0000, 1.0000, 0.0000, 1.0000],
            [0.8410, 0.5400, 0.0100, 1.0000]])
    """
    if n_tokens < 0:
        raise ValueError(f"n_tokens is {n_tokens}; it must be 0 or more.")
    positions = torch.arange(n_tokens, dtype=torch.float64)
    angles = positions[:, None] * _frequencies(d_model, base)  # (T, C / 2)
    waves = torch.stack([angles.sin(), angles.cos()], dim=-1)  # (T, C / 2, 2)
    if not interleaved:
        waves = waves.transpose(1, 2)  # (T, 2, C / 2)
    return waves.reshape(n_tokens, d_model).float()  # (T, C)


class LearnedPositions(nn.Module):
    """A vector for each position, learned like any other weight, to be added to the tokens'.

    What GPT-2 does (Radford et al. 2019). There is none for a position that training never saw:
    beyond `context_length` it raises ValueError.
    """

    def __init__(self, context_length: int, d_model: int, *, std: float = 0.02) -> None:
        super().__init__()
        for name, size in {"context_length": context_length, "d_model": d_model}.items():
            if size < 1:
                raise ValueError(f"{name} is {size}; it must be at least 1.")
        self.weight = nn.Parameter(torch.empty(context_length, d_model))
        nn.init.normal_(self.weight, std=std)

    def forward(self, n_tokens: int, offset: int = 0) -> Float[Tensor, "T C"]:
        """The vectors of positions offset, offset + 1, …: with a cache, offset = len(cache)."""
        end = offset + n_tokens
        if not 0 <= offset <= end <= len(self.weight):
            raise ValueError(
                f"Positions {offset} to {end - 1} were asked for, and there are vectors for 0 to "
                f"{len(self.weight) - 1}: shorten the text or learn a larger context_length."
            )
        return self.weight[offset:end]


def rotary(
    x: Float[Tensor, "*B T D"],
    positions: Int[Tensor, "*#B T"] | None = None,
    *,
    base: float = 10_000.0,
    scaling: Scaling | None = None,
) -> Float[Tensor, "*B T D"]:
    """Queries or keys, turned by angles that grow with their position (RoPE, Su et al. 2021).

    Neighbouring columns (2i, 2i + 1) make a pair, as in the paper, which turns in its plane by the
    angle t · base^(−2i / D). A length never changes, and the dot product of a turned query with a
    turned key depends on the distance of the two alone. (Llama's weights as Hugging Face keeps
    them pair column i with i + D / 2 instead: the same idea with the columns in another order,
    so weights learned with one pairing don't work with the other.)

    Positions count from 0 where none are given; after n cached tokens they are n, n + 1, …
    They may differ from row to row of a batch: give (B, 1, T) for x of (B, H, T, D).
    Angles are computed in float32 or better, whatever x is. `scaling` (see `Scaling`) slows the
    pairs that turn slowly anyway, so that a model reads more than it was trained on.

    Raises ValueError for an odd width, or where positions don't fit x.

    >>> rotary(torch.tensor([[1.0, 0.0], [1.0, 0.0]])).round(decimals=3)
    tensor([[1.0000, 0.0000],
            [0.5400, 0.8410]])
    """
    n_tokens, d_head = x.shape[-2:]
    if positions is None:
        positions = torch.arange(n_tokens, device=x.device)
    if positions.shape[-1:] != (n_tokens,):
        raise ValueError(
            f"Positions have the shape {tuple(positions.shape)} and x {tuple(x.shape)}: "
            f"give one position for each of x's {n_tokens} tokens."
        )
    precise = torch.float64 if x.dtype == torch.float64 else torch.float32
    frequencies = rotary_frequencies(d_head, base, scaling).to(precise).to(x.device)
    angles = positions[..., None] * frequencies  # (*B, T, D / 2)
    cos, sin = angles.cos(), angles.sin()
    even, odd = x[..., 0::2], x[..., 1::2]  # (*B, T, D / 2) each
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
    return turned.flatten(-2).to(x.dtype)  # (*B, T, D / 2, 2) -> (*B, T, D)


def rotary_frequencies(
    d_head: int, base: float, scaling: Scaling | None = None
) -> Float[Tensor, "half"]:
    """How far each pair of columns turns from one token to the next, in float64 on the CPU."""
    frequencies = _frequencies(d_head, base)
    if scaling is None:
        return frequencies
    factor, low, high, context = scaling
    turns = context * frequencies / (2 * math.pi)  # how often a pair turns round in that context
    kept = ((turns - low) / (high - low)).clamp(0, 1)  # 1: as it was, 0: slower by the factor
    return frequencies * (kept + (1 - kept) / factor)


def _frequencies(width: int, base: float) -> Float[Tensor, "half"]:
    """base^(−2i / width) for i = 0, 1, … width / 2 − 1, in float64 on the CPU."""
    if width < 2 or width % 2:
        raise ValueError(f"The width is {width}; positions come in pairs of columns: give 2, 4, …")
    return base ** (-torch.arange(0, width, 2, dtype=torch.float64, device="cpu") / width)
