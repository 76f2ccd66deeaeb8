"""A tokenizer's file that was changed by hand is understood or refused."""

import json

import pytest

from utils.llm.tokenizer.bpe import train_bpe
from utils.llm.tokenizer.files import load_encoding, save_encoding


@pytest.mark.parametrize("pattern", ["", "x*", "(", r"\b", "a|"])
def test_a_pattern_that_cuts_off_nothing_is_refused(tmp_path, pattern):
    path = tmp_path / "tokenizer.json"
    save_encoding(train_bpe("ab ab", 259), path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content.pop("checksum")
    path.write_text(json.dumps(content), encoding="utf-8")
    load_encoding(path)  # a file of before, without a checksum
    path.write_text(json.dumps({**content, "pattern": pattern}), encoding="utf-8")
    with pytest.raises(ValueError, match="its pattern"):
        load_encoding(path)
