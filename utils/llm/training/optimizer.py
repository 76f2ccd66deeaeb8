"""AdamW by hand and by PyTorch, and the clipping of gradients."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn


def adamw_step(
    parameter: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    step: int,
    *,
    learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> tuple[Tensor, Tensor, Tensor]:
    """Parameter, running mean and running mean square after one step of AdamW; changes none given.

    `step` counts from 1. The two means start at 0 and are therefore too small at first: dividing by
    1 − βᵗ mends that. The decay shrinks the parameter by itself and never enters the gradient,
    which is what the W stands for. Source: Loshchilov and Hutter 2019, Alg. 2.

    Far from 0 the first step is as long as the learning rate, whatever the gradient's size:

    >>> zero = torch.zeros(2)
    >>> step = adamw_step(zero, torch.tensor([1e-3, -50.0]), zero, zero, 1, learning_rate=0.1)
    >>> step[0]
    tensor([-0.1000,  0.1000])
    """
    if step < 1:
        raise ValueError(f"step is {step}: count the steps from 1, or the correction divides by 0.")
    first, second = betas
    mean = first * mean + (1 - first) * gradient
    square = second * square + (1 - second) * gradient**2
    fair_mean = mean / (1 - first**step)
    fair_square = square / (1 - second**step)
    shrunk = parameter * (1 - learning_rate * weight_decay)
    return shrunk - learning_rate * fair_mean / (fair_square.sqrt() + eps), mean, square


def clip_by_global_norm(
    gradients: Sequence[Tensor], max_norm: float
) -> tuple[list[Tensor], Tensor]:
    """The gradients, shortened together to a common norm of at most max_norm; and their norm.

    All are multiplied by one factor, so the direction stays, and those short enough stay as they
    are. The norm returned, shape (), is the one before. Source: Pascanu, Mikolov and Bengio 2013.

    >>> clipped, norm = clip_by_global_norm([torch.tensor([3.0]), torch.tensor([4.0])], 1.0)
    >>> torch.cat(clipped), norm
    (tensor([0.6000, 0.8000]), tensor(5.))
    """
    if max_norm <= 0:
        raise ValueError(f"max_norm is {max_norm}: it must be above 0.")
    if not gradients:
        raise ValueError("There are no gradients to clip; call backward() first.")
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / norm).clamp(max=1.0)
    return [gradient * factor for gradient in gradients], norm


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Groups for an optimiser: matrices decay, vectors (biases, gains of norms) don't.

    A bias that shrinks buys no simpler function, and a gain near 1 has nothing to do at 0.
    Parameters that are frozen are left out; a tied one comes once.
    """
    free = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = (
        {"params": [p for p in free if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in free if p.ndim < 2], "weight_decay": 0.0},
    )
    return [group for group in groups if group["params"]]


def make_adamw(
    groups: Iterable[dict[str, object]], learning_rate: float, betas: tuple[float, float]
) -> torch.optim.AdamW:
    """PyTorch's AdamW, in one pass over all parameters where the device has such a kernel."""
    groups = list(groups)
    parameters = [p for group in groups for p in group["params"]]
    kinds = {p.device.type for p in parameters}
    fused = kinds <= {"cpu", "cuda"} and all(p.is_floating_point() for p in parameters)
    # as a tensor the rate could change under a compiled optimiser; as a float it is exact
    return torch.optim.AdamW(groups, lr=learning_rate, betas=betas, fused=fused)
