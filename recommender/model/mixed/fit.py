"""The linear mixed model in closed form: one ridge variance a block, an intercept a client.

It is the additive half of the pairing part, and estimates how much clinicians and clients vary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import lapack

from recommender.errors import RecommenderError
from recommender.model.mixed.blocks import (
    Block,
    DenseBlock,
    Floats,
    Ints,
    UsedLevels,
    at_levels,
    check_blocks,
    spans,
    used_levels,
)
from recommender.model.mixed.clients import (
    client_groups,
    cross_product,
    cross_product_at,
    repeated_clients,
)
from recommender.model.mixed.design import design_of
from recommender.model.mixed.evidence import (
    MIN_RATIO,
    MixedProblem,
    Solution,
    solve,
    solved,
    theta_of,
)
from recommender.model.mixed.fitted import FittedEquations, MixedFit
from recommender.model.mixed.variances import Beliefs, client_residuals, search

__all__ = ["MixedFit", "fit_mixed", "fit_mixed_at", "fit_without"]

UNSURE = 0.7
"""Scale of the log of a prior variance: half of its mass lies between half and twice the median."""


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A problem, and what maps its solution to the caller's blocks.

    `blocks` are those of the problem, without levels that no row has; `used` says of each, by name,
    where its columns were.
    """

    blocks: tuple[Block, ...]
    used: Mapping[str, UsedLevels]
    problem: MixedProblem
    sought: tuple[str, ...]
    centre: float


def fit_mixed(
    y: Floats,
    blocks: Sequence[Block],
    *,
    weights: Floats | None = None,
    group: Ints | None = None,
    tolerance: float = 1e-6,
    max_iterations: int = 50,
    keep_factor: bool = False,
    keep_equations: bool = False,
    expected: Mapping[str, float] | None = None,
) -> MixedFit:
    """The mixed model with every variance at the maximum of the restricted likelihood.

    Parameters
    ----------
    y : (n,) float64
    blocks : sequence of Block
        An intercept is always added.
    weights : (n,) float64, optional
        Precision of each row relative to 1; positive. A few distinct values are much faster than
        many when clients repeat.
    group : (n,) int64, optional
        Client of each row, any codes from 0; -1 is a client of its own. Its intercept is
        integrated out.
    tolerance : float
        The search ends when no variance changes by more than this share.
    max_iterations : int
        Newton steps at most; read `converged`.
    keep_factor : bool
        Store what `MixedFit.draws_of` needs, p x p numbers.
    keep_equations : bool
        Store what `fit_without` needs, as many numbers.
    expected : mapping of block name to float, optional
        Prior median of what a block adds to the variance of a row, in units of sigma2; the log has
        a Cauchy prior with the scale `UNSURE`. A block without one has a flat prior.

    Raises
    ------
    RecommenderError
        For rows or cells that do not fit together, linearly dependent free columns, or an
        expected share that is not positive.

    Examples
    --------
    Twelve clients of two clinicians, of whom the second is rated higher:

    >>> from recommender.model.mixed.blocks import IndexBlock
    >>> clinician = np.repeat([0, 1], 6)
    >>> y = 4.0 + clinician + np.tile([-0.2, 0.0, 0.2], 4)
    >>> fit = fit_mixed(y, [IndexBlock("clinician", clinician, levels=2)])
    >>> fit.coefficients["clinician"].round(2)
    array([-0.49,  0.49])
    """
    task = _task(y, blocks, weights, group)
    beliefs = _beliefs(task, expected or {})
    ended = search(task.problem, beliefs, tolerance, max_iterations)
    solution, degrees = ended.solution, dict(zip(task.sought, ended.degrees, strict=True))
    scale = task.problem.scale
    # A variance at its lower bound is reported as 0.
    ratios = np.where(solution.ratios > 1.01 * MIN_RATIO / scale, solution.ratios, 0.0)
    course = ended.iterations, ended.converged
    fit = _fit(task, solution, ratios, solution.sigma2, degrees, course, keep_factor)
    if not keep_equations:
        return fit
    theta = theta_of(task.problem, solution.ratios)
    equations = FittedEquations(solution.gram, solution.penalty, task.centre, theta)
    return replace(fit, equations=equations)


def fit_mixed_at(
    y: Floats,
    blocks: Sequence[Block],
    *,
    variances: Mapping[str, float],
    sigma2: float,
    tau2: float = 0.0,
    weights: Floats | None = None,
    group: Ints | None = None,
    keep_factor: bool = False,
) -> MixedFit:
    """The mixed model at given variances, for a practice too small to estimate them.

    Parameters
    ----------
    variances : mapping of block name to float
        Prior variance of every penalised block; 0 becomes the lower bound.
    sigma2, tau2 : float
        Residual variance (positive) and variance between clients.
    y, blocks, weights, group, keep_factor
        As in `fit_mixed`.
    """
    task = _task(y, blocks, weights, group)
    missing = [name for name in task.sought if name not in variances]
    if missing or sigma2 <= 0:
        problem = f"{missing[0]} has no variance" if missing else "sigma2 is not positive"
        raise RecommenderError("variances", problem, "give each penalised block a variance")
    values = [variances[name] for name in task.sought]
    values += [] if task.problem.clients is None else [tau2]
    ratios = np.array(values) / sigma2
    solution = solve(task.problem, np.maximum(ratios, MIN_RATIO / task.problem.scale))
    degrees = dict.fromkeys(task.sought, float("nan"))
    return _fit(task, solution, ratios, sigma2, degrees, (0, True), keep_factor)


def fit_without(
    fit: MixedFit,
    y: Floats,
    blocks: Sequence[Block],
    *,
    weights: Floats,
    group: Ints | None = None,
) -> MixedFit:
    """A fit as it would be without some of its rows, at its variances.

    What these rows say is subtracted from the normal equations, so that only they are read. The
    result predicts rows of new clients; it has no degrees, evidence and client effects.

    Parameters
    ----------
    fit
        Fitted with `keep_equations`.
    y, blocks, weights, group
        Of the rows to leave out, with all rows of their clients, as they were given to the fit.

    Raises
    ------
    RecommenderError
        When the fit has no equations, or the rows that are left do not determine the free columns.
    """
    equations = fit.equations
    if equations is None:
        remedy = "fit with keep_equations=True"
        raise RecommenderError("equations", "the normal equations were not stored", remedy)
    own: list[Block] = [
        block if isinstance(block, DenseBlock) else at_levels(block, fit.places[block.name])
        for block in blocks
    ]
    clients = client_groups(np.full(y.size, -1) if group is None else group, weights)
    design = design_of(own, _outcome(y - equations.centre, own))
    inside = cross_product_at(design, weights, clients, equations.theta)
    _, coefficients = solved(equations.gram - inside, equations.penalty)
    where = spans(own)
    return replace(
        fit,
        coefficients={
            block.name: UsedLevels(reduced, fit.places[block.name], block.width).restored(
                _coefficients(reduced, coefficients[where[block.name]])
            )
            for block, reduced in zip(blocks, own, strict=True)
        },
        intercept=equations.centre + float(coefficients[0]),
        degrees=dict.fromkeys(fit.degrees, float("nan")),
        client_codes=np.zeros(0, dtype=np.int64),
        client_effects=np.zeros(0),
        log_evidence=float("nan"),
        factor=None,
        equations=None,
    )


def _task(y: Floats, blocks: Sequence[Block], weights: Floats | None, group: Ints | None) -> _Task:
    rows = y.shape[0]
    weights = np.ones(rows) if weights is None else weights
    _check_rows(y, weights, group)
    check_blocks(blocks, rows)
    used = {block.name: used_levels(block) for block in blocks}
    blocks = [each.block for each in used.values()]
    # Centred for precision; the mean is added to the intercept again.
    centre = float(np.average(y, weights=weights))
    clients = None if group is None else repeated_clients(group, weights)
    design = design_of(blocks, _outcome(y - centre, blocks))
    cross = cross_product(design, weights, clients)
    where = spans(blocks)
    squares = cross.squares
    sought = tuple(b.name for b in blocks if b.penalised and squares[where[b.name]].any())
    idle = np.zeros(squares.size)
    for block in blocks:
        if block.penalised and block.name not in sought:
            idle[where[block.name]] = 1.0
    free = 1 + sum(block.width for block in blocks if not block.penalised)
    _check_free(free, rows)
    chosen = tuple(where[name] for name in sought)
    problem = MixedProblem(design, weights, clients, cross, chosen, idle, free)
    return _Task(tuple(blocks), used, problem, sought, centre)


def _outcome(y: Floats, blocks: Sequence[Block]) -> Floats:
    """The outcome less what the prior means say of it."""
    for block in blocks:
        if isinstance(block, DenseBlock) and block.prior_mean is not None:
            y = y - block.values @ block.prior_mean
    return y


def _beliefs(task: _Task, expected: Mapping[str, float]) -> Beliefs:
    refused = [name for name, share in expected.items() if not 0 < share < np.inf]
    if refused:
        problem = f"{refused[0]} is not positive and finite"
        raise RecommenderError("expected", problem, "give a share of variance, or leave it out")
    scale = task.problem.scale
    added = np.full(scale.size, np.nan)
    added[: len(task.sought)] = [expected.get(name, np.nan) for name in task.sought]
    held = np.isfinite(added)
    return Beliefs(np.log(np.where(held, added, 1.0) / scale), np.where(held, UNSURE**-2, 0.0))


def _check_free(free: int, rows: int) -> None:
    if rows <= free:
        problem = f"has {rows} rows for {free} free columns"
        raise RecommenderError("y", problem, "give more rows or fewer free columns")


def _check_rows(y: Floats, weights: Floats, group: Ints | None) -> None:
    if not np.isfinite(y).all():
        raise RecommenderError("y", "has cells that are not finite", "leave those rows out")
    if weights.shape != y.shape or not np.isfinite(weights).all() or (weights <= 0).any():
        raise RecommenderError(
            "weights", "must be n positive numbers", "leave rows of weight 0 out"
        )
    if group is not None and group.shape != y.shape:
        raise RecommenderError(
            "group", f"has {group.size} rows", "give one client for each outcome"
        )


def _fit(
    task: _Task,
    solution: Solution,
    reported: Floats,
    sigma2: float,
    degrees: Mapping[str, float],
    course: tuple[int, bool],
    keep_factor: bool,
) -> MixedFit:
    """The solution by block name; `reported` holds ratios, 0 without signal."""
    problem, where = task.problem, spans(task.blocks)
    ratios = dict(zip(task.sought, reported, strict=False))
    coefficients = {
        block.name: task.used[block.name].restored(
            _coefficients(block, solution.coefficients[where[block.name]])
        )
        for block in task.blocks
    }
    penalised = [block.name for block in task.blocks if block.penalised]
    codes, effects = _client_effects(problem, solution)
    return MixedFit(
        names=tuple(block.name for block in task.blocks),
        coefficients=coefficients,
        variances={name: float(sigma2 * ratios.get(name, 0.0)) for name in penalised},
        degrees={name: float(degrees.get(name, 0.0)) for name in penalised},
        intercept=task.centre + float(solution.coefficients[0]),
        sigma2=float(sigma2),
        tau2=float(sigma2 * theta_of(problem, reported)),
        client_codes=codes,
        client_effects=effects,
        iterations=course[0],
        converged=course[1],
        log_evidence=solution.log_evidence(sigma2),
        factor=_factor(solution) if keep_factor else None,
        places={name: used.places for name, used in task.used.items()},
    )


def _factor(solution: Solution) -> Floats:
    """The lower Cholesky factor of A in one piece, (p, p)."""
    whole = solution.gram.without_outcome.whole(order="F")
    whole[np.diag_indices(len(whole))] += solution.penalty
    return np.asarray(lapack.dpotrf(whole, lower=1, clean=1, overwrite_a=1)[0])


def _coefficients(block: Block, own: Floats) -> Floats:
    if isinstance(block, DenseBlock) and block.prior_mean is not None:
        return own + block.prior_mean
    return own.copy()


def _client_effects(problem: MixedProblem, solution: Solution) -> tuple[Ints, Floats]:
    """Codes and posterior means of clients that have a code; clients without one are left out."""
    clients = problem.clients
    if clients is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    effects = theta_of(problem, solution.ratios) * client_residuals(problem, clients, solution)
    known = clients.codes >= 0
    return clients.codes[known], effects[known]
