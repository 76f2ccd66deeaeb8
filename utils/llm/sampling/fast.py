"""The same GPT made fast at writing: weights laid out for one token at a time, and narrower.

To write a token every weight is read once and used once, so reading them is what takes the time,
and after that the calls: some hundred small ones for each token. Three copies of a model read
faster: `with_float32` lays each matrix down as its products want it, `with_bfloat16` halves its
bytes, `with_int8` halves them again. All three take the place of the model in `generate`,
`beam_search` and `evaluate`; `evaluate` tells what the narrower ones lose. They are made for
reading and writing, not for training.
"""

import copy
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.attention.cache import KVCache
from utils.llm.attention.heads import fused_attention, share_heads
from utils.llm.attention.positions import rotary_frequencies
from utils.llm.gpt.block import ACTIVATIONS, Block
from utils.llm.gpt.model import GPT
from utils.llm.gpt.norms import RMSNorm

__all__ = [
    "FastGPT",
    "Int8Linear",
    "NarrowLinear",
    "PanelLinear",
    "with_bfloat16",
    "with_float32",
    "with_int8",
]

MAX_INT8 = 127
INT8_BLOCK = 16  # inputs that PyTorch's kernel reads at once: of other numbers it reads beyond


def with_float32(model: GPT) -> "FastGPT":
    """A copy with the same numbers, its matrices laid out so that all threads read them."""
    return FastGPT(model, torch.float32, PanelLinear)


def with_bfloat16(model: GPT) -> "FastGPT":
    """A copy in bfloat16: the range of float32, 8 bits of precision, half the bytes."""
    return FastGPT(model, torch.bfloat16, NarrowLinear)


def with_int8(model: GPT) -> "FastGPT":
    """A copy whose matrices are whole numbers from −127 to 127, with a scale for each output.

    The rest, embeddings and norms, is bfloat16, and so are the sums on their way. Nothing is
    measured beforehand, no data is needed.
    """
    return FastGPT(model, torch.bfloat16, Int8Linear)


class PanelLinear:
    """`nn.Linear` with its matrix cut into panels of outputs, one for each thread, (P, K, N / P).

    A product of a vector and one matrix is left to one thread, a batch of them is shared out. A
    panel is stored as (inputs, outputs), so that a vector times it adds up rows that lie one
    behind the other in memory. The last panel is filled up with outputs of 0 that nobody sees.
    """

    __slots__ = ("bias", "in_features", "out_features", "weight")

    def __init__(self, linear: nn.Linear) -> None:
        self.in_features, self.out_features = linear.in_features, linear.out_features
        panels = min(torch.get_num_threads(), self.out_features)
        filling = -self.out_features % panels
        weight = F.pad(linear.weight.detach().T, (0, filling))  # (K, N), N a multiple of P
        self.weight = torch.stack(weight.chunk(panels, dim=1))  # (P, K, N / P)
        bias = linear.bias
        if bias is not None:
            bias = F.pad(bias.detach(), (0, filling)).view(panels, 1, -1).clone()  # (P, 1, N / P)
        self.bias = bias

    def __call__(self, x: Float[Tensor, "rows K"]) -> Float[Tensor, "rows N"]:
        """x · weight + bias."""
        panels, _, width = self.weight.shape
        n_rows = len(x)
        shared = x.expand(panels, n_rows, self.in_features)  # the same memory P times
        if self.bias is None:
            y = torch.bmm(shared, self.weight)  # (P, rows, N / P)
        else:
            y = torch.baddbmm(self.bias, shared, self.weight)
        # panels come to stand side by side; those of a single row already do
        y = y if n_rows == 1 else y.transpose(0, 1)
        y = y.reshape(n_rows, panels * width)  # (rows, N)
        return y if panels * width == self.out_features else y[:, : self.out_features]


class NarrowLinear:
    """`nn.Linear` in bfloat16."""

    __slots__ = ("bias", "in_features", "out_features", "weight")

    def __init__(self, linear: nn.Linear) -> None:
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight = linear.weight.detach().bfloat16()  # (N, K)
        self.bias = None if linear.bias is None else linear.bias.detach().bfloat16()

    def __call__(self, x: Float[Tensor, "rows K"]) -> Float[Tensor, "rows N"]:
        """x · weightᵀ + bias."""
        return F.linear(x, self.weight, self.bias)


class Int8Linear:
    """`nn.Linear` with a matrix of int8, and for each output a scale that it is multiplied by.

    The largest weight of an output becomes 127 or −127 (absmax, as in Dettmers et al. 2022), the
    others are rounded; the error of a weight is at most half a scale. Scales are rounded to
    bfloat16 before the weights are divided by them, so that their rounding costs nothing.
    """

    __slots__ = ("bias", "in_features", "out_features", "scale", "weight")

    def __init__(self, linear: nn.Linear) -> None:
        self.in_features, self.out_features = linear.in_features, linear.out_features
        weight = linear.weight.detach().float()  # (N, K)
        largest = weight.abs().amax(dim=1).clamp(min=1e-30)  # (N)
        self.scale = (largest / MAX_INT8).bfloat16()
        whole = (weight / self.scale.float()[:, None]).round().clamp(-MAX_INT8, MAX_INT8)
        self.weight = whole.to(torch.int8)
        self.bias = None if linear.bias is None else linear.bias.detach().bfloat16()

    def __call__(self, x: Float[Tensor, "rows K"]) -> Float[Tensor, "rows N"]:
        """x · weightᵀ · scale + bias."""
        whole = self.in_features % INT8_BLOCK == 0
        if whole and x.device.type == "cpu" and x.dtype == torch.bfloat16:
            y = torch._weight_int8pack_mm(x, self.weight, self.scale)
        else:  # no such kernel: the weights are widened first, which saves memory but no time
            y = F.linear(x, self.weight.to(x.dtype)) * self.scale.to(x.dtype)
        return y if self.bias is None else y.add_(self.bias)


Linear = PanelLinear | NarrowLinear | Int8Linear
Turns = Tensor  # complex (T, D / 2)
Rows = Float[Tensor, "rows C"]  # the tokens of all texts, one below the other


class FastGPT(nn.Module):
    """A copy of a GPT, in one type, with its linear layers replaced.

    `linear(layer)` makes the replacement. Nothing is done beside what writing needs: no dropout,
    no weights of attention. Keys and values are float32 in every form, as attention over them is.
    It stays on the device where the model was when it was made.
    """

    def __init__(
        self, model: GPT, dtype: torch.dtype, linear: Callable[[nn.Linear], Linear]
    ) -> None:
        super().__init__()
        self.config = model.config
        self.blocks = [_FastBlock(block, dtype, linear) for block in model.blocks]
        self.head = linear(model.head)
        blocks = nn.ModuleList()
        self._entry = copy.deepcopy(model, {id(model.blocks): blocks}).to(dtype)
        self._entry.head = nn.Identity()
        self.requires_grad_(False).eval()

    def make_caches(self, batch: int, context_length: int | None = None) -> list[KVCache]:
        """As `GPT.make_caches`, in float32 always."""
        config, device = self.config, self._entry.token_embedding.weight.device
        room = config.context_length if context_length is None else context_length
        return [
            KVCache(batch, config.n_kv_heads, room, config.d_head, device=device)
            for _ in self.blocks
        ]

    def weight_bytes(self) -> int:
        """Bytes of all matrices that one token is multiplied by."""
        found = [self.head, *(linear for block in self.blocks for linear in block.linears)]
        return sum(m.in_features * m.out_features * m.weight.element_size() for m in found)

    @torch.no_grad()
    def forward(
        self,
        ids: Int[Tensor, "B T"],
        *,
        positions: Int[Tensor, "B T"] | None = None,
        mask: Tensor | None = None,
        caches: Sequence[KVCache] | None = None,
        last_only: bool = False,
    ) -> Float[Tensor, "B T V"] | Float[Tensor, "B 1 V"]:
        """Scores of the next token as `GPT` gives them, in float32; arguments as there."""
        x = self._entry._enter(ids, None, positions, caches)  # (B, T, C)
        batch, n_tokens, width = x.shape
        x = x.view(-1, width)  # (rows, C)
        turns = self._turns(len(caches[0]) if caches else 0, n_tokens, x.device)
        for i, block in enumerate(self.blocks):
            x = block(x, batch, turns, mask, None if caches is None else caches[i])
        if last_only and n_tokens > 1:
            x, n_tokens = x.view(batch, n_tokens, width)[:, -1], 1  # (B, C)
        scores = self.head(self._entry.final_norm(x))  # (rows, V)
        return scores.float().view(batch, n_tokens, self.config.vocab_size)  # (B, T, V)

    def _turns(self, start: int, n_tokens: int, device: torch.device) -> Turns | None:
        """How far queries and keys are turned at these places: the same in every layer."""
        config = self.config
        if config.positions != "rotary":
            return None
        frequencies = rotary_frequencies(config.d_head, config.rotary_base, config.rotary_scaling)
        places = torch.arange(start, start + n_tokens, device=device)
        angles = places[:, None] * frequencies.float().to(device)  # (T, D / 2)
        return torch.polar(torch.ones_like(angles), angles)  # cos + i sin


class _FastBlock:
    """A `Block` of functions: calling a module takes longer than what a small one does."""

    def __init__(
        self, block: Block, dtype: torch.dtype, linear: Callable[[nn.Linear], Linear]
    ) -> None:
        attention, thinking = block.attention, block.feed_forward
        self.pre, self.n_heads, self.n_kv_heads = block.pre, attention.n_heads, attention.n_kv_heads
        self.d_head = attention.d_head
        self.norm_1, self.norm_2 = (_norm(each, dtype) for each in (block.norm_1, block.norm_2))
        self.qkv, self.out = linear(attention.qkv), linear(attention.out)
        self.q_norm, self.k_norm = (
            each and _norm(each, torch.float32) for each in (attention.q_norm, attention.k_norm)
        )
        if thinking.gate is None:
            self.activation: Callable[[Rows], Rows] = ACTIVATIONS[thinking.activation]
            self.up = linear(thinking.up)
        else:  # both matrices in one: a call less
            self.activation, self.up = _gated, linear(_below(thinking.gate, thinking.up))
        self.down = linear(thinking.down)

    @property
    def linears(self) -> list[Linear]:
        return [self.qkv, self.out, self.up, self.down]

    def __call__(
        self,
        x: Rows,
        batch: int,
        turns: Turns | None,
        mask: Tensor | None,
        cache: KVCache | None,
    ) -> Rows:
        """What `Block` does; sums are taken in place, in what a linear layer has just made."""
        if self.pre:
            x = self.out(self._attend(self.norm_1(x), batch, turns, mask, cache)).add_(x)
            return self.down(self.activation(self.up(self.norm_2(x)))).add_(x)
        x = self.norm_1(self.out(self._attend(x, batch, turns, mask, cache)).add_(x))
        return self.norm_2(self.down(self.activation(self.up(x))).add_(x))

    def _attend(
        self,
        x: Rows,
        batch: int,
        turns: Turns | None,
        mask: Tensor | None,
        cache: KVCache | None,
    ) -> Rows:
        """What the heads found, computed in float32: narrower kernels are slower at one token."""
        n_tokens, kept = len(x) // batch, self.n_kv_heads
        heads = self.qkv(x).float().view(batch, n_tokens, -1, self.d_head).transpose(1, 2)
        q, k, v = heads.split([self.n_heads, kept, kept], dim=1)  # (B, heads, T, D)
        if self.q_norm is not None:
            q, k = self.q_norm(q), self.k_norm(k)
        if turns is not None:
            q, k = (_turned(each, turns) for each in (q, k))
        if cache is not None:
            k, v = cache.append(k, v)  # (B, kv_heads, Tk, D)
        if n_tokens == 1 and mask is None:  # a last token may attend to all: nothing to check
            q = q.reshape(batch, kept, -1, self.d_head)  # queries of a group, (B, kv_heads, G, D)
            found = F.scaled_dot_product_attention(q, k, v)
            found = found.reshape(batch, 1, -1)  # (B, 1, H · D)
        else:
            k, v = (share_heads(each, self.n_heads) for each in (k, v))
            found = fused_attention(q, k, v, mask, causal=True)  # (B, H, T, D)
            found = found.transpose(1, 2).flatten(2)
        return found.reshape(len(x), -1).to(x.dtype)


def _turned(x: Float[Tensor, "B H T D"], turns: Turns) -> Float[Tensor, "B H T D"]:
    """`rotary`, as one product of complex numbers: a pair of columns is one of them."""
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))  # (B, H, T, D / 2)
    return torch.view_as_real(pairs * turns).flatten(-2)


def _gated(x: Rows) -> Rows:
    gate, up = x.chunk(2, dim=-1)
    return F.silu(gate).mul_(up)


def _below(first: nn.Linear, second: nn.Linear) -> nn.Linear:
    """Two linear layers of the same input as one: the outputs of the second behind the first's."""
    with torch.device("meta"):
        both = nn.Linear(first.in_features, first.out_features + second.out_features, bias=False)
    both.weight = nn.Parameter(torch.cat([first.weight, second.weight]).detach())
    if first.bias is not None:
        both.bias = nn.Parameter(torch.cat([first.bias, second.bias]).detach())
    return both


def _norm(norm: nn.Module, dtype: torch.dtype) -> Callable[[Rows], Rows]:
    norm = copy.deepcopy(norm).to(dtype).requires_grad_(False)
    if isinstance(norm, nn.RMSNorm | RMSNorm):
        shape, weight, eps = tuple(norm.weight.shape), norm.weight, norm.eps
        return lambda x: F.rms_norm(x, shape, weight, eps)
    if not isinstance(norm, nn.LayerNorm):
        return norm.forward
    shape, weight, bias, eps = norm.normalized_shape, norm.weight, norm.bias, norm.eps
    return lambda x: torch.layer_norm(x, shape, weight, bias, eps)
