"""The search for the variances of the linear mixed model.

Newton steps with the average information (Gilmour, Thompson & Cullis 1995, Biometrics 51:1440),
damped after Levenberg and Marquardt.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.compute.threads import side_by_side
from recommender.model.mixed.blocks import Floats
from recommender.model.mixed.clients import ClientGroups
from recommender.model.mixed.evidence import (
    MAX_RATIO,
    MIN_RATIO,
    START_RATIO,
    MixedProblem,
    Solution,
    solve,
    theta_of,
)

# No log variance moves further in one step; a block without signal reaches the floor in five.
MAX_STEP = 3.0
# Rows from which there is one maximum only: of 72 fits of 1,000 rows or more none had a second.
UNIMODAL_ROWS = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class VarianceSearch:
    """Where the search for variances ended.

    `degrees` (K,) is the effective number of coefficients of each block, p_k - tr(A^-1)_k /
    gamma_k; `converged` is whether the last step changed every variance by less than the tolerance.
    """

    solution: Solution
    degrees: Floats
    iterations: int
    converged: bool


@dataclass(frozen=True, slots=True, eq=False)
class Slope:
    """First derivative of the log evidence by the log ratios, and the average information."""

    score: Floats
    information: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Beliefs:
    """The prior of the ratios: a Cauchy distribution of each one's logarithm.

    Near its centre it weighs like a few ratings; its tails are heavy, so that it does not bind a
    practice unlike others (Gelman 2006, Bayesian Analysis 1:515). `centre` is the median of each
    log ratio, `precision` one over the square of its scale; 0 is a flat prior.
    """

    centre: Floats
    precision: Floats

    def log_density(self, ratios: Floats) -> float:
        """Log density at these ratios, up to a constant."""
        return -float(np.log1p(self._squares(ratios)).sum())

    def height(self, solution: Solution) -> float:
        """Log evidence and log density together, up to a constant."""
        return solution.log_evidence(solution.sigma2) + self.log_density(solution.ratios)

    def pull(self, at: "Slope", ratios: Floats) -> "Slope":
        """The slope of the evidence and of the prior together.

        Uses the curvature of the normal density that touches the prior at this point, since that
        of the prior is not positive in its tails.
        """
        weight = 2 * self.precision / (1 + self._squares(ratios))
        score = at.score - weight * (np.log(ratios) - self.centre)
        return Slope(score, at.information + np.diag(weight))

    def _squares(self, ratios: Floats) -> Floats:
        return np.asarray(self.precision * (np.log(ratios) - self.centre) ** 2)


def slope(problem: MixedProblem, solution: Solution) -> Slope:
    """Score and average information at a solution, sigma2 profiled out.

    With u_k the coefficients of block k and q_k = X_k u_k, for clients theta J J' V0^-1 (y - X b):
    score_k = (u_k'u_k / gamma_k / sigma2 - degrees_k) / 2 and information_kl = q_k' P q_l / 2.
    """
    sigma2, spans, ratios = solution.sigma2, problem.spans, solution.ratios
    blocks, gram = len(spans), solution.gram.without_outcome
    # The two terms of the score: gain through the fit, and degrees of freedom.
    gains, degrees = np.zeros(ratios.size), np.zeros(ratios.size)
    own = np.zeros((solution.coefficients.size, ratios.size))
    for k, span in enumerate(spans):
        own[span, k] = solution.coefficients[span]
    gains[:blocks] = np.einsum("ij,ij->j", own, own)[:blocks] / ratios[:blocks] / sigma2
    degrees[:blocks] = block_degrees(problem, solution)
    against = gram.times(own)
    inner = own.T @ against
    if problem.clients is not None:
        pull, squares, gains[-1], degrees[-1] = client_terms(problem, problem.clients, solution)
        against[:, -1] = pull
        inner[-1] = inner[:, -1] = own.T @ pull
        inner[-1, -1] = squares
    information = (inner - against.T @ solution.factors.solve(against)) / sigma2 / 2
    information -= np.outer(gains, gains) / (2 * solution.rows_left)
    return Slope((gains - degrees) / 2, information)


def block_degrees(problem: MixedProblem, solution: Solution) -> Floats:
    """The effective number of coefficients of each block, (K,)."""
    spans = problem.spans
    traces = solution.factors.traces(spans)
    return np.asarray(
        [span.stop - span.start for span in spans] - traces / solution.ratios[: len(spans)]
    )


def client_terms(
    problem: MixedProblem, clients: ClientGroups, solution: Solution
) -> tuple[Floats, float, float, float]:
    """For the clients' q: X' V0^-1 q (p,), q' V0^-1 q, and both terms of the score by theta.

    The weighted residual sum of a client is r_c = s_c' (y - X b); the effective number of client
    effects is theta tr(J' P J) sigma2.
    """
    theta = theta_of(problem, solution.ratios)
    lost = problem.cross.over_clients(lambda w: (1 + theta * w) ** -2)
    signs = np.insert(-solution.coefficients, len(lost.dense) - 1, 1.0)
    pull = lost.times(signs)
    squares = problem.cross.squares_over_clients(signs, lambda w: w * (1 + theta * w) ** -3)
    gain = theta * float(signs @ pull) / solution.sigma2
    own = theta * clients.weight / (1 + theta * clients.weight)
    degrees = float(own.sum()) - theta * solution.factors.trace(lost.without_outcome)
    return (
        theta * np.delete(pull, len(lost.dense) - 1),
        theta**2 * squares,
        gain,
        degrees,
    )


def client_residuals(problem: MixedProblem, clients: ClientGroups, solution: Solution) -> Floats:
    """Each client's weighted residual sum over 1 + theta w_c: J' V0^-1 (y - X b), (m,)."""
    signs = np.insert(-solution.coefficients, problem.design.dense_width - 1, 1.0)
    residual = problem.design.times(signs) * problem.weights
    sums = np.bincount(clients.row, weights=residual, minlength=clients.codes.size)
    return sums / (1 + theta_of(problem, solution.ratios) * clients.weight)


def search(
    problem: MixedProblem, beliefs: Beliefs, tolerance: float, max_iterations: int
) -> VarianceSearch:
    """The variances that maximise the evidence times the prior.

    With few rows there can be two maxima: the search then starts from the prior and from a usual
    variance, and takes the higher one. It ends when no variance changes by more than the share
    `tolerance`, or after `max_iterations` Newton steps from each start.
    """
    usual = np.log(START_RATIO / problem.scale)
    held = beliefs.precision > 0
    starts = [np.where(held, beliefs.centre, usual)]
    if held.any() and problem.weights.size < UNIMODAL_ROWS:
        starts.append(usual)
    ends = side_by_side(
        lambda start: climb(problem, beliefs, start, tolerance, max_iterations), starts
    )
    return max(ends, key=lambda end: beliefs.height(end.solution))


def climb(
    problem: MixedProblem, beliefs: Beliefs, start: Floats, tolerance: float, max_iterations: int
) -> VarianceSearch:
    """The local maximum above the log ratios `start`; parameters as in `search`."""
    low, high = np.log(MIN_RATIO / problem.scale), np.log(MAX_RATIO / problem.scale)
    here, damping = np.clip(start, low, high), 0.0
    solution = solve(problem, np.exp(here))
    at = beliefs.pull(slope(problem, solution), solution.ratios)
    converged, tried = here.size == 0, 0
    while not converged and tried < max_iterations:
        tried += 1
        resting = ((here <= low) & (at.score <= 0)) | ((here >= high) & (at.score >= 0))
        there = np.clip(here + newton_step(at, ~resting, damping), low, high)
        converged = bool(np.abs(there - here).max() < tolerance)
        candidate = solve(problem, np.exp(there))
        if gained(candidate, solution, beliefs):
            here, solution, damping = there, candidate, damping / 8
            if not converged:
                at = beliefs.pull(slope(problem, solution), solution.ratios)
        else:
            damping = max(4 * damping, 0.1)
    return VarianceSearch(solution, block_degrees(problem, solution), tried, converged)


def newton_step(at: Slope, free: NDArray[np.bool_], damping: float) -> Floats:
    """A damped step of the log ratios, uphill; only those free to move do.

    On the log scale the curvature is the information minus the score. Adding |score| in its place
    keeps the step uphill, and its share bounds it where a small variance carries no information.
    """
    moving = np.flatnonzero(free)
    step = np.zeros(at.score.size)
    if moving.size == 0:
        return step
    score = at.score[moving]
    curve = at.information[np.ix_(moving, moving)]
    own = np.maximum(np.diagonal(curve), 0) + np.abs(score) / MAX_STEP + 1e-12
    # Scaled to a unit diagonal: blocks without signal have information many powers of 10 smaller.
    root = np.sqrt(own)
    unit = curve / np.outer(root, root)
    np.fill_diagonal(unit, 1 + 1e-9 + damping)
    step[moving] = np.linalg.solve(unit, score / root) / root
    return np.asarray(step * min(1.0, MAX_STEP / max(float(np.abs(step).max()), 1e-300)))


def gained(candidate: Solution, before: Solution, beliefs: Beliefs) -> bool:
    """Whether evidence and beliefs together did not fall, up to rounding."""
    new, old = beliefs.height(candidate), beliefs.height(before)
    return new >= old - 1e-12 * (1 + abs(old))
