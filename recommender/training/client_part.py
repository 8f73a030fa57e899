"""The client part: what a client would rate an average clinician, learned from clients once each.

Imported by `training.fit` alone.
"""

from dataclasses import dataclass

import numpy as np

from recommender.features.feature import Array
from recommender.mixed.blocks import Ints
from recommender.training.dataset import Chosen
from recommender.training.growth import Growth, binned, grown
from recommender.trees.ensemble import Trees


@dataclass(frozen=True, slots=True)
class Raters:
    """Clients who rated, one row each.

    Attributes
    ----------
    place : (m,) int
        Among all clients, ascending.
    first : (m,) int
        The first of their ratings.
    row : (n,) int
        The client of each rating.
    label, weight : (m,)
        Mean label, and its precision relative to one rating's.
    """

    place: Chosen
    first: Chosen
    row: Chosen
    label: Array
    weight: Array


def raters_of(client: Chosen, label: Array, weight: Array) -> Raters:
    """Each client's mean label.

    Repeated for every rating, one client's answers would look like many people who agree. The
    weight w / (1 + theta w) of a mean of ratings that weigh w together grows only as far as more
    ratings say more of the client, theta being the variance between over that within clients; a
    client with one rating weighs about as before.
    """
    place, first, row = np.unique(client, return_index=True, return_inverse=True)
    total = np.bincount(row, weight)
    mean = np.bincount(row, weight * label) / total
    theta = _between_over_within(label, weight, row, mean)
    return Raters(place, first, row, mean, total / (1 + theta * total))


def client_part(
    rows: Array, raters: Raters, fold: Ints, growth: Growth, seed: int
) -> tuple[Trees | None, Array]:
    """Trees on client columns, and cross-fitted predictions of every rating, (n,).

    Without columns, or with fewer clients than two leaves need, every client has the mean.

    Parameters
    ----------
    rows : (clients, features)
        Of all clients.
    raters
        Those who rated.
    fold : (n,) int
        Of each rating, by client.
    growth, seed
        How the trees are grown.
    """
    own, held = rows[raters.place], fold[raters.first]
    if not own.shape[1] or len(own) < 2 * growth.min_data_in_leaf:
        return None, np.full(len(fold), float(np.average(raters.label, weights=raters.weight)))
    parameters = growth.parameters(seed, own.size)
    data = binned(own, raters.label, raters.weight, parameters).construct()
    expected = np.empty(len(own))
    for number in np.unique(held):
        inside = held == number
        others = data.subset(np.flatnonzero(~inside).tolist())
        expected[inside] = grown(others, parameters).score(own[inside])
    return grown(data, parameters), expected[raters.row]


def _between_over_within(label: Array, weight: Array, row: Chosen, mean: Array) -> float:
    """The ratio of variances by the method of moments, 0 when nobody rated twice.

    Searle, Casella & McCulloch 1992, 3.5, with weights.
    """
    n, clients, total = len(label), len(mean), np.bincount(row, weight)
    if n == clients or clients < 2:
        return 0.0
    whole = float(total.sum())
    within = float(weight @ (label - mean[row]) ** 2) / (n - clients)
    among = float(total @ (mean - np.average(label, weights=weight)) ** 2) / (clients - 1)
    typical = (whole - float(total @ total) / whole) / (clients - 1)
    return max(among - within, 0.0) / (typical * within) if within > 0 else 0.0
