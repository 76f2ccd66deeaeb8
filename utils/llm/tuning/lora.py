"""LoRA: teach a model by small matrices beside its own (Hu et al. 2021, arXiv:2106.09685).

A frozen layer x · Wᵀ gets a second road, through a bottleneck of `r` columns, whose two matrices
are all that learns: x · Wᵀ + scale · (x · Aᵀ) · Bᵀ, with scale = alpha / r. B starts at zero, so
the model starts unchanged; afterwards W + scale · B · A can be written into W, and the road closed.
"""

import hashlib
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from utils.llm.gpt.checkpoints import SHIPPED, read_tensors, write_tensors

__all__ = [
    "ADAPTERS",
    "PARTS",
    "LoRALinear",
    "add_lora",
    "fingerprint",
    "load_lora",
    "lora_forward",
    "lora_layers",
    "lora_state",
    "merge_lora",
    "merged_weight",
    "save_lora",
    "trainable",
    "training_bytes",
]

#: Where what was learned beside a shipped model lies.
ADAPTERS = SHIPPED.parent / "adapters"
#: The linear layers of a GPT's blocks; its tables and norms are left alone.
PARTS = (
    *("attention.qkv", "attention.out"),
    *("feed_forward.up", "feed_forward.gate", "feed_forward.down"),
)
_MARKED = 1024  # numbers of each tensor that a model is told from others by


def lora_forward(
    x: Float[Tensor, "*B n_in"],
    weight: Float[Tensor, "n_out n_in"],
    a: Float[Tensor, "r n_in"],
    b: Float[Tensor, "n_out r"],
    alpha: float,
    bias: Float[Tensor, "n_out"] | None = None,
) -> Float[Tensor, "*B n_out"]:
    """x · Wᵀ + bias, and beside it alpha / r · (x · Aᵀ) · Bᵀ: never an n_out × n_in product."""
    scale = alpha / len(a)
    return F.linear(x, weight, bias) + scale * F.linear(F.linear(x, a), b)


def merged_weight(
    weight: Float[Tensor, "n_out n_in"],
    a: Float[Tensor, "r n_in"],
    b: Float[Tensor, "n_out r"],
    alpha: float,
) -> Float[Tensor, "n_out n_in"]:
    """The one matrix that does what both roads do: W + alpha / r · B · A."""
    return weight + alpha / len(a) * (b @ a)


class LoRALinear(nn.Linear):
    """A linear layer, frozen, with a road of rank `r` beside it: `a` random, `b` zero.

    It takes over the weights of `base` themselves. `a` has PyTorch's own deviation for linear
    layers, 1 / √(3 · n_in).
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__(base.in_features, base.out_features, device="meta")
        if rank < 1 or rank > min(base.weight.shape):
            raise ValueError(
                f"rank is {rank}: the layer has {base.in_features} columns going in and "
                f"{base.out_features} coming out, so give 1 to {min(base.weight.shape)}."
            )
        self.weight, self.bias, self.alpha = base.weight, base.bias, alpha
        like = {"dtype": base.weight.dtype, "device": base.weight.device}
        self.a = nn.Parameter(torch.empty(rank, base.in_features, **like))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank, **like))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))

    def forward(self, x: Float[Tensor, "*B n_in"]) -> Float[Tensor, "*B n_out"]:
        """What the frozen layer says, and what was learned beside it."""
        return lora_forward(x, self.weight, self.a, self.b, self.alpha, self.bias)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """A plain layer with the learned road in its weights; this one stays as it is."""
        layer = nn.Linear(self.in_features, self.out_features, device="meta")
        layer.weight = nn.Parameter(merged_weight(self.weight, self.a, self.b, self.alpha))
        layer.bias = None if self.bias is None else nn.Parameter(self.bias.clone())
        return layer


def add_lora(
    model: nn.Module,
    rank: int = 8,
    alpha: float = 16.0,
    parts: Sequence[str] = PARTS,
    seed: int | None = None,
) -> nn.Module:
    """Freeze a model, in place, and give the layers whose names end so a road that learns.

    Returns the model. Raises ValueError where no layer has such a name, or a road is there already.
    """
    if any(True for _ in lora_layers(model)):
        raise ValueError("The model has its LoRA layers already: merge_lora ends them first.")
    named = {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Linear)}
    chosen = {name: layer for name, layer in named.items() if name.endswith(tuple(parts))}
    if not chosen:
        raise ValueError(f"No linear layer has a name that ends in one of {list(parts)}.")
    model.requires_grad_(False)
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        for name, layer in chosen.items():
            _put(model, name, LoRALinear(layer, rank, alpha))
    return model


def merge_lora(model: nn.Module) -> nn.Module:
    """Write what was learned into the weights, in place, and take the roads away.

    The model is then a plain one again, all of which can learn. Returns it. Raises ValueError where
    there is nothing to merge: a second merge would add the same change again.
    """
    layers = dict(lora_layers(model))
    if not layers:
        raise ValueError("The model has no LoRA layers: were they merged already?")
    for name, layer in layers.items():
        _put(model, name, layer.merged())
    return model.requires_grad_(True)


def lora_layers(model: nn.Module) -> Iterator[tuple[str, LoRALinear]]:
    """The LoRA layers of a model, by name."""
    return ((n, layer) for n, layer in model.named_modules() if isinstance(layer, LoRALinear))


def lora_state(model: nn.Module) -> dict[str, Tensor]:
    """What was learned, and nothing else: a and b of each layer, under the layer's name."""
    return {
        f"{name}.{part}": getattr(layer, part).detach()
        for name, layer in lora_layers(model)
        for part in ("a", "b")
    }


def fingerprint(model: nn.Module) -> str:
    """Tells a model from others: of its shapes, and of some numbers of every tensor.

    Roads that LoRA learned don't count: it stays the same beside them.
    """
    roads, mark = lora_state(model).keys(), hashlib.blake2b(digest_size=16)
    for name, value in sorted(model.state_dict().items()):
        if name not in roads:
            row = value.detach().flatten()
            mark.update(f"{name}{tuple(value.shape)}".encode())
            mark.update(row[_spread(len(row))].float().cpu().numpy().tobytes())
    return mark.hexdigest()


def _spread(length: int) -> Tensor:
    """Some places from the first to the last of so many, in whole numbers: floats would round."""
    count = min(length, _MARKED)
    return torch.arange(count) * (length - 1) // max(1, count - 1)


def save_lora(
    model: nn.Module,
    path: str | os.PathLike[str],
    dtype: torch.dtype = torch.float32,
    base: str = "",
) -> None:
    """Write what was learned beside a model into a small safetensors file of its own.

    With `base`, the model's fingerprint, `load_lora` refuses to put it beside another model.
    """
    state = {name: tensor.to("cpu", dtype) for name, tensor in lora_state(model).items()}
    alphas = {layer.alpha for _, layer in lora_layers(model)}
    if not state:
        raise ValueError("The model has no LoRA layers: there is nothing to save.")
    described = {"lora_alpha": str(alphas.pop()), **({"base": base} if base else {})}
    write_tensors(Path(path), state, described)


def load_lora(model: nn.Module, path_or_name: str | os.PathLike[str]) -> nn.Module:
    """Give a model, in place, the roads that `save_lora` wrote, or that come with the course.

    Returns it. Raises FileNotFoundError where there are none, ValueError where they don't fit.
    """
    shipped = ADAPTERS / f"{path_or_name}.safetensors"
    path = shipped if shipped.is_file() else Path(path_or_name)
    state, described = read_tensors(path)
    if "lora_alpha" not in described:
        raise ValueError(f"{path} was not written by save_lora: it does not tell its alpha.")
    if described.get("base") not in (None, fingerprint(model)):
        raise ValueError(f"{path} was learned beside another model than this one.")
    layers = dict(model.named_modules())
    for name, tensor in state.items():
        _check_fit(layers.get(name.rpartition(".")[0]), name, tensor, path)
    names = sorted({name.rpartition(".")[0] for name in state})
    rank = len(state[f"{names[0]}.a"])
    add_lora(model, rank, float(described["lora_alpha"]), names)
    with torch.no_grad():
        for name, tensor in lora_state(model).items():
            tensor.copy_(state[name])  # shares its memory with the parameter
    return model


def _check_fit(layer: nn.Module | None, name: str, tensor: Tensor, path: Path) -> None:
    if not isinstance(layer, nn.Linear):
        raise ValueError(f"{path}: the model has no linear layer for {name}.")
    side, width = (1, layer.in_features) if name.endswith(".a") else (0, layer.out_features)
    if tensor.shape[side] != width:
        raise ValueError(
            f"{path}: {name} has the shape {tuple(tensor.shape)}, and the model's layer is "
            f"{layer.out_features} × {layer.in_features}: it belongs to another model."
        )


def trainable(model: nn.Module) -> int:
    """How many numbers of a model a training would change."""
    return sum(weights.numel() for weights in model.parameters() if weights.requires_grad)


def training_bytes(model: nn.Module) -> int:
    """Bytes for the weights, and for a gradient and AdamW's two moments of each that learns.

    What a batch leaves behind for the backward pass is not counted: it depends on the batch.
    """
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    learned = sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)
    return weights + 3 * learned


def _put(model: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, layer)
