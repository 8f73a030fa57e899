"""Contributions of invented practices: from rows with known slopes, or from the corner practice."""

from dataclasses import replace
from functools import cache

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recommender.model.mixed.absorbed import NormalEquations
from recommender.model.mixed.blocks import Floats
from recommender.pooling.practice_contribution import (
    MATCHES,
    PracticeContribution,
    SharedColumn,
)
from recommender.pooling.signature import public_text, signed
from recommender.training.contribution import SharingSettings, contribution_of
from recommender.training.dataset import dataset_of
from tests.support.builders import a_practice, some_tables

SLOPES = np.array([0.10, -0.05, 0.0, 0.08, 0.02, -0.12])
"""Points for one standard deviation of each match of an invented practice."""
RESIDUAL_SD = 0.7


def a_key(number: int) -> Ed25519PrivateKey:
    """The key of an invented practice; the same for the same number."""
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


def re_signed(contribution: PracticeContribution, number: int) -> PracticeContribution:
    """A contribution with the signature of the key of this number."""
    stated = replace(contribution, key=public_text(a_key(number)))
    content = {name: value for name, value in stated.to_json().items() if name != "signature"}
    return replace(stated, signature=signed(content, a_key(number))["signature"])


def an_invented_contribution(
    number: int, *, slopes: Floats = SLOPES, ratings: int = 600
) -> PracticeContribution:
    """What `ratings` invented ratings with these slopes say; matches are independent."""
    rng = np.random.default_rng(number)
    rows = rng.standard_normal((ratings, len(slopes)))
    label = rows @ slopes + rng.normal(0.0, RESIDUAL_SD, ratings)
    equations = NormalEquations(rows.T @ rows / RESIDUAL_SD**2, rows.T @ label / RESIDUAL_SD**2)
    columns = tuple(
        SharedColumn(f"match_{place}", f"{place:064x}", ratings, 30) for place in range(len(slopes))
    )
    unsigned = PracticeContribution(
        contributor=f"Practice {number}",
        key="",
        practice_id="invented",
        practice_version="1",
        practice_digest="0",
        outcome_digest="0" * 64,
        exported_on="2026-11-29",
        content=MATCHES,
        ratings=ratings,
        clients=ratings,
        clinicians=30,
        residual_variance=RESIDUAL_SD**2,
        columns=columns,
        equations=equations,
    )
    return re_signed(unsigned, number)


@cache
def a_contribution(number: int = 1) -> PracticeContribution:
    """What the corner practice with this seed contributes: two matches, some 400 ratings."""
    dataset = dataset_of(some_tables(pairings=560, seed=number), a_practice())
    sharing = SharingSettings(f"Corner {number}", MATCHES, "2026-11-29")
    return contribution_of(dataset, sharing, a_key(number))
