"""How a model writes: scores, filters, probabilities, a token, and again.

Shapes: `B` texts in a batch, `T` tokens, `V` tokens of the vocabulary.
"""

from collections.abc import Callable, Collection, Iterator

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from utils.llm.sampling.beam import BeamNode, BeamSearch, Hypothesis, beam_search
from utils.llm.sampling.filters import Filter, min_p, repetition_penalty, temperature, top_k, top_p
from utils.llm.sampling.reading import FILLER, Prompt, Reader, as_rows, evaluating
from utils.llm.tokenizer.streaming import TextDecoder, WordDecoder, stream_text

__all__ = [
    "FILLER",
    "BeamNode",
    "BeamSearch",
    "Hypothesis",
    "Sampler",
    "TextDecoder",
    "WordDecoder",
    "beam_search",
    "draw",
    "generate",
    "greedy",
    "min_p",
    "repetition_penalty",
    "stream_text",
    "temperature",
    "top_k",
    "top_p",
]

Choose = Callable[[Tensor, Tensor | None, torch.Generator | None], Tensor]


def greedy(
    logits: Float[Tensor, "*B V"],
    ids: Int[Tensor, "*B T"] | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, "*B"]:
    """The token with the largest logit; of equal ones, the lowest id. No chance is in it.

    >>> greedy(torch.tensor([1.0, 3.0, 3.0]))
    tensor(1)
    """
    return logits.argmax(dim=-1)


def draw(
    probabilities: Float[Tensor, "*B V"], generator: torch.Generator | None = None
) -> Int[Tensor, "*B"]:
    """A token for each row, drawn by throwing one uniform number at its cumulative distribution.

    What has probability 0 is never drawn. Rows need not sum to 1, but to more than 0. The
    numbers come from the generator, one on the CPU; without any, from one of its own with a seed
    from the system, never from PyTorch's global one. Sums are taken in float64.

    Raises ValueError for a row that has no token to draw, or that holds no numbers.

    >>> draw(torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    tensor([1, 2])
    """
    on_mps = probabilities.device.type == "mps"
    precise = probabilities.to(torch.float32 if on_mps else torch.float64)
    sums = precise.cumsum(dim=-1)  # (*B, V)
    total = sums[..., -1:]  # (*B, 1)
    if not bool(((total > 0) & total.isfinite()).all()):
        raise ValueError(
            "A row of probabilities sums to 0 or to no number: its logits are all −inf, or hold "
            "nan or +inf; look at the filters, and at the model's own logits."
        )
    uniform = torch.rand(total.shape, dtype=torch.float64, generator=generator or _generator(None))
    # The first token whose sum is above the number; u < 1, so there is one, and its share is not 0.
    thrown = uniform.to(precise.device, precise.dtype) * total
    return torch.searchsorted(sums, thrown, right=True)[..., 0].clamp(max=sums.shape[-1] - 1)


class Sampler:
    """Filters in a row, then a draw: logits → filters → probabilities → token.

    Filters are applied in the order given; the usual one is `repetition_penalty`, `temperature`,
    then what cuts. Any function from logits to logits will do; one with the attribute
    `reads_ids` set is given the ids of the text so far as well. Without filters tokens are drawn
    from the model's own distribution.

    >>> sampler = Sampler(temperature(0.7), top_k(1))
    >>> sampler(torch.tensor([[0.0, 2.0], [5.0, 1.0]]))
    tensor([1, 0])
    """

    def __init__(self, *filters: Filter) -> None:
        self.filters = filters

    def probabilities(
        self, logits: Float[Tensor, "*B V"], ids: Int[Tensor, "*B T"] | None = None
    ) -> Float[Tensor, "*B V"]:
        """What is drawn from. Raises ValueError where a filter reads ids, and there are none."""
        for each in self.filters:
            if not getattr(each, "reads_ids", False):
                logits = each(logits)
            elif ids is None:
                raise ValueError("A filter reads the text so far: give its ids beside the logits.")
            else:
                logits = each(logits, ids)
        half = logits.dtype in (torch.float16, torch.bfloat16)
        return (logits.float() if half else logits).softmax(dim=-1)

    def __call__(
        self,
        logits: Float[Tensor, "*B V"],
        ids: Int[Tensor, "*B T"] | None = None,
        generator: torch.Generator | None = None,
    ) -> Int[Tensor, "*B"]:
        """A token for each row; `ids` are the texts so far, FILLER where a row has no token."""
        return draw(self.probabilities(logits, ids), generator)


def generate(
    model: nn.Module | Callable[..., Tensor],
    ids: Prompt,
    max_new_tokens: int,
    sampler: Choose = greedy,
    stop_ids: Collection[int] = (),
    cache: bool = True,
    seed: int | None = None,
    *,
    mask: Bool[Tensor, "B T"] | None = None,
    n_samples: int = 1,
) -> Iterator[Int[Tensor, "B"]]:
    """Yield the next token of each text as soon as it is known (Formal Algorithms, Alg. 14).

    `ids` is one text (T), a batch (B, T), or a list of texts (T) of different lengths; in a batch
    a `mask` is False where there is filling, in front of the tokens. With `n_samples` each text
    is read once and continued that many times: its rows, B · n_samples, stand together.

    A row ends at its first token in `stop_ids`, which is not part of the text: from there on FILLER
    (−1) is yielded for it. When all rows have ended, so does the iterator, after max_new_tokens
    at the latest. `sampler(logits (B, V), ids (B, T), generator)` gives the tokens: `greedy`, a
    `Sampler`, or your own. The generator is this call's own, from `seed` or, without, from the
    system; the global one is not touched. Nothing is read before the first token is asked for.

    With `cache` keys and values are computed once a token, in memory that is allocated once;
    without, each window is read anew: the same tokens, later. `Reader` says how the window moves
    when the context is full. `model(ids)` may then be any function that gives logits (B, T, V),
    if all rows are of one length. A model in training mode is put into evaluation for each step.

    Raises ValueError for prompts without tokens, or a number below what makes sense.

    >>> def next_number(ids):  # a model that counts
    ...     return torch.nn.functional.one_hot((ids + 1) % 10, 10).float()
    >>> [int(token) for token in generate(next_number, torch.tensor([3]), 4, cache=False)]
    [4, 5, 6, 7]
    """
    for name, number, least in (("max_new_tokens", max_new_tokens, 0), ("n_samples", n_samples, 1)):
        if number < least:
            raise ValueError(f"{name} is {number}; it must be at least {least}.")
    rows = as_rows(ids, mask)
    reader = Reader(model, rows, max_new_tokens, cache=cache, copies=n_samples)
    return _steps(reader, model, max_new_tokens, sampler, stop_ids, _generator(seed))


def _steps(
    reader: Reader,
    model: Callable[..., Tensor],
    max_new_tokens: int,
    sampler: Choose,
    stop_ids: Collection[int],
    generator: torch.Generator,
) -> Iterator[Int[Tensor, "B"]]:
    ended: Tensor | None = None
    stops = torch.tensor(sorted(stop_ids), device=reader.tokens.device)
    for _ in range(max_new_tokens):
        # The modes are left before each yield: they must not leak into the caller's code.
        with evaluating(model), torch.inference_mode():
            logits = reader.next_logits()
            tokens = sampler(logits, reader.tokens, generator).to(reader.tokens.device)
            if len(stops):
                stopped = (tokens[:, None] == stops).any(dim=1)  # (B,)
                ended = stopped if ended is None else ended | stopped
                if bool(ended.all()):
                    return
                tokens = tokens.masked_fill(ended, FILLER)
            reader.append(tokens)
        yield tokens.clone()


def _generator(seed: int | None) -> torch.Generator:
    generator = torch.Generator()
    if seed is None:
        generator.seed()  # from the system
    else:
        generator.manual_seed(seed)
    return generator
