"""Flip bits in every kind of file that the course writes: none may load as something else.

python tests/soak_flips.py 1000      flips of each kind; ends with 1 where one was silent
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from utils.data.texts.models import open_model
from utils.llm.gpt.gguf_writing import write_gguf
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.tokenizer.bpe import train_bpe
from utils.llm.tokenizer.files import load_encoding, save_encoding
from utils.llm.tokenizer.vocabulary import open_encoding
from utils.llm.training.snapshots import load_snapshot, save_snapshot
from utils.llm.tuning.lora import add_lora, load_lora, lora_state, save_lora

TEXT = "the cat and the kite and the cat sat; the kite flew. " * 4
TOKENIZER = train_bpe(TEXT, 280)
END = TOKENIZER.n_vocab - 1
Read = Callable[[], Any]


def model() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(280, 16, n_layers=1, n_heads=2, d_model=8))


def numbers(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {name: value.tolist() for name, value in tensors.items()}


def content(folder: Path) -> Any:
    """All that a model with its tokenizer is."""
    opened = open_model(folder)
    chat = opened.encode_chat([{"role": "user", "content": "a kite"}])
    encoding = opened.encoding
    tokens = (encoding._mergeable_ranks, encoding._special_tokens, encoding._pat_str)
    told = (opened.model.config, opened.stop_ids, opened.marks, chat)
    return numbers(opened.model.state_dict()), *told, *tokens


def weights(folder: Path) -> tuple[list[Path], Read]:
    path = folder / "model.safetensors"
    model().save(path, tokenizer="words")

    def read() -> Any:
        found = GPT.load(path)
        return numbers(found.state_dict()), found.config, found.tokenizer

    return [path], read


def encoding(folder: Path) -> tuple[list[Path], Read]:
    path = folder / "tokenizer.json"
    save_encoding(TOKENIZER, path)

    def read() -> Any:
        found = load_encoding(path)
        return found.name, found._pat_str, found._mergeable_ranks, found._special_tokens

    return [path], read


def adapter(folder: Path) -> tuple[list[Path], Read]:
    path = folder / "adapter.safetensors"
    save_lora(add_lora(model(), rank=2), path)

    def read() -> Any:
        found = load_lora(model(), path)
        return numbers(lora_state(found)), [
            layer.alpha for layer in found.modules() if hasattr(layer, "alpha")
        ]

    return [path], read


def exported(folder: Path) -> tuple[list[Path], Read]:
    folder = folder / "exported"
    model().to_hf(folder, vocabulary=open_encoding(TOKENIZER, eos_id=END))
    paths = [path for path in folder.iterdir() if path.suffix != ".md"]
    return paths, lambda: content(folder)


def gguf(folder: Path) -> tuple[list[Path], Read]:
    path, made = folder / "model.gguf", model()
    vocabulary = open_encoding(TOKENIZER, eos_id=END)
    tensors = {name: value for name, value in made.state_dict().items() if name != "head.weight"}
    write_gguf(path, made.config, tensors, vocabulary, "F32")
    return [path], lambda: content(path)


def snapshot(folder: Path) -> tuple[list[Path], Read]:
    path, made = folder / "snapshot.pt", model()
    loss = made(torch.arange(16)[None]).square().mean()
    optimizer = torch.optim.AdamW(made.parameters())
    loss.backward()
    optimizer.step()
    state = {"model": made.state_dict(), "optimizer": optimizer.state_dict()}
    told = {"config": {"steps": 3}, "history": {"losses": [0.5, 0.25]}, "precision": "float32"}
    save_snapshot(path, {**state, **told, "step": 1})
    return [path], lambda: load_snapshot(path)


MAKERS = (weights, encoding, adapter, exported, gguf, snapshot)
KINDS = {each.__name__: each for each in MAKERS}


def silent(kind: str, flips: int, folder: Path, seed: int = 0) -> list[str]:
    """The flips after which a file of that kind loads with another content; or raises otherwise."""
    chance, found = random.Random(seed), []
    paths, read = KINDS[kind](folder)
    right = repr(read())
    for i in range(flips):
        path = paths[i % len(paths)]
        whole = path.read_bytes()
        # Half of them in the first bytes, which describe the rest.
        size = min(len(whole), 2000) if i % 4 < 2 else len(whole)
        place, bit = chance.randrange(size), chance.randrange(8)
        damaged = bytearray(whole)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            same = repr(read()) == right
        except (ValueError, FileNotFoundError):
            same = True
        except Exception as error:
            found.append(f"{path.name}, byte {place}, bit {bit}: {type(error).__name__}: {error}")
            same = True
        if not same:
            found.append(f"{path.name}, byte {place}, bit {bit}: loads with another content")
        path.write_bytes(whole)
    return found


def main() -> int:
    flips, wrong = int(sys.argv[1]) if len(sys.argv) > 1 else 1000, 0
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            found = silent(kind, flips, Path(folder))
        print(f"{kind}: {flips:,} flips, {len(found)} silent or with another error", flush=True)
        print(*found[:10], sep="\n")
        wrong += len(found)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
