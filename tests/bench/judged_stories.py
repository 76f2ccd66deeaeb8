"""500 stories for each temperature and each p, judged by the story world: the record of chapter 08.

    python tests/bench/judged_stories.py [--stories 500] [--model stories] [--out FILE]

Every setting writes with a seed of its own, so that chance makes no two of them lean to one side.
The record (JSON) says for each how many of its stories are possible at all, how surprising these
are, how many differ, and how many bits of chance the sampler has put into a story. Some ten minutes
on two quiet cores.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path

from utils.data.storyworld import world as storyworld
from utils.data.storyworld.judge import judge, write_stories
from utils.llm.gpt.model import GPT
from utils.llm.sampling.filters import Filter, min_p, repetition_penalty, temperature, top_p
from utils.llm.sampling.loop import Sampler

OUT = Path(__file__).resolve().parents[2] / "utils" / "data" / "logs" / "judged_stories.json"
COMMAND = "python tests/bench/judged_stories.py"
HEATS = (0, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 2.0)
SHARES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0)
MAP = ((1.0, 1.5, 2.0), (0.5, 0.8, 0.9, 0.95, 1.0))
PENALTIES = (1.1, 1.2, 1.5)
LEAST = (0.05, 0.1, 0.2)
PLAIN = {"temperature": 1.0, "top_p": 1.0, "min_p": 0.0, "penalty": 1.0}


def settings() -> list[dict[str, float]]:
    """Every setting once: the two curves, the map, penalties, and min-p in the heat."""
    wanted = [PLAIN | {"temperature": float(heat)} for heat in HEATS]
    wanted += [PLAIN | {"top_p": share} for share in SHARES]
    wanted += [PLAIN | {"temperature": t, "top_p": p} for t, p in itertools.product(*MAP)]
    wanted += [PLAIN | {"penalty": penalty} for penalty in PENALTIES]
    wanted += [PLAIN | {"temperature": 1.5, "min_p": least} for least in LEAST]
    return [dict(pairs) for pairs in dict.fromkeys(tuple(each.items()) for each in wanted)]


def sampler_of(setting: dict[str, float]) -> Sampler:
    """The filters of a setting in the usual order, without those that change nothing."""
    filters: list[Filter] = []
    if setting["penalty"] != 1:
        filters.append(repetition_penalty(setting["penalty"]))
    filters.append(temperature(setting["temperature"]))
    filters += [top_p(setting["top_p"])] * (setting["top_p"] < 1)
    filters += [min_p(setting["min_p"])] * (setting["min_p"] > 0)
    return Sampler(*filters)


def main() -> None:
    """Write and judge, setting by setting; the record is written anew after each."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--stories", type=int, default=500)
    options.add_argument("--model", default="stories")
    options.add_argument("--out", type=Path, default=OUT)
    given = options.parse_args()
    model = GPT.load(given.model).eval()
    true = judge([story.split() for story in storyworld.stories(given.stories, seed=8)])
    record = {
        "command": COMMAND,
        "stories": given.stories,
        "true_bits": round(true.bits, 4),
        "entropy_per_word": round(storyworld.entropy_per_word(), 6),
        "rows": [],
    }
    for seed, setting in enumerate(settings(), start=100):
        start = time.perf_counter()
        verdict = judge(write_stories(model, given.stories, sampler_of(setting), seed=seed))
        record["rows"].append(setting | {"seed": seed} | verdict.as_row())
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        seconds = time.perf_counter() - start
        print(f"{setting}: {verdict}, {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
