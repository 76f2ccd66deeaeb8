"""The exercises of chapter 01, Models that learn."""

from __future__ import annotations

from utils.course.exercises.chapter_01.autograd import AUTOGRAD
from utils.course.exercises.chapter_01.descent import DESCENT, GRADIENT
from utils.course.exercises.chapter_01.layers import TWO_LAYERS
from utils.course.exercises.chapter_01.lines import LINE, MSE
from utils.course.exercises.chapter_01.logistic import LOGISTIC
from utils.course.exercises.chapter_01.neurons import NEURON
from utils.course.exercises.chapter_01.training import FIND_THE_BUG

EXERCISES = [LINE, MSE, GRADIENT, DESCENT, LOGISTIC, NEURON, TWO_LAYERS, AUTOGRAD, FIND_THE_BUG]
