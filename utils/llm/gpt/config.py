"""The sizes and choices that make one GPT different from another."""

from dataclasses import KW_ONLY, asdict, dataclass, replace
from typing import Any, Self, cast

from utils.llm.gpt.norms import NORMS

__all__ = ["PRESETS", "GPTConfig"]

_CHOICES = {
    "norm": NORMS,
    "norm_position": ("pre", "post"),
    "positions": ("learned", "rotary", "none"),
    "activation": ("gelu", "relu", "swiglu"),
}


@dataclass(frozen=True)
class GPTConfig:
    """What must be known to build a GPT; checked when it is made.

    `vocab_size` tokens can be told apart and `context_length` tokens be read at once; `n_layers`
    blocks follow one another, each with `n_heads` heads, on tokens of `d_model` columns.
    `bias=False` leaves out all biases, of linear layers and of LayerNorm. With `tied` the head
    reads out by the same matrix that embeds the tokens.

    What models since GPT-2 changed: groups of heads share keys and values where `n_kv_heads` is
    less than n_heads; a head may have another width, `d_head`, than C / H, the feed-forward layer
    another, `d_hidden`, than 4 C; "swiglu" gates it; `qkv_bias` gives queries, keys and values
    biases where the rest has none, or none where it has; `qk_norm` puts an RMSNorm on each query
    and key; rotary positions turn by `rotary_base`, and `rotary_scaling` (factor, low, high,
    context) stretches the slow turns, as Llama 3 does.

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
    n_kv_heads: int = cast(int, None)  # filled in by what follows from the fields above
    d_head: int = cast(int, None)
    d_hidden: int = cast(int, None)
    qkv_bias: bool = cast(bool, None)
    qk_norm: bool = False
    rotary_base: float = 10_000.0
    rotary_scaling: tuple[float, float, float, int] | None = None

    def __post_init__(self) -> None:
        self._check_sizes("vocab_size", "context_length", "n_layers", "n_heads", "d_model")
        if self.d_head is None and self.d_model % self.n_heads:
            raise ValueError(
                f"d_model is {self.d_model} and n_heads {self.n_heads}: make d_model a multiple "
                "of n_heads, so that each head gets as many columns."
            )
        for name, value in self._consequences().items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        if isinstance(self.rotary_scaling, list):  # as JSON keeps it
            object.__setattr__(self, "rotary_scaling", tuple(self.rotary_scaling))
        self._check_sizes("n_kv_heads", "d_head", "d_hidden")
        self._check_kinds()
        self._check_numbers()

    def _consequences(self) -> dict[str, Any]:
        """What is so where nothing else is said: GPT-2's own proportions."""
        return {
            "n_kv_heads": self.n_heads,
            "d_head": self.d_model // self.n_heads,
            "d_hidden": 4 * self.d_model,
            "qkv_bias": self.bias,
        }

    def _following(self) -> set[str]:
        """The fields that are what follows from others."""
        return {name for name, v in self._consequences().items() if getattr(self, name) == v}

    def _check_sizes(self, *names: str) -> None:
        for name in names:
            size = getattr(self, name)
            if isinstance(size, bool) or not isinstance(size, int):
                raise TypeError(f"{name} is {size!r}; it must be a whole number, 1 or more.")
            if size < 1:
                raise ValueError(f"{name} is {size}; it must be at least 1.")

    def _check_kinds(self) -> None:
        for name in ("dropout", "norm_eps", "rotary_base"):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise TypeError(f"{name} is {number!r}; it must be a number.")
        for name in ("bias", "tied", "qkv_bias", "qk_norm"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} is {getattr(self, name)!r}; it must be True or False.")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}: give one of {', '.join(map(repr, known))}."
                )

    def _check_numbers(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}: give a probability from 0 to below 1.")
        if not 0 < self.norm_eps < 1:
            raise ValueError(f"norm_eps is {self.norm_eps}: give a small number above 0.")
        if self.n_heads % self.n_kv_heads:
            raise ValueError(
                f"n_heads is {self.n_heads} and n_kv_heads {self.n_kv_heads}: make n_heads a "
                "multiple of n_kv_heads, so that each key serves as many queries."
            )
        if not 0 < self.rotary_base < float("inf"):
            raise ValueError(f"rotary_base is {self.rotary_base}: give a number above 0.")
        self._check_scaling()
        if self.positions == "rotary" and self.d_head % 2:
            raise ValueError(
                f"Heads are {self.d_head} wide, d_model {self.d_model} / n_heads {self.n_heads}; "
                "rotary positions turn pairs of columns and need an even width."
            )

    def _check_scaling(self) -> None:
        scaling = self.rotary_scaling
        if scaling is None:
            return
        numbers = isinstance(scaling, tuple) and all(
            isinstance(number, int | float) and not isinstance(number, bool) for number in scaling
        )
        if not numbers or len(scaling) != 4:
            raise TypeError(
                f"rotary_scaling is {scaling!r}: give four numbers (factor, low, high, context)."
            )
        factor, low, high, context = scaling
        if not (factor >= 1 and 0 < low < high and context >= 1):
            raise ValueError(
                f"rotary_scaling is {scaling!r}: give (factor, low, high, context) with a factor "
                "of 1 or more, 0 < low < high, and the context that was trained on before."
            )

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """A known configuration, with changes of your own: `preset("gpt2", n_layers=2)`.

        Raises ValueError for a name that is not in PRESETS.
        """
        if name not in PRESETS:
            raise ValueError(f"There is no preset {name!r}: give one of {', '.join(PRESETS)}.")
        return cls(**{**PRESETS[name], **changes})

    def with_changes(self, **changes: Any) -> "GPTConfig":
        """The same configuration but for what is named; checked anew.

        What followed from other fields follows from the changed ones.
        """
        return replace(self, **{**dict.fromkeys(self._following()), **changes})

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, fit for JSON: `GPTConfig(**config.to_dict())` is the same again.

        What follows from other fields is left out.
        """
        following = self._following()
        return {name: value for name, value in asdict(self).items() if name not in following}


def _sizes(vocab_size: int, context_length: int, layers: int, heads: int, width: int) -> dict:
    return {
        "vocab_size": vocab_size,
        "context_length": context_length,
        "n_layers": layers,
        "n_heads": heads,
        "d_model": width,
    }


def _llama(
    *sizes: int, norm_eps: float = 1e-5, rotary_base: float = 10_000.0, **more: Any
) -> dict[str, Any]:
    """What all of Llama's family share; `sizes` are V, T, L, H, H of the keys, C, d_hidden."""
    vocab_size, context_length, layers, heads, kv_heads, width, hidden = sizes
    return {
        **_sizes(vocab_size, context_length, layers, heads, width),
        "n_kv_heads": kv_heads,
        "d_hidden": hidden,
        "norm": "rmsnorm",
        "positions": "rotary",
        "activation": "swiglu",
        "bias": False,
        "norm_eps": norm_eps,
        "rotary_base": rotary_base,
        **more,
    }


# A story has up to some 120 words of 369 (368 and the end mark), so all of it fits in 128 tokens.
PRESETS: dict[str, dict[str, Any]] = {
    "gpt2": _sizes(50_257, 1024, 12, 12, 768),
    "gpt2-medium": _sizes(50_257, 1024, 24, 16, 1024),
    "gpt2-large": _sizes(50_257, 1024, 36, 20, 1280),
    "gpt2-xl": _sizes(50_257, 1024, 48, 25, 1600),
    "smollm2-135m": _llama(49_152, 8192, 30, 9, 3, 576, 1536, rotary_base=100_000.0),
    "smollm2-360m": _llama(49_152, 8192, 32, 15, 5, 960, 2560, rotary_base=100_000.0),
    "qwen3-0.6b": _llama(
        *(151_936, 40_960, 28, 16, 8, 1024, 3072),
        d_head=128,
        qk_norm=True,
        norm_eps=1e-6,
        rotary_base=1_000_000.0,
    ),
    "llama-3.2-1b": _llama(
        *(128_256, 131_072, 16, 32, 8, 2048, 8192),
        rotary_base=500_000.0,
        rotary_scaling=(32.0, 1.0, 4.0, 8192),
    ),
    "story-tiny": _sizes(369, 128, 1, 2, 32),
    "story-small": _sizes(369, 128, 2, 4, 64),
    "story": _sizes(369, 128, 2, 4, 96),
    "story-large": _sizes(369, 128, 4, 4, 128),
}
