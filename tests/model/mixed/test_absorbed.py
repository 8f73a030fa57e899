"""What several practices say of common columns adds up to a fit of all their rows."""

import numpy as np
import pytest

from recommender.model.mixed.absorbed import NormalEquations, absorbed
from recommender.model.mixed.blocks import Block, DenseBlock, Floats, IndexBlock, Ints
from recommender.model.mixed.fit import fit_mixed_at

VARIANCES = {"clinicians": 0.05, "attributes": 0.02}
SIGMA2, TAU2, COMMON = 0.4, 0.1, 0.03
ROWS, CLINICIANS = 300, 8


class PracticeRows:
    """Invented rows of one practice: its matches, its own blocks, weights, clients with two."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.matches: Floats = rng.standard_normal((ROWS, 4))
        self.clinician: Ints = rng.integers(CLINICIANS, size=ROWS)
        self.attributes: Floats = rng.standard_normal((ROWS, 2))
        self.client: Ints = rng.integers(ROWS // 2, size=ROWS)
        self.weight: Floats = rng.choice([1.0, 1.13], ROWS)
        own = rng.normal(0, 0.2, CLINICIANS)[self.clinician]
        noise = rng.normal(0, 0.6, ROWS)
        self.y: Floats = 3 + seed + self.matches @ [0.2, -0.1, 0.0, 0.1] + own + noise

    def equations(self) -> NormalEquations:
        others: list[Block] = [
            IndexBlock("clinicians", self.clinician, CLINICIANS),
            DenseBlock("attributes", self.attributes),
        ]
        return absorbed(
            self.y,
            self.matches,
            others,
            variances=VARIANCES,
            sigma2=SIGMA2,
            tau2=TAU2,
            weights=self.weight,
            group=self.client,
        )


def test_the_sum_of_three_practices_is_the_fit_to_all_their_rows() -> None:
    practices = [PracticeRows(seed) for seed in range(3)]
    said = [practice.equations() for practice in practices]
    precision = sum((each.precision for each in said), np.eye(4) / COMMON)
    slopes = np.linalg.solve(precision, sum(each.score for each in said))

    everyone = np.arange(3 * ROWS)
    inside = [everyone // ROWS == place for place in range(3)]
    attributes = np.concatenate([practice.attributes for practice in practices])
    # A level of its own for each practice; the intercept is that of the first.
    levels = np.column_stack([inside[1], inside[2]]).astype(np.float64)
    joint = fit_mixed_at(
        np.concatenate([practice.y for practice in practices]),
        [
            DenseBlock("common", np.concatenate([practice.matches for practice in practices])),
            DenseBlock("levels", levels, penalised=False),
            *(DenseBlock(f"own {n}", attributes * inside[n][:, None]) for n in range(3)),
            IndexBlock(
                "clinicians",
                np.concatenate([p.clinician + n * CLINICIANS for n, p in enumerate(practices)]),
                3 * CLINICIANS,
            ),
        ],
        variances={
            "common": COMMON,
            "clinicians": VARIANCES["clinicians"],
            **{f"own {n}": VARIANCES["attributes"] for n in range(3)},
        },
        sigma2=SIGMA2,
        tau2=TAU2,
        weights=np.concatenate([practice.weight for practice in practices]),
        group=np.concatenate([p.client + n * ROWS for n, p in enumerate(practices)]),
    )

    assert slopes == pytest.approx(joint.coefficients["common"], abs=1e-9)


def test_a_block_without_variance_is_left_out() -> None:
    rows = PracticeRows(1)
    given: list[Block] = [IndexBlock("clinicians", rows.clinician, CLINICIANS)]
    more: list[Block] = [*given, DenseBlock("nothing", rows.attributes)]
    said = [
        absorbed(
            rows.y,
            rows.matches,
            blocks,
            variances={"clinicians": 0.05, "nothing": 0.0},
            sigma2=SIGMA2,
            tau2=0.0,
            weights=rows.weight,
            group=rows.client,
        )
        for blocks in (given, more)
    ]

    assert np.array_equal(said[0].precision, said[1].precision)
    assert np.array_equal(said[0].score, said[1].score)


def test_a_level_that_all_ratings_share_says_nothing_of_a_match() -> None:
    rows = PracticeRows(2)
    one = rows.equations()
    rows.y = rows.y + 5.0
    other = rows.equations()

    assert other.score == pytest.approx(one.score, abs=1e-8)
