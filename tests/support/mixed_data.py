"""Outcomes of an invented practice for the mixed model, and its likelihood written out in full."""

import numpy as np

from recommender.model.mixed.blocks import Block, DenseBlock, Floats, IndexBlock, Ints


def a_practice(
    seed: int = 0, n: int = 240, clinicians: int = 12, clients: int = 80
) -> tuple[Floats, Floats, Ints, Ints]:
    """Outcome, two match columns, clinician codes and client codes of an invented practice."""
    rng = np.random.default_rng(seed)
    matches = rng.normal(size=(n, 2))
    clinician = rng.integers(0, clinicians, n)
    client = rng.integers(0, clients, n)
    y = 3.7 + matches @ np.array([0.3, -0.2]) + rng.normal(0, 0.5, clinicians)[clinician]
    return (
        y + rng.normal(0, 0.6, clients)[client] + rng.normal(0, 0.7, n),
        matches,
        clinician,
        client,
    )


def blocks_of(matches: Floats, clinician: Ints, levels: int = 12) -> list[Block]:
    return [DenseBlock("matches", matches), IndexBlock("clinician", clinician, levels)]


def dense_deviance(
    logs: Floats, y: Floats, matches: Floats, clinician: Ints, client: Ints, weights: Floats
) -> float:
    """-2 restricted log likelihood, by the covariance matrix written out; intercept free."""
    v, c, tau2, sigma2 = np.exp(logs)
    cover = np.diag(sigma2 / weights) + v * matches @ matches.T
    cover += c * (clinician[:, None] == clinician) + tau2 * (client[:, None] == client)
    ones, inverse = np.ones(y.size), np.linalg.inv(cover)
    middle = ones @ inverse @ ones
    left = y - (ones @ inverse @ y) / middle
    logdet = np.linalg.slogdet(cover)[1] + np.log(middle)
    return float((y.size - 1) * np.log(2 * np.pi) + logdet + left @ inverse @ left)
