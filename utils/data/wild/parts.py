"""The parts of the record of the real model, each a function of the opened model."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch

from utils.data.texts.models import TextModel
from utils.data.texts.real_models import kept_model
from utils.data.wild import facts, heads, secret, sums, teaching
from utils.data.wild.record import REAL
from utils.llm.gpt.gguf import open_gguf
from utils.llm.gpt.gguf_bytes import reader_of

__all__ = ["PARTS"]

SENTENCE = "The capital of France is Paris. The capital of Italy is"
REPEATED = "Haneul Park met Tom Brown in Busan. A year later Haneul Park"
TALK = [
    {"role": "user", "content": "What is a kite?"},
    {"role": "user", "content": "Who wrote Hamlet?"},
    {"role": "user", "content": "What is 7 + 5?"},
    {"role": "user", "content": "대한민국의 수도는 어디입니까?"},
]
LANGUAGES = {
    "English": "All human beings are born free and equal in dignity and rights.",
    "German": "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "Korean": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "Python": "def greet(name):\n    return f'Hello, {name}!'\n",
}


def file(opened: TextModel) -> dict[str, Any]:
    """What lies in the file: names, shapes, types, and the first block of a matrix, as bytes."""
    path = kept_model(REAL)
    tensors = reader_of(path).tensors
    shown = [t for t in tensors if not t.name.startswith("blk.") or t.name.startswith("blk.0.")]
    matrix = next(t for t in tensors if t.name == "blk.0.attn_q.weight")
    return {
        "bytes": path.stat().st_size,
        "tensors": [
            [t.name, [int(n) for n in reversed(t.shape)], t.tensor_type.name] for t in shown
        ],
        "kinds": dict(Counter(t.tensor_type.name for t in tensors)),
        "bytes of a kind": _bytes(tensors),
        "block": bytes(matrix.data.reshape(-1)[:20].tolist()).hex(),
        "values": open_gguf(path).read(matrix.name)[0, :32].tolist(),
    }


def _bytes(tensors: Any) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for tensor in tensors:
        counted[tensor.tensor_type.name] += int(tensor.n_bytes)
    return dict(counted)


def parity(opened: TextModel) -> dict[str, Any]:
    """Its logits beside those of Hugging Face's LlamaForCausalLM with the same weights."""
    import tempfile

    from transformers import AutoModelForCausalLM

    ids = torch.tensor([opened.encode(SENTENCE)])
    with tempfile.TemporaryDirectory() as folder:
        opened.model.to_hf(folder)
        theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        one, other = opened.model(ids), theirs(ids).logits
    furthest = ((one - other).abs().max() / other.abs().max()).item()
    return {"relative difference": furthest, "tokens": ids.shape[1], "logits": one.numel()}


def pies(opened: TextModel) -> dict[str, dict[str, float]]:
    """The likeliest next tokens behind some beginnings."""
    asked = ["The capital of France is", "Mina had a blue", "Once upon a time, there was a"]
    return {text: facts.next_tokens(opened, text) for text in asked}


def talk(opened: TextModel) -> list[list[str]]:
    """What it answers, greedily, to some questions."""
    return [
        [message["content"], teaching.answer(opened, message["content"], 40)] for message in TALK
    ]


def turns(opened: TextModel) -> dict[str, dict[str, float]]:
    """What comes next behind a question: framed with the open turn, without it, and unframed."""
    framed = opened.encode_chat(TALK[1:2])
    fronts = {
        "with the open turn": framed,
        "without it": framed[:-4],  # <|im_start|>, ass, istant, a new line
        "no frame at all": opened.encode(TALK[1]["content"]),
    }
    return {name: facts.next_of(opened, ids, 3) for name, ids in fronts.items()}


def languages(opened: TextModel) -> dict[str, dict[str, int]]:
    """Bytes and tokens of a sentence, by language."""
    return {
        name: {"bytes": len(text.encode()), "tokens": len(opened.encode(text))}
        for name, text in LANGUAGES.items()
    }


def lens(opened: TextModel) -> dict[str, Any]:
    """The likeliest next token at some depths, for the last places of a sentence."""
    ids = opened.encode(f"{SENTENCE} Rome")
    found = opened.model.lens(torch.tensor([ids[:-1]]))[:, 0, -6:].float().softmax(-1).max(-1)
    depths = [0, 5, 10, 15, 20, 25, 28, 30]
    return {
        "tokens": [opened.decode([i]) for i in ids[-6:]],
        "depths": depths,
        "guesses": [[opened.decode([i]) for i in found.indices[d].tolist()] for d in depths],
        "chances": [[round(p, 3) for p in found.values[d].tolist()] for d in depths],
    }


def induction(opened: TextModel) -> dict[str, Any]:
    """Its induction heads, what they look at in a sentence, and what is lost without them."""
    model = opened.model
    ids = heads.repeated(model.config.vocab_size)
    scores = heads.induction_scores(model, ids)
    best = heads.strongest(scores, 20)
    others = [place for place in heads.strongest(scores, scores.numel()) if place not in best]
    before = heads.strongest(heads.previous_scores(model, ids), 5)
    off = {"none": [[]], "the first": [best[:1]], "the first five": [best[:5]]}
    off |= {"the first twenty": [best], "five by lot": _lots(others, 5)}
    off |= {"five looking back": [before]}
    off |= {"twenty by lot": _lots(others, 20), "the twenty last": [others[-20:]]}
    read = opened.encode(REPEATED)
    layer, head = best[0]
    row = model.maps(torch.tensor([read]))[0, layer, head, -1]
    return {
        "scores": [[round(s, 3) for s in row] for row in scores.tolist()],
        "best": best,
        "before": before,
        "bits": {
            name: [heads.bits_by_half(model, ids, some) for some in choices]
            for name, choices in off.items()
        },
        "tokens": [opened.decode([i]) for i in read],
        "row": [round(w, 3) for w in row.tolist()],
    }


def _lots(places: Sequence[tuple[int, int]], n: int) -> list[list[tuple[int, int]]]:
    return [random.Random(f"heads {lot}").sample(places, n) for lot in range(4)]


def ask(opened: TextModel) -> dict[str, Any]:
    """The secret, ten ways to ask for it, forty conversations each."""
    return secret.told(opened)


def vote(opened: TextModel) -> dict[str, Any]:
    """Sums in words: two dozen problems, ten answers each, at once and step by step."""
    asked = sums.problems(24)
    texts = {way: sums.written(opened, way, asked, 10) for way in sums.WAYS}
    told = {"first": asked[0][0], "reply": texts["step by step"][0][0]}
    return {way: sums.votes(asked, some) for way, some in texts.items()} | told


def capitals(opened: TextModel) -> list[list]:
    """A hundred capitals beside two wrong answers each."""
    return facts.judged(opened)


def teach(opened: TextModel) -> dict[str, Any]:
    """Six facts of a study group, taught by LoRA."""
    return teaching.teach(opened)


PARTS = {
    part.__name__: part
    for part in (
        *(file, pies, talk, turns, languages, lens, induction, capitals, parity),
        *(ask, vote, teach),
    )
}
