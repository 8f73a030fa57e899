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
from recommender.model.mixed.design import Design, DesignRows, Gram, GramStack

# Strata of clients with a common weight whose cross-product is stored; more would cost more memory
# than they save time.
MAX_STRATA = 16


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


def client_groups(group: Ints, weights: Floats) -> ClientGroups:
    """The clients of rows."""
    codes, row = np.unique(group[group >= 0], return_inverse=True)
    nobody = int((group < 0).sum())
    where = np.empty(group.size, dtype=np.int64)
    where[group >= 0] = row
    where[group < 0] = codes.size + np.arange(nobody)
    codes = np.concatenate([codes, np.full(nobody, -1)])
    total = np.bincount(where, weights=weights, minlength=codes.size)
    return ClientGroups(codes, where, np.asarray(total, dtype=np.float64))


def repeated_clients(group: Ints, weights: Floats) -> ClientGroups | None:
    """The clients of rows; None when no client has two, so that tau2 cannot be identified."""
    clients = client_groups(group, weights)
    return clients if len(clients.codes) < len(group) else None


@dataclass(frozen=True, slots=True, eq=False)
class CrossProduct:
    """X' V0^-1 X for any theta, y being the last dense column of X.

    `stored` has X' W X, then the sum of s_c s_c' over clients of each weight of `weight` (k,);
    `rest` the rows s_c of clients of other weights, `rest_weight`, which are summed each time.
    """

    stored: GramStack
    weight: Floats
    rest: Design | None
    rest_weight: Floats

    @property
    def squares(self) -> Floats:
        """The diagonal of X' W X without y, (p,)."""
        return self.stored[0].without_outcome.diagonal

    def at(self, theta: float) -> Gram:
        """The cross-product."""
        total = self.stored.summed(np.append(1.0, -_lost(self.weight, theta)))
        return (
            total if self.rest is None else total - self.rest.gram(_lost(self.rest_weight, theta))
        )

    def over_clients(self, factor: Callable[[Floats], Floats]) -> Gram:
        """The sum over clients of factor(w_c) s_c s_c'."""
        total = self.stored.summed(np.append(0.0, factor(self.weight)))
        return total if self.rest is None else total + self.rest.gram(factor(self.rest_weight))

    def squares_over_clients(self, vector: Floats, factor: Callable[[Floats], Floats]) -> float:
        """The sum over clients of factor(w_c) (s_c' vector)^2."""
        stored = self.stored.summed(np.append(0.0, factor(self.weight)))
        total = float(vector @ stored.times(vector))
        if self.rest is None:
            return total
        return total + float(factor(self.rest_weight) @ self.rest.times(vector) ** 2)


def _lost(weight: Floats, theta: float) -> Floats:
    return theta / (1 + theta * weight)


def cross_product(design: Design, weights: Floats, clients: ClientGroups | None) -> CrossProduct:
    """Cross-products of a design, y as its last dense column, for any later theta."""
    nothing = np.zeros(0)
    if clients is None:
        stored = GramStack.of([DesignRows(design, weights)], nothing)
        return CrossProduct(stored, nothing, None, nothing)
    # Of clients with one row s_c s_c' is w_c times their part of X' W X, and is summed once.
    has_one_row = np.bincount(clients.row) == 1
    kind = np.where(has_one_row, clients.weight, -clients.weight)
    kinds, stratum, counts = np.unique(kind, return_inverse=True, return_counts=True)
    chosen = np.argsort(-counts, kind="stable")[:MAX_STRATA]
    chosen = chosen[counts[chosen] > 1]
    in_strata = np.isin(stratum, chosen)
    by_row = has_one_row & in_strata
    summed_clients = np.flatnonzero(~by_row)
    summed = design.summed(_chooser(clients, weights)[summed_clients])
    ones, squares = np.ones(summed.rows), weights**2
    parts = [DesignRows(design, weights, np.flatnonzero(~by_row[clients.row]))]
    for number in chosen:
        inside = stratum == number
        if kinds[number] > 0:
            parts.append(DesignRows(design, squares, np.flatnonzero(inside[clients.row])))
        else:
            parts.append(DesignRows(summed, ones, np.flatnonzero(inside[summed_clients])))
    left = np.flatnonzero(~in_strata)
    return CrossProduct(
        GramStack.of(parts, np.where(kinds[chosen] > 0, 1 / kinds[chosen], 0.0)),
        np.abs(kinds[chosen]),
        summed.take(np.flatnonzero(~in_strata[summed_clients])) if left.size else None,
        clients.weight[left],
    )


def cross_product_at(design: Design, weights: Floats, clients: ClientGroups, theta: float) -> Gram:
    """The cross-product of a design, y as its last dense column, for one theta."""
    has_one_row = np.bincount(clients.row) == 1
    shrink = 1 + theta * clients.weight
    # Of a client with one row, X' W X and what is lost of it are one product.
    total = design.gram(weights / np.where(has_one_row, shrink, 1.0)[clients.row])
    several = np.flatnonzero(~has_one_row)
    summed = design.summed(_chooser(clients, weights)[several])
    return total - summed.gram(theta / shrink[several])


def _chooser(clients: ClientGroups, weights: Floats) -> sparse.csr_array:
    """What sums the weighted rows of each client, (m, n)."""
    cells = (weights, (clients.row, np.arange(weights.size)))
    shape = (clients.codes.size, weights.size)
    return sparse.csr_array(sparse.coo_array(cells, shape=shape))
