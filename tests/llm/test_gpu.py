"""Training and writing where the model is: on a graphics card if there is one, else on the CPU."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from utils.data.storyworld.tokens import END_ID
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.sampling.loop import Sampler, generate
from utils.llm.training.loop import TrainConfig, train
from utils.llm.training.speed import matmul_peak

pytestmark = pytest.mark.gpu
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
IDS = torch.arange(2000) * 7 % 50


def trained(device: str, **settings) -> tuple[GPT, list[float]]:
    torch.manual_seed(0)
    model = GPT(GPTConfig(50, 16, 1, 2, 32)).to(device)
    settings = {"steps": 20, "batch_size": 8, "learning_rate": 1e-2, **settings}
    return model, train(model, IDS, IDS[:200], TrainConfig(**settings)).losses


def test_the_same_losses_as_on_the_cpu() -> None:
    expected, got = (trained(d, precision="float32", steps=6)[1] for d in ("cpu", DEVICE))
    assert got == pytest.approx(expected, abs=2e-2)


def test_bfloat16_learns_as_well() -> None:
    losses = trained(DEVICE, precision="bfloat16")[1]
    assert losses[-1] < 0.7 * math.log(50)


@pytest.mark.skipif(DEVICE == "cpu", reason="compiled elsewhere, and slow to compile")
def test_compiled_learns_as_well() -> None:
    losses = trained(DEVICE, precision="bfloat16", compile=True)[1]
    assert losses[-1] < 0.7 * math.log(50)


def test_a_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    straight, losses = trained(DEVICE, precision="float32", steps=6)
    torch.manual_seed(1)
    other = GPT(straight.config).to(DEVICE)
    file = tmp_path / "snapshot.pt"
    torch.manual_seed(0)
    first = GPT(straight.config).to(DEVICE)

    def stop(report) -> None:
        if report.step == 3:
            raise KeyError("the power is gone")

    config = TrainConfig(
        steps=6, batch_size=8, learning_rate=1e-2, precision="float32", snapshot_every=2
    )
    with pytest.raises(KeyError):
        train(first, IDS, None, config, [stop], snapshot=file)
    history = train(other, IDS, None, config, snapshot=file, resume=True)
    assert history.losses == pytest.approx(losses, abs=1e-3)
    assert next(other.parameters()).device.type == DEVICE


def test_saved_from_the_device_and_opened_on_the_cpu(tmp_path: Path) -> None:
    model, _ = trained(DEVICE, steps=2)
    model.save(tmp_path / "model.safetensors")
    opened = GPT.load(tmp_path / "model.safetensors")
    for a, b in zip(model.parameters(), opened.parameters(), strict=True):
        assert torch.equal(a.cpu(), b)


def test_what_it_writes_is_likeliest_by_the_cpu_too() -> None:
    here, there = GPT.load("stories").eval(), GPT.load("stories").eval().to(DEVICE)
    start = torch.tensor([END_ID])
    written = torch.stack(list(generate(there, start.to(DEVICE), 24)))[:, 0].cpu()
    with torch.no_grad():
        logits = here(torch.cat([start, written])[None, :-1])[0]  # (T, V)
    chosen = logits.gather(1, written[:, None])[:, 0]
    assert (logits.max(1).values - chosen).max() < 1e-2


def test_a_seed_writes_the_same_again_and_rows_differ() -> None:
    model = GPT.load("stories").eval().to(DEVICE)
    start = torch.tensor([END_ID], device=DEVICE)
    twice = [
        torch.stack(list(generate(model, start, 12, Sampler(), seed=3, n_samples=16)))
        for _ in range(2)
    ]
    assert torch.equal(*twice)
    assert len({tuple(row) for row in twice[0].T.tolist()}) > 8


def test_the_peak_is_a_number_of_operations() -> None:
    assert matmul_peak(DEVICE, seconds=0.01, size=64) > 0
