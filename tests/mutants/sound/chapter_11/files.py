"""Sound answers of odd kinds to the exercises of chapter 11: a file, a frame, a size."""

from __future__ import annotations

import functools
import io
import math
import operator
import struct
from array import array

import numpy as np
import torch
from mutants.cases import sound, sounds

sounds(
    "11.5",
    divmod=lambda b: (
        lambda d, m, *q: torch.tensor(
            [d * (x % 16) + m for x in q] + [d * (x // 16) + m for x in q]
        )
    )(*struct.unpack("<2e16B", b)),
    hex_digits=lambda b: (
        lambda d, m: torch.tensor(
            [d * int(x, 16) + m for x in b[4:].hex()[1::2] + b[4:].hex()[0::2]]
        )
    )(*struct.unpack("<ee", b[:4])),
    numpy=lambda b: (
        np.float32(np.frombuffer(b, "<f2", 1)[0])
        * np.r_[np.frombuffer(b, "u1", offset=4) % 16, np.frombuffer(b, "u1", offset=4) // 16]
        + np.float32(np.frombuffer(b, "<f2", 1, 2)[0])
    ),
    shifts=lambda b: (
        lambda q, d, m: d * ((q[None] >> torch.tensor([[0], [4]])) & 15).flatten() + m
    )(torch.tensor(list(b[4:])), *struct.unpack("<ee", b[:4])),
    double=lambda b: (
        lambda d, m: torch.tensor(
            [d * (x & 15) + m for x in b[4:]] + [d * (x >> 4) + m for x in b[4:]],
            dtype=torch.float64,
        )
    )(*struct.unpack("<ee", b[:4])),
    table=lambda b: (
        lambda d, m: (torch.arange(16) * d + m)[[x & 15 for x in b[4:]] + [x >> 4 for x in b[4:]]]
    )(*struct.unpack("<ee", b[:4])),
    as_array=lambda b: (lambda d, m, q: d * torch.cat([q & 15, q >> 4]).float() + m)(
        *struct.unpack("<ee", b[:4]), torch.tensor(array("B", b[4:]).tolist())
    ),
)


@sound("11.5")
def read_from_a_file(block):
    file = io.BytesIO(block)
    d, m = struct.unpack("<ee", file.read(4))
    out = torch.zeros(32)
    for i in range(16):
        byte = file.read(1)[0]
        out[i], out[i + 16] = d * (byte & 0x0F) + m, d * (byte >> 4) + m
    return out


@sound("11.5")
def with_views(block):
    raw = torch.frombuffer(bytearray(block), dtype=torch.uint8)
    d, m = raw[:2].view(torch.float16).item(), raw[2:4].view(torch.float16).item()
    q = torch.stack([raw[4:] & 15, raw[4:] // 16]).reshape(32)
    return torch.addcmul(torch.full((32,), m), q.float(), torch.tensor(d))


NAMES = {
    "attn_norm": "norm_1",
    "attn_output": "attention.out",
    "ffn_norm": "norm_2",
    "ffn_gate": "feed_forward.gate",
    "ffn_up": "feed_forward.up",
    "ffn_down": "feed_forward.down",
}


def sound_mapping(tensors, n_layers, join=torch.cat, copy=lambda x: x, head=None):
    out = {"token_embedding.weight": copy(tensors["token_embd.weight"])}
    for i in range(n_layers):
        for theirs, ours in NAMES.items():
            out[f"blocks.{i}.{ours}.weight"] = copy(tensors[f"blk.{i}.{theirs}.weight"])
        out[f"blocks.{i}.attention.qkv.weight"] = join(
            [tensors[f"blk.{i}.attn_{x}.weight"] for x in "qkv"]
        )
    out["final_norm.weight"] = copy(tensors["output_norm.weight"])
    name = "output.weight" if "output.weight" in tensors else "token_embd.weight"
    out["head.weight"] = copy(tensors[name])
    return out


sounds(
    "11.6",
    vstack=lambda t, n: sound_mapping(t, n, join=torch.vstack),
    clones=lambda t, n: sound_mapping(t, n, copy=torch.clone),
    double=lambda t, n: {k: x.double() for k, x in sound_mapping(t, n).items()},
    backwards=lambda t, n: dict(reversed(list(sound_mapping(t, n).items()))),
    reduced=lambda t, n: sound_mapping(
        t, n, join=lambda parts: functools.reduce(lambda a, b: torch.cat((a, b)), parts)
    ),
    parameters=lambda t, n: {
        k: torch.nn.Parameter(x, requires_grad=False) for k, x in sound_mapping(t, n).items()
    },
    filled=lambda t, n: sound_mapping(t, n, join=filled),
)


def filled(parts):
    out = torch.empty(sum(map(len, parts)), parts[0].shape[1])
    torch.cat(parts, out=out)
    return out


@sound("11.6")
def by_replacing(tensors, n_layers):
    out = {}
    for name, x in tensors.items():
        for theirs, ours in {**NAMES, "token_embd": "token_embedding", "blk.": "blocks."}.items():
            name = name.replace(theirs, ours)
        name = name.replace("output_norm", "final_norm")
        out["head.weight" if name == "output.weight" else name] = x
    for i in range(n_layers):
        parts = [out.pop(f"blocks.{i}.attn_{x}.weight") for x in "qkv"]
        out[f"blocks.{i}.attention.qkv.weight"] = torch.concat(parts, dim=0)
    return out | {"head.weight": out.get("head.weight", out["token_embedding.weight"])}


START, END = "<|im_start|>", "<|im_end|>"
DEFAULT = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def with_default(messages):
    first = {"role": "system", "content": DEFAULT}
    return messages if messages[0]["role"] == "system" else [first, *messages]


sounds(
    "11.7",
    by_lines=lambda ms: (
        "".join("\n".join([START + m["role"], m["content"] + END, ""]) for m in with_default(ms))
        + f"{START}assistant\n"
    ),
    format_map=lambda ms: (
        "".join("<|im_start|>{role}\n{content}<|im_end|>\n".format_map(m) for m in with_default(ms))
        + "<|im_start|>assistant\n"
    ),
    lines=lambda ms: "\n".join(
        [f"{START}{m['role']}\n{m['content']}{END}" for m in with_default(ms)]
        + [START + "assistant", ""]
    ),
    reduced=lambda ms: (
        functools.reduce(
            lambda text, m: f"{text}{START}{m['role']}\n{m['content']}{END}\n", with_default(ms), ""
        )
        + START
        + "assistant\n"
    ),
    unclosed=lambda ms: "".join(
        START + m["role"] + "\n" + m["content"] + (END + "\n" if i < len(with_default(ms)) else "")
        for i, m in enumerate([*with_default(ms), {"role": "assistant", "content": ""}])
    ),
)


@sound("11.7")
def written(messages):
    out = io.StringIO()
    if messages[0]["role"] != "system":
        print(f"{START}system\n{DEFAULT}{END}", file=out)
    for message in messages:
        print(START, message["role"], sep="", file=out)
        print(message["content"], END, sep="", file=out)
    print(f"{START}assistant", file=out)
    return out.getvalue()


@sound("11.7")
def recursive(messages, first=True):
    if not messages:
        return f"{START}assistant\n"
    head, *rest = messages
    default = f"{START}system\n{DEFAULT}{END}\n" if first and head["role"] != "system" else ""
    return f"{default}{START}{head['role']}\n{head['content']}{END}\n" + recursive(rest, False)


@sound("11.7")
def a_copy_changed(messages):
    messages = list(messages)
    if not messages[0]["role"].startswith("system"):
        messages.insert(0, {"role": "system", "content": DEFAULT})
    return (
        "".join(map(turn, messages)) + turn({"role": "assistant", "content": ""}).partition(END)[0]
    )


def turn(message):
    return START + message["role"] + "\n" + message["content"] + END + "\n"


sounds(
    "11.8",
    product=lambda *sizes: math.prod(sizes) * 2,
    whole_float=lambda *sizes: float(2 * math.prod(sizes)),
    reduce=lambda *sizes: functools.reduce(operator.mul, sizes, 2),
    two_terms=lambda a, h, d, t, n: a * h * d * t * n + a * h * d * t * n,
    numpy=lambda *sizes: np.prod([2, *sizes], dtype=np.int64),
    tensor=lambda *sizes: torch.tensor([2, *sizes]).prod(),
    loops=lambda a, h, d, t, n: sum(2 * h * d * t * n for _ in range(a)),
    width=lambda a, h, d, t, n: (h * d) * (2 * a) * (t * n),
    shape=lambda a, h, d, t, n: 2 * torch.Size([a, h, t, d]).numel() * n,
    made=lambda a, h, d, t, n: 2 * a * n * torch.empty(h, t, d, device="meta").numel(),
)
