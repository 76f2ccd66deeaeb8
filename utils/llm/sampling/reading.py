"""How a model reads the texts that it goes on with: windows, caches, rows of different lengths."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from utils.llm.attention.cache import KVCache

__all__ = ["FILLER", "Prompt", "Reader", "as_rows", "evaluating"]

FILLER = -1  # stands where a row has no token
Prompt = Tensor | Sequence[Tensor]


def as_rows(ids: Prompt, mask: Bool[Tensor, "B T"] | None = None) -> Int[Tensor, "B T"]:
    """Prompts as rows that end together, FILLER in front of the shorter ones.

    `ids` is one text (T), a batch (B, T), or a list of texts (T) of any lengths. With a batch, a
    `mask` that is False at the filling says where it is: in front, never behind or between.

    Raises ValueError for a text without a token, or for filling elsewhere.

    >>> as_rows([torch.tensor([5, 6, 7]), torch.tensor([8])])
    tensor([[ 5,  6,  7],
            [-1, -1,  8]])
    """
    if isinstance(ids, Tensor):
        rows = ids[None] if ids.ndim == 1 else ids
    else:
        rows = _filled_in_front(ids)
    if rows.ndim != 2 or rows.is_floating_point() or rows.dtype == torch.bool:
        raise ValueError(
            f"ids are {rows.dtype} of the shape {tuple(rows.shape)}: give whole numbers, (tokens), "
            "(batch, tokens) or a list of (tokens)."
        )
    rows = rows.long()
    if mask is not None:
        if mask.shape != rows.shape or mask.dtype != torch.bool:
            raise ValueError(
                f"The mask is {mask.dtype} of the shape {tuple(mask.shape)} and the ids have the "
                f"shape {tuple(rows.shape)}: give True or False for each of them."
            )
        rows = rows.masked_fill(~mask, FILLER)
    if not rows.numel() or (rows[:, -1] < 0).any():
        raise ValueError(
            "A prompt has no token at its end: start a text with one token at least, say the end "
            "mark, and put filling in front of it."
        )
    if ((rows[:, 1:] < 0) & (rows[:, :-1] >= 0)).any():
        raise ValueError("There is filling between the tokens of a prompt: put it in front.")
    return rows


def _filled_in_front(texts: Sequence[Tensor]) -> Int[Tensor, "B T"]:
    if not len(texts) or any(text.ndim != 1 or not len(text) for text in texts):
        raise ValueError(
            f"The prompts have the shapes {[tuple(text.shape) for text in texts]}: give one text "
            "or more, each (tokens) with one token at least."
        )
    rows = texts[0].new_full((len(texts), max(map(len, texts))), FILLER)
    for row, text in zip(rows, texts, strict=True):
        row[len(rows[0]) - len(text) :] = text
    return rows


class Reader:
    """Texts that grow by a token at a time, and the model's scores of what comes next.

    A model reads `context_length` tokens at most, so each row has a window. It begins at the
    row's first token (of a longer prompt, it holds the last context_length). When a token more
    would not fit, the window moves on to the last context_length // 2 tokens, these are read
    again, and it grows from there. So a cache is filled anew once in context_length / 2 tokens;
    with a window that moved by one each time, every token would stand at another position, and
    nothing that a cache holds would be true any longer. The rule is the same without a cache,
    and a row's window depends on no other row.

    `model(ids) -> logits (B, T, V)` may be any callable if `cache` is False and the prompts are
    of one length; else it is a `GPT`, or takes the same arguments.
    """

    def __init__(
        self,
        model: Callable[..., Tensor],
        rows: Int[Tensor, "B T"],
        room: int,
        *,
        cache: bool = True,
        copies: int = 1,
    ) -> None:
        """`room` is how many tokens may be added; `copies` of each row are made after reading it.

        Their order is that of `repeat_interleave`: all copies of the first row come first.
        """
        self._model, self._cached, self._copies = model, cache, copies
        config = getattr(model, "config", None)
        self._context = config.context_length if config is not None else rows.shape[1] + room
        self._tokens = rows.new_full((len(rows), rows.shape[1] + room), FILLER)
        self._tokens[:, : rows.shape[1]] = rows
        self._length = rows.shape[1]
        filled = (rows < 0).sum(dim=1)  # (B,)
        self._first = filled.clamp(min=self._length - self._context)  # where windows begin
        self._starts = self._first.tolist()
        self._room = min(self._context, self._tokens.shape[1])
        self._caches: Sequence[KVCache] | None = None
        self._spare: Sequence[KVCache] | None = None  # `pick` copies from one to the other

    @property
    def tokens(self) -> Int[Tensor, "B T"]:
        """All tokens so far, FILLER in front of the shorter rows: a view, no copy."""
        return self._tokens[:, : self._length]

    def append(self, tokens: Int[Tensor, "B"]) -> None:
        """One more token for each row."""
        self._tokens[:, self._length] = tokens
        self._length += 1

    def pick(self, rows: Int[Tensor, "n"]) -> None:
        """Go on with these rows, in this order; a row may be picked several times."""
        if torch.equal(rows, torch.arange(len(self._tokens), device=rows.device)):
            return
        self._tokens, self._first = self._tokens[rows], self._first[rows]
        self._starts = self._first.tolist()
        if self._caches:
            self._caches = self._copy_caches(rows)

    def next_logits(self) -> Float[Tensor, "B V"]:
        """Scores of the token after the last of each row."""
        again = self._slide() or self._caches is None  # always so without a cache
        begin = min(self._starts)
        if self._cached and self._caches is None:
            self._caches = self._model.make_caches(len(self._tokens), self._room)
        elif self._cached and again:
            for cache in self._caches:
                cache.clear()
        logits = self._read(begin if again else self._length - 1)
        if self._copies > 1:
            each = torch.arange(len(self._tokens), device=logits.device)
            each, self._copies = each.repeat_interleave(self._copies), 1
            self.pick(each)
            logits = logits[each]
        return logits

    def _slide(self) -> bool:
        """Move the windows that are too long; True where any did."""
        if self._length - min(self._starts) <= self._context:
            return False
        kept = max(1, self._context // 2)
        too_long = self._length - self._first > self._context
        self._first = torch.where(too_long, self._length - kept, self._first)
        self._starts = self._first.tolist()
        return True

    def _read(self, start: int) -> Float[Tensor, "B V"]:
        """Scores after the last column, from reading all from the column `start` on."""
        ids = self.tokens[:, start:].clamp(min=0)  # what is read for FILLER does not count
        extra: dict = {}
        if self._cached:
            extra["caches"] = self._caches
        if hasattr(self._model, "config"):
            extra["last_only"] = True
        begin = min(self._starts)
        if begin != max(self._starts):
            columns = torch.arange(begin, self._length, device=ids.device)
            extra["mask"] = (columns >= self._first[:, None])[:, None, None]  # (B, 1, 1, Tk)
            extra["positions"] = (columns[start - begin :] - self._first[:, None]).clamp(min=0)
        return self._model(ids, **extra)[:, -1]  # (B, 1, V) or (B, T, V) -> (B, V)

    def _copy_caches(self, rows: Int[Tensor, "n"]) -> Sequence[KVCache]:
        fits = self._spare is not None and len(self._spare[0].keys) == len(rows)
        copies = self._spare if fits else self._model.make_caches(len(rows), self._room)
        for copy, cache in zip(copies, self._caches, strict=True):
            copy.clear()
            copy.append(cache.keys[rows], cache.values[rows])
        self._spare = self._caches
        return copies


@contextmanager
def evaluating(model: Callable[..., Tensor]) -> Iterator[None]:
    """Without dropout inside, as before outside."""
    training = isinstance(model, nn.Module) and model.training
    if training:
        model.eval()
    try:
        yield
    finally:
        if training:
            model.train()
