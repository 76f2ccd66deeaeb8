"""The world whose stories most chapters read, and its true next-word distribution."""

from utils.data.storyworld.world import (
    END,
    VOCABULARY,
    ImpossibleStoryError,
    Recall,
    distributions,
    entropy_per_word,
    facts,
    is_possible,
    log2_probability,
    next_words,
    prose,
    recall_places,
    recalls,
    stories,
    story,
)

__all__ = [
    "END",
    "VOCABULARY",
    "ImpossibleStoryError",
    "Recall",
    "distributions",
    "entropy_per_word",
    "facts",
    "is_possible",
    "log2_probability",
    "next_words",
    "prose",
    "recall_places",
    "recalls",
    "stories",
    "story",
]
