"""What a model gains on the simulated practice it belongs to, where the truth is known."""

from pathlib import Path

import pytest

from experiments.simulated_practice.__main__ import main
from experiments.true_gain import true_gain
