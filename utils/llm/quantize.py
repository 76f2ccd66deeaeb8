"""The same GPT made fast at writing: weights laid out for one token at a time, and narrower.

To write a token every weight is read once and used once, so reading them is what takes the time.
Three copies of a model read faster: `with_float32` lays each matrix down as its products want it,
`with_bfloat16` halves its bytes, `with_int8` halves them again. All three take the place of the
model in `generate`, `beam_search` and `evaluate`; `evaluate` tells what the narrower ones lose.
They are made for reading and writing, not for training.
"""

import copy
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.attention import MultiHeadAttention, fused_attention
from utils.llm.gpt import ACTIVATIONS, GPT, Block, GPTConfig
from utils.llm.kv_cache import KVCache
from utils.llm.positions import rotary

__all__ = [
    "FastGPT",
    "Int8Linear",
    "TransposedLinear",
    "with_bfloat16",
    "with_float32",
    "with_int8",
]

MAX_INT8 = 127


def with_float32(model: GPT) -> "FastGPT":
    """A copy with the same numbers, its matrices stored on their side: (inputs, outputs)."""
    return FastGPT(model, torch.float32, TransposedLinear)


def with_bfloat16(model: GPT) -> "FastGPT":
    """A copy in bfloat16: the range of float32, 8 bits of precision, half the bytes."""
    return FastGPT(model, torch.bfloat16, lambda linear: linear)


def with_int8(model: GPT) -> "FastGPT":
    """A copy whose matrices are whole numbers from −127 to 127, with a scale for each output.

    The rest, embeddings and norms, is bfloat16, and so are the sums on their way. Nothing is
    measured beforehand, no data is needed.
    """
    return FastGPT(model, torch.bfloat16, Int8Linear)


class TransposedLinear(nn.Module):
    """`nn.Linear` with its matrix stored as (inputs, outputs).

    A vector times such a matrix adds up rows that lie one behind the other in memory.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.register_buffer("weight", linear.weight.detach().T.contiguous())
        self.register_buffer("bias", None if linear.bias is None else linear.bias.detach().clone())

    def forward(self, x: Float[Tensor, "*B K"]) -> Float[Tensor, "*B N"]:
        """x · weight + bias."""
        return F.linear(x, self.weight.T, self.bias)


class Int8Linear(nn.Module):
    """`nn.Linear` with a matrix of int8, and for each output a scale that it is multiplied by.

    The largest weight of an output becomes 127 or −127 (absmax, as in Dettmers et al. 2022), the
    others are rounded; the error of a weight is at most half a scale. Scales are rounded to
    bfloat16 before the weights are divided by them, so that their rounding costs nothing.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        weight = linear.weight.detach().float()  # (N, K)
        largest = weight.abs().amax(dim=1).clamp(min=1e-30)  # (N)
        scale = (largest / MAX_INT8).bfloat16()
        whole = (weight / scale.float()[:, None]).round().clamp(-MAX_INT8, MAX_INT8)
        self.register_buffer("weight", whole.to(torch.int8))
        self.register_buffer("scale", scale)
        bias = None if linear.bias is None else linear.bias.detach().bfloat16()
        self.register_buffer("bias", bias)

    def forward(self, x: Float[Tensor, "*B K"]) -> Float[Tensor, "*B N"]:
        """x · weightᵀ · scale + bias."""
        if x.device.type == "cpu" and x.dtype == torch.bfloat16:
            rows = x.reshape(-1, x.shape[-1])  # (B, K), which is all that the kernel takes
            y = torch._weight_int8pack_mm(rows, self.weight, self.scale)
            y = y if x.ndim == 2 else y.reshape(*x.shape[:-1], self.out_features)
        else:  # no such kernel: the weights are widened first, which saves memory but no time
            y = F.linear(x, self.weight.to(x.dtype)) * self.scale.to(x.dtype)
        return y if self.bias is None else y + self.bias


class FastGPT(nn.Module):
    """A copy of a GPT, in one type, with its linear layers replaced.

    `linear(layer)` makes the replacement. Nothing is done beside what writing needs: no dropout,
    no weights of attention. Keys and values are float32 in every form, as attention over them is.
    """

    def __init__(
        self, model: GPT, dtype: torch.dtype, linear: Callable[[nn.Linear], nn.Module]
    ) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).to(dtype).eval().requires_grad_(False)
        for source, module in zip(model.modules(), list(self.model.modules()), strict=True):
            originals = dict(source.named_children())
            for name, layer in list(module.named_children()):
                if isinstance(layer, nn.Linear):
                    # int8 is rounded from the full numbers, not from what bfloat16 left of them
                    exact = originals[name] if linear is Int8Linear else layer
                    setattr(module, name, linear(exact))

    @property
    def config(self) -> GPTConfig:
        """The model's."""
        return self.model.config

    def make_caches(self, batch: int, context_length: int | None = None) -> list[KVCache]:
        """As `GPT.make_caches`, in float32 always."""
        config, device = self.config, self.model.token_embedding.weight.device
        room = config.context_length if context_length is None else context_length
        return [
            KVCache(batch, config.n_heads, room, config.d_head, device=device)
            for _ in self.model.blocks
        ]

    def weight_bytes(self) -> int:
        """Bytes of all matrices that one token is multiplied by."""
        layers = (nn.Linear, TransposedLinear, Int8Linear)
        return sum(m.weight.nbytes for m in self.model.modules() if isinstance(m, layers))

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
        model = self.model
        x = model._enter(ids, None, positions, caches)  # (B, T, C)
        batch, n_tokens = x.shape[:2]
        x = x.flatten(0, 1)  # (B · T, C)
        for i, block in enumerate(model.blocks):
            x = _block(block, x, batch, mask, None if caches is None else caches[i])
        x = x.unflatten(0, (batch, n_tokens))  # (B, T, C)
        if last_only:
            x = x[:, -1:]  # (B, 1, C)
        return model.head(model.final_norm(x)).float()  # (B, T, V)


def _block(
    block: Block, x: Float[Tensor, "rows C"], batch: int, mask: Tensor | None, cache: KVCache | None
) -> Float[Tensor, "rows C"]:
    """What `Block` does, to the tokens of all texts one below the other."""
    attention, thinking = block.attention, block.feed_forward
    activation = ACTIVATIONS[thinking.activation]
    found = _attend(attention, block.norm_1(x) if block.pre else x, batch, mask, cache)
    x = x + attention.out(found)
    if block.pre:
        return x + thinking.down(activation(thinking.up(block.norm_2(x))))
    x = block.norm_1(x)
    return block.norm_2(x + thinking.down(activation(thinking.up(x))))


def _attend(
    attention: MultiHeadAttention,
    x: Float[Tensor, "rows C"],
    batch: int,
    mask: Tensor | None,
    cache: KVCache | None,
) -> Float[Tensor, "rows C"]:
    """What the heads found, computed in float32: narrower kernels are slower at one token."""
    qkv = attention.qkv(x).float().view(batch, len(x) // batch, 3, attention.n_heads, -1)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, T, 3, H, D) -> three of (B, H, T, D)
    if attention.rotary_base is not None:
        start = 0 if cache is None else len(cache)
        places = torch.arange(start, start + q.shape[2], device=x.device)
        q, k = (rotary(each, places, base=attention.rotary_base) for each in (q, k))
    if cache is not None:
        k, v = cache.append(k, v)  # (B, H, Tk, D)
    found = fused_attention(q, k, v, mask, causal=True)  # (B, H, T, D)
    return found.transpose(1, 2).reshape(x.shape).to(x.dtype)
