"""Schedule, optimiser, batches, evaluation, precision and callbacks, each against an oracle."""

import csv
import math
import sys

import numpy as np
import pytest
import torch
from torch import nn

from utils.llm.attention import heads as attention
from utils.llm.attention.heads import MultiHeadAttention
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.machine import precision
from utils.llm.machine.precision import bfloat16_pays, choose_precision
from utils.llm.training.batches import RandomWindows, open_tokens, write_tokens
from utils.llm.training.callbacks import (
    CSVLog,
    Progress,
    Report,
    TensorBoard,
    TimeLimit,
    as_callback,
    time_left,
)
from utils.llm.training.config import History, StopTraining, TrainConfig
from utils.llm.training.evaluation import evaluate
from utils.llm.training.optimizer import (
    adamw_step,
    clip_by_global_norm,
    make_adamw,
    parameter_groups,
)
from utils.llm.training.schedule import cosine_with_warm_up


def small(**changes):
    torch.manual_seed(0)
    sizes = {"vocab_size": 20, "context_length": 8, "n_layers": 1, "n_heads": 2, "d_model": 16}
    return GPT(GPTConfig(**sizes | changes)).eval()


def ids(n=500, seed=0):
    return torch.randint(0, 20, (n,), generator=torch.Generator().manual_seed(seed))


class TestSchedule:
    def test_it_climbs_in_a_line_then_follows_torchs_cosine(self):
        steps, warm_up, peak, low = 50, 10, 3e-3, 1e-4
        rates = [cosine_with_warm_up(i, steps, peak, warm_up, low) for i in range(steps + 1)]
        assert rates[:warm_up] == pytest.approx([peak * (i + 1) / warm_up for i in range(warm_up)])
        dummy = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=peak)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(dummy, steps - warm_up, eta_min=low)
        for rate in rates[warm_up:]:
            assert rate == pytest.approx(cosine.get_last_lr()[0])
            dummy.step()
            cosine.step()

    def test_edges(self):
        assert cosine_with_warm_up(0, 10, 1.0) == 1.0
        assert cosine_with_warm_up(99, 10, 1.0, 2, 0.1) == pytest.approx(0.1)
        assert cosine_with_warm_up(3, 4, 1.0, warm_up=4) == 1.0
        with pytest.raises(ValueError, match="warm_up 5, steps 4"):
            cosine_with_warm_up(0, 4, 1.0, warm_up=5)


class TestOptimizer:
    def test_by_hand_is_torchs(self):
        generator = torch.Generator().manual_seed(0)
        gradients = torch.randn(5, 4, 3, generator=generator, dtype=torch.float64)
        start = torch.randn(4, 3, generator=generator, dtype=torch.float64)
        theirs = nn.Parameter(start.clone())
        options = {"betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.3}
        optimizer = torch.optim.AdamW([theirs], lr=0.1, **options)
        ours, mean, square = start, torch.zeros_like(start), torch.zeros_like(start)
        for step, gradient in enumerate(gradients, 1):
            theirs.grad = gradient.clone()
            optimizer.step()
            given = (ours.clone(), mean.clone(), square.clone())
            old = (ours, mean, square)
            ours, mean, square = adamw_step(
                ours, gradient, mean, square, step, learning_rate=0.1, **options
            )
            assert all(torch.equal(a, b) for a, b in zip(old, given, strict=True))
            torch.testing.assert_close(ours, theirs.detach())
        with pytest.raises(ValueError, match="from 1"):
            adamw_step(ours, ours, mean, square, 0, learning_rate=0.1)

    @pytest.mark.parametrize("limit", [0.1, 3.0, 1e6])
    def test_clipping_is_torchs(self, limit):
        gradients = [torch.randn(3, 4), torch.randn(7), torch.randn(2, 2, 2) * 10]
        clipped, norm = clip_by_global_norm(gradients, limit)
        parameters = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.clone()
        torch.testing.assert_close(norm, nn.utils.clip_grad_norm_(parameters, limit))
        for ours, parameter in zip(clipped, parameters, strict=True):
            torch.testing.assert_close(ours, parameter.grad)

    def test_nothing_to_clip(self):
        assert clip_by_global_norm([torch.zeros(3)], 1.0)[0][0].tolist() == [0, 0, 0]
        with pytest.raises(ValueError, match="no gradients"):
            clip_by_global_norm([], 1.0)
        with pytest.raises(ValueError, match="max_norm is 0"):
            clip_by_global_norm([torch.ones(1)], 0)

    def test_matrices_decay_and_vectors_do_not(self):
        model = small()
        model.blocks[0].feed_forward.up.weight.requires_grad_(False)
        decaying, resting = parameter_groups(model, 0.1)
        assert (decaying["weight_decay"], resting["weight_decay"]) == (0.1, 0.0)
        assert all(p.ndim == 2 for p in decaying["params"])
        assert all(p.ndim == 1 for p in resting["params"])
        found = {id(p) for p in decaying["params"] + resting["params"]}
        assert found == {id(p) for p in model.parameters() if p.requires_grad}

    def test_a_vector_without_gradient_stays_and_a_matrix_shrinks(self):
        model = nn.Linear(3, 2)
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        optimizer = make_adamw(parameter_groups(model, 0.5), 0.1, (0.9, 0.95))
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        torch.testing.assert_close(model.weight.detach(), before["weight"] * (1 - 0.1 * 0.5))
        assert torch.equal(model.bias, before["bias"])


class TestWindows:
    def test_targets_are_the_next_tokens_and_every_place_comes(self):
        windows = RandomWindows(torch.arange(12), 4, seed=3)
        seen = set()
        for step in range(40):
            inputs, targets = windows.batch(step, 5)
            assert inputs.shape == targets.shape == (5, 4)
            assert inputs.dtype == torch.int64
            assert torch.equal(targets, inputs + 1)
            seen |= set(inputs[:, 0].tolist())
        assert seen == set(range(8))

    def test_a_step_is_its_seed_and_number_alone(self):
        first, again = (RandomWindows(ids(), 8, seed=5) for _ in range(2))
        again.batch(0, 3)
        assert torch.equal(first.batch(7, 4)[0], again.batch(7, 4)[0])
        assert not torch.equal(first.batch(7, 4)[0], first.batch(8, 4)[0])
        other = RandomWindows(ids(), 8, seed=6)
        assert not torch.equal(first.batch(7, 4)[0], other.batch(7, 4)[0])

    def test_windows_can_begin_at_a_token_only(self):
        row = ids()
        inputs, _ = RandomWindows(row, 8, start_token=4).batch(0, 64)
        assert (inputs[:, 0] == 4).all()
        with pytest.raises(ValueError, match="Token 99 stands nowhere"):
            RandomWindows(row, 8, start_token=99)

    def test_a_corpus_shorter_than_the_context(self):
        with pytest.raises(ValueError, match=r"has 8 tokens, .* context of 8 needs 9"):
            RandomWindows(ids(8), 8)
        assert RandomWindows(ids(9), 8).batch(0, 2)[0].shape == (2, 8)

    def test_files_hold_what_was_written_and_are_mapped(self, tmp_path):
        path = tmp_path / "ids.npy"
        pieces = (ids(n, seed=n) for n in (3, 0, 70))
        assert write_tokens(path, pieces, 20) == 73
        mapped = open_tokens(path)
        assert isinstance(mapped, np.memmap)
        assert mapped.dtype == np.uint16
        expected = torch.cat([ids(3, seed=3), ids(70, seed=70)])
        assert mapped.tolist() == expected.tolist()
        in_memory, on_disk = RandomWindows(expected, 8), RandomWindows(mapped, 8)
        assert torch.equal(in_memory.batch(2, 5)[1], on_disk.batch(2, 5)[1])
        write_tokens(path, [[70_000]], 70_001)
        assert open_tokens(path).tolist() == [70_000]

    def test_a_failed_write_leaves_the_file_before(self, tmp_path):
        path = tmp_path / "ids.npy"
        write_tokens(path, [[1, 2]], 20)
        with pytest.raises(ValueError, match="vocab_size is 20"):
            write_tokens(path, [[3], [20]], 20)
        assert open_tokens(path).tolist() == [1, 2]
        assert [p.name for p in tmp_path.iterdir()] == ["ids.npy"]
        path.write_bytes(path.read_bytes()[:40])
        with pytest.raises(ValueError, match="no token file"):
            open_tokens(path)


class TestEvaluate:
    def reference(self, model, row, context):
        """One window at a time, one token at a time."""
        losses = []
        for start in range(0, len(row) - 1, context):
            window = row[start : start + context + 1]
            logits = model(window[None, :-1])[0]
            losses += [-logits[i].log_softmax(-1)[window[i + 1]] for i in range(len(window) - 1)]
        return losses

    @torch.no_grad()
    def test_every_token_but_the_first_counts_once(self):
        model, row = small(dropout=0.5).train(), ids(45)
        got = evaluate(model, row, batch_size=3)
        assert model.training
        expected = self.reference(model.eval(), row, 8)
        assert len(expected) == 44
        assert got == pytest.approx(float(torch.stack(expected).mean()), rel=1e-5)

    @torch.no_grad()
    def test_stories_are_read_from_their_beginnings(self):
        model = small()
        stories = [[0, 3, 4, 5], [0, 6], [0, *range(1, 14)], [0]]
        row = torch.tensor([token for story in stories for token in story])
        expected = []
        for story, after in zip(stories, stories[1:], strict=False):
            expected += self.reference(model, torch.tensor([*story, after[0]]), 8)
        got = evaluate(model, row, start_token=0, batch_size=2)
        assert got == pytest.approx(float(torch.stack(expected).mean()), rel=1e-5)

    def test_some_windows_are_always_the_same_ones(self):
        model, row = small(), ids(400)
        assert evaluate(model, row, max_windows=5) == evaluate(model, row, max_windows=5)
        assert evaluate(model, row, max_windows=5) != evaluate(model, row)
        assert evaluate(model, row, max_windows=1000) == evaluate(model, row)
        with pytest.raises(ValueError, match="1 tokens hold nothing"):
            evaluate(model, row[:1])
        with pytest.raises(ValueError, match=r"Linear has no config\.context_length"):
            evaluate(nn.Linear(2, 2), row)


class TestPrecision:
    def test_auto_asks_the_processor(self, monkeypatch):
        narrow, wide = torch.bfloat16, torch.float32
        cases = [(True, 0.5, narrow), (True, 2.0, wide), (False, 0.5, wide)]
        for has, times, dtype in cases:  # some have the instructions at half of float32's rate
            seconds = {wide: 1.0, narrow: times}.get
            monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda has=has: has)
            monkeypatch.setattr(precision, "_seconds_of_a_product", seconds)
            precision._cpu_multiplies_bfloat16_faster.cache_clear()
            assert bfloat16_pays("cpu") is has
            assert choose_precision("auto", "cpu") == dtype
        precision._cpu_multiplies_bfloat16_faster.cache_clear()
        assert choose_precision("float32") == torch.float32
        assert not bfloat16_pays("mps")
        with pytest.raises(ValueError, match="'half'"):
            choose_precision("half")

    def test_explicit_attention_in_bfloat16_on_a_cpu_with_it(self, monkeypatch):
        monkeypatch.setattr(attention, "bfloat16_pays", lambda device: True)
        made, x = MultiHeadAttention(12, 3).eval(), torch.randn(2, 7, 12)
        calls = []
        explicit = attention.scaled_dot_product_attention

        def counted(*args, **options):
            calls.append(args[0].dtype)
            return explicit(*args, **options)

        monkeypatch.setattr(attention, "scaled_dot_product_attention", counted)
        plain = made(x)
        assert calls == []
        with torch.autocast("cpu", torch.bfloat16):
            lowered = made(x)
            assert calls == [torch.bfloat16]
            torch.testing.assert_close(lowered.float(), plain, rtol=0.05, atol=0.05)
            monkeypatch.setattr(attention, "LONGEST_EXPLICIT", 6)
            torch.testing.assert_close(made(x).float(), lowered.float(), rtol=0.05, atol=0.05)
        assert len(calls) == 1


class TestConfig:
    @pytest.mark.parametrize(
        ("bad", "said"),
        [
            ({"steps": 0}, "steps is 0"),
            ({"batch_size": 2.5}, "batch_size is 2.5"),
            ({"batch_size": 10, "accumulation": 4}, "4 equal parts"),
            ({"warm_up": 11}, "warm_up is 11; it must be from 0 to steps, 10"),
            ({"learning_rate": math.nan}, "learning_rate is nan"),
            ({"min_rate": 1.0}, "min_rate is 1.0"),
            ({"betas": (0.9, 1.0)}, "betas"),
            ({"clip": 0}, "clip is 0"),
            ({"precision": "float16"}, "precision is 'float16'"),
            ({"seed": -1}, "seed is -1"),
            ({"evaluate_windows": 0}, "evaluate_windows is 0"),
        ],
    )
    def test_a_bad_setting_is_named(self, bad, said):
        with pytest.raises(ValueError, match=said):
            TrainConfig(**{"steps": 10} | bad)

    def test_when_it_evaluates(self):
        every = TrainConfig(steps=10, evaluate_every=4)
        assert [n for n in range(1, 11) if every.evaluates_after(n)] == [4, 8, 10]
        named = TrainConfig(steps=10, evaluate_every=[1, 2, 5])
        assert [n for n in range(1, 11) if named.evaluates_after(n)] == [1, 2, 5, 10]
        assert TrainConfig(steps=10, evaluate_every=0).evaluates_after(10)
        assert TrainConfig(steps=5000).warm_up == 100
        assert TrainConfig(steps=50).warm_up == 5


class TestCallbacks:
    def report(self, steps, total=20, val_loss=None):
        history = History([2.0] * steps, [0.1] * steps, [1.0] * steps)
        history.tokens, history.seconds = 32 * steps, 0.1 * steps
        if val_loss is not None:
            history.steps, history.val_loss = [steps], [val_loss]
        return Report(small(), TrainConfig(steps=total), history, val_loss)

    def test_the_line_of_progress(self, capsys):
        progress = Progress(lines=2)
        progress.on_start(self.report(0))
        for step in range(1, 21):
            progress.on_step(self.report(step, val_loss=1.5 if step == 10 else None))
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 3
        assert lines[1] == "step 10 of 20 · 2.000 nats · validation 1.500 · 320 tokens/s · 1 s left"

    def test_the_table_can_be_resumed_without_a_gap_or_a_double(self, tmp_path):
        path = tmp_path / "log.csv"
        log = CSVLog(path, every=2)
        log.on_start(self.report(0))
        for step in range(1, 8):
            log.on_step(self.report(step))
        again = CSVLog(path, every=5)  # killed at 7, goes on from 4
        again.on_start(self.report(4))
        for step in range(5, 10):
            again.on_step(self.report(step, val_loss=1.25 if step == 6 else None))
        again.on_end(self.report(9))
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [int(row["step"]) for row in rows] == list(range(1, 10))
        assert [row["val_loss"] for row in rows][5] == "1.25"
        assert float(rows[0]["loss"]) == 2.0

    def test_a_missing_tensorboard_is_told_with_its_remedy(self, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
        with pytest.raises(ImportError, match="pip install tensorboard"):
            TensorBoard(tmp_path)

    def test_limits_and_kinds(self):
        with pytest.raises(StopTraining, match="2 s"):
            TimeLimit(2).on_step(self.report(20))
        TimeLimit(2.1).on_step(self.report(20))
        with pytest.raises(TypeError, match="no callback"):
            as_callback(Progress)
        with pytest.raises(TypeError, match="no callback"):
            as_callback(3)
        assert time_left(59.4) == "59 s"
