"""Run a chapter several times in one process, each time with other exercises solved.

    python tests/run_variants.py solutions/02_text_tokens_chances.py < variants.json

Reads a JSON list of lists of exercise ids; prints, as its last line, a JSON list of
{"failed": cell and error or null, "statuses": {id: status}}.

What no answer can change is done once: imports, long trainings, and work on whole corpora; figures
are drawn but not turned into pixels. nbval runs the two stored variants in full, each in a kernel.
"""

from __future__ import annotations

import copy
import hashlib
import importlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from utils.course.building.source import Source, read_source
from utils.llm.sampling.loop import Sampler
from utils.viz import picture

#: (module, function): trainings of a model in place, and functions of their arguments alone.
TRAININGS = [
    ("utils.llm.tuning.answers", "train_on_answers"),
    ("utils.llm.reasoning.votes", "self_teach"),
    ("utils.llm.attention.recall", "train_recall"),
    ("utils.llm.reasoning.self_teaching", "self_teach"),
    ("utils.llm.training.loop", "train"),
]
FUNCTIONS = [
    ("utils.data.storyworld.judge", "write_stories"),
    ("utils.course.assembling.assemble", "assemble"),
    ("utils.data.instructions.models", "free_stories"),
    ("utils.data.instructions.models", "reply"),
    ("utils.data.puzzles.models", "complete"),
    ("utils.llm.training.launch", "together"),
    ("utils.llm.counting.lempel_ziv", "bits_per_word"),
    ("utils.llm.counting.lempel_ziv", "gzip_bits_per_word"),
    ("utils.llm.counting.lempel_ziv", "lz78_bits_per_word"),
    ("utils.llm.tokenizer.bpe", "train_bpe"),
]


def remember_result(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, computed once for the same arguments."""
    done: dict[str, Any] = {}

    def called(*args: Any, **settings: Any) -> Any:
        key = digest([args, settings])
        if key not in done:
            done[key] = function(*args, **settings)
        return done[key]

    return called


def remember_training(train: Callable[..., Any]) -> Callable[..., Any]:
    """The same training of a model in place, done once for the same arguments."""
    done: dict[str, tuple[dict[str, Any], Any]] = {}

    def trained(model: torch.nn.Module, *args: Any, **settings: Any) -> Any:
        key = digest([model, args, settings])
        if key not in done:
            result = train(model, *args, **settings)
            done[key] = copy.deepcopy(model.state_dict()), result
        state, result = done[key]
        model.load_state_dict(state)
        model.eval()
        return copy.deepcopy(result)

    return trained


def digest(value: Any) -> str:
    """A fingerprint of nested values and tensors."""
    if isinstance(value, torch.Tensor):
        return hashlib.sha256(value.detach().cpu().contiguous().numpy().tobytes()).hexdigest()
    if isinstance(value, torch.nn.Module):
        return digest([repr(value), value.state_dict()])
    if isinstance(value, dict):
        value = sorted((str(key), digest(item)) for key, item in value.items())
    elif isinstance(value, list | tuple):
        value = [digest(item) for item in value]
    elif isinstance(value, torch.nn.Module):
        value = [repr(value), digest(dict(value.state_dict()))]
    elif isinstance(value, Sampler):  # its filters are closures over their settings
        closures = [(f.__qualname__, f.__closure__ or ()) for f in value.filters]
        value = [(name, [cell.cell_contents for cell in cells]) for name, cells in closures]
    said = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))  # a callback's place in memory
    return hashlib.sha256(said.encode()).hexdigest()


def run(source: Source, solved: list[str], report: Path) -> dict[str, Any]:
    """Run the cells from top to bottom in a fresh namespace; what failed, and what was right."""
    report.write_text("", encoding="utf-8")
    torch.manual_seed(0)
    shell = InteractiveShell.instance()
    shell.reset(new_session=True)
    failed = None
    for cell in source.unsolved(set(solved)).cells:
        if cell.cell_type != "code":
            continue
        with capture_output():
            result = shell.run_cell(cell.source)
        if not result.success:
            failed = f"{cell.id}: {result.error_before_exec or result.error_in_exec!r}"
            break
    lines = map(json.loads, report.read_text(encoding="utf-8").splitlines())
    return {"failed": failed, "statuses": {line["id"]: line["status"] for line in lines}}


def main(path: str) -> None:
    matplotlib.use("agg")
    picture._render = lambda *args, **settings: b""
    for names, remember in ((TRAININGS, remember_training), (FUNCTIONS, remember_result)):
        for name, function in names:
            module = importlib.import_module(name)
            room = importlib.import_module(name.rpartition(".")[0])
            remembered = remember(getattr(module, function))
            for place in (module, room):
                if hasattr(place, function):
                    setattr(place, function, remembered)
    source = read_source(Path(path))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.jsonl"
        os.environ["COURSE_REPORT"] = str(report)
        results = [run(source, solved, report) for solved in json.load(sys.stdin)]
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
