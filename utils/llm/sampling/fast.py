"""The same GPT made fast at writing: weights laid out for one token at a time, and narrower.

To write a token every weight is read once and used once, so reading them is what takes the time,
and after that the calls: some hundred small ones for each token. Four copies of a model read
faster: `with_float32` lays each matrix down as its products want it, `with_bfloat16` halves its
bytes, `with_int8` halves them again, `with_int4` leaves five bits a weight. All take the place of
the model in `generate`, `beam_search` and `evaluate`; `evaluate` tells what the narrower ones
lose. They are made for reading and writing, not for training.
"""

import copy
from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.attention.cache import KVCache
from utils.llm.attention.heads import fused_attention, share_heads
from utils.llm.attention.positions import rotary_frequencies
from utils.llm.gpt.block import ACTIVATIONS, Block
from utils.llm.gpt.config import GPTConfig
from utils.llm.gpt.model import GPT
from utils.llm.gpt.norms import RMSNorm
from utils.llm.sampling.int4 import Int4Linear, TwiceInt4Linear, precision_here
from utils.llm.sampling.linears import BytesLinear, Int8Linear, NarrowLinear, PanelLinear
from utils.llm.sampling.whole import packs_bytes

__all__ = [
    "FastGPT",
    "Int4Linear",
    "Int8Linear",
    "NarrowLinear",
    "PanelLinear",
    "with_bfloat16",
    "with_float32",
    "with_int4",
    "with_int8",
    "with_precision",
]

Linear = PanelLinear | NarrowLinear | Int8Linear | BytesLinear | Int4Linear
Make = Callable[..., Linear]  # of one or more `nn.Linear` of the same input
Turns = Tensor  # complex (T, 1, D / 2)
Rows = Float[Tensor, "rows C"]  # the tokens of all texts, one below the other
NONE = torch.zeros(())  # to add products to


def with_float32(model: GPT) -> "FastGPT":
    """A copy with the same numbers, its matrices laid out so that all threads read them."""
    return FastGPT(model, "float32", PanelLinear)


def with_bfloat16(model: GPT) -> "FastGPT":
    """A copy in bfloat16: the range of float32, 8 bits of precision, half the bytes."""
    return FastGPT(model, "bfloat16", NarrowLinear)


def with_int8(model: GPT) -> "FastGPT":
    """A copy whose matrices are whole numbers from −127 to 127, with a scale for each output.

    Nothing is measured beforehand, no data is needed.
    """
    return FastGPT(model, "int8", Int8Linear)


def with_int4(model: GPT) -> "FastGPT":
    """A copy with 16 steps in each group of 32 weights, its head in 8 bits.

    Where PyTorch can't multiply by them here, it warns and makes the next wider copy: `precision`
    of the copy says which. A model rounded to 4 bits loses more than one that a GGUF file holds in
    4 bits already (see `packed.open_packed`): `evaluate` it.
    """
    return with_precision(model, "int4")


def with_precision(model: GPT, precision: str) -> "FastGPT":
    """The copy of that name, "int4", "int8", "bfloat16" or "float32", or the next wider one."""
    found = precision_here(precision, model.token_embedding.weight.device)
    if found == "int4":
        make_head = BytesLinear if packs_bytes() else TwiceInt4Linear
        return FastGPT(model, found, Int4Linear, make_head=make_head)
    return {"int8": with_int8, "bfloat16": with_bfloat16, "float32": with_float32}[found](model)


class FastGPT(nn.Module):
    """A copy of a GPT with its linear layers replaced.

    `make(layer, …)` makes the replacement of one layer or of several with the same input,
    `make_head` that of the head; `embedding` takes the place of the model's. What is not
    multiplied by a matrix is float32: the stream of tokens, norms, keys and values. Nothing is done
    beside what writing needs: no dropout, no weights of attention. It stays on the device where the
    model was when it was made.
    """

    def __init__(
        self,
        model: GPT,
        precision: str,
        make: Make,
        *,
        make_head: Make | None = None,
        embedding: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.config, self.tokenizer, self.precision = model.config, model.tokenizer, precision
        self.head = (make_head or make)(model.head)  # the largest: first, as long as there is room
        self.blocks = [_FastBlock(block, make) for block in model.blocks]
        kept = {id(model.blocks): nn.ModuleList(), id(model.head): nn.Identity()}
        if embedding is not None:
            kept[id(model.token_embedding)] = embedding
        self._entry = copy.deepcopy(model, kept)
        if embedding is None and precision != "float32":
            self._entry.token_embedding.bfloat16()
        self._frequencies = _frequencies(model.config)
        self.requires_grad_(False).eval()

    def make_caches(self, batch: int, context_length: int | None = None) -> list[KVCache]:
        """As `GPT.make_caches`, in float32 always."""
        config, device = self.config, self.head.weight.device
        room = config.context_length if context_length is None else context_length
        sizes = batch, config.n_kv_heads, room, config.d_head
        columns = device.type == "cpu"
        return [KVCache(*sizes, device=device, columns=columns) for _ in self.blocks]

    def weight_bytes(self) -> int:
        """Bytes of all matrices that one token is multiplied by."""
        found = [self.head, *(linear for block in self.blocks for linear in block.linears)]
        return sum(linear.nbytes() for linear in found)

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
        x = self._entry._enter(ids, None, positions, caches).float()  # (B, T, C)
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
        if self._frequencies is None:
            return None
        places = torch.arange(start, start + n_tokens, device=device)
        angles = places[:, None, None] * self._frequencies.to(device)  # (T, 1, D / 2)
        return torch.polar(torch.ones_like(angles), angles)  # cos + i sin


class _FastBlock:
    """A `Block` of functions: calling a module takes longer than what a small one does."""

    def __init__(self, block: Block, make: Make) -> None:
        attention, thinking = block.attention, block.feed_forward
        self.pre, self.n_heads, self.n_kv_heads = block.pre, attention.n_heads, attention.n_kv_heads
        self.d_head = attention.d_head
        self.norm_1, self.norm_2 = _norm(block.norm_1), _norm(block.norm_2)
        self.qkv, self.out = make(attention.qkv), make(attention.out)
        self.q_norm, self.k_norm = (
            each and _norm(each) for each in (attention.q_norm, attention.k_norm)
        )
        if thinking.gate is None:
            self.activation: Callable[[Rows], Rows] = ACTIVATIONS[thinking.activation]
            self.up = make(thinking.up)
        else:
            self.activation, self.up = _gated, make(thinking.gate, thinking.up)
        self.down = make(thinking.down)

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
        """What `Block` does; sums are taken in place, so x is lost."""
        if self.pre:
            x.add_(self.out(self._attend(self.norm_1(x), batch, turns, mask, cache)))
            return x.add_(self.down(self.activation(self.up(self.norm_2(x)))))
        x = self.norm_1(x.add_(self.out(self._attend(x, batch, turns, mask, cache))))
        return self.norm_2(x.add_(self.down(self.activation(self.up(x)))))

    def _attend(
        self,
        x: Rows,
        batch: int,
        turns: Turns | None,
        mask: Tensor | None,
        cache: KVCache | None,
    ) -> Rows:
        """What the heads found, computed in float32: narrower kernels are slower at one token."""
        n_tokens, asked, kept = x.shape[0] // batch, self.n_heads, self.n_kv_heads
        heads = self.qkv(x).float().view(batch, n_tokens, -1, self.d_head)
        if turns is not None and self.q_norm is None:
            _turn(heads.narrow(2, 0, asked + kept), turns)
        heads = heads.transpose(1, 2)  # (B, heads, T, D)
        q, k, v = heads.tensor_split((asked, asked + kept), dim=1)  # in a third of split's time
        if self.q_norm is not None:
            q, k = self.q_norm(q), self.k_norm(k)
            if turns is not None:
                _turn(q.transpose(1, 2), turns)
                _turn(k.transpose(1, 2), turns)
        if cache is not None:
            k, v = cache.append(k, v)  # (B, kv_heads, Tk, D)
        if n_tokens == 1 and mask is None:  # a last token may attend to all: nothing to check
            q = q.reshape(batch * kept, -1, self.d_head)  # queries of a group, (B · kv_heads, G, D)
            return _look_at_all(q, k, v).reshape(batch, -1)  # (B, H · D)
        k, v = (share_heads(each, asked) for each in (k, v))
        found = fused_attention(q, k, v, mask, causal=True)  # (B, H, T, D)
        return found.transpose(1, 2).reshape(len(x), -1)


def _look_at_all(
    q: Float[Tensor, "B_times_kv_heads G D"],
    k: Float[Tensor, "B kv_heads Tk D"],
    v: Float[Tensor, "B kv_heads Tk D"],
) -> Float[Tensor, "B_times_kv_heads G D"]:
    """Attention of queries that see all keys: on a CPU two plain products take the least time."""
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k.flatten(0, 1), v.flatten(0, 1))
    scale = q.shape[-1] ** -0.5
    scores = torch.baddbmm(NONE, q, k.flatten(0, 1).mT, beta=0, alpha=scale)  # (…, G, Tk)
    return torch.bmm(scores.softmax(dim=-1), v.flatten(0, 1))


def _frequencies(config: GPTConfig) -> Tensor | None:
    if config.positions != "rotary":
        return None
    return rotary_frequencies(config.d_head, config.rotary_base, config.rotary_scaling).float()


def _turn(x: Float[Tensor, "B T H D"], turns: Turns) -> None:
    """`rotary` in place, as one product of complex numbers: a pair of columns is one of them."""
    torch.view_as_complex(x.view(*x.shape[:-1], -1, 2)).mul_(turns)  # (B, T, H, D / 2)


def _gated(x: Rows) -> Rows:
    gate, up = x.chunk(2, dim=-1)
    return F.silu(gate).mul_(up)


def _rms_norm(x: Rows, shape: tuple[int, ...], weight: Tensor, eps: float) -> Rows:
    """As PyTorch's, which takes eight calls for it; a single token on a CPU needs two."""
    if x.numel() > shape[0] or x.device.type != "cpu":
        return F.rms_norm(x, shape, weight, eps)
    one = x.view(-1)
    mean = torch.dot(one, one).item() / shape[0]
    return torch.addcmul(NONE, x, weight, value=(mean + eps) ** -0.5)


def _norm(norm: nn.Module) -> Callable[[Rows], Rows]:
    norm = copy.deepcopy(norm).requires_grad_(False)
    if isinstance(norm, nn.RMSNorm | RMSNorm):
        shape, weight, eps = tuple(norm.weight.shape), norm.weight, norm.eps
        return partial(_rms_norm, shape=shape, weight=weight, eps=eps)
    if not isinstance(norm, nn.LayerNorm):
        return norm.forward
    shape, weight, bias, eps = norm.normalized_shape, norm.weight, norm.bias, norm.eps
    return lambda x: torch.layer_norm(x, shape, weight, bias, eps)
