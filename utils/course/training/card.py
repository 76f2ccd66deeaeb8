"""What `course train` measures at its end, and the card that it leaves beside the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from utils.course.training.settings import STORIES, VAL_STORIES, Settings, Text
from utils.course.training.watching import best_look
from utils.data.storyworld import scores as story_scores
from utils.data.storyworld import world as storyworld
from utils.llm.gpt.card import ModelCard
from utils.llm.gpt.model import GPT
from utils.llm.training.callbacks import time_left
from utils.llm.training.evaluation import evaluate
from utils.llm.training.loop import History

_JUDGED, _AT_ONCE = 512, 16  # windows of the validation part, and at a time
#: Options of the command that are not called as the settings are.
FLAGS = {
    "context_length": "context",
    "n_layers": "layers",
    "n_heads": "heads",
    "d_model": "width",
    "n_stories": "stories",
    "start": "from",
}
STORY_LIMITS = (
    "It knows the words of the story world and nothing besides; it has never read English.",
    "What it writes is made up, and now and then impossible in its world.",
)
TEXT_LIMITS = (
    "It continues texts like those that it has read; it was not taught to answer or to obey.",
    "It does not know what is true, and can repeat its training text word for word.",
    "Whoever wrote that text may have rights in it: ask before you give the weights away.",
)


def validation_loss(model: GPT, text: Text, settings: Settings, windows: int = 64) -> float:
    """Nats per token of the validation part, on so many windows spread over it."""
    return evaluate(
        model,
        text.val_ids,
        context_length=settings.context_length,
        max_windows=windows,
        batch_size=_AT_ONCE,
        start_token=settings.train_config().start_token,
    )


def held_out_scores(model: GPT, history: History, text: Text, settings: Settings) -> dict[str, str]:
    """What was measured on text that the model did not learn from, with the result.

    Beside it stands what compressors need for that text which have read the other part, too.
    """
    peers = ", ".join(f"{name} {bits:.3f}" for name, bits in text.peers.items())
    peers = f"compressors that have read the same: {peers}"
    if settings.corpus == STORIES:
        held_out = storyworld.stories(VAL_STORIES, seed=1)
        bits = story_scores.bits_per_word(model, held_out)
        floor = story_scores.true_bits_per_word(held_out)
        above, per_byte = 100 * (bits / floor - 1), bits * text.val_units / text.val_bytes
        return {
            "held-out stories": f"{bits:.4f} bits per word, {above:+.2f} % from the floor, which "
            f"is {floor:.4f} for them; {per_byte:.3f} bits per byte, {peers}"
        }
    if not history.val_loss:
        return {}
    nats = validation_loss(model, text, settings, _JUDGED)
    kept = history.steps[best_look(history)]
    return {
        "validation": f"{nats * text.scales[1]:.3f} bits per byte with the weights of step "
        f"{kept:,}, {peers}"
    }


def card_of(
    settings: Settings,
    history: History,
    text: Text,
    scores: Mapping[str, str],
    name: str,
    run: str,
) -> ModelCard:
    """The card of what a training left."""
    stories = settings.corpus == STORIES
    data = (
        f"{settings.n_stories:,} stories of the course's own story world, written by a program."
        if stories
        else f"The text {settings.corpus}."
    )
    of = f"{len(text.train_ids):,} tokens to learn from, {len(text.val_ids):,} held out."
    kept = ("batch_size", "learning_rate", "weight_decay", "dropout", "precision", "seed")
    recipe = {
        "steps": f"{len(history.losses):,} of {settings.steps:,}",
        "tokens read": f"{history.tokens:,}",
        "time": time_left(history.seconds),
        "run": run,
        **{name.replace("_", " "): getattr(settings, name) for name in kept},
    }
    limits = STORY_LIMITS if stories else TEXT_LIMITS
    if history.stopped:
        limits = (f"Its training was stopped early: {history.stopped}.", *limits)
    return ModelCard(name, f"{data} {of}", recipe, scores, limits, command_of(settings))


def command_of(settings: Settings) -> str:
    """The command that trains such a model again."""
    words, usual = ["course train"], asdict(Settings())
    for name, value in asdict(settings).items():
        if value == usual[name] and name != "corpus":
            continue
        flag = f"--{FLAGS.get(name, name).replace('_', '-')}"
        if name == "tied":
            words.append(flag if value else "--own-head")
        elif name == "lora":
            words.append(f"--lora --rank {value}")
        else:
            words.append(flag if value is True else f"{flag} {value}")
    return " ".join(words)
