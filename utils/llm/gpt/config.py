"""The sizes and choices that make one GPT different from another."""

from dataclasses import KW_ONLY, asdict, dataclass, replace
from typing import Any, Self

from utils.llm.gpt.norms import NORMS

__all__ = ["PRESETS", "GPTConfig"]

_CHOICES = {
    "norm": NORMS,
    "norm_position": ("pre", "post"),
    "positions": ("learned", "rotary", "none"),
    "activation": ("gelu", "relu"),
}


@dataclass(frozen=True)
class GPTConfig:
    """What must be known to build a GPT; checked when it is made.

    `vocab_size` tokens can be told apart and `context_length` tokens be read at once; `n_layers`
    blocks follow one another, each with `n_heads` heads, on tokens of `d_model` columns.
    `bias=False` leaves out all biases, of linear layers and of LayerNorm. With `tied` the head
    reads out by the same matrix that embeds the tokens.

    Raises ValueError, or TypeError for a value of the wrong kind.

    >>> GPTConfig(vocab_size=50, context_length=8, n_layers=2, n_heads=3, d_model=12).d_head
    4
    """

    vocab_size: int
    context_length: int
    n_layers: int
    n_heads: int
    d_model: int
    dropout: float = 0.0
    norm: str = "layernorm"
    _: KW_ONLY
    norm_position: str = "pre"
    positions: str = "learned"
    activation: str = "gelu"
    bias: bool = True
    tied: bool = True
    norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("vocab_size", "context_length", "n_layers", "n_heads", "d_model"):
            size = getattr(self, name)
            if isinstance(size, bool) or not isinstance(size, int):
                raise TypeError(f"{name} is {size!r}; it must be a whole number, 1 or more.")
            if size < 1:
                raise ValueError(f"{name} is {size}; it must be at least 1.")
        for name in ("dropout", "norm_eps"):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise TypeError(f"{name} is {number!r}; it must be a number.")
        for name in ("bias", "tied"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} is {getattr(self, name)!r}; it must be True or False.")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}: give one of {', '.join(map(repr, known))}."
                )
        self._check_numbers()

    def _check_numbers(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}: give a probability from 0 to below 1.")
        if not 0 < self.norm_eps < 1:
            raise ValueError(f"norm_eps is {self.norm_eps}: give a small number above 0.")
        if self.d_model % self.n_heads:
            raise ValueError(
                f"d_model is {self.d_model} and n_heads {self.n_heads}: make d_model a multiple "
                "of n_heads, so that each head gets as many columns."
            )
        if self.positions == "rotary" and self.d_head % 2:
            raise ValueError(
                f"Heads are {self.d_head} wide, d_model {self.d_model} / n_heads {self.n_heads}; "
                "rotary positions turn pairs of columns and need an even width."
            )

    @property
    def d_head(self) -> int:
        """Columns of each head, D = C / H."""
        return self.d_model // self.n_heads

    @property
    def d_hidden(self) -> int:
        """Columns inside the feed-forward layer: 4 C, as in every GPT-2."""
        return 4 * self.d_model

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """A known configuration, with changes of your own: `preset("gpt2", n_layers=2)`.

        Raises ValueError for a name that is not in PRESETS.
        """
        if name not in PRESETS:
            raise ValueError(f"There is no preset {name!r}: give one of {', '.join(PRESETS)}.")
        return cls(**{**PRESETS[name], **changes})

    def with_changes(self, **changes: Any) -> "GPTConfig":
        """The same configuration but for what is named; checked anew."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, fit for JSON: `GPTConfig(**config.to_dict())` is the same again."""
        return asdict(self)


def _sizes(vocab_size: int, context_length: int, layers: int, heads: int, width: int) -> dict:
    return {
        "vocab_size": vocab_size,
        "context_length": context_length,
        "n_layers": layers,
        "n_heads": heads,
        "d_model": width,
    }


# A story has up to some 120 words of 369 (368 and the end mark), so all of it fits in 128 tokens.
PRESETS: dict[str, dict[str, Any]] = {
    "gpt2": _sizes(50_257, 1024, 12, 12, 768),
    "gpt2-medium": _sizes(50_257, 1024, 24, 16, 1024),
    "gpt2-large": _sizes(50_257, 1024, 36, 20, 1280),
    "gpt2-xl": _sizes(50_257, 1024, 48, 25, 1600),
    "story-tiny": _sizes(369, 128, 1, 2, 32),
    "story-small": _sizes(369, 128, 2, 4, 64),
    "story": _sizes(369, 128, 2, 4, 96),
    "story-large": _sizes(369, 128, 4, 4, 128),
}
