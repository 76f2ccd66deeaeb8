"""Several processes, one training: PyTorch's own data parallelism.

`torchrun` starts them, over any number of machines; `launch.together` does on one.

Every process holds the model, learns from its part of each batch, and the gradients are averaged
before the step, so that all hold the same weights again. With FSDP each keeps only its share of
the weights and of the optimiser's state, for a model that does not fit one device.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

KINDS = ("ddp", "fsdp")
STORE = "COURSE_STORE"  # names the file where the processes of `launch.together` meet


@dataclass(frozen=True)
class Team:
    """The processes that train together: how many, and which of them this one is."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one process that writes and speaks."""
        return self.rank == 0

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes of what each of them has."""
        if self.size > 1:
            values = values.detach().clone()
            dist.all_reduce(values)  # gloo knows sums, not means
            values /= self.size
        return values

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.size > 1:
            dist.barrier()


def team() -> Team:
    """The processes of this training; a team of one where there is no process group."""
    if dist.is_available() and dist.is_initialized():
        return Team(dist.get_rank(), dist.get_world_size())
    return Team()


@contextlib.contextmanager
def process_group(device: str = "auto") -> Iterator[torch.device]:
    """Join the processes that were started together, and leave them at the end; gives the device.

    Where there is one process there is nothing to join. "auto" is the GPU of this process where
    there is one, then NCCL carries the gradients, else the CPU, with gloo.
    """
    local = int(os.environ.get("LOCAL_RANK", 0))
    chosen = _device(device, local)
    if "RANK" not in os.environ or int(os.environ.get("WORLD_SIZE", 1)) < 2:
        yield chosen
        return
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    _join("nccl" if chosen.type == "cuda" else "gloo")
    yield chosen
    # Not after an error: who fails says so first, and the others hear of it by its end.
    with contextlib.suppress(RuntimeError):  # the work is done, whatever comes of the goodbyes
        dist.barrier()  # nobody goes while another still talks with him
        dist.destroy_process_group()


def _join(backend: str) -> None:
    """Meet in the file that we were told of, else where torchrun's variables say."""
    file = os.environ.get(STORE)
    if not file:
        dist.init_process_group(backend)
        return
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    dist.init_process_group(backend, store=dist.FileStore(file, size), rank=rank, world_size=size)


def _device(name: str, local_rank: int) -> torch.device:
    if name != "auto":
        try:
            found = torch.device(name)
        except RuntimeError:
            raise ValueError(f"device is {name!r}: give auto, cpu, cuda or mps.") from None
        there = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
        if not there.get(found.type, lambda: True)():
            raise ValueError(f"There is no {name} device on this machine; give cpu or auto.")
        return torch.device("cuda", local_rank) if name == "cuda" else found
    if torch.cuda.is_available():
        return torch.device("cuda", local_rank % torch.cuda.device_count())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def shard(model: nn.Module) -> nn.Module:
    """Deal the weights out over the team (FSDP2), block by block; the model stays the same object.

    Source: Zhao et al. 2023, PyTorch FSDP.
    """
    from torch.distributed.fsdp import fully_shard

    if not dist.is_initialized():
        raise ValueError("FSDP deals the weights out over several processes; start with torchrun.")
    for value in (*model.parameters(), *model.buffers()):
        dist.broadcast(value.data, src=0)  # one start for all
    for block in getattr(model, "blocks", ()):
        fully_shard(block)
    return fully_shard(model)


def is_sharded(model: nn.Module) -> bool:
    """Whether `shard` has dealt this model's weights out."""
    return any(hasattr(p, "full_tensor") for p in model.parameters())


def whole(value: Tensor) -> Tensor:
    """A tensor as every process sees it, put together where it is dealt out."""
    return value.full_tensor() if hasattr(value, "full_tensor") else value


def replicate(model: nn.Module, source: nn.Module | None = None) -> nn.Module:
    """The model wrapped so that gradients are averaged; as it is where there is one process.

    `source` is the model that a compiled one came from.
    """
    if team().size == 1 or is_sharded(source or model):
        return model
    device = next(model.parameters()).device
    ids = [device.index] if device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(model, device_ids=ids)


@contextlib.contextmanager
def averaging(model: nn.Module, when: bool) -> Iterator[None]:
    """Average gradients over the processes in this block only `when` it is time to."""
    if when or not isinstance(model, nn.parallel.DistributedDataParallel):
        yield
    else:
        with model.no_sync():
            yield


def state_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Weights and the optimiser's state, whole, for a snapshot. All processes must call it."""
    if not is_sharded(model):
        return {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    weights, moments = get_state_dict(model, optimizer, options=options)
    return {"model": weights, "optimizer": moments}


def whole_weights(model: nn.Module) -> dict[str, Tensor]:
    """The model's state dict, put together from all processes where it is dealt out."""
    return {name: whole(value) for name, value in model.state_dict().items()}


def set_state(model: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Put back what `state_of` gave."""
    if not is_sharded(model):
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        return
    from torch.distributed.checkpoint.state_dict import StateDictOptions, set_state_dict

    set_state_dict(
        model,
        optimizer,
        model_state_dict=state["model"],
        optim_state_dict=state["optimizer"],
        options=StateDictOptions(full_state_dict=True),
    )
