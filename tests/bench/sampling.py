"""How fast models write: our GPT in four forms beside Hugging Face's, from the same weights.

    python tests/bench/sampling.py [--tokens 200] [--rounds 7] [--threads 2] [--samples 64]

Greedy generation of one text by the medium model, then many samples of one prompt. All take turns
in one run, so that a busy moment of the machine strikes all of them; medians count, and ratios are
medians of the ratios within a round. The floor is the time that reading the weights alone takes:
tokens per second beside it tell the share of the machine's bandwidth. Narrower weights take part
on every processor: to write one text they are read faster even where none multiplies them faster.
Before anything is timed, our float32 forms must write what Hugging Face's model writes.

What narrower weights lose is measured in bits per token: by the shipped story model where there is
one, else by the model that is timed, on text that it drew itself.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from utils.data.storyworld.tokens import stream
from utils.data.storyworld.world import stories
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.sampling.fast import FastGPT, with_bfloat16, with_float32, with_int8
from utils.llm.sampling.loop import Sampler, generate
from utils.llm.training.evaluation import evaluate
from utils.viz import style
from utils.viz.picture import Picture, picture

ROOT = Path(__file__).resolve().parents[2]
CONFIG = GPTConfig(vocab_size=1024, context_length=256, n_layers=6, n_heads=6, d_model=384)
PEER = "Hugging Face, cached"
PROMPT = torch.arange(10, 26)
SHARED, ONE, AS_IT_IS = "ours, float32, {} samples", "ours, float32", "ours, as trained"
HALF = "ours, bfloat16"
GOALS = {ONE: 1.25, HALF: 1.6, "ours, int8": 2.7}
MAKERS: dict[str, Callable[[GPT], nn.Module]] = {
    AS_IT_IS: lambda model: model,
    ONE: with_float32,
    HALF: with_bfloat16,
    "ours, int8": with_int8,
}
Task = tuple[Callable[[], object], int]  # what is done, and how many tokens it makes
Rates = dict[str, list[float]]


def make_model() -> GPT:
    """Random weights, so large that rounding rarely decides between two tokens."""
    torch.manual_seed(0)
    model = GPT(CONFIG).eval()
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim == 2:
                weights.mul_(4)
    return model


def hugging_face(model: GPT) -> nn.Module:
    from transformers import GPT2LMHeadModel
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        model.to_hf(folder)
        return GPT2LMHeadModel.from_pretrained(folder).eval()


def write_by_hugging_face(model: nn.Module, n: int) -> Tensor:
    ids = PROMPT[None]
    with torch.inference_mode():
        text = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=n, do_sample=False,
            use_cache=True, pad_token_id=0, eos_token_id=None,
        )  # fmt: skip
    return text[0, len(PROMPT) :]


def write(model: nn.Module, n: int, **kwargs) -> Tensor:
    return torch.stack(list(generate(model, PROMPT, n, **kwargs)))  # (n, B)


def make_tasks(
    forms: dict[str, nn.Module], twin: nn.Module, n: int, samples: int
) -> dict[str, Task]:
    model, fast = forms[AS_IT_IS], forms[ONE]
    tasks: dict[str, Task] = {PEER: (lambda: write_by_hugging_face(twin, n), n)}
    for name, form in forms.items():
        tasks[name] = (lambda form=form: write(form, n), n)
    tasks["ours, uncached"] = (lambda: write(model, n, cache=False), n)
    tasks[SHARED.format(samples)] = (
        lambda: write(fast, n, sampler=Sampler(), seed=0, n_samples=samples),
        n * samples,
    )
    return tasks


def check_agreement(forms: dict[str, nn.Module], twin: nn.Module, n: int) -> None:
    """Raises AssertionError where float32 forms write another text than Hugging Face's model."""
    expected = write_by_hugging_face(twin, n).tolist()
    for name in (AS_IT_IS, ONE):
        assert write(forms[name], n)[:, 0].tolist() == expected, name


def measure(tasks: dict[str, Task], rounds: int) -> Rates:
    """Tokens per second, by name, a number for each round."""
    rates: Rates = {name: [] for name in tasks}
    for round_number in range(rounds + 1):
        for name, (action, tokens) in tasks.items():
            start = time.perf_counter()
            action()
            if round_number:  # the first round warms up
                rates[name].append(tokens / (time.perf_counter() - start))
    return rates


def matrix_bytes(model: nn.Module) -> int:
    if isinstance(model, FastGPT):
        return model.weight_bytes()
    return sum(m.weight.nbytes for m in model.modules() if isinstance(m, nn.Linear))


def bandwidth() -> float:
    """Bytes per second at which as much memory as the float32 weights take is read; the best."""
    memory = torch.ones(matrix_bytes(make_model()) // 4)
    best = math.inf
    for _ in range(30):
        start = time.perf_counter()
        memory.sum()
        best = min(best, time.perf_counter() - start)
    return memory.nbytes / best


def bits_lost(forms: dict[str, nn.Module]) -> tuple[dict[str, float], str]:
    """Bits per token that each form loses against the model itself, and on which text."""
    try:
        trained = GPT.load("stories")
    except FileNotFoundError:
        model = forms[AS_IT_IS]
        text = write(model, 240, sampler=Sampler(), seed=1, n_samples=16).T.flatten()
        where = "on what the model of random weights drew itself"
    else:
        text = stream(stories(200, seed=987_654))
        forms = {name: MAKERS[name](trained) for name in forms}
        where = "by the shipped story model, on 200 stories of the story world"
    bits = {name: evaluate(form, text) / math.log(2) for name, form in forms.items()}
    return {name: value - bits[AS_IT_IS] for name, value in bits.items()}, where


def ratio(rates: Rates, name: str, other: str) -> float:
    return statistics.median(a / b for a, b in zip(rates[name], rates[other], strict=True))


def print_table(
    rates: Rates, forms: dict[str, nn.Module], lost: dict[str, float], limit: float
) -> None:
    print(
        f"{'':<28}{'tokens/s':>10}{'spread':>16}{'× HF':>8}{'goal':>7}"
        f"{'of bandwidth':>14}{'bits lost':>11}"
    )
    for name, values in rates.items():
        median = statistics.median(values)
        spread = f"{min(values):,.0f}–{max(values):,.0f}"
        goal = f"{GOALS[name]:.2f}" if name in GOALS else ""
        share = f"{matrix_bytes(forms[name]) * median / limit:.0%}" if name in forms else ""
        bits = f"{lost[name]:.4f}" if name in lost else ""
        print(
            f"{name:<28}{median:>10,.0f}{spread:>16}{ratio(rates, name, PEER):>8.2f}{goal:>7}"
            f"{share:>14}{bits:>11}"
        )
    print(f"bandwidth: {limit / 1e9:.1f} GB/s, the best of reading as many bytes as float32 takes")


def print_pairs(rates: Rates, samples: int) -> None:
    shared = SHARED.format(samples)
    print(f"cached against uncached: {ratio(rates, ONE, 'ours, uncached'):.1f} × (goal 5)")
    print(
        f"{samples} samples against one text: {ratio(rates, shared, AS_IT_IS):.1f} × the model as "
        f"trained (goal 12 for 64), {ratio(rates, shared, ONE):.1f} × the float32 form itself"
    )


def draw(rates: Rates) -> Picture:
    fig, grid = style.figure(1, 1, width=7, height=3.5)
    ax = grid[0][0]
    names = [name for name in rates if "samples" not in name][::-1]
    medians = [statistics.median(rates[name]) for name in names]
    ends = [
        [m - min(rates[n]) for n, m in zip(names, medians, strict=True)],
        [max(rates[n]) - m for n, m in zip(names, medians, strict=True)],
    ]
    colours = [style.BLUE if name.startswith("ours") else style.ORANGE for name in names]
    with style.context():
        ax.barh(names, medians, xerr=ends, color=colours, ecolor=style.MUTED)
        ax.set(xlabel="tokens per second, one text")
    best = max(names, key=lambda name: statistics.median(rates[name]))
    gain = ratio(rates, best, PEER)
    return picture(fig, f"{best.removeprefix('ours, ')} writes {gain:.1f} times as fast as {PEER}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=min(2, torch.get_num_threads()))
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--figure", type=Path, default=ROOT / "build" / "bench" / "sampling.png")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = make_model()
    forms = {name: make(model) for name, make in MAKERS.items()}
    twin = hugging_face(model)
    check_agreement(forms, twin, options.tokens)
    print(
        f"{options.tokens} tokens after {len(PROMPT)}, greedy, medium (6 layers, 6 heads, d 384, "
        f"V 1,024), {options.threads} threads, {options.rounds} rounds"
    )
    rates = measure(make_tasks(forms, twin, options.tokens, options.samples), options.rounds)
    lost, where = bits_lost(forms)
    print_table(rates, forms, lost, bandwidth())
    print(f"bits lost: per token, {where}")
    print_pairs(rates, options.samples)
    options.figure.parent.mkdir(parents=True, exist_ok=True)
    print(f"figure: {draw(rates).save(options.figure)}")


if __name__ == "__main__":
    main()
