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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cho_solve, lapack, solve_triangular

from recommender.errors import RecommenderError
from recommender.model.mixed.blocks import (
    Block,
    DenseBlock,
    Design,
    Floats,
    Ints,
    ordered,
    spans,
)

# Bounds on what a block may add to the variance of a row, in units of sigma2. The lower one is "no
# signal"; the upper one keeps sigma2 from vanishing when there are more effects than rows.
MIN_RATIO, MAX_RATIO, START_RATIO = 1e-7, 1e3, 0.1
# Strata of clients with a common weight whose cross-product is stored; each costs a p x p matrix.
MAX_STRATA = 4


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
    """X' V0^-1 X for any theta, y being the last column of X.

    Clients with a common weight share one stored matrix, so that the many clients with one row
    cost nothing per theta; the others are summed each time.
    """

    base: Floats
    strata: tuple[tuple[float, Floats], ...]
    rest: Design | None
    rest_weight: Floats

    def at(self, theta: float) -> Floats:
        """The cross-product, (p + 1, p + 1)."""
        return self.base - self._sum(lambda weight: theta / (1 + theta * weight))

    def slope(self, theta: float) -> Floats:
        """Minus its derivative by theta, (p + 1, p + 1)."""
        return self._sum(lambda weight: (1 + theta * weight) ** -2)

    def _sum(self, factor: Callable[[Floats], Floats]) -> Floats:
        total = np.zeros_like(self.base)
        for weight, gram in self.strata:
            total += factor(np.array(weight)) * gram
        return total if self.rest is None else total + self.rest.gram(factor(self.rest_weight))


def cross_product(design: Design, weights: Floats, clients: ClientGroups | None) -> CrossProduct:
    """Cross-products of a design, y as its last dense column, for any later theta."""
    base = design.gram(weights)
    if clients is None:
        return CrossProduct(base, (), None, np.zeros(0))
    values, stratum, counts = np.unique(clients.weight, return_inverse=True, return_counts=True)
    # Storing a matrix pays only where summing its clients each time would cost more.
    common = np.argsort(-counts, kind="stable")[:MAX_STRATA]
    stored = [int(s) for s in common if counts[s] > design.width]
    cells = (weights, (clients.row, np.arange(weights.size)))
    chooser = sparse.csr_array(sparse.coo_array(cells, shape=(clients.codes.size, weights.size)))
    strata = []
    for s in stored:
        part = design.summed(chooser[np.flatnonzero(stratum == s)])
        strata.append((float(values[s]), part.gram(np.ones(part.rows))))
    left = np.flatnonzero(~np.isin(stratum, stored))
    rest = design.summed(chooser[left]) if left.size else None
    return CrossProduct(base, tuple(strata), rest, clients.weight[left])


@dataclass(frozen=True, slots=True, eq=False)
class MixedProblem:
    """What does not depend on the variances; y is the column `outcome` of the design.

    `spans` are the columns, y left out, of each block whose variance is sought. `idle` (p,) is the
    penalty of the other columns: 0 for free ones, 1 for penalised ones that are zero throughout.
    `free` is the number of free columns, f.
    """

    design: Design
    outcome: int
    weights: Floats
    clients: ClientGroups | None
    cross: CrossProduct
    spans: tuple[slice, ...]
    idle: Floats
    free: int

    @property
    def scale(self) -> Floats:
        """What a unit of gamma adds to the variance of an average row, (K,); 1 for theta."""
        squares = np.delete(np.diagonal(self.cross.base), self.outcome) / self.weights.sum()
        blocks = [float(squares[span].sum()) for span in self.spans]
        return np.array([*blocks, *([] if self.clients is None else [1.0])])


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The mixed model at given `ratios`: gamma of each block, then theta if there are clients.

    `factor` (p, p) is the lower Cholesky factor of A, `squares` is Q, `rows_left` is n - f, and
    `fixed_terms` is log|V0| + log|A| + sum p_k log gamma_k.
    """

    ratios: Floats
    coefficients: Floats
    factor: Floats
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


def solve(problem: MixedProblem, ratios: Floats) -> tuple[Solution, Floats]:
    """The solution at given ratios, and the cross-product X' V0^-1 X.

    Raises
    ------
    RecommenderError
        When free columns are linearly dependent.
    """
    theta = theta_of(problem, ratios)
    gram_and_outcome = problem.cross.at(theta)
    keep = np.delete(np.arange(gram_and_outcome.shape[0]), problem.outcome)
    gram, against = gram_and_outcome[np.ix_(keep, keep)], gram_and_outcome[keep, problem.outcome]
    penalty = problem.idle.copy()
    logs = -float(np.log(problem.weights).sum())
    for span, gamma in zip(problem.spans, ratios, strict=False):
        penalty[span] = 1 / gamma
        logs += (span.stop - span.start) * float(np.log(gamma))
    if problem.clients is not None:
        logs += float(np.log1p(theta * problem.clients.weight).sum())
    factor, failed = lapack.dpotrf(gram + np.diag(penalty), lower=1, clean=1)
    if failed:
        remedy = "leave out redundant free columns, or penalise their block"
        raise RecommenderError("blocks", "free columns are linearly dependent", remedy)
    coefficients = cho_solve((factor, True), against)
    total = float(gram_and_outcome[problem.outcome, problem.outcome])
    rows_left = problem.weights.size - problem.free
    # An outcome fitted exactly would have log 0; the floor is far below any rating's noise.
    squares = max(total - float(against @ coefficients), 1e-12 * total, 1e-12 * rows_left)
    logs += 2 * float(np.log(np.diagonal(factor)).sum())
    return Solution(ratios, coefficients, factor, squares, logs, rows_left), gram


@dataclass(frozen=True, slots=True, eq=False)
class MixedFit:
    """A fitted linear mixed model; numbers only.

    Attributes
    ----------
    names : tuple of str
        Blocks in the order given to the fit.
    coefficients : mapping of block name to (p,) float64
        Posterior means; a level without rows has 0, a column without signal its prior mean.
    variances : mapping of block name to float
        Prior variance of each penalised block, in the unit of y squared (for standardised columns).
    degrees : mapping of block name to float
        Effective number of coefficients each penalised block spends, 0 to p.
    intercept : float
    sigma2 : float
        Residual variance of a row of weight 1.
    tau2 : float
        Variance between clients; 0 when no client has two rows.
    client_codes : (m,) int64
        Codes of clients with an effect, ascending.
    client_effects : (m,) float64
        Posterior mean of each client's intercept (BLUP).
    iterations : int
        Newton steps tried; 0 for a fit at given variances.
    converged : bool
        Whether the variances converged.
    log_evidence : float
        Restricted log likelihood of y at these variances.
    factor : (p, p) float64, optional
        Lower Cholesky factor of sigma2 times the posterior precision, intercept first, dense
        blocks, index blocks; without the levels that no row has.
    places : mapping of block name to (k,) int
        The columns of each block that the factor has.
    """

    names: tuple[str, ...]
    coefficients: Mapping[str, Floats]
    variances: Mapping[str, float]
    degrees: Mapping[str, float]
    intercept: float
    sigma2: float
    tau2: float
    client_codes: Ints
    client_effects: Floats
    iterations: int
    converged: bool
    log_evidence: float
    factor: Floats | None = None
    places: Mapping[str, NDArray[np.intp]] = field(default_factory=dict)

    def terms(self, blocks: Sequence[Block]) -> dict[str, Floats]:
        """Contribution of each given block to each row, (n,) a block, without the intercept.

        Raises
        ------
        RecommenderError
            When a block was not part of the fit, or a dense one has another width.
        """
        terms = {}
        for block in blocks:
            own = self.coefficients.get(block.name)
            if own is None or (isinstance(block, DenseBlock) and block.width != own.size):
                problem = "is unknown" if own is None else f"has {block.width} columns"
                remedy = "give the blocks and columns the model was fitted on"
                raise RecommenderError(block.name, problem, remedy)
            terms[block.name] = block.term(own)
        return terms

    def predict(self, blocks: Sequence[Block]) -> Floats:
        """Posterior mean for rows of new clients, (n,); every block of the fit must be given."""
        terms = self.terms(blocks)
        missing = [name for name in self.names if name not in terms]
        if missing:
            raise RecommenderError("blocks", f"{missing[0]} is missing", "give every fitted block")
        rows = blocks[0].rows if blocks else 1
        return self.intercept + sum((terms[name] for name in self.names), np.zeros(rows))

    def effect_of(self, clients: Ints) -> Floats:
        """Posterior mean of the intercept of each client, (n,); 0 for one not seen before."""
        if self.client_codes.size == 0:
            return np.zeros(clients.shape)
        place = np.searchsorted(self.client_codes, clients).clip(max=self.client_codes.size - 1)
        known = self.client_codes[place] == clients
        return np.where(known, self.client_effects[place], 0.0)

    def draws_of(self, blocks: Sequence[Block], size: int, seed: int) -> dict[str, Floats]:
        """Deviations (p, size) of the coefficients of each block from their means, by its name.

        Drawn from their posterior: with L the factor, x of L' x = z has the covariance of the
        coefficients over sigma2 when z is standard normal. A level without rows is independent of
        all others, with the prior variance of its block. Only the widths of the blocks matter.
        """
        factor, own = self._require_factor(), self._own(blocks)
        where = spans(own)
        width = 1 + sum(block.width for block in own)
        normal = np.random.default_rng(seed).standard_normal((width, size))
        fitted = np.concatenate(
            [[0], *(where[block.name].start + self.places[block.name] for block in ordered(own))]
        )
        drawn = np.zeros_like(normal)
        for name, variance in self.variances.items():
            drawn[where[name]] = np.sqrt(variance) * normal[where[name]]
        drawn[fitted] = np.sqrt(self.sigma2) * solve_triangular(
            factor, normal[fitted], lower=True, trans="T"
        )
        return {name: drawn[span] for name, span in where.items()}

    def _own(self, blocks: Sequence[Block]) -> list[Block]:
        """The blocks in the order of the fit, all of them."""
        by_name = {block.name: block for block in blocks}
        if set(by_name) != set(self.names):
            raise RecommenderError("blocks", "are not those of the fit", "give every fitted block")
        return [by_name[name] for name in self.names]

    def _require_factor(self) -> Floats:
        if self.factor is None:
            remedy = "fit with keep_factor=True"
            raise RecommenderError("factor", "the posterior precision was not stored", remedy)
        return self.factor

    def to_arrays(self) -> tuple[dict[str, NDArray[np.generic]], dict[str, Any]]:
        """The fit as named arrays and as numbers that JSON can hold, for `from_arrays`."""
        arrays: dict[str, NDArray[np.generic]] = {
            f"coefficients.{name}": self.coefficients[name] for name in self.names
        }
        arrays["client_codes"], arrays["client_effects"] = self.client_codes, self.client_effects
        if self.factor is not None:
            arrays["factor"] = self.factor
            arrays |= {f"places.{name}": self.places[name] for name in self.names}
        facts: dict[str, Any] = {"names": list(self.names), "penalised": list(self.variances)}
        facts |= {f"variances.{name}": value for name, value in self.variances.items()}
        facts |= {f"degrees.{name}": value for name, value in self.degrees.items()}
        return arrays, facts | {name: getattr(self, name) for name in _SCALARS}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
    ) -> "MixedFit":
        """The fit that `to_arrays` wrote, whose types a reader of untrusted bytes checks first."""
        return cls(
            names=tuple(facts["names"]),
            coefficients={name: arrays[f"coefficients.{name}"] for name in facts["names"]},
            variances={name: facts[f"variances.{name}"] for name in facts["penalised"]},
            degrees={name: facts[f"degrees.{name}"] for name in facts["penalised"]},
            client_codes=arrays["client_codes"],
            client_effects=arrays["client_effects"],
            factor=arrays.get("factor"),
            places={
                name: arrays[f"places.{name}"]
                for name in facts["names"]
                if f"places.{name}" in arrays
            },
            **{name: facts[name] for name in _SCALARS},
        )


_SCALARS = ("intercept", "sigma2", "tau2", "iterations", "converged", "log_evidence")
