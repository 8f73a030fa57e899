"""What rows say of some columns once every other column of a mixed model is absorbed.

With X the columns of interest, Z all others with their prior precision P, V0 as in `evidence` and
M = V0^-1 - V0^-1 Z (Z' V0^-1 Z + P)^-1 Z' V0^-1, the rows y say of the coefficients b of X:

    log likelihood = -b' A b / 2 + g' b + constant,  A = X' M X / sigma2,  g = X' M y / sigma2

Both add up over practices whose Z have nothing in common (Henderson's absorption of equations;
Harville 1977, section 3), so that a fit to the sums is the fit to all rows together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from recommender.model.mixed.blocks import (
    Block,
    DenseBlock,
    Floats,
    Ints,
    check_blocks,
    ordered,
    used_levels,
)
from recommender.model.mixed.clients import cross_product, repeated_clients
from recommender.model.mixed.design import design_of


@dataclass(frozen=True, slots=True, eq=False)
class NormalEquations:
    """A log likelihood of p coefficients that is quadratic, as in the module's formula.

    Attributes
    ----------
    precision : (p, p)
        A, in one over points squared for columns without a unit.
    score : (p,)
        g, in one over points.
    """

    precision: Floats
    score: Floats


def absorbed(
    y: Floats,
    columns: Floats,
    others: Sequence[Block],
    *,
    variances: Mapping[str, float],
    sigma2: float,
    tau2: float,
    weights: Floats,
    group: Ints,
) -> NormalEquations:
    """The normal equations of some columns with an intercept, other blocks and clients absorbed.

    Parameters
    ----------
    y : (n,) float64
    columns : (n, p) float64
        No NaN.
    others
        Penalised blocks without prior means, in any order.
    variances
        Of each of the others; one without variance has coefficients of 0 and is left out.
    sigma2, tau2, weights, group
        As in `fit_mixed_at`.
    """
    given = [used_levels(block).block for block in others if variances[block.name] > 0]
    dense = [block for block in ordered(given) if isinstance(block, DenseBlock)]
    blocks = [*dense, DenseBlock("", columns), *ordered(given)[len(dense) :]]
    check_blocks(blocks, len(y))
    design = design_of(blocks, y - np.average(y, weights=weights))
    clients = repeated_clients(group, weights)
    gram = cross_product(design, weights, clients).at(tau2 / sigma2).whole()
    # The outcome is the last of the dense columns, the columns of interest are before it.
    first = 1 + sum(block.width for block in dense)
    wanted = np.arange(first, first + columns.shape[1] + 1)
    rest = np.delete(np.arange(len(gram)), wanted)
    penalty = np.concatenate(
        [[0.0], *(np.full(b.width, sigma2 / variances[b.name]) for b in blocks if b.name)]
    )
    across = gram[np.ix_(rest, wanted)]
    factor = cho_factor(gram[np.ix_(rest, rest)] + np.diag(penalty), lower=True)
    left = gram[np.ix_(wanted, wanted)] - across.T @ cho_solve(factor, across)
    left = (left + left.T) / (2 * sigma2)
    return NormalEquations(left[:-1, :-1], left[:-1, -1])
