"""Trainings as processes: killed and resumed, and two that share the work."""

from __future__ import annotations

import json
import os
import textwrap
import time
from pathlib import Path

import pytest
import torch
from soak_resume import fingerprint, finish, start

from utils.llm.gpt.model import GPT
from utils.llm.training import launch
from utils.llm.training.snapshots import load_snapshot

ROOT = Path(__file__).resolve().parents[3]
POSIX = pytest.mark.skipif(os.name != "posix", reason="no kill -9")

SHARED = textwrap.dedent("""
    import json, torch
    from utils.llm.training import distributed
    from utils.llm.gpt import GPT, GPTConfig
    from utils.llm.training import TrainConfig, train

    out, kind = {out!r}, {kind!r}
    ids = torch.randint(0, 20, (600,), generator=torch.Generator().manual_seed(0))
    with distributed.process_group("cpu"):
        team = distributed.team()
        torch.manual_seed(0)
        model = GPT(GPTConfig(20, 8, 2, 2, 16))
        if kind == "fsdp":
            distributed.shard(model)
        config = TrainConfig(
            steps=6, batch_size=8, accumulation=2, learning_rate=1e-2, evaluate_every=3,
            snapshot_every=3,
        )
        heard = []
        snapshot = f"{{out}}.{{kind}}.pt"
        history = train(model, ids, ids[:90], config, [lambda r: heard.append(r.step)],
                        snapshot=snapshot)
        weights = distributed.whole_weights(model)
        found = [history.losses, history.norms, history.val_loss, heard,
                 float(sum(w.abs().sum() for w in weights.values()))]
        with open(f"{{out}}.{{kind}}.{{team.rank}}.json", "w") as file:
            json.dump(found, file)
""")


@pytest.mark.slow
def test_two_processes_are_one_with_the_same_batch(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def found(kind: str, rank: int) -> list:
        return json.loads(Path(f"{out}.{kind}.{rank}.json").read_text(encoding="utf-8"))

    launch.together(SHARED.format(out=str(out), kind="alone"), processes=1)
    expected = found("alone", 0)
    assert expected[3] == [1, 2, 3, 4, 5, 6]
    for kind in ("ddp", "fsdp"):
        launch.together(SHARED.format(out=str(out), kind=kind), processes=2)
        for rank in (0, 1):
            losses, norms, val_loss, heard, total = found(kind, rank)
            assert losses == pytest.approx(expected[0], abs=1e-4)
            assert norms == pytest.approx(expected[1], abs=1e-4)
            assert val_loss == pytest.approx(expected[2], abs=1e-4)
            assert total == pytest.approx(expected[4], rel=1e-3)
            assert heard == (expected[3] if rank == 0 else []), "one of them speaks"
        weights = load_snapshot(f"{out}.{kind}.pt")["model"]
        alone = load_snapshot(f"{out}.alone.pt")["model"]
        assert weights.keys() == alone.keys()
        for name, weight in weights.items():
            if not name.endswith("qkv.bias"):  # that of the keys has no gradient but noise
                torch.testing.assert_close(weight, alone[name], rtol=1e-3, atol=1e-4)


@POSIX
@pytest.mark.slow
def test_a_killed_training_resumes_to_the_same_weights(tmp_path: Path) -> None:
    straight, struck = tmp_path / "straight", tmp_path / "struck"
    first = start(straight)
    child = start(struck)
    deadline = time.monotonic() + 120
    while not (struck / "snapshot.pt").exists() and child.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(0.05)
    child.kill()
    child.communicate()
    assert not (struck / "model.safetensors").exists()
    done = len(load_snapshot(struck / "snapshot.pt")["history"]["losses"])
    assert 2 <= done < 40
    finish(start(struck))
    finish(first)
    assert fingerprint(struck) == fingerprint(straight)
    for folder in (straight, struck):
        rows = (folder / "log.csv").read_text(encoding="utf-8").splitlines()
        assert len(rows) == 41
    assert GPT.load(struck / "model.safetensors").tokenizer == "stories"
