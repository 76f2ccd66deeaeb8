"""A GPT that runs on the answers to exercises: theirs where they are right, the course's elsewhere.

The weights, and nothing else, are a model's of the library.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from utils.course.assembling.modern import ModernGPT
from utils.course.assembling.places import (
    PARTS,
    Answer,
    as_checked,
    course_part,
    is_chat,
    is_framed,
)
from utils.data.texts.models import DEFAULT, TextModel, open_model
from utils.llm.gpt.block import Block
from utils.llm.gpt.hf_llama import is_alike
from utils.llm.gpt.model import GPT

__all__ = [
    "AssembledGPT",
    "Sampling",
    "as_checked",
    "course_part",
    "first_words",
    "machine",
    "main",
    "prompt_ids",
    "told",
    "write",
]


def machine(model: GPT, parts: Mapping[str, Answer]) -> AssembledGPT | ModernGPT:
    """The model as the parts compute it. Raises ValueError for one that they are not made for."""
    return (ModernGPT if is_alike(model.config) else AssembledGPT)(model, parts)


class AssembledGPT:
    """`model(ids)` computed by the parts: ids (1, T) to logits (1, T, V).

    Raises ValueError for a model of another build: it must be a pre-norm GPT with layer
    normalisation and GELU.
    """

    def __init__(self, model: GPT, parts: Mapping[str, Answer]) -> None:
        config = model.config
        wanted = {"norm": "layernorm", "norm_position": "pre", "activation": "gelu", "bias": True}
        for name, value in wanted.items():
            if getattr(config, name) != value:
                raise ValueError(
                    f"The model has {name}={getattr(config, name)!r}, and the exercises are about "
                    f"{value!r}: assemble a model like the course's."
                )
        self.model, self.config = model, config
        self.parts = {id: parts.get(id) or course_part(id) for id in PARTS}

    @torch.no_grad()
    def __call__(self, ids: Tensor) -> Tensor:
        """The logits after every token."""
        model, parts, config = self.model, self.parts, self.config
        tokens = model.token_embedding.weight
        learned = model.position_embedding
        if learned is None:
            places = torch.zeros(config.context_length, config.d_model)
        else:
            places = learned.weight
        mask = parts["4.2"](ids.shape[1])  # (T, T)
        blocks = [lambda x, b=block: self._block(x, b, mask) for block in model.blocks]
        final_norm = self._norm(model.final_norm)
        depths, logits = parts["6.2"](ids, tokens, places, blocks, final_norm)
        if config.tied:
            return logits
        return F.linear(final_norm(depths[-1]), model.head.weight)

    def _norm(self, norm: torch.nn.LayerNorm) -> Answer:
        return lambda x: self.parts["5.1"](x, norm.weight, norm.bias, norm.eps)

    def _block(self, x: Tensor, block: Block, mask: Tensor) -> Tensor:
        up, down = block.feed_forward.up, block.feed_forward.down
        attend = self._rotary if self.config.positions == "rotary" else self._plain
        return self.parts["5.4"](
            x,
            self._norm(block.norm_1),
            lambda x: attend(x, block.attention, mask),
            self._norm(block.norm_2),
            lambda x: self.parts["5.3"](x, up.weight.T, up.bias, down.weight.T, down.bias)[1],
        )[1]

    def _plain(self, x: Tensor, attention: torch.nn.Module, mask: Tensor) -> Tensor:
        qkv, out = attention.qkv, attention.out
        weights = qkv.weight.T, qkv.bias, out.weight.T, out.bias
        return self.parts["4.5"](x, *weights, self.config.n_heads, mask)[0]

    def _rotary(self, x: Tensor, attention: torch.nn.Module, mask: Tensor) -> Tensor:
        """Attention a head at a time, its queries and keys turned by their positions."""
        n_heads, places = self.config.n_heads, torch.arange(x.shape[1])
        split = self.parts["4.4"]
        q, k, v = (
            split(part, n_heads, lambda heads: heads)[0]  # (1, H, T, D)
            for part in attention.qkv(x).chunk(3, dim=-1)
        )
        turned = [[self.parts["4.6"](head, places) for head in part[0]] for part in (q, k)]
        found = [self._one_head(*head, mask) for head in zip(*turned, v[0], strict=True)]
        merged = split(x, n_heads, lambda heads: torch.stack(found)[None])[1]  # (1, T, C)
        return attention.out(merged)

    def _one_head(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        """Exercise 4.1 projects by itself: give it q, k and v side by side, and pick each out."""
        width = q.shape[-1]
        picks = torch.eye(3 * width).chunk(3, dim=1)  # three of (3 D, D)
        return self.parts["4.1"](torch.cat([q, k, v], dim=-1), *picks, mask)[-1]  # (T, D)


class Sampling:
    """A token from logits (V,): top-k, temperature, top-p and a dart, or the greedy step at 0."""

    def __init__(
        self,
        parts: Mapping[str, Answer],
        temperature: float = 0.8,
        k: int = 40,
        p: float = 0.95,
        seed: int = 0,
    ) -> None:
        self.parts = {id: parts.get(id) or course_part(id) for id in PARTS}
        self.temperature, self.k, self.p = temperature, k, p
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, logits: Tensor) -> int:
        """The id that is drawn."""
        parts = self.parts
        if self.temperature == 0:
            return int(parts["8.1"](logits[None, None]))
        chances = parts["8.2"](parts["8.3"](logits, self.k), self.temperature)
        dart = torch.rand(1, generator=self.generator)
        return int(parts["8.5"](parts["8.4"](chances[None], self.p), dart))


def write(
    opened: TextModel,
    parts: Mapping[str, Answer],
    prompt: str,
    max_tokens: int = 121,
    on_token: Callable[[int], None] = lambda token: None,
    **settings: Any,
) -> list[int]:
    """The new tokens after a prompt, from the loop of exercise 8.6 over all the other parts.

    A model that answers is given the prompt in its frame.

    `on_token` is told of each one as it is drawn; `settings` are those of `Sampling`.
    """
    model, sampling = machine(opened.model, parts), Sampling(parts, **settings)

    def choose(logits: Tensor) -> int:
        token = sampling(logits)
        on_token(token)
        return token

    ids = prompt_ids(opened, parts, prompt)
    room = min(max_tokens, opened.context_length - len(ids))
    stop = opened.stop_ids[0] if opened.stop_ids else -1
    loop = parts.get("8.6") or course_part("8.6")
    return loop(model, ids, room, choose, stop)


def prompt_ids(opened: TextModel, parts: Mapping[str, Answer], prompt: str) -> list[int]:
    """The ids of a text to go on with, or of a question in the frame in which it is answered."""
    messages = [{"role": "user", "content": prompt}]
    if is_framed(opened):
        framed = (parts.get("11.7") or course_part("11.7"))(messages)
        return opened.encoding.encode(framed, allowed_special="all")
    return opened.encode_chat(messages) if is_chat(opened) else opened.encode(prompt)


def told(opened: TextModel, prompt: str, written: list[int]) -> str:
    """A prompt and what was written behind it, for reading."""
    if is_chat(opened):
        return f"{prompt}\n\n{opened.decode(written).strip()}"
    return opened.decode([*opened.encode(prompt), *written])


def first_words(opened: TextModel) -> str:
    """What to give a model to go on with, or to answer, where nobody says."""
    return "What is the capital of France?" if is_chat(opened) else "Mina had"


def main(parts: Mapping[str, Answer], model: str = DEFAULT) -> None:
    """Write a text with these parts: what the file of `course assemble` does when it is run."""
    options = argparse.ArgumentParser(description="A language model of one's own parts.")
    options.add_argument("--model", default=model, help="whose weights")
    options.add_argument("--prompt", help="what it goes on with, or answers")
    options.add_argument("--temperature", type=float, default=0.8)
    options.add_argument("--max-tokens", type=int, default=121)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    try:
        opened = open_model(given.model)
        prompt = first_words(opened) if given.prompt is None else given.prompt
        opened.encode(prompt)
    except (OSError, ValueError, ImportError) as error:
        sys.exit(f"{options.prog}: {error}")
    kept = {"temperature": given.temperature, "seed": given.seed}
    print(told(opened, prompt, write(opened, parts, prompt, given.max_tokens, **kept)))
