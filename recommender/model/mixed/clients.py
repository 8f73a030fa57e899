"""Clients of several rows, and the cross-products of a design with their intercepts integrated out.

With s_c the weighted sum of the rows of client c and w_c their weight, Sherman and Morrison give
X' V0^-1 X = X' W X - sum_c theta / (1 + theta w_c) s_c s_c', V0 as in `evidence`. Only sums over
clients of one weight are needed, so that no later step reads a row again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recommender.model.mixed.blocks import Floats, Ints
from recommender.model.mixed.design import Design, Gram, GramStack

# Strata of clients with a common weight whose cross-product is stored.
MAX_STRATA = 8


@dataclass(frozen=True, slots=True, eq=False)
class ClientGroups:
    """Which rows belong to one client.

    `codes` (m,) are the caller's, ascending; rows coded -1 come last, each as a client of its own.
    `row` (n,) is the position in `codes` of each row's client, `weight` (m,) the sum of row
    weights.
    """

    codes: Ints
    row: Ints
    weight: Floats


def client_groups(group: Ints, weights: Floats) -> ClientGroups | None:
    """The clients of rows; None when no client has two, so that tau2 cannot be identified."""
    codes, row, counts = np.unique(group[group >= 0], return_inverse=True, return_counts=True)
    if counts.size == 0 or counts.max() < 2:
        return None
    nobody = int((group < 0).sum())
    where = np.empty(group.size, dtype=np.int64)
    where[group >= 0] = row
    where[group < 0] = codes.size + np.arange(nobody)
    codes = np.concatenate([codes, np.full(nobody, -1)])
    total = np.bincount(where, weights=weights, minlength=codes.size)
    return ClientGroups(codes, where, np.asarray(total, dtype=np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class CrossProduct:
    """X' V0^-1 X for any theta, y being the last dense column of X.

    `base` is X' W X. `strata` has the sum of s_c s_c' over clients of each weight of `weight` (k,);
    `rest` the rows s_c of clients of other weights, `rest_weight`, which are summed each time.
    """

    base: Gram
    strata: GramStack | None
    weight: Floats
    rest: Design | None
    rest_weight: Floats

    def at(self, theta: float) -> Gram:
        """The cross-product."""
        if self.strata is None:
            return self.base
        return self.base - self._sum(lambda weight: theta / (1 + theta * weight))

    def slope(self, theta: float) -> Gram:
        """Minus its derivative by theta; there must be clients."""
        return self._sum(lambda weight: (1 + theta * weight) ** -2)

    def squares(self, vector: Floats, factor: Callable[[Floats], Floats]) -> float:
        """Sum over clients of factor(w_c) (s_c' vector)^2."""
        gram = self._sum(factor)
        return float(vector @ gram.times(vector))

    def _sum(self, factor: Callable[[Floats], Floats]) -> Gram:
        """Sum over clients of factor(w_c) s_c s_c'."""
        assert self.strata is not None
        stored = self.strata.summed(factor(self.weight))
        return stored if self.rest is None else stored + self.rest.gram(factor(self.rest_weight))


def cross_product(design: Design, weights: Floats, clients: ClientGroups | None) -> CrossProduct:
    """Cross-products of a design, y as its last dense column, for any later theta."""
    if clients is None:
        return CrossProduct(design.gram(weights), None, np.zeros(0), None, np.zeros(0))
    # Of clients with one row s_c s_c' is w_c times their part of X' W X, and is summed once.
    has_one_row = np.bincount(clients.row) == 1
    kind = np.where(has_one_row, clients.weight, -clients.weight)
    kinds, stratum, counts = np.unique(kind, return_inverse=True, return_counts=True)
    stored = np.argsort(-counts, kind="stable")[:MAX_STRATA]
    cells = (weights, (clients.row, np.arange(weights.size)))
    chooser = sparse.csr_array(sparse.coo_array(cells, shape=(clients.codes.size, weights.size)))
    grams = []
    for number in stored:
        if kinds[number] > 0:
            rows = np.flatnonzero((stratum == number)[clients.row])
            grams.append(design.gram(weights**2, rows))
        else:
            part = design.summed(chooser[np.flatnonzero(stratum == number)])
            grams.append(part.gram(np.ones(part.rows)))
    strata = GramStack.of(grams)
    alone = np.maximum(kinds[stored], 0)
    base = strata.summed(np.divide(1, alone, out=np.zeros(alone.size), where=alone > 0))
    others = np.flatnonzero(~np.isin(stratum, stored[alone > 0])[clients.row])
    left = np.flatnonzero(~np.isin(stratum, stored))
    return CrossProduct(
        base + design.gram(weights, others),
        strata,
        np.abs(kinds[stored]),
        design.summed(chooser[left]) if left.size else None,
        clients.weight[left],
    )
