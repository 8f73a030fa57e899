"""The effect of the arm on ratings: least squares with a variance robust by clinician.

Clients of one clinician resemble each other. The variance is CR2, unbiased where they do not, with
Satterthwaite's degrees of freedom (Bell & McCaffrey 2002, Survey Methodology 28:169; Pustejovsky &
Tipton 2018, JBES 36:672): the plain sandwich claims too much with 20 clinicians.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

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
    clients, clinicians
        Behind the estimate.
    """

    estimate: float
    error: float
    freedom: float
    clients: int
    clinicians: int

    @property
    def z(self) -> float:
        """The standard normal deviate with the same probability as the t statistic."""
        t = self.estimate / self.error
        tail = stats.t.logsf(abs(t), self.freedom)
        return float(np.sign(t) * min(-stats.norm.ppf(np.exp(tail)), LARGEST_Z))

    def end(self, bound: float) -> float:
        """The estimate less as many standard errors as a normal bound is worth in t; signed."""
        t = stats.t.isf(stats.norm.sf(abs(bound)), self.freedom)
        return float(self.estimate - np.sign(bound) * t * self.error)


def arm_effect(ratings: Floats, arm: Floats, client_part: Floats, clinician: Codes) -> ArmEffect:
    """The effect of the arm adjusted for the client part (analysis of covariance).

    Parameters
    ----------
    ratings : (n,)
        Early alliance, without missing values.
    arm : (n,)
        1 for the model's order, 0 for the usual one.
    client_part : (n,)
        Predicted before randomisation; a constant is left out.
    clinician : (n,) int
        Whom each began with.
    """
    design = _design(arm, client_part)
    inverse = np.linalg.inv(design.T @ design)
    residuals = ratings - design @ (inverse @ (design.T @ ratings))
    estimate = float((inverse @ (design.T @ ratings))[1])
    contrast = inverse[:, 1]
    scores, columns = [], []
    for code in np.unique(clinician):
        rows = np.flatnonzero(clinician == code)
        own = design[rows]
        adjusted = _root_inverse(np.eye(len(rows)) - own @ inverse @ own.T) @ (own @ contrast)
        scores.append(adjusted @ residuals[rows])
        column = -design @ (inverse @ (own.T @ adjusted))
        column[rows] += adjusted
        columns.append(column)
    products = np.stack(columns) @ np.stack(columns).T
    freedom = np.trace(products) ** 2 / np.sum(products**2)
    variance = float(np.sum(np.square(scores)))
    return ArmEffect(estimate, float(np.sqrt(variance)), float(freedom), len(ratings), len(scores))


def complier_effect(
    ratings: Floats, arm: Floats, followed: Floats, client_part: Floats, clinician: Codes
) -> ArmEffect | None:
    """The effect among clients who begin with the model's first because of the arm.

    Two-stage least squares with the arm as instrument (Angrist, Imbens & Rubin 1996, JASA 91:444),
    the sandwich summed by clinician with the factor G / (G - 1), and G - 1 degrees of freedom. It
    holds only if an order acts through whom a client begins with. None where the arm changed
    whom clients began with by less than a twentieth of them.

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
    codes = np.unique(clinician)
    sums = np.stack([(instruments * residuals[:, None])[clinician == c].sum(axis=0) for c in codes])
    correction = len(codes) / (len(codes) - 1)
    variance = correction * inverse @ (sums.T @ sums) @ inverse.T
    return ArmEffect(
        float(found[1]), float(np.sqrt(variance[1, 1])), len(codes) - 1.0, len(ratings), len(codes)
    )


def _design(arm: Floats, client_part: Floats) -> Floats:
    """Columns: one, the arm and, where it varies, the client part less its mean."""
    columns = [np.ones(len(arm)), arm]
    if np.ptp(client_part) > _NOTHING:
        columns.append(client_part - client_part.mean())
    return np.column_stack(columns)


def _root_inverse(matrix: Floats) -> Floats:
    """The inverse of the symmetric root, without directions in which the matrix is 0."""
    values, vectors = np.linalg.eigh(matrix)
    nonzero = values > _NOTHING
    return np.asarray((vectors[:, nonzero] / np.sqrt(values[nonzero])) @ vectors[:, nonzero].T)
