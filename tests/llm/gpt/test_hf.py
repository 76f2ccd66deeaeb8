"""The same weights give the same numbers here and in Hugging Face's GPT-2, there and back."""

import json
import sys

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, GPT2Model

from utils.llm.gpt import hf
from utils.llm.gpt.model import GPT, PRESETS, GPTConfig

SMALL = {"vocab_size": 61, "n_positions": 16, "n_embd": 24, "n_layer": 3, "n_head": 4}
NO_IDS = {"bos_token_id": None, "eos_token_id": None}
SIZES = {"vocab_size": 13, "context_length": 9, "n_layers": 2, "n_heads": 2, "d_model": 8}


def theirs(seed=0, **options):
    """Their GPT-2 with every weight, bias and norm random and large enough to matter."""
    torch.manual_seed(seed)
    model = GPT2LMHeadModel(GPT2Config(**{**SMALL, **NO_IDS, **options})).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn_like(weights) * 0.1)
    return model


def texts(batch, n_tokens, vocab_size=61):
    return torch.randint(vocab_size, (batch, n_tokens), generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def difference(ours, their_model, ids):
    return (ours(ids) - their_model(ids).logits).abs().max().item()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_head": 1, "n_layer": 1},
        {"n_head": 6, "n_embd": 30, "vocab_size": 7},
        {"activation_function": "relu", "layer_norm_epsilon": 0.1},
        {"activation_function": "gelu_pytorch_tanh", "n_inner": 96, "attn_pdrop": 0.0},
        {"tie_word_embeddings": False, "n_inner": 50},
    ],
    ids=str,
)
@pytest.mark.parametrize(("batch", "n_tokens"), [(3, 16), (1, 1), (4, 1), (2, 5)])
def test_the_same_logits(options, batch, n_tokens):
    their_model = theirs(**options)
    ours = GPT.from_hf(their_model)
    ids = texts(batch, n_tokens, their_model.config.vocab_size)
    assert difference(ours, their_model, ids) < 1e-4


@pytest.mark.parametrize(
    "name",
    [
        "gpt2",
        *(pytest.param(f"gpt2-{s}", marks=pytest.mark.slow) for s in ("medium", "large", "xl")),
    ],
)
def test_the_same_logits_of_every_preset_at_reduced_depth(name):
    preset = PRESETS[name]
    width, heads = preset["d_model"], preset["n_heads"]
    # The real widths and head counts; fewer layers, tokens and positions, to be fast.
    their_model = theirs(vocab_size=300, n_positions=40, n_embd=width, n_head=heads, n_layer=2)
    ours = GPT.from_hf(their_model)
    smaller = {"vocab_size": 300, "context_length": 40, "n_layers": 2, "dropout": 0.1}
    assert ours.config == GPTConfig.preset(name, **smaller)
    for batch, n_tokens in [(2, 7), (2, 1), (2, 40)]:
        assert difference(ours, their_model, texts(batch, n_tokens, 300)) < 1e-4


@torch.no_grad()
def test_their_hidden_states_are_our_residual_stream():
    their_model, ids = theirs(), texts(2, 9)
    stream = GPT.from_hf(their_model).residual_stream(ids)
    hidden = their_model(ids, output_hidden_states=True).hidden_states
    for depth in range(3):  # their last one is behind the final norm
        torch.testing.assert_close(stream[depth], hidden[depth], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_their_attentions_are_our_maps():
    their_model, ids = theirs(attn_implementation="eager"), texts(2, 9)
    maps = GPT.from_hf(their_model).maps(ids)
    attentions = torch.stack(their_model(ids, output_attentions=True).attentions, dim=1)
    torch.testing.assert_close(maps, attentions, rtol=1e-4, atol=1e-6)


@torch.no_grad()
def test_they_write_the_same_text():
    their_model, ids = theirs(), texts(2, 4)
    ours, caches = GPT.from_hf(their_model), None
    expected = their_model.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=0)
    caches, written, step = ours.make_caches(2), ids, ids
    while written.shape[1] < 16:
        step = ours(step, caches=caches, last_only=True)[:, -1].argmax(-1, keepdim=True)
        written = torch.cat([written, step], dim=1)
    assert torch.equal(written, expected)


def test_gradients_are_the_same():
    their_model, ids = theirs(), texts(2, 8)
    ours = GPT.from_hf(their_model)
    ours(ids).logsumexp(-1).sum().backward()
    their_model(ids).logits.logsumexp(-1).sum().backward()
    mlp, qkv = their_model.transformer.h[1].mlp.c_fc, their_model.transformer.h[2].attn.c_attn
    close = {"rtol": 1e-3, "atol": 1e-3}
    ours_up, ours_qkv = ours.blocks[1].feed_forward.up, ours.blocks[2].attention.qkv
    torch.testing.assert_close(ours_up.weight.grad, mlp.weight.grad.T, **close)
    torch.testing.assert_close(ours_qkv.weight.grad, qkv.weight.grad.T, **close)
    wte = their_model.transformer.wte.weight.grad
    torch.testing.assert_close(ours.token_embedding.weight.grad, wte, **close)


@pytest.mark.parametrize("options", [{}, {"tie_word_embeddings": False}], ids=str)
def test_there_and_back(tmp_path, options):
    their_model, ids = theirs(**options), texts(2, 16)
    ours = GPT.from_hf(their_model)
    ours.to_hf(tmp_path / "new" / "folder")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "new" / "folder").eval()
    assert isinstance(again, GPT2LMHeadModel)
    for name, weights in their_model.state_dict().items():
        assert torch.equal(weights, again.state_dict()[name]), name
    assert difference(ours, again, ids) < 1e-4
    back = GPT.from_hf(str(tmp_path / "new" / "folder"))
    assert back.config == ours.config
    for name, weights in ours.state_dict().items():
        assert torch.equal(weights, back.state_dict()[name]), name
    shared = back.head.weight is back.token_embedding.weight
    assert shared == back.config.tied == options.get("tie_word_embeddings", True)
    assert not list((tmp_path / "new" / "folder").glob(".*"))


def test_a_folder_that_transformers_wrote(tmp_path):
    their_model = theirs()
    their_model.save_pretrained(tmp_path)
    assert difference(GPT.from_hf(tmp_path), their_model, texts(2, 16)) < 1e-4


def test_a_model_of_our_own_goes_there(tmp_path):
    torch.manual_seed(0)
    ours, ids = GPT(GPTConfig(**SIZES, bias=False, activation="relu")).eval(), texts(2, 9, 13)
    ours.to_hf(tmp_path, eos_token_id=4)
    there = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert difference(ours, there, ids) < 1e-4
    assert there.config.eos_token_id == 4


def test_a_state_dict_with_or_without_prefix_buffers_and_head():
    their_model, ids = theirs(), texts(2, 16)
    state = dict(their_model.state_dict())
    bare = {name.removeprefix("transformer."): w for name, w in state.items() if "lm" not in name}
    for block in range(3):  # as in the files of the published GPT-2
        bare[f"h.{block}.attn.bias"] = torch.ones(1, 1, 16, 16).tril()
        bare[f"h.{block}.attn.masked_bias"] = torch.tensor(-1e4)
    for given in (state, bare):
        ours = GPT.from_hf(given, n_heads=4)
        assert ours.config.tied
        assert difference(ours, their_model, ids) < 1e-4
    state["lm_head.weight"] = state["lm_head.weight"] + 1
    assert not GPT.from_hf(state, n_heads=4).config.tied
    headless = GPT2Model(GPT2Config(**SMALL, **NO_IDS)).eval()
    assert GPT.from_hf(headless).config.tied


def test_a_state_dict_of_gpt2s_width_knows_its_heads():
    state = theirs(n_embd=768, n_head=12, n_layer=1).state_dict()
    assert GPT.from_hf(state).config.n_heads == 12
    with pytest.raises(ValueError, match=r"width 24 does not tell its number of heads"):
        GPT.from_hf(theirs().state_dict())


def test_the_copy_is_a_copy():
    their_model = theirs().to(torch.bfloat16)
    before = their_model.transformer.wte.weight.clone()
    ours = GPT.from_hf(their_model)
    assert {weights.dtype for weights in ours.parameters()} == {torch.float32}
    assert all(weights.is_contiguous() for weights in ours.parameters())
    with torch.no_grad():
        for weights in ours.parameters():
            weights.add_(1)
    assert torch.equal(their_model.transformer.wte.weight, before)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"activation_function": "silu"}, "'silu'"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx=True"),
        ({"scale_attn_weights": False}, "scale_attn_weights=False"),
    ],
    ids=str,
)
def test_what_ours_can_not_do(options, match):
    with pytest.raises(ValueError, match=match):
        GPT.from_hf(theirs(**options))


def test_what_is_no_gpt2():
    with pytest.raises(ValueError, match="'bert', and only 'gpt2', 'llama', 'qwen2', 'qwen3' fit"):
        hf.config_from_hf({"model_type": "bert"})
    with pytest.raises(TypeError, match="Linear is no model of transformers"):
        GPT.from_hf(torch.nn.Linear(2, 2))
    with pytest.raises(TypeError, match="of the type int"):
        GPT.from_hf(3)
    with pytest.raises(ValueError, match=r"nothing for token_embedding\.weight"):
        GPT.from_hf({"weight": torch.ones(2, 2)})
    state = theirs().state_dict()
    del state["transformer.h.1.mlp.c_fc.bias"]
    with pytest.raises(ValueError, match=r"describes [\d,]+ parameters, and there are [\d,]+"):
        GPT.from_hf(state, n_heads=4)


@pytest.mark.parametrize(
    "changes", [{"norm": "rmsnorm"}, {"norm_position": "post"}, {"positions": "rotary"}], ids=str
)
def test_what_theirs_can_not_do(tmp_path, changes):
    ((name, value),) = changes.items()
    with pytest.raises(ValueError, match=f"{name}='{value}'"):
        GPT(GPTConfig(**SIZES, **changes)).to_hf(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_folders_that_can_not_be_read(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no config\.json"):
        GPT.from_hf(tmp_path)
    GPT(GPTConfig(**SIZES)).to_hf(tmp_path)
    with pytest.raises(ValueError, match="is a file"):
        GPT(GPTConfig(**SIZES)).to_hf(tmp_path / "config.json")
    described = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**described, "n_layer": 1}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"config\.json is damaged, or was changed"):
        GPT.from_hf(tmp_path)
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="is not JSON"):
        GPT.from_hf(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(described), encoding="utf-8")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no model\.safetensors"):
        GPT.from_hf(tmp_path)


@pytest.mark.parametrize("name", ["no/such/folder", "./gpt2", "/gpt2", "a b"])
def test_names_that_can_not_be(name):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        GPT.from_hf(name)


def test_a_name_without_a_network(monkeypatch):
    def no_network(*_):
        raise OSError("Name or service not known")

    monkeypatch.setattr(hf.socket, "getaddrinfo", no_network)
    monkeypatch.setattr(hf.urllib.request, "getproxies", dict)
    with pytest.raises(ConnectionError, match=r"'no-one/no-gpt'.*offline\?.*GPT\.load.*folder"):
        GPT.from_hf("no-one/no-gpt")


def test_a_name_without_huggingface_hub(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match="pip install huggingface_hub"):
        GPT.from_hf("gpt2")


def test_a_name_is_downloaded(monkeypatch, tmp_path):
    import huggingface_hub

    GPT(GPTConfig(**SIZES)).to_hf(tmp_path)
    asked = []

    def download(name, file):
        asked.append((name, file))
        return str(tmp_path / file)

    monkeypatch.setattr(hf.socket, "getaddrinfo", lambda *_: [])
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    assert GPT.from_hf("some/gpt").config.n_layers == 2
    assert asked == [("some/gpt", "config.json"), ("some/gpt", "model.safetensors")]


def test_a_name_that_hugging_face_does_not_have(monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError

    def download(name, file):
        raise EntryNotFoundError("404")

    monkeypatch.setattr(hf.socket, "getaddrinfo", lambda *_: [])
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    with pytest.raises(FileNotFoundError, match=r"shows no model 'some/bert' with a file config"):
        GPT.from_hf("some/bert")
