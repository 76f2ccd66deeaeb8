"""A whole GPT: tokens and places as vectors, a stack of blocks, and a head.

Shapes: `B` texts in a batch, `T` tokens, `C` = d_model columns of a token, `L` layers, `H` heads,
`V` tokens of the vocabulary. With the default configuration it is GPT-2 (Radford et al. 2019),
a decoder in the sense of Alg. 10 of *Formal Algorithms for Transformers*.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from utils.llm.attention.heads import KVCache, LearnedPositions
from utils.llm.gpt import checkpoints, counts, hf
from utils.llm.gpt.block import Block
from utils.llm.gpt.card import ModelCard
from utils.llm.gpt.config import PRESETS, GPTConfig
from utils.llm.gpt.norms import make_norm
from utils.llm.gpt.shapes import (
    check_embeddings,
    check_ids,
    check_layers,
    check_length,
    check_positions,
    check_range,
)
from utils.llm.tokenizer.vocabulary import Vocabulary

__all__ = ["GPT", "PRESETS", "GPTConfig"]

INIT_STD = 0.02  # GPT-2's, for every matrix


class GPT(nn.Module):
    """Tokens in, scores of the next token out, at every place of every text.

    `config` says all about it. `tokenizer` is the name of the tokenizer whose ids it reads, where
    that is known. `position_embedding` is None unless positions are learned; `head.weight` is
    `token_embedding.weight` itself where the two are tied.

    >>> model = GPT(GPTConfig(vocab_size=10, context_length=8, n_layers=1, n_heads=2, d_model=4))
    >>> model(torch.tensor([[3, 1, 4]])).shape
    torch.Size([1, 3, 10])
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config, self.tokenizer = config, ""
        width, learned = config.d_model, config.positions == "learned"
        self.token_embedding = nn.Embedding(config.vocab_size, width)
        self.position_embedding = (
            LearnedPositions(config.context_length, width) if learned else None
        )
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        # A post-norm block ends with a norm of its own.
        last = config.norm if config.norm_position == "pre" else "none"
        self.final_norm = make_norm(last, width, eps=config.norm_eps, bias=config.bias)
        self.head = nn.Linear(width, config.vocab_size, bias=False)
        self.tie()
        self.initialise()

    def tie(self) -> None:
        """Give a tied head the embedding's own matrix (Press and Wolf 2017)."""
        if self.config.tied:
            self.head.weight = self.token_embedding.weight

    @torch.no_grad()
    def initialise(self) -> None:
        """GPT-2's start: normal with deviation 0.02, biases 0, norms left at their own.

        What adds to the residual stream, 2 matrices a layer, starts smaller by √(2 · n_layers):
        so many sums of independent terms then grow the stream as much as one.
        """
        for name, weights in self.named_parameters():
            if "norm" in name.rpartition(".")[0]:
                continue
            if name.endswith("bias"):
                weights.zero_()
            else:
                adds = name.endswith(("attention.out.weight", "feed_forward.down.weight"))
                shrink = math.sqrt(2 * self.config.n_layers) if adds else 1.0
                weights.normal_(std=INIT_STD / shrink)

    def forward(
        self,
        ids: Int[Tensor, "B T"] | None = None,
        *,
        embeddings: Float[Tensor, "B T C"] | None = None,
        positions: Int[Tensor, "B T"] | None = None,
        mask: Tensor | None = None,
        caches: Sequence[KVCache] | None = None,
        head_mask: Float[Tensor, "L H"] | Bool[Tensor, "L H"] | None = None,
        last_only: bool = False,
    ) -> Float[Tensor, "B T V"] | Float[Tensor, "B 1 V"]:
        """Scores of the next token at every place, or with `last_only` at the last one.

        `embeddings`, tokens as vectors, take the place of ids: `model(embeddings=model.embed(ids))`
        is `model(ids)`. `positions` number the tokens, from 0 or from the end of the `caches` where
        they are not given. With `caches`, one a layer (see `make_caches`), the tokens follow those
        that the caches hold, and are kept; run it inside `torch.no_grad()`.
        `mask` is True where a query may attend to a key and broadcasts to (B, H, T, Tk), Tk being
        all tokens with the cached ones; it adds to the causal mask. Texts filled up on the left
        take a mask (B, 1, 1, Tk) and positions that start at each text's first token.
        (Rotary heads feel distances only, which no filling changes: they need no positions.)
        A 0 in `head_mask` switches a head off.

        Raises ValueError for ids out of range, too long an input, or shapes that don't fit.
        """
        check_layers(caches, head_mask, len(self.blocks))
        x = self._enter(ids, embeddings, positions, caches)
        for i, block in enumerate(self.blocks):
            cache = None if caches is None else caches[i]
            x = block(x, mask, cache, head_mask=None if head_mask is None else head_mask[i])
        if last_only:
            x = x[:, -1:]  # (B, 1, C)
        return self.head(self.final_norm(x))  # (B, T, V)

    def embed(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B T C"]:
        """The vector of each token, without its position.

        Raises ValueError for ids that the vocabulary does not have, TypeError for ids that are no
        whole numbers.
        """
        check_ids(ids)
        if torch.compiler.is_compiling():
            return self.token_embedding(ids)
        if ids.device.type not in ("cpu", "meta") and not self.training:
            check_range(ids, self.config.vocab_size)  # there a wrong id may end the process
        try:
            return self.token_embedding(ids)
        except IndexError:
            check_range(ids, self.config.vocab_size)
            raise

    def _enter(
        self,
        ids: Tensor | None,
        embeddings: Tensor | None,
        positions: Tensor | None,
        caches: Sequence[KVCache] | None,
    ) -> Float[Tensor, "B T C"]:
        """What the first block reads: tokens and their positions in one vector."""
        if (ids is None) == (embeddings is None):
            raise ValueError("Give either ids or embeddings, and not both.")
        if embeddings is not None:
            check_embeddings(embeddings, self.config.d_model)
        x = self.embed(ids) if embeddings is None else embeddings
        start, n_tokens = len(caches[0]) if caches else 0, x.shape[1]
        check_length(n_tokens, start, self.config.context_length)
        if self.position_embedding is not None:
            if positions is None:
                x = x + self.position_embedding(n_tokens, start)  # (B, T, C) + (T, C)
            else:
                check_positions(positions, x, self.config.context_length)
                x = x + self.position_embedding.weight[positions]  # (B, T, C)
        return F.dropout(x, self.config.dropout, self.training)

    def make_caches(self, batch: int, context_length: int | None = None) -> list[KVCache]:
        """An empty cache for each layer, with room for the model's context_length or another."""
        config, like = self.config, self.token_embedding.weight
        room = config.context_length if context_length is None else context_length
        return [
            KVCache(
                batch, config.n_kv_heads, room, config.d_head, dtype=like.dtype, device=like.device
            )
            for _ in self.blocks
        ]

    @torch.no_grad()
    def maps(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "B L H T T"]:
        """The attention weights of every layer and head."""
        x, found = self._enter(ids, None, None, None), []
        for block in self.blocks:
            x, weights = block(x, need_weights=True)
            found.append(weights)
        return torch.stack(found, dim=1)

    @torch.no_grad()
    def residual_stream(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "L_plus_1 B T C"]:
        """The tokens at every depth: before the first block, and after each."""
        depths = [self._enter(ids, None, None, None)]
        for block in self.blocks:
            depths.append(block(depths[-1]))
        return torch.stack(depths)

    @torch.no_grad()
    def lens(self, ids: Int[Tensor, "B T"]) -> Float[Tensor, "L_plus_1 B T V"]:
        """The head's scores at every depth, its own last: the logit lens (nostalgebraist 2020)."""
        return self.head(self.final_norm(self.residual_stream(ids)))

    def num_parameters(self) -> int:
        """How many numbers are learned; a tied matrix counts once."""
        return sum(weights.numel() for weights in self.parameters())

    def flops_per_token(self, context_length: int | None = None) -> int:
        """Operations of a forward pass for each token: `counts.flops_per_token`."""
        return counts.flops_per_token(self.config, context_length)

    def kv_bytes_per_token(self, dtype: torch.dtype = torch.float32) -> int:
        """Bytes that the caches grow by with each token: `counts.kv_bytes_per_token`."""
        return counts.kv_bytes_per_token(self.config, dtype)

    def save(
        self,
        path: str | os.PathLike[str],
        tokenizer: str = "",
        dtype: torch.dtype | None = None,
    ) -> None:
        """Write weights, configuration and the tokenizer's name into one safetensors file.

        An interrupted save leaves what was there before. `dtype` float16 or bfloat16 halves the
        file; `load` makes float32 of it again.
        """
        described = self.config.to_dict(), tokenizer or self.tokenizer
        checkpoints.write(path, checkpoints.Checkpoint(self._weights(), *described), dtype)

    @classmethod
    def load(cls, path_or_name: str | os.PathLike[str]) -> Self:
        """The model that `save` wrote to that path, or a shipped one, as float32 in eval mode.

        Raises FileNotFoundError, or ValueError for a file that is cut, foreign or contradicts
        itself. Nothing in a file is ever run.
        """
        tensors, fields, tokenizer = checkpoints.read(path_or_name)
        try:
            config = GPTConfig(**fields)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path_or_name}: its configuration is not valid. {error}") from error
        return cls.of_weights(config, tensors, tokenizer, path_or_name)

    @classmethod
    def from_hf(
        cls,
        source: nn.Module | Mapping[str, Tensor] | str | os.PathLike[str],
        n_heads: int | None = None,
    ) -> Self:
        """A GPT-2, Llama or Qwen of Hugging Face, in eval mode: a model, a folder or a name.

        A name such as "gpt2" is downloaded, once, by huggingface_hub. See `hf.from_hf` for what is
        raised, and for `n_heads`, which only a state dict needs.
        """
        config, tensors = hf.from_hf(source, n_heads)
        named = source if isinstance(source, str) else "The model of Hugging Face"
        tokenizer = "gpt2" if config.vocab_size == PRESETS["gpt2"]["vocab_size"] else ""
        return cls.of_weights(config, tensors, tokenizer, named)

    def to_hf(
        self,
        path: str | os.PathLike[str],
        eos_token_id: int | None = None,
        card: ModelCard | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        """Write a folder that transformers' `AutoModelForCausalLM` opens, the card as README.md.

        With its `vocabulary` (see `open_encoding`), `AutoTokenizer` and `pipeline` open it too.
        `eos_token_id` ends a text; else the vocabulary's own does. Raises ValueError, naming
        what, where the model is like none of theirs: no GPT-2, Llama, Qwen2 or Qwen3.
        """
        hf.write_folder(path, self.config, self._weights(), eos_token_id, card, vocabulary)

    def _weights(self) -> dict[str, Tensor]:
        """The state dict, a tied head left out."""
        weights = self.state_dict()
        if self.config.tied:
            del weights["head.weight"]
        return weights

    @classmethod
    def skeleton(cls, config: GPTConfig) -> Self:
        """A model of shapes without numbers (on the device `meta`), which it is to be given."""
        with torch.device("meta"), _NoDice():
            return cls(config)

    @classmethod
    def of_weights(
        cls, config: GPTConfig, tensors: dict[str, Tensor], tokenizer: str, origin: object
    ) -> Self:
        """A model around these very tensors: nothing is drawn at random, nothing copied.

        Raises ValueError, naming the `origin`, where they don't fit the configuration.
        """
        expected = sum(counts.parameter_table(config).values())
        found = sum(tensor.numel() for tensor in tensors.values())
        if found != expected:  # before a model of a size that nobody checked is built
            raise ValueError(
                f"{origin}: the weights don't fit the configuration. It describes {expected:,} "
                f"parameters, and there are {found:,}."
            )
        model = cls.skeleton(config)
        checkpoints.check_tensors(tensors, model._weights(), origin)
        model.load_state_dict(tensors, strict=False, assign=True)
        model.tie()
        model.tokenizer = tokenizer
        return model.eval()


class _NoDice(TorchFunctionMode):
    """Passes by what draws numbers: for a tensor without any PyTorch loads its whole compiler."""

    def __torch_function__(
        self, function: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        settings = kwargs or {}
        if function.__name__ in ("normal_", "uniform_"):
            return args[0] if args else settings["tensor"]
        return function(*args, **settings)
