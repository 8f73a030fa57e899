"""The restricted likelihood of the linear mixed model at given variances, and its posterior.

Model, for rows i of client c: y = X b + a_c + e with e_i ~ N(0, sigma2 / w_i), a_c ~ N(0, tau2),
penalised columns of block k ~ N(0, v_k), free columns flat. With gamma_k = v_k / sigma2, theta =
tau2 / sigma2, V0 = W^-1 + theta J J', A = X' V0^-1 X + diag(1 / gamma) and
Q = y' V0^-1 y - y' V0^-1 X A^-1 X' V0^-1 y:

    -2 log evidence = (n - f)(log 2 pi sigma2 + 1) + log|V0| + log|A| + sum_k p_k log gamma_k
    sigma2 = Q / (n - f)

f = number of free columns (Harville 1977; Henderson's mixed model equations). Clients are never
columns: V0^-1 = W - sum_c theta / (1 + theta w_c) W 1 1' W, by Sherman and Morrison.
"""

from dataclasses import dataclass

import numpy as np

from recommender.errors import RecommenderError
from recommender.model.mixed.blocks import Floats
from recommender.model.mixed.clients import ClientGroups, CrossProduct
from recommender.model.mixed.design import Design, Gram
from recommender.model.mixed.elimination import Eliminated, eliminated

# Bounds on what a block may add to the variance of a row, in units of sigma2. The lower one is "no
# signal"; the upper one keeps sigma2 from vanishing when there are more effects than rows.
MIN_RATIO, MAX_RATIO, START_RATIO = 1e-7, 1e3, 0.1


@dataclass(frozen=True, slots=True, eq=False)
class MixedProblem:
    """What does not depend on the variances; y is the last dense column of the design.

    `spans` are the columns, y left out, of each block whose variance is sought. `idle` (p,) is the
    penalty of the other columns: 0 for free ones, 1 for penalised ones that are zero throughout.
    `free` is the number of free columns, f.
    """

    design: Design
    weights: Floats
    clients: ClientGroups | None
    cross: CrossProduct
    spans: tuple[slice, ...]
    idle: Floats
    free: int

    @property
    def scale(self) -> Floats:
        """What a unit of gamma adds to the variance of an average row, (K,); 1 for theta."""
        squares = self.cross.squares / self.weights.sum()
        blocks = [float(squares[span].sum()) for span in self.spans]
        return np.array([*blocks, *([] if self.clients is None else [1.0])])


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The mixed model at given `ratios`: gamma of each block, then theta if there are clients.

    `gram` is X' V0^-1 X with y, `penalty` (p,) the diagonal of diag(1 / gamma), `factors` those of
    A, `squares` is Q, `rows_left` is n - f, and `fixed_terms` is log|V0| + log|A| + sum p_k log
    gamma_k.
    """

    ratios: Floats
    coefficients: Floats
    gram: Gram
    penalty: Floats
    factors: Eliminated
    squares: float
    fixed_terms: float
    rows_left: int

    @property
    def sigma2(self) -> float:
        """The residual variance that maximises the evidence."""
        return self.squares / self.rows_left

    def log_evidence(self, sigma2: float) -> float:
        """Restricted log likelihood at this residual variance."""
        level = self.rows_left * np.log(2 * np.pi * sigma2) + self.squares / sigma2
        return float(-0.5 * (level + self.fixed_terms))


def theta_of(problem: MixedProblem, ratios: Floats) -> float:
    """The client ratio among the ratios, 0 without clients."""
    return 0.0 if problem.clients is None else float(ratios[-1])


def solve(problem: MixedProblem, ratios: Floats) -> Solution:
    """The solution at given ratios.

    Raises
    ------
    RecommenderError
        When free columns are linearly dependent.
    """
    theta = theta_of(problem, ratios)
    gram = problem.cross.at(theta)
    penalty = problem.idle.copy()
    logs = -float(np.log(problem.weights).sum())
    for span, gamma in zip(problem.spans, ratios, strict=False):
        penalty[span] = 1 / gamma
        logs += (span.stop - span.start) * float(np.log(gamma))
    if problem.clients is not None:
        logs += float(np.log1p(theta * problem.clients.weight).sum())
    factors, coefficients = solved(gram, penalty)
    total = float(gram.dense[-1, -1])
    rows_left = problem.weights.size - problem.free
    # An outcome fitted exactly would have log 0; the floor is far below any rating's noise.
    explained = float(gram.with_outcome @ coefficients)
    squares = max(total - explained, 1e-12 * total, 1e-12 * rows_left)
    logs += factors.log_determinant
    return Solution(ratios, coefficients, gram, penalty, factors, squares, logs, rows_left)


def solved(gram: Gram, penalty: Floats) -> tuple[Eliminated, Floats]:
    """The factors of A and the coefficients A^-1 X' V0^-1 y, given X' V0^-1 X with y.

    Raises
    ------
    RecommenderError
        When free columns are linearly dependent.
    """
    factors = eliminated(gram.without_outcome, penalty)
    if factors is None:
        remedy = "leave out redundant free columns, or penalise their block"
        raise RecommenderError("blocks", "free columns are linearly dependent", remedy)
    return factors, factors.solve(gram.with_outcome)
