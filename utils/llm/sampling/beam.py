"""Beam search: several texts at a time, those that are most likely so far."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from utils.llm.sampling.filters import keep_largest
from utils.llm.sampling.reading import FILLER, Prompt, Reader, as_rows, evaluating

__all__ = ["BeamNode", "BeamSearch", "Hypothesis", "beam_search"]

KEPT, DROPPED, STOPPED = "kept", "dropped", "stopped"


@dataclass(frozen=True)
class BeamNode:
    """A candidate that was compared: one token behind another.

    `log_probability` is the token's own, given all before it, and `total` the sum from the first
    new token to this one, in nats. The search went on from a node that was "kept", ended a text
    at one that "stopped", and left one that was "dropped".
    """

    index: int
    parent: int | None
    step: int
    token: int
    log_probability: float
    total: float
    fate: str


@dataclass(frozen=True)
class Hypothesis:
    """A text that was found: its new tokens, without the stop token.

    `score` is what texts are ranked by, `log_probability` (nats) counts the stop token as well.
    """

    ids: tuple[int, ...]
    log_probability: float
    score: float
    stopped: bool
    node: int


@dataclass(frozen=True)
class BeamSearch:
    """The best texts, best first, and the tree of all candidates: `nodes[i].index` is i.

    `nodes[0]` is the prompt: step 0, no parent, FILLER for a token.
    """

    best: list[Hypothesis]
    nodes: list[BeamNode]

    def path(self, node: int) -> list[BeamNode]:
        """The nodes from the first new token to this one."""
        found: list[BeamNode] = []
        while self.nodes[node].parent is not None:
            found.append(self.nodes[node])
            node = self.nodes[node].parent
        return found[::-1]


def beam_search(
    model: Callable[..., Tensor],
    ids: Prompt,
    max_new_tokens: int,
    beams: int,
    *,
    length_penalty: float = 1.0,
    n_best: int = 1,
    stop_ids: Collection[int] = (),
    cache: bool = True,
) -> BeamSearch:
    """Search for the likeliest continuations of one text, `beams` of them at a time.

    At each step all continuations of all beams by one token are compared by their total log
    probability, and the best `beams` go on. One of the best that ends with a token of `stop_ids`
    is a finished text. Finished texts are of different lengths, so they are ranked by
    total / length ** length_penalty, the stop token counted: 0 ranks by probability, which
    favours short texts, 1 by the mean for a token, and more favours long ones (Wu et al. 2016 has
    the idea; this simpler form is Hugging Face's). The search ends when nothing that still grows
    can get a better score than the `n_best` that are finished, or after max_new_tokens; those
    that still grow are then ranked with the others.

    Nothing is known for certain until the end, so beam search can't stream. With one beam and no
    stop token it is greedy. Of equal candidates the one of the better beam is taken, then the
    one with the lower id. Raises ValueError for several prompts, or for n_best above beams.
    """
    for name, number in (("max_new_tokens", max_new_tokens), ("beams", beams), ("n_best", n_best)):
        if number < 1:
            raise ValueError(f"{name} is {number}; it must be at least 1.")
    if n_best > beams:
        raise ValueError(f"n_best is {n_best}, and there are {beams} beams: search with more.")
    rows = as_rows(ids)
    if len(rows) != 1:
        raise ValueError(f"There are {len(rows)} prompts: give one, and search for each in turn.")
    reader = Reader(model, rows, max_new_tokens, cache=cache, copies=beams)
    search = _Search(beams, set(stop_ids), length_penalty, max_new_tokens, n_best)
    for _ in range(max_new_tokens):
        with evaluating(model), torch.inference_mode():
            parents, tokens = search.step(reader.next_logits())
            if not len(tokens) or search.decided():
                break
            reader.pick(parents.to(rows.device))
            reader.append(tokens.to(rows.device))
    return search.result()


class _Search:
    def __init__(
        self, beams: int, stops: set[int], length_penalty: float, most: int, n_best: int
    ) -> None:
        self.beams, self.stops, self.most, self.n_best = beams, stops, most, n_best
        self.length_penalty = length_penalty
        self.nodes = [BeamNode(0, None, 0, FILLER, 0.0, 0.0, KEPT)]
        self.alive = [0] * beams  # the node at which each beam stands
        # All beams are the prompt at first: only one may have continuations.
        self.totals = torch.full((beams,), -torch.inf, dtype=torch.float64)
        self.totals[0] = 0.0
        self.found: list[Hypothesis] = []
        self.length = 0

    def step(
        self, logits: Float[Tensor, "beams V"]
    ) -> tuple[Int[Tensor, "beams"], Int[Tensor, "beams"]]:
        """Which beam each new beam goes on from, and by which token."""
        self.length += 1
        own = logits.cpu().double().log_softmax(dim=-1)  # (beams, V)
        totals = (self.totals[:, None] + own).flatten()  # (beams · V)
        # Enough that `beams` are left when every beam has one for each stop token.
        wanted = min(self.beams * (1 + max(1, len(self.stops))), len(totals))
        alive: list[BeamNode] = []
        rows: list[int] = []
        for rank, candidate in enumerate(_best(totals, wanted).tolist()):
            total = totals[candidate].item()
            if total == -torch.inf:
                break
            row, token = divmod(candidate, logits.shape[-1])
            fate = DROPPED
            if token in self.stops:
                fate = STOPPED if rank < self.beams else DROPPED
            elif len(alive) < self.beams:
                fate = KEPT
            node = BeamNode(
                len(self.nodes), self.alive[row], self.length, token, own[row, token].item(),
                total, fate,
            )  # fmt: skip
            self.nodes.append(node)
            if fate == KEPT:
                alive.append(node)
                rows.append(row)
            elif fate == STOPPED:
                self.found.append(self._hypothesis(node))
        return self._go_on(alive, rows)

    def _go_on(self, alive: list[BeamNode], rows: list[int]) -> tuple[Tensor, Tensor]:
        if not alive:
            self.alive = []
            return torch.tensor([], dtype=torch.long), torch.tensor([], dtype=torch.long)
        missing = self.beams - len(alive)  # fewer tokens are possible than there are beams
        totals = [node.total for node in alive] + [-torch.inf] * missing
        self.totals = torch.tensor(totals, dtype=torch.float64)
        alive, rows = alive + alive[:1] * missing, rows + rows[:1] * missing
        self.alive = [node.index for node in alive]
        return torch.tensor(rows), torch.tensor([node.token for node in alive])

    def decided(self) -> bool:
        """Whether nothing that still grows can get among the best."""
        if len(self.found) < self.n_best:
            return False
        worst = sorted((each.score for each in self.found), reverse=True)[self.n_best - 1]
        # A total only falls; a long text suffers least from it if its length is rewarded.
        length = self.most if self.length_penalty > 0 else self.length + 1
        return self._score(self.totals.max().item(), length) <= worst

    def result(self) -> BeamSearch:
        if self.length == self.most or not self.found:
            growing = [
                i for i, total in zip(self.alive, self.totals, strict=False) if total > -torch.inf
            ]
            self.found += [self._hypothesis(self.nodes[i]) for i in growing]
        best = sorted(self.found, key=lambda each: -each.score)[: self.n_best]
        return BeamSearch(best, self.nodes)

    def _hypothesis(self, node: BeamNode) -> Hypothesis:
        path = BeamSearch([], self.nodes).path(node.index)
        stopped = node.fate == STOPPED
        ids = tuple(each.token for each in path[: len(path) - stopped])
        return Hypothesis(ids, node.total, self._score(node.total, node.step), stopped, node.index)

    def _score(self, total: float, length: int) -> float:
        return total / length**self.length_penalty


def _best(values: Float[Tensor, "n"], k: int) -> Int[Tensor, "k"]:
    """Where the k largest are, in falling order, the first of equal ones first."""
    where = keep_largest(values, k).nonzero()[:, 0]
    return where[values[where].sort(descending=True, stable=True).indices]
