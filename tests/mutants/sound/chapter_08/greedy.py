"""Sound answers to exercise 8.1."""

from __future__ import annotations

from mutants.cases import sounds

sounds(
    "8.1",
    topk=lambda x: (
        x[:, -1].topk(1).indices[:, 0]
        if not (x[:, -1] == x[:, -1].amax(-1, keepdim=True)).sum(-1).max() > 1
        else x[:, -1].argmax(-1)
    ),
    in_numpy=lambda x: x.numpy()[:, -1].argmax(-1),
    of_all_places=lambda x: x.argmax(-1)[:, -1],
    int32=lambda x: x[:, -1].argmax(-1).int(),
    by_chance=lambda x: x[:, -1].double().softmax(-1).argmax(-1),
)
