"""Files that are damaged, changed or written by somebody else: loaded as written, or refused."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import soak_flips
import torch
from safetensors.torch import load_file, save_file

from utils.llm.gpt import checkpoints
from utils.llm.gpt.model import GPT, GPTConfig


@pytest.mark.parametrize("kind", soak_flips.KINDS)
def test_no_flipped_bit_is_silent(kind: str, tmp_path: Path) -> None:
    assert soak_flips.silent(kind, 60, tmp_path, seed=1) == []


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    soak_flips.model().save(path, tokenizer="words")
    return path


def rewritten(path: Path, config: Any, **tensors: torch.Tensor) -> None:
    """As another program would: without a checksum."""
    described = config if isinstance(config, str) else json.dumps(config)
    save_file({**load_file(path), **tensors}, path, {checkpoints.KEY: described})


def test_without_a_checksum_a_file_still_loads(saved: Path) -> None:
    assert checkpoints.has_checksum(saved)
    config = {"config": soak_flips.model().config.to_dict(), "tokenizer": "words"}
    rewritten(saved, config)
    assert not checkpoints.has_checksum(saved)
    assert GPT.load(saved).tokenizer == "words"


def test_what_comes_with_the_course_has_checksums() -> None:
    for name in checkpoints.shipped():
        assert checkpoints.has_checksum(checkpoints.find(name)), name


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_refused(saved: Path, value: float) -> None:
    model = soak_flips.model()
    with torch.no_grad():
        model.final_norm.weight[3] = value
    model.save(saved)
    with pytest.raises(ValueError, match=r"final_norm\.weight holds infinities .*, 1 of 8"):
        GPT.load(saved)


def test_large_numbers_are_numbers(saved: Path) -> None:
    model = soak_flips.model()
    with torch.no_grad():
        model.final_norm.weight.fill_(3e38)  # their sum is infinite
    model.save(saved)
    assert GPT.load(saved).final_norm.weight[0] == model.final_norm.weight[0]


DEEP = "[" * 5000 + "]" * 5000
STRANGE = [None, [], {}, "x", -1, 0, 1.5, True, 10**30, float("nan"), [[]], {"a": None}]


@pytest.mark.parametrize("described", ["null", "[]", "3", '"x"', "{}", DEEP, '{"config": null}'])
def test_a_strange_description_is_refused(saved: Path, described: str) -> None:
    rewritten(saved, described)
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        GPT.load(saved)
    rewritten(saved, f'{{"config": {described}, "tokenizer": "a"}}')
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        GPT.load(saved)


FIELDS = list(GPTConfig.__dataclass_fields__)


@pytest.mark.parametrize("field", [*(name for name in FIELDS if name != "_"), "unknown"])
def test_a_strange_field_is_refused_or_taken(saved: Path, field: str) -> None:
    config = soak_flips.model().config.to_dict()
    for value in STRANGE:
        rewritten(saved, {"config": config | {field: value}, "tokenizer": "a"})
        try:
            model = GPT.load(saved)
        except ValueError:
            continue
        assert getattr(model.config, field) is not None or value is None


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_file_beside_weights_that_was_changed_is_named(tmp_path: Path, name: str) -> None:
    _, read = soak_flips.exported(tmp_path)
    path = tmp_path / "exported" / name
    content = path.read_text(encoding="utf-8")
    path.write_text(json.dumps(json.loads(content)) + "\r\n", encoding="utf-8")
    read()  # the same content, otherwise set
    path.write_text(json.dumps(json.loads(content) | {"more": 1}), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{name} is damaged, or was changed after"):
        read()


def test_weights_from_elsewhere_are_told_once(tmp_path: Path) -> None:
    _, read = soak_flips.exported(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        right = read()
    path = tmp_path / "exported" / "model.safetensors"
    save_file(load_file(path), path, {"format": "pt"})
    with pytest.warns(UserWarning, match="written elsewhere, without a checksum") as told:
        assert repr(read()) == repr(right)
    assert len(told) == 1
