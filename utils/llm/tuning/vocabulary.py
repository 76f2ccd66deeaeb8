"""A model that learns new words: more rows in the embedding and in the head."""

from dataclasses import replace

import torch

from utils.llm.gpt.model import GPT

__all__ = ["widen_vocabulary"]


@torch.no_grad()
def widen_vocabulary(model: GPT, vocab_size: int, seed: int = 0) -> GPT:
    """A copy of a model with tokens behind those that it has.

    What it says of the old tokens among themselves stays as it is. A new row is drawn around the
    mean of the old ones, with their deviation, column by column: a start of the size that the
    model is used to. Rows of an untied head begin at the mean, so a new token is neither likelier
    nor less likely than the others.

    Raises ValueError for a vocabulary that is no larger than the model's.
    """
    old = model.config.vocab_size
    if vocab_size <= old:
        raise ValueError(
            f"The model has {old} tokens already, and was asked for {vocab_size}: give more."
        )
    wider = GPT(replace(model.config, vocab_size=vocab_size))
    wider.tokenizer = model.tokenizer
    state = dict(model.state_dict())
    dice = torch.Generator().manual_seed(seed)
    for name in ("token_embedding.weight", "head.weight"):
        table = state[name]  # (V, C)
        new = table.mean(dim=0).expand(vocab_size - old, -1).clone()  # (new, C)
        if name.startswith("token") or model.config.tied:
            new += table.std(dim=0) * torch.randn(new.shape, generator=dice)
        state[name] = torch.cat([table, new])
    wider.load_state_dict(state)
    wider.tie()
    return wider.train(model.training)
