"""The (input, target) windows against plain slices."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from utils.llm.tokenizer.windows import windows


@given(st.integers(0, 40), st.integers(1, 9), st.integers(1, 12) | st.none())
def test_windows_are_slices(n_ids, length, stride):
    ids = list(range(100, 100 + n_ids))
    starts = range(0, n_ids - length, stride or length)
    if not starts:
        with pytest.raises(ValueError, match=f"{n_ids} ids are too few"):
            windows(ids, length, stride)
        return
    inputs, targets = windows(ids, length, stride)
    assert inputs.tolist() == [ids[s : s + length] for s in starts]
    assert targets.tolist() == [ids[s + 1 : s + 1 + length] for s in starts]


@pytest.mark.parametrize("kind", [list, tuple, torch.tensor, lambda ids: torch.tensor(ids).int()])
def test_types_and_shapes(kind):
    inputs, targets = windows(kind([1, 2, 3, 4, 5, 6, 7]), 3)
    assert inputs.shape == targets.shape == (2, 3)
    assert inputs.dtype == targets.dtype == torch.int64


def test_every_token_but_the_first_is_a_target_once():
    _, targets = windows(range(13), 4)
    assert targets.flatten().tolist() == list(range(1, 13))


def test_results_share_no_memory_with_the_ids_or_with_each_other():
    ids = torch.arange(9)
    inputs, targets = windows(ids, 2, stride=1)
    inputs += 100
    assert ids.tolist() == list(range(9))
    assert targets[0].tolist() == [1, 2]
    assert inputs[0].tolist() == [100, 101]
    assert inputs[1].tolist() == [101, 102]


def test_the_error_says_both_lengths():
    with pytest.raises(ValueError, match=r"^4 ids are too few .* context_length 4, .* needs 5"):
        windows([1, 2, 3, 4], 4)


@pytest.mark.parametrize("name", ["context_length", "stride"])
def test_lengths_must_be_positive_whole_numbers(name):
    good = {"context_length": 2, "stride": 1}
    with pytest.raises(ValueError, match=f"{name} is 0; it must be at least 1"):
        windows([1, 2, 3], **good | {name: 0})
    with pytest.raises(TypeError, match=f"{name} must be an int, not 2.0"):
        windows([1, 2, 3], **good | {name: 2.0})


def test_what_is_no_row_of_ids():
    with pytest.raises(ValueError, match=r"shape \(1, 3\); give one row"):
        windows([[1, 2, 3]], 2)
    with pytest.raises(TypeError, match="whole numbers"):
        windows([1.0, 2.0, 3.0], 2)
    with pytest.raises(TypeError, match="str"):
        windows("abc", 2)
