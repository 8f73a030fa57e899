"""The report of a trial that has ended: the effect in several analyses, and a plain sentence."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from recommender.trial.effect import ArmEffect, arm_effect, complier_effect
from recommender.trial.looks import BENEFIT, HARM, TrialLook, known_part
from recommender.trial.protocol import TrialClients, TrialProtocol

LEAVERS_QUANTILE = 0.15
"""Quantile of residuals at which clients who left before rating are put: as in training, where 15 %
did better than 5 and 30 % (docs/method.md, section 8)."""
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """How far the clients of one arm came; `followed` began with the first of the model's order."""

    randomised: int
    began: int
    followed: int
    rated: int
    left_before_rating: int


@dataclass(frozen=True, slots=True)
class TrialEstimate:
    """One analysis: model order less usual order, in points, with its interval."""

    estimate: float
    low: float
    high: float
    clients: int


@dataclass(frozen=True, slots=True)
class TrialReport:
    """What a trial found.

    Attributes
    ----------
    sd
        Standard deviation of ratings within the arms, in points.
    rated_alone
        The primary analysis; its interval is valid whatever looks were taken.
    beyond
        The same with an error that also covers other clinicians, and an interval as valid; None
        with too few clinicians.
    leavers_imputed, compliers
        Further analyses, with ordinary 95 % intervals; None for compliers where the arm changed
        hardly anybody's clinician.
    sentence
        What may be claimed.
    """

    decision: str
    model: ArmCounts
    usual: ArmCounts
    sd: float
    rated_alone: TrialEstimate
    beyond: TrialEstimate | None
    leavers_imputed: TrialEstimate
    compliers: TrialEstimate | None
    sentence: str


def report_of(clients: TrialClients, protocol: TrialProtocol, look: TrialLook) -> TrialReport:
    """The report at the look with which the trial ended."""
    rated = clients.rated
    within = clients.rating[rated] - _arm_means(clients)[rated]
    sd = float(np.sqrt(within @ within / (np.count_nonzero(rated) - 2)))
    primary = TrialEstimate(look.effect.estimate, *look.interval, look.effect.clients)
    others = look.interval_beyond
    beyond = None
    if look.beyond is not None and others is not None:
        beyond = TrialEstimate(look.beyond.estimate, *others, look.beyond.clients)
    imputed = _ordinary(_with_leavers(clients))
    followed = complier_effect(
        clients.rating[rated],
        clients.arm[rated],
        clients.followed[rated].astype(np.float64),
        known_part(clients)[rated],
    )
    return TrialReport(
        look.decision,
        _counts(clients, 1.0),
        _counts(clients, 0.0),
        sd,
        primary,
        beyond,
        imputed,
        None if followed is None else _ordinary(followed),
        _sentence(look, primary, beyond, imputed, sd, protocol),
    )


def _sentence(
    look: TrialLook,
    primary: TrialEstimate,
    beyond: TrialEstimate | None,
    imputed: TrialEstimate,
    sd: float,
    protocol: TrialProtocol,
) -> str:
    size = (
        f"{primary.estimate:+.2f} points ({primary.low:+.2f} to {primary.high:+.2f}), "
        f"{primary.estimate / sd:+.2f} standard deviations, {primary.clients} rated clients"
    )
    if look.decision == BENEFIT:
        text = f"Clients shown the model's order rated the early alliance higher: {size}."
    elif look.decision == HARM:
        text = f"Clients shown the model's order rated the early alliance lower: {size}."
    else:
        text = (
            f"The trial does not show a difference between the orders: {size}. Effects outside "
            "the interval are unlikely; none inside it is shown."
        )
    if look.decision in (BENEFIT, HARM):
        shown = beyond is not None and beyond.low * beyond.high > 0.0
        text += (
            " With an error that also covers other clinicians the interval excludes 0 as well."
            if shown
            else " That holds for the clinicians of this trial; for others it is not shown."
        )
    if np.sign(imputed.estimate) != np.sign(primary.estimate):
        text += " With clients who left before rating imputed the sign is the other one."
    elif look.decision in (BENEFIT, HARM) and imputed.low <= 0.0 <= imputed.high:
        text += " With clients who left before rating imputed the interval includes 0."
    if look.rated < protocol.rated and look.decision not in (BENEFIT, HARM):
        text += f" It ended with {look.rated} of {protocol.rated} planned ratings."
    return text


def _with_leavers(clients: TrialClients) -> ArmEffect:
    """The primary analysis with clients who left before rating, each at a low rating.

    That is what their client part predicts, and the quantile of the residuals of both arms.
    """
    rated, rows = clients.rated, clients.rated | clients.left
    part = known_part(clients)
    slope, level = 0.0, float(clients.rating[rated].mean())
    if np.ptp(part[rated]) > 0.0:
        slope, level = np.polyfit(part[rated], clients.rating[rated], 1)
    expected = level + slope * part
    low = np.quantile((clients.rating - expected)[rated], LEAVERS_QUANTILE)
    ratings = np.where(rated, clients.rating, expected + low)
    return arm_effect(ratings[rows], clients.arm[rows], part[rows])


def _arm_means(clients: TrialClients) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    means = [float(np.nanmean(clients.rating[clients.arm == arm])) for arm in (0.0, 1.0)]
    return np.where(clients.arm == 1.0, means[1], means[0])


def _ordinary(effect: ArmEffect) -> TrialEstimate:
    bound = float(-ndtri((1.0 - LEVEL) / 2.0))
    return TrialEstimate(effect.estimate, effect.end(bound), effect.end(-bound), effect.clients)


def _counts(clients: TrialClients, arm: float) -> ArmCounts:
    own = clients.arm == arm
    parts = (clients.clinician >= 0, clients.followed, clients.rated, clients.left)
    return ArmCounts(*(int(np.count_nonzero(own & part)) for part in (own, *parts)))
