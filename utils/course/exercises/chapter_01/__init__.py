"""The exercises of chapter 01, Models that learn."""

from __future__ import annotations

from utils.course.exercises.chapter_01.layers import TWO_LAYERS
from utils.course.exercises.chapter_01.lines import DESCENT, GRADIENT, LINE, MSE
from utils.course.exercises.chapter_01.neurons import LOGISTIC, NEURON

EXERCISES = [LINE, MSE, GRADIENT, DESCENT, LOGISTIC, NEURON, TWO_LAYERS]
