"""What Windows has against an installation is said in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import pip


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("OSError: [WinError 112] There is not enough space on the disk", "the disk is full"),
        ("ERROR: [WinError 206] The filename or extension is too long: 'C:\\x'", "lies too deep"),
        ("OSError: [Errno 36] File name too long: '/x'", "lies too deep"),
    ],
)
def test_what_windows_says_has_sentences(output: str, said: str) -> None:
    assert said in pip.explanation(output, Path("setup.log"))


def test_a_folder_that_lies_too_deep_for_windows_is_told_before() -> None:
    short, deep = (
        "C:\\gpt",
        r"C:\Users\gildong.hong\OneDrive - Some Company\Documents\gpt-by-building",
    )
    assert not pip.is_too_deep(short, "Windows")
    assert pip.is_too_deep(deep, "Windows")
    assert not pip.is_too_deep(deep, "Windows", long_paths=True)
    assert not pip.is_too_deep(deep, "Linux")
    assert pip.is_too_deep("C:" + "x" * 66, "Windows")
    assert not pip.is_too_deep("C:" + "x" * 65, "Windows")
