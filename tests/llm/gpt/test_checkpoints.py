"""Models on disk: what comes back, and what a file that is not one of ours says."""

import json
import pickle
import struct
import subprocess
import sys

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from utils.llm.gpt import checkpoints
from utils.llm.gpt.model import GPT, GPTConfig

SIZES = {"vocab_size": 13, "context_length": 9, "n_layers": 2, "n_heads": 2, "d_model": 8}
IDS = torch.arange(9).remainder(13)[None]


def build(**changes):
    torch.manual_seed(0)
    return GPT(GPTConfig(**{**SIZES, **changes})).eval()


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    build().save(path, tokenizer="words")
    return path


def rewrite(path, config=None, tensors=None, **metadata):
    """The file with some of its content replaced."""
    with safe_open(path, framework="pt") as file:
        described = json.loads(file.metadata()[checkpoints.KEY])
    described["config"].update(config or {})
    save_file(
        {**load_file(path), **(tensors or {})}, path, {checkpoints.KEY: json.dumps(described)}
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tied": False, "dropout": 0.2},
        {"norm": "dyt", "positions": "rotary"},
        {"norm": "rmsnorm", "norm_position": "post", "bias": False},
        {"norm": "none", "positions": "none", "activation": "relu", "norm_eps": 1e-3},
    ],
    ids=str,
)
def test_what_is_saved_comes_back(tmp_path, changes):
    model = build(**changes)
    model.save(tmp_path / "new" / "model", tokenizer="my words")
    back = GPT.load(tmp_path / "new" / "model")
    assert back.config == model.config
    assert back.tokenizer == "my words"
    assert not back.training
    torch.testing.assert_close(back(IDS), model(IDS))
    assert back.num_parameters() == model.num_parameters()
    for name, weights in model.named_parameters():
        same = back.get_parameter(name)
        assert torch.equal(weights, same)
        assert same.requires_grad
    assert (back.head.weight is back.token_embedding.weight) == model.config.tied


def test_a_loaded_model_learns_and_is_saved_again(saved):
    model = GPT.load(str(saved)).train()
    model(IDS).logsumexp(-1).sum().backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    model.save(saved)  # into the very file it came from
    back = GPT.load(saved)
    torch.testing.assert_close(back(IDS), model.eval()(IDS))
    assert not torch.allclose(back(IDS), build()(IDS), atol=1e-3)
    assert back.tokenizer == "words"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_the_bytes_load_as_float32(tmp_path, dtype):
    model = build()
    model.save(tmp_path / "whole")
    model.save(tmp_path / "half", dtype=dtype)
    assert {w.dtype for w in load_file(tmp_path / "half").values()} == {dtype}
    back = GPT.load(tmp_path / "half")
    for name, weights in model.named_parameters():
        assert torch.equal(back.get_parameter(name), weights.to(dtype).float())
    sizes = [(tmp_path / name).stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.7 * sizes[1]


def test_a_file_of_equal_models_is_equal(tmp_path, saved):
    build().save(tmp_path / "again", tokenizer="words")
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()


def test_dtypes_that_would_lose_numbers(tmp_path):
    model = build()
    with pytest.raises(ValueError, match=r"dtype is torch\.int8: give one of torch\.float32"):
        model.save(tmp_path / "model", dtype=torch.int8)
    with torch.no_grad():
        model.head.weight[0, 0] = 1e6
    with pytest.raises(ValueError, match=r"token_embedding\.weight has numbers too large .*bfloat"):
        model.save(tmp_path / "model", dtype=torch.float16)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_save_leaves_what_was_there(saved, monkeypatch):
    before = saved.read_bytes()

    def interrupted(tensors, path, metadata):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "save_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(n_layers=1).save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_shipped_name(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
    with pytest.raises(FileNotFoundError, match="which has none yet"):
        GPT.load("nobody")
    build().save(tmp_path / "somebody.safetensors")
    assert checkpoints.shipped() == ["somebody"]
    assert GPT.load("somebody").config == build().config
    with pytest.raises(FileNotFoundError, match=r"no file nobody, .*'somebody'"):
        GPT.load("nobody")


def test_every_shipped_model_opens():
    for name in checkpoints.shipped():
        assert GPT.load(name)(torch.zeros(1, 3, dtype=torch.long)).isfinite().all()


def test_folders(tmp_path):
    with pytest.raises(ValueError, match=r"is a folder: .*GPT\.from_hf"):
        GPT.load(tmp_path)
    with pytest.raises(ValueError, match="is a folder: give the path of a file"):
        build().save(tmp_path)


def test_a_file_cut_anywhere(saved):
    whole = saved.read_bytes()
    (header,) = struct.unpack("<Q", whole[:8])
    for length in [9, 8 + header // 2, 8 + header, len(whole) // 2, len(whole) - 1]:
        saved.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"is cut or damaged .*bytes"):
            GPT.load(saved)
    for length in [0, 5, 8]:
        saved.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"not a safetensors file"):
            GPT.load(saved)


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("write", ["pickle", "torch"])
def test_files_that_hold_programs_are_not_run(tmp_path, write):
    path, proof = tmp_path / "model.pt", tmp_path / "proof"
    if write == "torch":
        torch.save({"weights": Bomb(proof)}, path)
    else:
        path.write_bytes(pickle.dumps(Bomb(proof)))
    with pytest.raises(ValueError, match=r"not a safetensors file.*\.pt and \.bin"):
        GPT.load(path)
    assert not proof.exists()


def test_a_safetensors_file_of_others(tmp_path):
    save_file({"weight": torch.ones(3)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"GPT\.save did not write it.*GPT\.from_hf"):
        GPT.load(tmp_path / "model.safetensors")
    for described in ("", "[]", "{}", '{"config": 3, "tokenizer": ""}'):
        metadata = {checkpoints.KEY: described}
        save_file({"weight": torch.ones(3)}, tmp_path / "model.safetensors", metadata)
        with pytest.raises(ValueError, match=r"GPT\.save did not write it"):
            GPT.load(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ({"n_layers": 3}, "describes [0-9,]+ parameters, and there are [0-9,]+"),
        ({"n_layers": 10**9, "d_model": 2 * 10**6}, "parameters, and there are"),
        ({"vocab_size": 9, "context_length": 13}, "position_embedding.weight has the shape"),
        ({"n_heads": 3}, "configuration is not valid. d_model is 8 and n_heads 3"),
        ({"norm": "other"}, "configuration is not valid. norm is 'other'"),
        ({"colour": "blue"}, "configuration is not valid. .*colour"),
        ({"d_model": "8"}, "configuration is not valid. d_model is '8'"),
    ],
    ids=str,
)
def test_a_configuration_that_does_not_fit(saved, config, match):
    rewrite(saved, config)
    with pytest.raises(ValueError, match=match):
        GPT.load(saved)


def test_weights_that_do_not_fit(saved):
    tensors = load_file(saved)
    name = "blocks.1.norm_2.bias"
    rewrite(saved, tensors={name: tensors[name].reshape(2, 4)})
    with pytest.raises(ValueError, match=rf"{name} has the shape \(2, 4\), and \(8,\)"):
        GPT.load(saved)
    rewrite(saved, tensors={name: torch.ones(8, dtype=torch.long)})
    with pytest.raises(ValueError, match=rf"{name} is torch\.int64"):
        GPT.load(saved)
    renamed = {("x" if key == name else key): tensor for key, tensor in tensors.items()}
    with pytest.raises(ValueError, match=rf"without {name} and with x, .*1 missing, 1 too many"):
        checkpoints.check_tensors(renamed, tensors, "here")


@pytest.mark.slow
def test_opening_one_does_not_load_the_compiler() -> None:
    """It takes PyTorch a second, and numbers drawn for a tensor without any would ask for it."""
    program = "import sys; from utils.llm.gpt import GPT; GPT.load('stories'); "
    program += "sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_a_skeleton_has_every_shape_and_no_number() -> None:
    config = GPTConfig(10, 8, n_layers=1, n_heads=2, d_model=4)
    bare, filled = GPT.skeleton(config), GPT(config)
    assert {n: t.shape for n, t in bare.state_dict().items()} == {
        n: t.shape for n, t in filled.state_dict().items()
    }
    assert {t.device.type for t in bare.parameters()} == {"meta"}
