"""What a learner gains on a simulated practice, where the truth is known.

The figures of the methods study: `share` of the attainable gain when every client gets the
first-ranked feasible clinician, and `cap_share` when every clinician can take only one of them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]
UTILISATION = 0.85
"""Clients for each open place when places are scarce (methods study: 85 % used)."""
IMPOSSIBLE = -1e6


@dataclass(frozen=True, slots=True)
class Truth:
    """Expected alliance of test clients with every clinician.

    Attributes
    ----------
    client_ids, clinician_ids
        In the order of the rows and columns below.
    alliance : (clients, clinicians)
        True expected rating on the reference scale.
    feasible : (clients, clinicians)
        Whom each client could see.
    cold : (clinicians,)
        Whether a clinician had no rating at all.
    settings
        Of the simulated practice.
    """

    client_ids: tuple[str, ...]
    clinician_ids: tuple[str, ...]
    alliance: Floats
    feasible: NDArray[np.bool_]
    cold: NDArray[np.bool_]
    settings: dict[str, object]


def read_truth(directory: Path, rated_clinicians: NDArray[np.str_]) -> Truth:
    """The truth beside a simulated practice's tables.

    Parameters
    ----------
    directory
        The practice's folder, with `truth/` in it.
    rated_clinicians
        Ids of clinicians with at least one rating.
    """
    with np.load(directory / "truth" / "truth.npz", allow_pickle=False) as stored:
        ids = stored["clinician_id"]
        return Truth(
            tuple(stored["client_id"].tolist()),
            tuple(ids.tolist()),
            stored["expected_reference"],
            stored["feasible"],
            ~np.isin(ids, rated_clinicians),
            json.loads((directory / "truth" / "settings.json").read_text(encoding="utf-8")),
        )


def share(truth: Truth, scores: Floats, *, among: NDArray[np.bool_] | None = None) -> float:
    """Gain of the first-ranked feasible clinician over a random one, as a share of the oracle's.

    Parameters
    ----------
    scores : (clients, clinicians)
        What a learner orders by; tied scores share the expectation.
    among : (clinicians,), optional
        Only these clinicians, for clients with at least two feasible ones among them.
    """
    allowed = truth.feasible if among is None else truth.feasible & among
    asked = allowed.sum(axis=1) >= 2
    allowed, true = allowed[asked], truth.alliance[asked]
    random = _mean(true, allowed)
    oracle = np.where(allowed, true, -np.inf).max(axis=1)
    ranked = np.where(allowed, scores[asked], -np.inf)
    first = ranked == ranked.max(axis=1, keepdims=True)
    gain = _mean(true, first) - random
    return float(gain.sum() / (oracle - random).sum())


def cap_share(truth: Truth, scores: Floats, seed: int = 0) -> float:
    """The same when each clinician has one place and 85 % of places are asked for at once.

    Clients come in rounds; each round is assigned so that the sum of scores is largest. The oracle
    assigns by the truth, chance by random numbers.
    """
    rng = np.random.default_rng(seed)
    size = int(UTILISATION * len(truth.clinician_ids))
    order = rng.permutation(len(truth.client_ids))
    noise = rng.random(scores.shape)
    reached = np.zeros(3)
    for start in range(0, len(order) - size + 1, size):
        some = order[start : start + size]
        for place, ranked in enumerate((scores, truth.alliance, noise)):
            reached[place] += _assigned(truth, some, ranked[some])
    own, oracle, random = reached
    return float((own - random) / (oracle - random))


def _assigned(truth: Truth, clients: NDArray[np.intp], scores: Floats) -> float:
    """Mean true alliance of clients who got a place, times their number."""
    possible = np.where(truth.feasible[clients], scores, IMPOSSIBLE)
    rows, columns = linear_sum_assignment(possible, maximize=True)
    placed = truth.feasible[clients[rows], columns]
    return float(truth.alliance[clients[rows[placed]], columns[placed]].sum())


def _mean(values: Floats, chosen: NDArray[np.bool_]) -> Floats:
    return np.asarray(np.where(chosen, values, 0.0).sum(axis=1) / chosen.sum(axis=1))
