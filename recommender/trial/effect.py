"""The effect of the arm on ratings by least squares, with the variance of two questions.

Of the clinicians of the trial: clients are randomised one by one, so that ratings of one clinician
which resemble each other add nothing to the variance of the effect among these clinicians. HC2 by
client estimates that variance (Samii & Aronow 2012, Stat Probab Lett 82:365; Abadie, Athey, Imbens
& Wooldridge 2023, QJE 138:1, on when to cluster).

Of other clinicians than these: where the arms bring clients to different clinicians, part of the
effect is who these clinicians are. CR2 by clinician covers that. Both have Satterthwaite's degrees
of freedom (Bell & McCaffrey 2002, Survey Methodology 28:169; Pustejovsky & Tipton 2018, JBES
36:672).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_NOTHING = 1e-10
LARGEST_Z = 30.0
"""Beyond it probabilities underflow."""


@dataclass(frozen=True, slots=True)
class ArmEffect:
    """Model order less usual order, in the unit of the ratings.

    Attributes
    ----------
    estimate, error
        The difference and its standard error.
    freedom
        Degrees of freedom of the error.
    clients
        Behind the estimate.
    """

    estimate: float
    error: float
    freedom: float
    clients: int

    @property
    def z(self) -> float:
        """The standard normal deviate with the same probability as the t statistic."""
        t = self.estimate / self.error
        tail = stdtr(self.freedom, -abs(t))
        return float(np.sign(t) * min(-ndtri(tail), LARGEST_Z))

    def end(self, bound: float) -> float:
        """The estimate less as many standard errors as a normal bound is worth in t; signed."""
        t = -stdtrit(self.freedom, float(ndtr(-abs(bound))))
        return float(self.estimate - np.sign(bound) * t * self.error)


def arm_effect(ratings: Floats, arm: Floats, client_part: Floats) -> ArmEffect:
    """The effect among the clinicians of the trial, adjusted for the client part.

    Analysis of covariance with the variance HC2 by client.

    Parameters
    ----------
    ratings : (n,)
        Early alliance, without missing values.
    arm : (n,)
        1 for the model's order, 0 for the usual one.
    client_part : (n,)
        Predicted before randomisation; a constant is left out.
    """
    fit = _least_squares(ratings, _design(arm, client_part))
    leverage = np.einsum("ij,jk,ik->i", fit.design, fit.inverse, fit.design)
    # A client with a leverage of 1 is fitted exactly: the residual is 0 whatever the weight.
    weights = np.square(fit.contrast) / np.maximum(1.0 - leverage, _NOTHING)
    variance = float(weights @ np.square(fit.residuals))
    # The variance is a quadratic form of the errors; both sums are those of its products, without
    # an (n, n) matrix.
    between = fit.inverse @ (fit.design.T * weights) @ fit.design
    own = np.square(weights) * (np.square(1.0 - leverage) - np.square(leverage))
    squares = float(own.sum() + np.trace(between @ between))
    freedom = float(weights @ (1.0 - leverage)) ** 2 / squares
    return ArmEffect(fit.estimate, float(np.sqrt(variance)), freedom, len(ratings))


def arm_effect_beyond(
    ratings: Floats, arm: Floats, client_part: Floats, clinician: Codes
) -> ArmEffect:
    """The same effect with an error that also covers other clinicians: CR2 by clinician.

    Parameters
    ----------
    ratings, arm, client_part : (n,)
        As of `arm_effect`.
    clinician : (n,) int
        Whom each began with.
    """
    fit = _least_squares(ratings, _design(arm, client_part))
    half = np.linalg.cholesky(fit.inverse)
    scores, columns = [], []
    for code in np.unique(clinician):
        rows = np.flatnonzero(clinician == code)
        own = fit.design[rows]
        adjusted = _without_hat(own @ half, fit.contrast[rows])
        scores.append(adjusted @ fit.residuals[rows])
        column = -fit.design @ (fit.inverse @ (own.T @ adjusted))
        column[rows] += adjusted
        columns.append(column)
    products = np.stack(columns) @ np.stack(columns).T
    freedom = np.trace(products) ** 2 / np.sum(products**2)
    variance = float(np.sum(np.square(scores)))
    return ArmEffect(fit.estimate, float(np.sqrt(variance)), float(freedom), len(ratings))


def complier_effect(
    ratings: Floats, arm: Floats, followed: Floats, client_part: Floats
) -> ArmEffect | None:
    """The effect among clients who begin with the model's first because of the arm.

    Two-stage least squares with the arm as instrument (Angrist, Imbens & Rubin 1996, JASA 91:444),
    the sandwich by client with the factor n / (n - p), p coefficients, and n - p degrees of
    freedom. It holds only if an order acts through whom a client begins with. None where the arm
    changed whom clients began with by less than a twentieth of them.

    Parameters
    ----------
    followed : (n,)
        1 where the client began with the first of the model's order, in whichever arm.
    """
    design, instruments = _design(followed, client_part), _design(arm, client_part)
    excess = followed[arm == 1].mean() - followed[arm == 0].mean()
    if abs(excess) < 0.05 or design.shape != instruments.shape:
        return None
    inverse = np.linalg.inv(instruments.T @ design)
    found = inverse @ (instruments.T @ ratings)
    residuals = ratings - design @ found
    freedom = len(ratings) - design.shape[1]
    scores = inverse[1] @ (instruments * residuals[:, None]).T
    variance = float(scores @ scores) * len(ratings) / freedom
    return ArmEffect(float(found[1]), float(np.sqrt(variance)), float(freedom), len(ratings))


@dataclass(frozen=True, slots=True, eq=False)
class _LeastSquares:
    """A fit: (n, p) design, the inverse of its products, and what follows of the arm."""

    design: Floats
    inverse: Floats
    estimate: float
    residuals: Floats
    contrast: Floats


def _least_squares(ratings: Floats, design: Floats) -> _LeastSquares:
    """The fit; `contrast` is by how much each rating moves the effect of the arm, (n,)."""
    inverse: Floats = np.asarray(np.linalg.inv(design.T @ design), dtype=np.float64)
    coefficients = inverse @ (design.T @ ratings)
    residuals = ratings - design @ coefficients
    return _LeastSquares(design, inverse, float(coefficients[1]), residuals, design @ inverse[:, 1])


def _design(arm: Floats, client_part: Floats) -> Floats:
    """Columns: one, the arm and, where it varies, the client part less its mean."""
    columns = [np.ones(len(arm)), arm]
    if np.ptp(client_part) > _NOTHING:
        columns.append(client_part - client_part.mean())
    return np.column_stack(columns)


def _without_hat(root: Floats, contrast: Floats) -> Floats:
    """The inverse of the symmetric root of I - root root', times a contrast, (n,).

    The matrix differs from I in as many directions as the design has columns; directions in which
    it is 0 are left out.
    """
    vectors, sizes, _ = np.linalg.svd(root, full_matrices=False)
    left = 1.0 - np.square(sizes)
    factors = np.where(left > _NOTHING, 1.0 / np.sqrt(np.maximum(left, _NOTHING)), 0.0) - 1.0
    return np.asarray(contrast + vectors @ (factors * (vectors.T @ contrast)))
