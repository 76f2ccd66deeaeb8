"""How much memory there is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch  # which whoever only asks for the machine's memory does not wait for

__all__ = ["memory_bytes", "room_for_tensors"]


def memory_bytes() -> tuple[int | None, int | None]:
    """Total and free memory of this machine in bytes, None where it is not known."""
    try:
        import psutil  # comes with ipykernel

        memory = psutil.virtual_memory()
        return memory.total, memory.available
    except ImportError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None
    except (AttributeError, ValueError, OSError):
        return None, None


def room_for_tensors(device: torch.device) -> int | None:
    """The most bytes that new tensors on the device may take; None where it is not known.

    A limit on this process (`ulimit -v`) counts, and so does memory that is swapped to a disk.
    """
    if device.type == "cuda":
        import torch

        return torch.cuda.mem_get_info(device)[0]
    total, free = memory_bytes()
    found = [] if total is None else [total if free is None else free + _swap()]
    limit = _address_space()
    return min([*found, *([] if limit is None else [limit])], default=None)


def _swap() -> int:
    try:
        import psutil

        return psutil.swap_memory().free
    except (ImportError, OSError, RuntimeError):
        return 0


def _address_space() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft
