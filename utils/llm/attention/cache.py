"""The memory of a model that writes: keys and values are computed once a token, then kept."""

import torch
from jaxtyping import Float
from torch import Tensor


class KVCache:
    """Keys and values of one attention layer, for every token read so far.

    All memory is taken at once, (batch, heads, context_length, d_head) for the keys and as much
    for the values; `append` writes into it in place. It is made for writing text, not for
    training: what enters it must not ask for gradients.

    >>> cache = KVCache(batch=2, n_heads=3, context_length=8, d_head=4)
    >>> chunk = torch.ones(2, 3, 5, 4)
    >>> keys, values = cache.append(chunk, chunk)
    >>> len(cache), keys.shape
    (5, torch.Size([2, 3, 5, 4]))
    """

    def __init__(
        self,
        batch: int,
        n_heads: int,
        context_length: int,
        d_head: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
        columns: bool = False,
    ) -> None:
        """With `columns` a key lies as a column in memory, which a single query reads faster.

        Raises ValueError for a size below 1.
        """
        sizes = {
            "batch": batch,
            "n_heads": n_heads,
            "context_length": context_length,
            "d_head": d_head,
        }
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name} is {size}; it must be at least 1.")
        with torch.inference_mode(False):  # else it could not be appended to outside that mode
            shape = (batch, n_heads, context_length, d_head)
            # not filled: the system gives memory as it is written to, and nothing else is read
            self._values = torch.empty(shape, dtype=dtype, device=device)
            if columns:
                shape = (batch, n_heads, d_head, context_length)
            keys = torch.empty(shape, dtype=dtype, device=device)
            self._keys = keys.mT if columns else keys  # (B, H, T, D) either way
        self._length = 0

    def __len__(self) -> int:
        """How many tokens are kept."""
        return self._length

    @property
    def context_length(self) -> int:
        """How many tokens there is room for."""
        return self._keys.shape[2]

    @property
    def keys(self) -> Float[Tensor, "B H T D"]:
        """The keys kept so far: a view, no copy."""
        return self._keys.narrow(2, 0, self._length)

    @property
    def values(self) -> Float[Tensor, "B H T D"]:
        """The values kept so far: a view, no copy."""
        return self._values.narrow(2, 0, self._length)

    def clear(self) -> None:
        """Forget all tokens and keep the memory."""
        self._length = 0

    def append(
        self, k: Float[Tensor, "B H new D"], v: Float[Tensor, "B H new D"]
    ) -> tuple[Float[Tensor, "B H T D"], Float[Tensor, "B H T D"]]:
        """Keep one or more further tokens; returns the keys and values of all, as views.

        Raises ValueError, and keeps nothing, where the shapes, the type or the device don't fit,
        where the tokens are more than there is room for, or where a gradient is asked for.
        """
        self._check(k, v)
        start, n_new = self._length, k.shape[2]
        self._length += n_new
        keys, values = self.keys, self.values
        keys.narrow(2, start, n_new).copy_(k)
        values.narrow(2, start, n_new).copy_(v)
        return keys, values

    def _check(self, k: Tensor, v: Tensor) -> None:
        if k.shape != v.shape:
            raise ValueError(
                f"Keys have the shape {tuple(k.shape)}, values {tuple(v.shape)}: "
                "they must be equal."
            )
        batch, n_heads, room, d_head = self._keys.shape
        if k.ndim != 4 or (k.shape[0], k.shape[1], k.shape[3]) != (batch, n_heads, d_head):
            raise ValueError(
                f"Keys of the shape {tuple(k.shape)} don't fit into a cache for "
                f"({batch}, {n_heads}, tokens, {d_head}): (batch, heads, tokens, head width)."
            )
        if self._length + k.shape[2] > room:
            raise ValueError(
                f"The cache holds {self._length} of {room} tokens, so {k.shape[2]} more don't fit: "
                "make it with a larger context_length, or clear() it and start again from the "
                "last tokens."
            )
        for given in (k, v):
            if (given.dtype, given.device) != (self._keys.dtype, self._keys.device):
                raise ValueError(
                    f"Keys or values are {given.dtype} on {given.device}, the cache "
                    f"{self._keys.dtype} on {self._keys.device}: make it with the model's own."
                )
        if torch.is_grad_enabled() and (k.requires_grad or v.requires_grad):
            raise ValueError(
                "Keys and values ask for gradients, which no cache can pass back: "
                "run the model inside torch.no_grad()."
            )
