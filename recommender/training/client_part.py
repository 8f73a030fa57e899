"""The client part: what a client would rate an average clinician, one row a client."""

from dataclasses import dataclass

import numpy as np

from recommender.features.feature import Array, variance_components
from recommender.model.mixed.blocks import Ints
from recommender.model.trees.ensemble import Trees
from recommender.training.dataset import RowIndex
from recommender.training.tree_fitting import FitSettings, TreeInput, fit_trees


@dataclass(frozen=True, slots=True)
class ClientRatings:
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

    place: RowIndex
    first: RowIndex
    row: RowIndex
    label: Array
    weight: Array


def client_ratings(client: RowIndex, label: Array, weight: Array) -> ClientRatings:
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
    return ClientRatings(place, first, row, mean, total / (1 + theta * total))


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
    rows: Array, raters: ClientRatings, fold: Ints, settings: FitSettings
) -> ClientPart:
    """Trees on client columns, weighted by how well they predict clients they did not see.

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
        Hyperparameters of the trees, and who fits them.
    """
    tree_settings = settings.client
    own, held = rows[raters.place], fold[raters.first]
    mean = float(np.average(raters.label, weights=raters.weight))
    if not own.shape[1] or len(own) < 2 * tree_settings.min_data_in_leaf:
        return ClientPart(None, mean, 0.0, np.full(len(fold), mean))
    parameters = tree_settings.parameters(settings.seed, own.size)
    tree_input = TreeInput(own, raters.label, raters.weight, parameters)
    trees, expected = fit_trees(tree_input, held, np.unique(held).tolist(), settings.tree_fitter)
    share = _share(raters, mean, expected)
    expected = mean + share * (expected - mean)
    return ClientPart(trees, mean, share, expected[raters.row])


def _share(raters: ClientRatings, mean: float, expected: Array) -> float:
    """The share of the trees' departure from the mean that leaves the least squared error."""
    departure, weight = expected - mean, raters.weight
    size = float(weight @ departure**2)
    product = float(weight @ ((raters.label - mean) * departure))
    return float(np.clip(product / size, 0.0, 1.0)) if size > 0 else 0.0
