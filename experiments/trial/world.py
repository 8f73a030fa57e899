"""A simulated practice in a trial: both orders of every client, and the truth of each pair.

The orders are those of `recommend`, as a server computes them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.allocation.compare import Asked, learned, list_of
from recommender.recommendation.recommend import Intake, recommend

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

SHOWN = 5
NOBODY = -1


@dataclass(frozen=True, slots=True, eq=False)
class TrialWorld:
    """n clients who could ask, and what is true of them.

    Attributes
    ----------
    orders : (2, n, `SHOWN`) int
        Clinicians of the usual order and of the model's, `NOBODY` beyond the last.
    client_part : (n,)
        As predicted.
    alliance : (n, clinicians)
        True expected rating, in points.
    noise
        Standard deviation of one rating around it, in points.
    """

    orders: Places
    client_part: Floats
    alliance: Floats
    noise: float


def simulated_world(directory: Path, asked: Asked, seed: int) -> TrialWorld:
    """Simulates a practice, learns from its history and lists its next clients in both orders."""
    truth, encoding, model, day = learned(directory, asked, seed)
    people = list_of(directory, encoding, model, day, asked)
    place = {name: number for number, name in enumerate(truth.clinician_ids)}
    orders, parts, rows = [], [], []
    for number, name in enumerate(people.ids):
        intake = Intake(people.columns.take(np.array([number])), name, ())
        found = recommend(
            intake, encoding, model, day=day, top_k=SHOWN, seed=name, by_model=True
        ).orders
        if found is None:
            continue
        both = [[place[each] for each in ids] for ids in (found.usual_order, found.model_order)]
        orders.append([ids + [NOBODY] * (SHOWN - len(ids)) for ids in both])
        parts.append(found.client_part)
        rows.append(truth.client_ids.index(name))
    points = float(np.std(truth.alliance) / np.std(truth.latent))
    # One session's alliance has a variance of 1: what its expectation does not have is noise.
    noise = points * np.sqrt(max(1.0 - float(np.var(truth.latent)), 0.1))
    return TrialWorld(
        np.array(orders).swapaxes(0, 1), np.array(parts), truth.alliance[rows], float(noise)
    )
