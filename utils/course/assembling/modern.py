"""A GPT of today's build that runs on the answers to exercises."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.assembling.places import PARTS, Answer, course_part
from utils.llm.gpt.config import GPTConfig
from utils.llm.gpt.model import GPT

__all__ = ["ModernGPT", "file_tensors"]

_ROOM = 256  # tokens that a cache has room for beyond those that it is made for
_OUTSIDE = {"token_embedding": "token_embd", "final_norm": "output_norm", "head": "output"}
_INSIDE = {
    "norm_1": "attn_norm",
    "attention.out": "attn_output",
    "norm_2": "ffn_norm",
    "feed_forward.gate": "ffn_gate",
    "feed_forward.up": "ffn_up",
    "feed_forward.down": "ffn_down",
}


def file_tensors(model: GPT) -> dict[str, Tensor]:
    """The weights of a Llama under the names that a GGUF file has for them."""
    found: dict[str, Tensor] = {}
    config = model.config
    sizes = [n * config.d_head for n in (config.n_heads, config.n_kv_heads, config.n_kv_heads)]
    for name, tensor in model.state_dict().items():
        path = name.removesuffix(".weight")
        _, layer, inside = [*path.split(".", 2), "", ""][:3]
        if path in _OUTSIDE:
            if path != "head" or not config.tied:
                found[f"{_OUTSIDE[path]}.weight"] = tensor
        elif inside == "attention.qkv":
            for letter, part in zip("qkv", tensor.split(sizes), strict=True):
                found[f"blk.{layer}.attn_{letter}.weight"] = part
        else:
            found[f"blk.{layer}.{_INSIDE[inside]}.weight"] = tensor
    return found


class ModernGPT:
    """`model(ids)` computed by the parts: ids (1, T) to logits (1, T, V).

    Every token is read once: where a text goes on from the one before, what was kept of that in
    the caches is not computed again.

    Raises ValueError for a model of another build: it must be a Llama.
    """

    def __init__(self, model: GPT, parts: Mapping[str, Answer]) -> None:
        config = model.config
        _refuse_others(config)
        self.config = config
        self.parts = {id: parts.get(id) or course_part(id) for id in PARTS}
        self.weights = self.parts["11.6"](file_tensors(model), config.n_layers)
        self._forget(0)

    def _forget(self, n_tokens: int) -> None:
        """Begin anew, with room for a text of so many tokens and some more."""
        config, room = self.config, min(self.config.context_length, n_tokens + _ROOM)
        shape = (1, config.n_kv_heads, room, config.d_head)
        self._read: list[int] = []
        self._logits = torch.zeros(1, room, config.vocab_size)
        self._places = torch.zeros(room, config.d_model)  # 6.1 adds some; these heads need none
        self._caches = [
            SimpleNamespace(keys=torch.zeros(shape), values=torch.zeros(shape), length=0)
            for _ in range(config.n_layers)
        ]

    @torch.no_grad()
    def __call__(self, ids: Tensor) -> Tensor:
        """The logits after every token."""
        text = ids[0].tolist()
        known = len(self._read)
        if text[:known] != self._read or len(text) > self._logits.shape[1]:
            self._forget(len(text))
            known = 0
        if len(text) > known:
            logits = self._go_on(ids[:, known:], known)
            self._logits[:, known : len(text)] = logits
            self._read = text
        return self._logits[:, : len(text)]

    def _go_on(self, ids: Tensor, start: int) -> Tensor:
        """The logits after tokens that stand behind `start` others."""
        weights, positions = self.weights, torch.arange(start, start + ids.shape[1])
        blocks = [
            lambda x, i=i, cache=cache: self._block(x, f"blocks.{i}", positions, cache)
            for i, cache in enumerate(self._caches)
        ]
        final_norm = self._norm("final_norm")
        depths, logits = self.parts["6.2"](
            ids, weights["token_embedding.weight"], self._places, blocks, final_norm
        )
        if self.config.tied:
            return logits
        return F.linear(final_norm(depths[-1]), weights["head.weight"])

    def _norm(self, name: str) -> Answer:
        return lambda x: self.parts["11.1"](x, self.weights[f"{name}.weight"], self.config.norm_eps)

    def _block(self, x: Tensor, name: str, positions: Tensor, cache: SimpleNamespace) -> Tensor:
        gate, up, down = (
            self.weights[f"{name}.feed_forward.{part}.weight"] for part in ("gate", "up", "down")
        )
        return self.parts["5.4"](
            x,
            self._norm(f"{name}.norm_1"),
            lambda x: self._attend(x, f"{name}.attention", positions, cache),
            self._norm(f"{name}.norm_2"),
            lambda x: self.parts["11.3"](x, gate, up, down),
        )[1]

    def _attend(self, x: Tensor, name: str, positions: Tensor, cache: SimpleNamespace) -> Tensor:
        config, split = self.config, self.parts["4.4"]
        n_heads = (config.n_heads, config.n_kv_heads, config.n_kv_heads)
        qkv = F.linear(x, self.weights[f"{name}.qkv.weight"])
        q, k, v = (
            split(part, n, lambda heads: heads)[0]  # (1, H, T, D), and (1, Hkv, T, D) twice
            for part, n in zip(
                qkv.split([n * config.d_head for n in n_heads], dim=-1), n_heads, strict=True
            )
        )
        q, k = (self.parts["11.2"](each, positions, config.rotary_base) for each in (q, k))
        k, v = self.parts["8.8"](cache, k, v)  # (1, Hkv, Tk, D)
        found = self.parts["11.4"](q, k, v)  # (1, H, T, D)
        merged = split(_as_wide(x, found), config.n_heads, lambda heads: found)[1]
        return F.linear(merged, self.weights[f"{name}.out.weight"])


def _as_wide(x: Tensor, heads: Tensor) -> Tensor:
    """What splits into such heads: 4.4 splits before it merges, whatever is done in between."""
    return x.new_zeros(1, x.shape[1], heads.shape[1] * heads.shape[3])


def _refuse_others(config: GPTConfig) -> None:
    wanted = {
        "norm": "rmsnorm",
        "norm_position": "pre",
        "positions": "rotary",
        "activation": "swiglu",
        "bias": False,
        "qkv_bias": False,
        "qk_norm": False,
        "rotary_scaling": None,
    }
    for name, value in wanted.items():
        if getattr(config, name) != value:
            raise ValueError(
                f"The model has {name}={getattr(config, name)!r}, and the exercises of chapter 11 "
                f"are about {value!r}: assemble a plain Llama, such as SmolLM2."
            )
