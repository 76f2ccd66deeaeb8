"""Soft prompts: vectors in front of the tokens that are no words, found by gradient.

The model stays as it is; only the vectors learn (Lester, Al-Rfou and Constant 2021; prefix tuning,
Li and Liang 2021, does the same in every layer). Shapes: `P` vectors, `C` columns, `V` tokens.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.attention.heads import KVCache
from utils.llm.gpt.model import GPT

__all__ = ["SoftPrompted", "nearest_tokens", "prepend"]


def prepend(
    soft: Float[Tensor, "P C"], embeddings: Float[Tensor, "B T C"]
) -> Float[Tensor, "B P_plus_T C"]:
    """The same vectors in front of every text. Raises ValueError where the widths differ."""
    if soft.ndim != 2 or embeddings.ndim != 3 or soft.shape[1] != embeddings.shape[2]:
        raise ValueError(
            f"The soft prompt has the shape {tuple(soft.shape)} and the texts "
            f"{tuple(embeddings.shape)}: give (vectors, columns) and (texts, tokens, columns)."
        )
    return torch.cat([soft.expand(len(embeddings), -1, -1), embeddings], dim=1)


class SoftPrompted(nn.Module):
    """A frozen model behind a soft prompt: `forward(ids)` gives the logits at the ids' places.

    `soft` is the only parameter that learns. Give vectors (P, C) to start from, or their number:
    they then start as the embeddings of tokens drawn with the seed. The model itself is frozen in
    place. The context is P tokens shorter.
    """

    def __init__(self, model: GPT, soft: Float[Tensor, "P C"] | int, seed: int = 0) -> None:
        super().__init__()
        table = model.token_embedding.weight
        if isinstance(soft, int):
            dice = torch.Generator().manual_seed(seed)
            soft = table[torch.randint(len(table), (soft,), generator=dice).to(table.device)]
        room = model.config.context_length - len(soft)
        if room < 1:
            raise ValueError(
                f"{len(soft)} vectors leave no room in a context of {model.config.context_length}."
            )
        self.config = replace(model.config, context_length=room)
        self.model = model.requires_grad_(False)
        self.soft = nn.Parameter(soft.detach().clone())

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        *,
        caches: Sequence[KVCache] | None = None,
        last_only: bool = False,
    ) -> Float[Tensor, "B T V"] | Float[Tensor, "B 1 V"]:
        """Scores of the next token at the places of the ids; the vectors' own are left out.

        With `caches` (see `make_caches`) the vectors are read once, before the first ids.
        """
        embeddings = self.model.embed(ids)
        if caches is None or len(caches[0]) == 0:
            embeddings = prepend(self.soft, embeddings)
        logits = self.model(embeddings=embeddings, caches=caches, last_only=last_only)
        return logits if last_only else logits[:, -ids.shape[1] :]

    def make_caches(self, batch: int, context_length: int | None = None) -> list[KVCache]:
        """Empty caches with room for the vectors too."""
        room = self.config.context_length if context_length is None else context_length
        return self.model.make_caches(batch, room + len(self.soft))


def nearest_tokens(
    vectors: Float[Tensor, "P C"], table: Float[Tensor, "V C"], k: int = 1
) -> tuple[Int[Tensor, "P k"], Float[Tensor, "P k"]]:
    """The k tokens whose embeddings point most nearly the way each vector does, and the cosines.

    >>> nearest_tokens(torch.tensor([[0.0, 9.0]]), torch.eye(2))[0]
    tensor([[1]])
    """
    cosines = F.normalize(vectors, dim=-1) @ F.normalize(table, dim=-1).T  # (P, V)
    found = cosines.topk(k, dim=-1)
    return found.indices, found.values
