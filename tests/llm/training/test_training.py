"""The training loop: what it computes, what repeats, and how it takes what goes wrong."""

import contextlib
import errno
import math
import os
import random
import signal

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.training import snapshots
from utils.llm.training.batches import RandomWindows
from utils.llm.training.callbacks import Callback, CSVLog
from utils.llm.training.loop import StopTraining, TrainConfig, TrainingError, evaluate, train
from utils.llm.training.snapshots import SnapshotError, load_snapshot, replacing

IDS = torch.randint(0, 20, (600,), generator=torch.Generator().manual_seed(0))
VAL = torch.randint(0, 20, (90,), generator=torch.Generator().manual_seed(1))


def small(**changes):
    torch.manual_seed(0)
    sizes = {"vocab_size": 20, "context_length": 8, "n_layers": 1, "n_heads": 2, "d_model": 16}
    return GPT(GPTConfig(**sizes | changes))


def settings(**changes):
    usual = {"steps": 6, "batch_size": 8, "learning_rate": 1e-2, "evaluate_every": 3}
    return TrainConfig(**usual | changes)


def same(first, second):
    pairs = zip(first.state_dict().items(), second.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def stop_at(step):
    def stop(report):
        if report.step == step:
            raise StopTraining("enough")

    return stop


def close(first, second):
    for (name, x), y in zip(first.named_parameters(), second.parameters(), strict=True):
        if name.endswith("qkv.bias"):  # that of the keys has no gradient but noise: Adam's chance
            (x, _, z), (y, _, w) = x.chunk(3), y.chunk(3)
            x, y = torch.cat([x, z]), torch.cat([y, w])
        torch.testing.assert_close(x, y, rtol=1e-4, atol=1e-5)


def test_it_is_the_loop_one_would_write():
    config = settings(warm_up=2, weight_decay=0.2, clip=0.5)
    model, ours = small(), small()
    matrices = [p for p in model.parameters() if p.ndim == 2]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.2}, {"params": vectors, "weight_decay": 0.0}],
        betas=config.betas,
    )
    losses = []
    for step in range(config.steps):
        inputs, targets = RandomWindows(IDS, 8).batch(step, 8)
        loss = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        for group in optimizer.param_groups:
            group["lr"] = config.rate(step)
        optimizer.step()
        losses.append(loss.item())
    history = train(ours, IDS, VAL, config)
    close(ours, model)
    assert history.losses == pytest.approx(losses, rel=1e-5)
    assert history.steps == [3, 6]
    assert history.train_loss == pytest.approx([sum(losses[:3]) / 3, sum(losses[3:]) / 3])
    assert history.val_loss[-1] == pytest.approx(evaluate(ours, VAL))
    assert history.rates == [config.rate(step) for step in range(6)]
    assert history.tokens == 6 * 8 * 8
    assert not ours.training


@pytest.mark.parametrize("parts", [2, 8])
def test_accumulation_changes_memory_and_not_results(parts):
    # a bias of the keys has no gradient but noise, which Adam would blow up
    whole, split = small(bias=False), small(bias=False)
    losses = train(whole, IDS, None, settings()).losses
    assert train(split, IDS, None, settings(accumulation=parts)).losses == pytest.approx(losses)
    close(split, whole)


def test_a_seed_repeats_and_the_global_random_state_is_left_alone():
    config = settings(seed=3)
    first, second, other = (small(dropout=0.3) for _ in range(3))
    torch.manual_seed(99)
    before = torch.get_rng_state()
    train(first, IDS, VAL, config)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(5)
    train(second, IDS, VAL, config)
    assert same(first, second)
    train(other, IDS, VAL, settings(seed=4))
    assert not same(first, other)


def test_bfloat16_learns_about_the_same():
    exact, lowered = small(), small()
    expected = train(exact, IDS, None, settings()).losses
    got = train(lowered, IDS, None, settings(precision="bfloat16")).losses
    assert got == pytest.approx(expected, rel=0.02)
    assert got != expected
    assert all(p.dtype == torch.float32 for p in lowered.parameters())


def test_it_learns_a_text_by_heart():
    text = torch.arange(19).repeat(20)
    history = train(small(), text, text, settings(steps=80, learning_rate=3e-2))
    assert history.val_loss[-1] < 0.1 < 2 < history.losses[0]


class TestCallbacks:
    def test_they_hear_of_every_step_in_order(self):
        heard = []

        class Ear(Callback):
            def on_start(self, report):
                heard.append(("start", report.step))

            def on_step(self, report):
                heard.append((report.step, report.val_loss is not None))

            def on_end(self, report):
                heard.append(("end", report.step))

        steps = []
        train(small(), IDS, VAL, settings(), [Ear(), lambda report: steps.append(report.loss)])
        evaluated = [(n, n in (3, 6)) for n in range(1, 7)]
        assert heard == [("start", 0), *evaluated, ("end", 6)]
        assert len(steps) == 6

    def test_one_can_stop_the_training(self, tmp_path):
        def stop(report):
            if report.step == 4:
                raise StopTraining("enough")

        path = tmp_path / "s.pt"
        history = train(small(), IDS, VAL, settings(), [stop], snapshot=path)
        assert (len(history.losses), history.stopped) == (4, "enough")
        assert len(load_snapshot(path)["history"]["losses"]) == 4


class TestResume:
    @pytest.mark.parametrize("stop_after", [1, 4])
    def test_it_reaches_the_same_weights_to_the_bit(self, tmp_path, stop_after):
        config, path = settings(snapshot_every=2), tmp_path / "s.pt"
        straight, stopped, resumed = (small(dropout=0.2) for _ in range(3))
        expected = train(straight, IDS, VAL, config)

        def stop(report):
            if report.step == stop_after:
                raise StopTraining

        train(stopped, IDS, VAL, config, [stop], snapshot=path)
        history = train(resumed, IDS, VAL, config, snapshot=path, resume=True)
        assert same(straight, resumed)
        assert history.losses == expected.losses
        # the early stop left an evaluation of its own
        assert history.val_loss[-1] == expected.val_loss[-1]
        assert history.stopped == ""

    def test_what_does_not_fit_is_told(self, tmp_path):
        path = tmp_path / "s.pt"
        train(small(), IDS, VAL, settings(), snapshot=path)
        for changes, said in [
            ({"weight_decay": 0.2}, "weight_decay was 0.1 and is 0.2"),
            ({"seed": 1}, "seed was 0 and is 1"),
            ({"steps": 5}, "of step 6 already, and steps is 5"),
        ]:
            with pytest.raises(SnapshotError, match=said):
                train(small(), IDS, VAL, settings(**changes), snapshot=path, resume=True)
        with pytest.raises(SnapshotError, match="of another run"):
            train(small(), IDS, VAL, settings(), snapshot=path, resume=True, run="b")
        other = IDS.clone()
        other[300] += 1
        with pytest.raises(SnapshotError, match="corpus is another"):
            train(small(), other, VAL, settings(), snapshot=path, resume=True)
        with pytest.raises(SnapshotError, match="do not fit this model"):
            train(small(d_model=32), IDS, VAL, settings(), snapshot=path, resume=True)
        with pytest.raises(ValueError, match="resume needs snapshot"):
            train(small(), IDS, VAL, settings(), resume=True)

    def test_it_goes_on_for_longer_and_at_another_rate(self, tmp_path):
        path = tmp_path / "s.pt"
        train(small(), IDS, VAL, settings(), snapshot=path)
        longer = settings(steps=10, learning_rate=5e-3, warm_up=8)
        history = train(small(), IDS, VAL, longer, snapshot=path, resume=True)
        assert history.rates[6:] == [longer.rate(step) for step in range(6, 10)]
        assert history.rates[:6] == [settings().rate(step) for step in range(6)]
        again = train(small(), IDS, VAL, longer, snapshot=path, resume=True)
        assert again.losses == history.losses

    def test_of_a_model_that_is_frozen_in_part_what_learns_is_kept(self, tmp_path):
        path, config = tmp_path / "s.pt", settings(steps=4)

        def partly():
            model = small()
            model.token_embedding.weight.requires_grad_(False)
            return model

        straight, resumed = partly(), partly()
        train(straight, IDS, VAL, config)
        train(partly(), IDS, VAL, config, [stop_at(2)], snapshot=path)
        assert "token_embedding.weight" not in load_snapshot(path)["model"]
        train(resumed, IDS, VAL, config, snapshot=path, resume=True)
        assert same(straight, resumed)

    def test_a_flipped_bit_is_noticed(self, tmp_path):
        path, dice = tmp_path / "s.pt", random.Random(0)
        train(small(), IDS, VAL, settings(steps=1), snapshot=path)
        whole = load_snapshot(path)
        written = bytearray(path.read_bytes())
        for _ in range(60):
            place, bit = dice.randrange(len(written)), 1 << dice.randrange(8)
            written[place] ^= bit
            path.write_bytes(written)
            written[place] ^= bit
            with contextlib.suppress(SnapshotError):
                # else it is between the parts of the zip file, where nothing is kept
                assert snapshots._digest(load_snapshot(path)) == snapshots._digest(whole)
        for part in ("model", "history"):
            snapshots.save_snapshot(path, {k: v for k, v in whole.items() if k != part})
            with pytest.raises(SnapshotError, match="damaged"):
                load_snapshot(path)

    def test_a_damaged_or_missing_snapshot_is_told(self, tmp_path):
        path = tmp_path / "s.pt"
        with pytest.raises(SnapshotError, match="no snapshot at"):
            load_snapshot(path)
        train(small(), IDS, None, settings(steps=1), snapshot=path)
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(SnapshotError, match="damaged"):
            load_snapshot(path)


class TestWhatGoesWrong:
    def test_a_loss_that_is_no_number(self, tmp_path):
        model, path = small(), tmp_path / "s.pt"

        def spoil(report):
            if report.step == 3:
                with torch.no_grad():
                    report.model.final_norm.weight[0] = math.nan

        with pytest.raises(TrainingError, match=r"loss of step 4 is nan.* of step 2, is kept") as e:
            train(model, IDS, VAL, settings(snapshot_every=2), [spoil], snapshot=path)
        assert "\n" not in str(e.value)
        assert len(load_snapshot(path)["history"]["losses"]) == 2
        assert all(torch.isfinite(w).all() for w in load_snapshot(path)["model"].values())

    def test_a_gradient_that_is_no_number_spoils_no_weight(self):
        model = small()
        model.final_norm.weight.register_hook(lambda gradient: gradient * math.nan)
        before = {name: w.clone() for name, w in model.state_dict().items()}
        with pytest.raises(TrainingError, match=r"gradient of step 1 is nan.*no checkpoint"):
            train(model, IDS, VAL, settings())
        assert all(torch.equal(w, before[name]) for name, w in model.state_dict().items())

    def test_a_full_disk_leaves_the_snapshot_before(self, tmp_path, monkeypatch):
        path, real = tmp_path / "s.pt", os.fsync

        def full(number):
            if path.exists():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(number)

        monkeypatch.setattr(snapshots.os, "fsync", full)
        with pytest.raises(TrainingError, match=r"No space left.*of step 2, is kept") as raised:
            train(small(), IDS, VAL, settings(snapshot_every=2), snapshot=path)
        assert "\n" not in str(raised.value)
        assert len(load_snapshot(path)["history"]["losses"]) == 2
        assert [p.name for p in tmp_path.iterdir()] == ["s.pt"]

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
    def test_a_write_that_fails_inside_torch_keeps_its_reason(self):
        with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123
            watched = snapshots._Watched(full)
            with pytest.raises((RuntimeError, OSError)):
                torch.save({"x": torch.zeros(10_000)}, watched)
        assert watched.error.errno == errno.ENOSPC

    def test_a_vanished_folder(self, tmp_path):
        folder = tmp_path / "run"
        folder.mkdir()

        def vanish(report):
            if report.step == 3:
                (folder / "s.pt").unlink()
                folder.rmdir()

        with pytest.raises(TrainingError, match=f"the folder {folder} is gone"):
            train(
                small(), IDS, None, settings(snapshot_every=2), [vanish], snapshot=folder / "s.pt"
            )

    def test_a_log_that_cannot_be_written(self, tmp_path):
        with pytest.raises(TrainingError, match=r"log\.csv can't be written: No such file"):
            train(small(), IDS, None, settings(), [CSVLog(tmp_path / "no" / "log.csv")])

    @pytest.mark.skipif(os.name != "posix", reason="Windows has no such signal")
    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
    @pytest.mark.usefixtures("heard")
    def test_ctrl_c_ends_after_the_step_with_a_snapshot(self, name, tmp_path, capsys):
        config, path = settings(snapshot_every=100), tmp_path / "s.pt"
        number = getattr(signal, name)
        before = signal.getsignal(number)

        def press(report):
            if report.step == 3 and not path.exists():
                os.kill(os.getpid(), number)

        model = small()
        history = train(model, IDS, VAL, config, [press], snapshot=path)
        assert history.stopped == "interrupted"
        assert len(history.losses) == 4
        assert (
            "Interrupted after 4 of 6 steps; what was learned is kept." in capsys.readouterr().out
        )
        assert signal.getsignal(number) is before
        straight, resumed = small(), small()
        train(straight, IDS, VAL, config)
        train(resumed, IDS, VAL, config, snapshot=path, resume=True)
        assert same(straight, resumed)

    @pytest.mark.skipif(os.name != "posix", reason="Windows has no such signal")
    def test_a_hang_up_that_is_ignored_stays_so(self):
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            hang_up = lambda report: os.kill(os.getpid(), signal.SIGHUP)  # noqa: E731
            assert len(train(small(), IDS, None, settings(), [hang_up]).losses) == 6
        finally:
            signal.signal(signal.SIGHUP, before)

    @pytest.mark.skipif(os.name != "posix", reason="Windows has no such signal")
    def test_a_second_ctrl_c_ends_at_once(self):
        def press(report):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            train(small(), IDS, None, settings(), [press])

    def test_a_corpus_shorter_than_the_context(self):
        with pytest.raises(ValueError, match="8 tokens, too few"):
            train(small(), IDS[:8], VAL, settings())
        with pytest.raises(ValueError, match="val_ids hold nothing"):
            train(small(), IDS, VAL[:1], settings())

    def test_compile_that_does_not_work_here(self, monkeypatch):
        def broken(model):
            def forward(ids):
                raise OSError("no C++ compiler\nin sight")

            return forward

        monkeypatch.setattr(torch, "compile", broken)
        with pytest.raises(
            TrainingError, match=r"does not work here \(OSError: no C\+\+ compiler\)"
        ):
            train(small(), IDS, None, settings(compile=True))


def test_a_file_takes_its_place_only_when_whole(tmp_path):
    path = tmp_path / "a"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(TypeError), replacing(path) as file:
        file.write("half, and then no bytes")
    assert path.read_text(encoding="utf-8") == "before"
    with replacing(path) as file:
        file.write(b"after")
    assert path.read_text(encoding="utf-8") == "after"
    assert list(tmp_path.iterdir()) == [path]
