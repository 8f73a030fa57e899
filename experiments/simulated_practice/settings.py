"""What a simulated practice is made of: sizes, shares of variance, selection, missingness.

Every number that shapes a world is here, so that a world is its settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from typing import Any

from recommender.errors import RecommenderError
from recommender.values.near_names import with_near_name


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the variance of one session's latent alliance; they add up to 1.

    Attributes
    ----------
    client
        Trait and rating tendency: the same with every clinician, so it can never change an order.
    clinician
        The same for every client of that clinician.
    dyad
        The systematic part of the pair: a function of the fields in the tables.
    idiosyncratic
        The part of the pair nothing in the tables knows.
    occasion
        This session's difference from the pair's usual.
    """

    client: float = 0.38
    clinician: float = 0.07
    dyad: float = 0.10
    idiosyncratic: float = 0.22
    occasion: float = 0.23

    def __post_init__(self) -> None:
        parts = [getattr(self, part.name) for part in fields(self)]
        if min(parts) < 0 or abs(sum(parts) - 1) > 1e-9:
            raise RecommenderError("shares", "do not add up to 1", "give five shares of variance")


@dataclass(frozen=True, slots=True)
class Dyad:
    """How the systematic part of the pair is divided; relative weights.

    Attributes
    ----------
    style
        Distance between the client's C-NIP profile and the clinician's style.
    modality, gender, language_culture, specialty
        Wishes and concerns met, as the practice's matches see them.
    skill
        Clinician by main concern: shows only in earlier ratings.
    nonlinear
        Threshold rules and products of fields that no match covers.
    near
        When given, style counts as the share of the four scales closer than this (on 0..1), in
        place of the distance.
    """

    style: float = 0.30
    modality: float = 0.10
    gender: float = 0.08
    language_culture: float = 0.08
    specialty: float = 0.08
    skill: float = 0.16
    nonlinear: float = 0.20
    near: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole simulated practice.

    Attributes
    ----------
    seed
        The same settings give the same bytes.
    clinicians, ratings, test_clients
        Clinicians on the books; pairings with at least one early client rating; future clients
        whose truth is written.
    first_day, months
        The history the tables cover.
    cold
        Share of clinicians who have just joined and have no pairing.
    gone
        Share of clinicians who left during the history.
    shares, dyad
        Where variance comes from.
    client_visible, clinician_visible, drift
        Parts of the client's share explained by intake, of the clinician's share explained by
        attributes, and of the clinician's share that wanders over the months.
    memory_months
        A clinician's wandering part keeps 1/e of its correlation over so many months; it always
        pulls back, so that the share stays what it is to the last month.
    selection
        Strength of the staff's choice: 0 is random among those free, 1 the usual.
    leave, leave_slope
        Probability that an average pairing ends before session 3, and the change in its logit for
        one SD of alliance.
    returned
        Probability that an average client who stayed returns the form.
    early_leaver_rated
        Probability that a client who left had already returned a form.
    second_clinician
        Share of clients who go on to another clinician.
    straight, straight_high
        Share of forms answered with one and the same response, below and above the mean alliance.
    instruments
        Mixture of instruments, by pairing.
    clinician_rated
        Share of pairings the clinician rated too.
    """

    seed: int = 0
    clinicians: int = 120
    ratings: int = 8_000
    test_clients: int = 2_000
    first_day: date = date(2023, 7, 1)
    months: int = 36
    cold: float = 0.15
    gone: float = 0.08
    shares: Shares = field(default_factory=Shares)
    dyad: Dyad = field(default_factory=Dyad)
    client_visible: float = 0.25
    clinician_visible: float = 0.15
    drift: float = 0.40
    memory_months: float = 24.0
    selection: float = 1.0
    leave: float = 0.20
    leave_slope: float = -0.55
    returned: float = 0.80
    early_leaver_rated: float = 0.25
    second_clinician: float = 0.03
    straight: float = 0.12
    straight_high: float = 0.25
    instruments: tuple[tuple[str, float], ...] = (
        ("wai_sr", 0.70),
        ("srs_v3", 0.15),
        ("wai_s", 0.08),
        ("haq_ii", 0.04),
        ("arm_5", 0.03),
    )
    clinician_rated: float = 0.15

    def __post_init__(self) -> None:
        for name, least in (("clinicians", 5), ("ratings", 1), ("test_clients", 1), ("months", 1)):
            if getattr(self, name) < least:
                raise RecommenderError(name, f"is below {least}", f"ask for at least {least}")
        if self.clinician_visible + self.drift > 1:
            raise RecommenderError(
                "drift", "and clinician_visible pass 1", "lower one: both are parts of one share"
            )

    @property
    def days(self) -> int:
        """Length of the history in days."""
        return round(self.months * 30.4375)

    @property
    def exported_on(self) -> date:
        """The day the tables were taken: the last pairing has had its 90 days."""
        return self.first_day + timedelta(days=self.days + 90)


SCENARIOS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "low_signal": {"shares": Shares(0.42, 0.03, 0.04, 0.28, 0.23)},
    "high_signal": {"shares": Shares(0.33, 0.12, 0.18, 0.17, 0.20)},
    "strong_selection": {"selection": 3.0},
    "strong_dropout": {"leave": 0.33, "leave_slope": -1.1},
    "drift": {"drift": 0.80},
    "threshold_rules": {"dyad": Dyad(0.15, 0.05, 0.05, 0.05, 0.05, 0.05, 0.60, near=0.15)},
    "null": {"shares": Shares(0.38, 0.0, 0.0, 0.22, 0.40)},
}
"""What each named world changes; all else is as in `Settings`."""


def scenario(name: str, **changes: Any) -> Settings:
    """The settings of a named scenario, with further changes.

    Raises
    ------
    RecommenderError
        For a name that is not in `SCENARIOS`.
    """
    if name not in SCENARIOS:
        remedy = with_near_name(name, SCENARIOS, f"use one of {', '.join(SCENARIOS)}")
        raise RecommenderError("scenario", "is not known", remedy)
    return replace(Settings(), **SCENARIOS[name], **changes)
