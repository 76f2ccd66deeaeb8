"""What an exercise is: data that the check, the builder and the tests read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Answer = Callable[..., Any]


def _call(answer: Answer, *args: Any) -> Any:
    return answer(*args)


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter.

    `reference` is the sound answer, and what the chapter goes on with while there is no other.
    `probes` are tuples of arguments, smallest first: a learner sees the first that fails.
    `mistakes` maps a sentence to a function that goes wrong in just the way the sentence says.
    `together` maps two of those sentences to a function that makes both mistakes at once.
    `alternatives` are sound answers of another kind, by name; they must pass.
    `call` runs an answer that is not simply called, a class for instance.
    `parts` names the members of a returned tuple, in the order in which they are computed.
    `explain(args, expected, got)` may say in the field's words how two results of one form differ;
    `explain_form` does where type, shape, count or keys differ.
    `timeout` is in seconds, for all probes of one check together.
    """

    id: str
    title: str
    minutes: int
    stars: int
    reference: Answer
    probes: Sequence[tuple[Any, ...]]
    mistakes: Mapping[str, Answer]
    alternatives: Mapping[str, Answer] = field(default_factory=dict)
    together: Mapping[tuple[str, str], Answer] = field(default_factory=dict)
    call: Callable[..., Any] = _call
    parts: tuple[str, ...] = ()
    explain: Callable[[tuple[Any, ...], Any, Any], str | None] | None = None
    explain_form: Callable[[tuple[Any, ...], Any, Any], str | None] | None = None
    rtol: float = 1e-4
    atol: float = 1e-6
    timeout: float = 5.0

    @property
    def label(self) -> str:
        """The exercise as every message names it: `4.2 The causal mask`."""
        return f"{self.id} {self.title}"
