"""What a learner gains on a simulated practice, where the truth is known.

Figures against the truth: `share` of the attainable gain when every client gets the
first-ranked feasible clinician, and `cap_share` when every clinician can take only one of them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.tables.loader import read_clients
from recommender.tables.roster import Roster
from recommender.training.dataset import Dataset

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
UTILISATION = 0.85
"""Clients for each open place when places are scarce (85 % used, as in docs/method.md)."""
IMPOSSIBLE = -1e6
NOTHING = 1e-9
"""Mean gain of the oracle, in points, below which there is nothing to have a share of."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Expected alliance of test clients with every clinician.

    Attributes
    ----------
    client_ids, clinician_ids
        In the order of the rows and columns below.
    alliance : (clients, clinicians)
        True expected rating on the reference scale.
    latent : (clients, clinicians)
        The same in standard deviations of one session's alliance.
    unseen : (clients,)
        The part of it that is the client's and that no answer shows.
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
    latent: Floats
    unseen: Floats
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
            stored["expected_latent"],
            stored["client_part"] - stored["client_visible"],
            stored["feasible"],
            ~np.isin(ids, rated_clinicians),
            json.loads((directory / "truth" / "settings.json").read_text(encoding="utf-8")),
        )


def share(truth: Truth, scores: Floats, *, among: NDArray[np.bool_] | None = None) -> float:
    """Gain of the first-ranked feasible clinician over a random one, as a share of the oracle's.

    NaN where clinicians do not differ, as in the null world.

    Parameters
    ----------
    scores : (clients, clinicians)
        What a learner orders by; tied scores share the expectation.
    among : (clinicians,), optional
        Only these clinicians, for clients with at least two feasible ones among them.
    """
    allowed = truth.feasible if among is None else truth.feasible & among
    asked = allowed.sum(axis=1) >= 2
    if not asked.any():
        return float("nan")
    allowed, true = allowed[asked], truth.alliance[asked]
    random = _mean(true, allowed)
    oracle = np.where(allowed, true, -np.inf).max(axis=1)
    gain = _mean(true, _ahead(scores[asked], allowed)) - random
    return _part(float(gain.mean()), float((oracle - random).mean()))


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
    own, oracle, random = reached / len(order)
    return _part(float(own - random), float(oracle - random))


def first_ranked(truth: Truth, scores: Floats, seed: int = 0) -> Places:
    """The first-ranked feasible clinician of every client, ties broken by chance, (clients,)."""
    ahead = _ahead(scores, truth.feasible)
    chance = np.random.default_rng(seed).random(scores.shape)
    return np.asarray(np.where(ahead, chance, -1.0).argmax(axis=1))


def too_high(truth: Truth, predicted: Floats, chosen: NDArray[np.bool_]) -> float:
    """Mean of predicted less true alliance, in points, each client counting once.

    Parameters
    ----------
    chosen : (clients, clinicians)
        The pairs looked at, at least one a client.
    """
    return float(_mean(predicted - truth.alliance, chosen).mean())


def _ahead(scores: Floats, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Who stands first for each client, several where scores tie."""
    ranked = np.where(allowed, scores, -np.inf)
    return np.asarray(allowed & (ranked == ranked.max(axis=1, keepdims=True)))


def _part(gain: float, whole: float) -> float:
    return gain / whole if whole > NOTHING else float("nan")


def _assigned(truth: Truth, clients: Places, scores: Floats) -> float:
    """Mean true alliance of clients who got a place, times their number."""
    possible = np.where(truth.feasible[clients], scores, IMPOSSIBLE)
    rows, columns = linear_sum_assignment(possible, maximize=True)
    placed = truth.feasible[clients[rows], columns]
    return float(truth.alliance[clients[rows[placed]], columns[placed]].sum())


def _mean(values: Floats, chosen: NDArray[np.bool_]) -> Floats:
    return np.asarray(np.where(chosen, values, 0.0).sum(axis=1) / chosen.sum(axis=1))


def truth_beside(folder: Path, dataset: Dataset, practice: Practice) -> tuple[Truth, Columns]:
    """The truth of a simulated practice, and the answers of its test clients, row by row.

    Clinicians without a rating in the data set are `cold`.
    """
    rated = np.array(dataset.clinician_ids)[np.unique(dataset.pairs.clinician)]
    truth = read_truth(folder, rated)
    people = read_clients(folder / "truth" / "clients.csv", practice)
    place = {name: row for row, name in enumerate(people.ids)}
    return truth, people.columns.take(np.array([place[name] for name in truth.client_ids]))


def served_scores(model: AllianceModel, roster: Roster, clients: Columns, truth: Truth) -> Floats:
    """Of every test client with every clinician, as they are served, in the truth's order."""
    encoding = model.encode_roster(roster)
    column = {name: row for row, name in enumerate(encoding.roster.ids)}
    clinicians = np.array([column[name] for name in truth.clinician_ids])
    size = truth.alliance.shape
    rows, columns = np.indices(size).reshape(2, -1)
    return model.score(clients, encoding, Pairs(rows, clinicians[columns])).pairing.reshape(size)
