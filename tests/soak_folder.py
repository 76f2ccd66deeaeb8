"""Kill trainings in one folder at random moments, as they begin anew, go on, or start from a model.

    python tests/soak_folder.py [--kills 50] [--seed 0]

After every kill the folder must be one run's: what opens opens whole, with the tokenizer that its
weights were trained with, or says that it is not done. When the killing ends, `--resume` must reach
the weights that the same training reaches undisturbed, on the corpus that config.json names.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from soak_resume import finish, start

from utils.data.texts.models import open_model
from utils.llm.gpt.checkpoints import read_tensors
from utils.llm.gpt.model import GPT, GPTConfig
from utils.llm.tokenizer.bpe import train_bpe
from utils.llm.tokenizer.files import save_encoding
from utils.llm.training.snapshots import load_snapshot

SIZES = (
    "--steps 30 --batch-size 4 --context 24 --snapshot-every 3 --evaluate-every 6 --patience 0 "
    "--precision float32 --device cpu"
)
KINDS = {
    "apples": "--preset story-tiny --vocab-size 300 --corpus {}/apples.txt",
    "pears": "--preset story-tiny --vocab-size 330 --corpus {}/pears.txt",
    "from": "--corpus {}/pears.txt --from {}/base --learning-rate 0.001",
    "lora": "--corpus {}/apples.txt --from {}/base --lora --rank 2",
}
SOUND = (FileNotFoundError,)  # of a training that has not kept any weights yet


def words(kind: str, place: Path) -> str:
    """The command that begins such a training, whatever the folder holds."""
    return f"train --fresh {KINDS[kind].format(place, place)} {SIZES}"


def weights(folder: Path) -> str:
    """Of what was learned, every bit of it."""
    adapter = folder / "adapter.safetensors"
    tensors, _ = read_tensors(adapter if adapter.is_file() else folder / "model.safetensors")
    mark = hashlib.sha256()
    for name in sorted(tensors):
        mark.update(name.encode() + tensors[name].numpy().tobytes())
    return mark.hexdigest()


def kind_of(folder: Path) -> str:
    """Which of the trainings the folder holds, by its config.json."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config["start"]:
        return "lora" if config["lora"] else "from"
    return Path(config["corpus"]).stem


def check(folder: Path) -> str:
    """That nothing in it is mixed; what it holds. Raises whatever is wrong."""
    if not (folder / "config.json").is_file():
        return "nothing yet"
    if (folder / "snapshot.pt").exists():
        load_snapshot(folder / "snapshot.pt")
    try:
        opened = open_model(folder)
    except SOUND:
        return f"{kind_of(folder)}, not done"
    trained, kind = opened.model.tokenizer, kind_of(folder)
    if kind != "lora" and trained != opened.encoding.name:
        raise SystemExit(f"{folder}: weights of {trained}, tokenizer {opened.encoding.name}")
    return kind


def struck(folder: Path, command: str, seconds: float) -> None:
    """Run a command, and kill it after so many seconds where it is not done before."""
    child = start(folder, command)
    try:
        _, said = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return
    if child.returncode != 0:
        raise SystemExit(f"{command} ended with {child.returncode}: {said.decode()}")


def make_place() -> Path:
    """A folder with the texts, and the model to start from."""
    place = Path(tempfile.mkdtemp(prefix="soak-"))
    for name in ("apples", "pears"):
        lines = [f"{name} {n} and {n * n} {name}.\n" for n in range(3000)]
        (place / f"{name}.txt").write_text("".join(lines), encoding="utf-8")
    encoding = train_bpe(lines[-1] * 9, 280)
    base = GPT(GPTConfig.preset("story-tiny", vocab_size=encoding.n_vocab))
    base.save(place / "base" / "model.safetensors", tokenizer=encoding.name)
    save_encoding(encoding, place / "base" / "tokenizer.json")
    return place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dice, place, expected = random.Random(options.seed), make_place(), {}
    longest = 0.0
    for kind in KINDS:
        began = time.perf_counter()
        finish(start(place / kind, words(kind, place)))
        longest = max(longest, time.perf_counter() - began)
        expected[kind] = weights(place / kind)
        print(f"{kind}, undisturbed: {longest:.1f} s, weights {expected[kind][:12]}", flush=True)
    kills, folder = 0, place / "one"
    while kills < options.kills:
        for _ in range(dice.randint(2, 6)):
            begins = dice.random() < 0.6 or not (folder / "config.json").is_file()
            command = words(dice.choice(list(KINDS)), place) if begins else "train --resume"
            struck(folder, command, dice.uniform(0.2, 1.0) * longest)
            kills += 1
            print(f"kill {kills}, {command.split()[1]}: {check(folder)}", flush=True)
        if not (folder / "config.json").is_file():
            continue
        finish(start(folder, "train --resume"))
        kind = check(folder)
        if weights(folder) != expected[kind]:
            raise SystemExit(f"{kind} reached other weights after {kills} kills: see {folder}")
        print(f"resumed to the end: {kind}, the same weights", flush=True)
    shutil.rmtree(place)
    print(f"{kills} kills: never a mixture, and every training resumed bit for bit")


if __name__ == "__main__":
    main()
