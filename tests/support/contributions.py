"""Contributions of invented practices: from rows with known slopes, or from the corner practice."""

from dataclasses import replace
from functools import cache

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from experiments.pooling.invented import (
    RATINGS,
    RESIDUAL_SD,
    SLOPES,
    invented_contribution,
)
from recommender.model.mixed.blocks import Floats
from recommender.pooling.practice_contribution import MATCHES, PracticeContribution
from recommender.pooling.signature import public_text, signed
from recommender.training.contribution import SharingSettings, contribution_of
from recommender.training.dataset import dataset_of
from tests.support.builders import a_practice, some_tables


def a_key(number: int) -> Ed25519PrivateKey:
    """The key of an invented practice; the same for the same number."""
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


def re_signed(contribution: PracticeContribution, number: int) -> PracticeContribution:
    """A contribution with the signature of the key of this number."""
    stated = replace(contribution, key=public_text(a_key(number)))
    content = {name: value for name, value in stated.to_json().items() if name != "signature"}
    return replace(stated, signature=signed(content, a_key(number))["signature"])


def an_invented_contribution(
    number: int, *, slopes: Floats = SLOPES, ratings: int = RATINGS
) -> PracticeContribution:
    """What `ratings` invented ratings with these slopes say; matches are independent."""
    rng = np.random.default_rng(number)
    rows = rng.standard_normal((ratings, len(slopes)))
    label = rows @ slopes + rng.normal(0.0, RESIDUAL_SD, ratings)
    return re_signed(invented_contribution(number, rows, label, key=""), number)


@cache
def a_contribution(number: int = 1) -> PracticeContribution:
    """What the corner practice with this seed contributes: two matches, some 400 ratings."""
    dataset = dataset_of(some_tables(pairings=560, seed=number), a_practice())
    sharing = SharingSettings(f"Corner {number}", MATCHES, "2026-11-29")
    return contribution_of(dataset, sharing, a_key(number))
