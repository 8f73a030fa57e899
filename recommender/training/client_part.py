"""The client part: what a client would rate an average clinician, learned from clients once each.

Imported by `training.fit` alone.
"""

from dataclasses import dataclass

import numpy as np

from recommender.features.feature import Array
from recommender.features.variance import variance_components
from recommender.model.mixed.blocks import Ints
from recommender.model.trees.ensemble import Trees
from recommender.training.dataset import Chosen
from recommender.training.tree_fitting import FitSettings, TreeInput, fit_trees


@dataclass(frozen=True, slots=True)
class RatingClients:
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


def rating_clients(client: Chosen, label: Array, weight: Array) -> RatingClients:
    """Each client's mean label.

    Repeated for every rating, one client's answers would look like many people who agree. The
    weight w / (1 + theta w) of a mean of ratings that weigh w together grows only as far as more
    ratings say more of the client, theta being the variance between over that within clients; a
    client with one rating weighs about as before.
    """
    place, first, row = np.unique(client, return_index=True, return_inverse=True)
    total = np.bincount(row, weight)
    mean = np.bincount(row, weight * label) / total
    variances = variance_components(row, label, weight)
    theta = variances.between / variances.within if variances and variances.within > 0 else 0.0
    return RatingClients(place, first, row, mean, total / (1 + theta * total))


@dataclass(frozen=True, slots=True)
class ClientPart:
    """What clients say of an average clinician.

    Attributes
    ----------
    trees, mean, share
        A client's part is the mean and this share of how far the trees are from it.
    expected : (n,)
        Of every rating, by trees that did not see its client.
    """

    trees: Trees | None
    mean: float
    share: float
    expected: Array


def client_part(
    rows: Array, raters: RatingClients, fold: Ints, settings: FitSettings
) -> ClientPart:
    """Trees on client columns, trusted as far as they were right of clients they did not see.

    Without columns, or with fewer clients than two leaves need, every client has the mean.

    Parameters
    ----------
    rows : (clients, features)
        Of all clients.
    raters
        Those who rated.
    fold : (n,) int
        Of each rating, by client.
    settings
        How the trees are grown, and by whom.
    """
    growth = settings.client
    own, held = rows[raters.place], fold[raters.first]
    mean = float(np.average(raters.label, weights=raters.weight))
    if not own.shape[1] or len(own) < 2 * growth.min_data_in_leaf:
        return ClientPart(None, mean, 0.0, np.full(len(fold), mean))
    parameters = growth.parameters(settings.seed, own.size)
    ground = TreeInput(own, raters.label, raters.weight, parameters)
    trees, expected = fit_trees(ground, held, np.unique(held).tolist(), settings.grower)
    share = _share(raters, mean, expected)
    expected = mean + share * (expected - mean)
    return ClientPart(trees, mean, share, expected[raters.row])


def _share(raters: RatingClients, mean: float, expected: Array) -> float:
    """The share of the trees' departure from the mean that leaves the least squared error."""
    apart, weight = expected - mean, raters.weight
    interval = float(weight @ apart**2)
    found = float(weight @ ((raters.label - mean) * apart))
    return float(np.clip(found / interval, 0.0, 1.0)) if interval > 0 else 0.0
