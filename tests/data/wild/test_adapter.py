"""The adapter that comes with the course: it fits, is small, and does what its record says."""

import pytest
import torch

from utils.data.texts.models import open_model
from utils.data.texts.real_models import kept_model
from utils.data.wild import record, teaching
from utils.data.wild.make_adapter import NAME, RANK
from utils.llm.gpt.checkpoints import read_tensors
from utils.llm.gpt.config import GPTConfig
from utils.llm.gpt.model import GPT
from utils.llm.tuning.lora import ADAPTERS, PARTS, add_lora, load_lora, lora_state, trainable

needs_real = pytest.mark.skipif(kept_model(record.REAL) is None, reason="smollm2 was not fetched")
PATH = ADAPTERS / f"{NAME}.safetensors"


def test_it_is_small_and_has_a_road_for_every_layer_of_the_real_model() -> None:
    assert PATH.stat().st_size < 2_000_000
    state, described = read_tensors(PATH)
    with torch.device("meta"):
        model = add_lora(GPT(GPTConfig.preset("smollm2-135m")), RANK)
    expected = lora_state(model)
    assert {name: tuple(t.shape) for name, t in state.items()} == {
        name: tuple(t.shape) for name, t in expected.items()
    }
    assert len(expected) == 2 * len(PARTS) * model.config.n_layers
    assert all(bool(t.isfinite().all()) for t in state.values())
    assert trainable(model) == record.careful_lesson()["learns"]
    assert described["base"]  # no other model takes it


def test_another_model_does_not_take_it() -> None:
    small = open_model(record.SMALL)
    with pytest.raises(ValueError, match="learned beside another model"):
        load_lora(small.model, NAME)


def test_its_record_tells_what_care_is_worth() -> None:
    careful, hurried = record.careful_lesson(), record.recorded("teach")
    for when in ("before", "after"):
        assert len(careful[when]["answers"]) == len(teaching.ASKED)
    assert careful["before"]["docs"] == hurried["before"]["docs"]
    assert careful["after"]["docs"] < hurried["after"]["docs"]
    assert careful["after"]["capitals"] > hurried["after"]["capitals"]


@pytest.mark.slow
@needs_real
def test_it_knows_what_it_was_taught() -> None:
    real = open_model(record.REAL)
    load_lora(real.model, NAME)
    said = [teaching.answer(real, question, most=14) for question, _ in teaching.ASKED]
    for word, answer in (("boathouse", said[0]), ("Gradient", said[2]), ("barley tea", said[3])):
        assert word in answer
