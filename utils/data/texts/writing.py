"""A text that a model goes on with, piece by piece: what chat, server and widget have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from utils.data.texts.models import TextModel
from utils.llm.sampling.loop import (
    Filter,
    Sampler,
    generate,
    min_p,
    repetition_penalty,
    temperature,
    top_k,
    top_p,
)
from utils.llm.tokenizer.streaming import stream_text

__all__ = ["Chance", "PromptTooLong", "Settings", "StopText", "Writing"]


class PromptTooLong(ValueError):
    """A prompt that leaves no room for a token more in the model's context."""


@dataclass(frozen=True)
class Settings:
    """How a text is written. `max_tokens` None is as many as fit in the context.

    The text ends before the first of the texts in `stop`, which is never shown. The same `seed`
    gives the same text. `top_k` 0 keeps all tokens, as do `top_p` 1 and `min_p` 0; a
    `repetition_penalty` of 1 changes nothing. With `alternatives` n the writing keeps the `Chance`
    of each token, beside those of the n likeliest. Raises ValueError for what makes no sense.
    """

    max_tokens: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    alternatives: int | None = None

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ValueError(f"max_tokens is {self.max_tokens}; it must be at least 1.")
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature is {self.temperature}; give 0 (greedy) or more.")
        if not 0 <= self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must lie between 0 and 1.")
        if "" in self.stop:
            raise ValueError("A text in stop is empty; leave it out.")
        self.sampler()

    def sampler(self) -> Sampler:
        """What draws the tokens: the penalty, the temperature, then what cuts."""
        filters: list[Filter] = [temperature(self.temperature)]
        if self.repetition_penalty != 1:
            filters.insert(0, repetition_penalty(self.repetition_penalty))
        if self.min_p:
            filters.append(min_p(self.min_p))
        if self.top_k:
            filters.append(top_k(self.top_k))
        return Sampler(*filters, top_p(self.top_p))


@dataclass(frozen=True)
class Chance:
    """How likely the model held a token, before any filter, as ln p; and the likeliest ones."""

    token: int
    logprob: float
    likeliest: list[tuple[int, float]]


class StopText:
    """Lets text through up to the first of some stop texts, and holds back what may become one.

    >>> gate = StopText(["END"])
    >>> gate.push("The E"), gate.push("N"), gate.push("VY END of"), gate.hit
    ('The ', '', 'ENVY ', True)
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops, self._held, self.hit = tuple(stops), "", False

    def push(self, piece: str) -> str:
        """What can be shown, now that this piece is known."""
        text = self._held + piece
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if places:
            self.hit, self._held = True, ""
            return text[: min(places)]
        kept = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]

    def flush(self) -> str:
        """What was held back and became no stop text after all."""
        rest, self._held = self._held, ""
        return rest


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text begin the stop text."""
    sizes = range(min(len(text), len(stop) - 1), 0, -1)
    return next((size for size in sizes if text.endswith(stop[:size])), 0)


class Writing:
    """What a model writes after a prompt: iterate over it for the pieces of text as they come.

    Afterwards, or after a break, `text`, `ids` (the tokens written) and `finish_reason` say what
    came: "stop" for an end mark or a stop text, "length" where the tokens were up, None where it
    was not finished. `n_prompt` counts the prompt's tokens; `chances` has one for each token of
    `ids` where the settings ask for alternatives. `stop()`, from any thread, ends it before the
    next token.

    Raises PromptTooLong for a prompt that fills the model's context.
    """

    def __init__(
        self, opened: TextModel, prompt: Sequence[int], settings: Settings | None = None
    ) -> None:
        self.opened, self.prompt = opened, list(prompt)
        self.settings = settings or Settings()
        room = opened.context_length - len(self.prompt)
        if room < 1:
            raise PromptTooLong(
                f"The prompt has {len(self.prompt):,} tokens, and {opened.name} reads "
                f"{opened.context_length:,} at most, its answer among them: shorten it."
            )
        self.max_tokens = min(room, self.settings.max_tokens or room)
        self.text, self.ids, self.n_prompt = "", list[int](), len(self.prompt)
        self.chances: list[Chance] = []
        self.finish_reason: str | None = None
        self._stopped = False

    def stop(self) -> None:
        """End before the next token."""
        self._stopped = True

    def __iter__(self) -> Iterator[str]:
        gate = StopText(self.settings.stop)
        for piece in stream_text(self._tokens(), self.opened.decoder(self.prompt)):
            if shown := gate.push(piece):
                self.text += shown
                yield shown
            if gate.hit:
                self.finish_reason = "stop"
                return
        if rest := gate.flush():
            self.text += rest
            yield rest

    def _tokens(self) -> Iterator[int]:
        chosen, model = self.settings, self.opened.model
        ids = torch.tensor(self.prompt, device=next(model.parameters()).device)
        sampler, stops = self.settings.sampler(), self.opened.stop_ids
        watched = sampler if chosen.alternatives is None else self._watched(sampler)
        try:
            for token in generate(model, ids, self.max_tokens, watched, stops, seed=chosen.seed):
                if self._stopped:
                    return
                self.ids.append(int(token))
                yield self.ids[-1]
        finally:
            del self.chances[len(self.ids) :]  # that of an end mark
        full = len(self.ids) >= self.max_tokens
        self.finish_reason = "length" if full else "stop"

    def _watched(self, sampler: Sampler) -> Callable[..., Tensor]:
        """The sampler, which also notes how likely the model held what is drawn."""
        count = min(self.settings.alternatives or 0, self.opened.model.config.vocab_size)

        def draw(logits: Tensor, ids: Tensor | None, generator: torch.Generator | None) -> Tensor:
            token = sampler(logits, ids, generator)
            logprobs = logits[0].cpu().double().log_softmax(dim=-1)  # (V)
            best = logprobs.topk(count)
            likeliest = list(zip(best.indices.tolist(), best.values.tolist(), strict=True))
            self.chances.append(Chance(int(token), float(logprobs[int(token)]), likeliest))
            return token

        return draw
