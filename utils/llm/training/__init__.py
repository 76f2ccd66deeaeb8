"""Week 4: from a heap of tokens to a trained model, on one device or several."""

from utils.llm.training.loop import (
    History,
    StopTraining,
    TrainConfig,
    TrainingError,
    evaluate,
    train,
)

__all__ = [
    "History",
    "StopTraining",
    "TrainConfig",
    "TrainingError",
    "evaluate",
    "train",
]
