"""What a promotion is decided on, and what one rule finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from recommender.model.alliance_model import PRIORS
from recommender.model.evaluation_report import EvaluationReport, IncumbentComparison
from recommender.registry.versions import Promotion, Version
from recommender.training.cross_fit import RANDOM_ORDER

ENOUGH_RATED = 600
"""New ratings from which a comparison is called measured: in simulated practices, with 600 the
composite ordered true differences of .1 share right in 96 of 100 draws, with 300 in 86 to 90."""
FORCE = 'let a person decide: `recommender promote --force --reason "..."`, which is recorded'
KEEP = f"promote nothing, or {FORCE}"
LOOK = f"see where it falls short with `recommender evaluate FOLDER`, then {KEEP}"
RETRAIN = "train again with `recommender train`, which measures it"


class Outcome(StrEnum):
    """The outcome of a rule; `allowed` is a difference that could be chance and stops nothing."""

    PASSES = "passes"
    ALLOWED = "allowed"
    FAILS = "fails"
    OPEN = "too few to say"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found, in words; a remedy where it fails."""

    rule: str
    outcome: Outcome
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class PromotionCase:
    """A challenger to be judged.

    Attributes
    ----------
    report
        Of the challenger.
    champion
        The version that is champion now, or None.
    withdrawn
        The rollback that took the challenger itself out of service, or None.
    per_year
        Rated pairings the challenger learned from that began in a year; None where it is not known.
    """

    report: EvaluationReport
    champion: Version | None = None
    withdrawn: Promotion | None = None
    per_year: float | None = None

    @property
    def first(self) -> bool:
        """Whether nothing learned has served yet: no champion, or the declared sizes."""
        compared = self.report.champion
        return self.champion is None or (compared is not None and compared.mode in PRIORS)

    @property
    def beside(self) -> IncumbentComparison | None:
        """The comparison with what is served now; None where that was not compared."""
        compared, beside = self.report.champion, self.report.incumbent
        if self.champion is not None and (
            compared is None or compared.digest != self.champion.digest
        ):
            return None
        return beside

    @property
    def incumbent(self) -> str:
        """What would be replaced, in words."""
        if self.champion is not None:
            return f"version {self.champion.version}"
        beside = self.report.incumbent
        name = RANDOM_ORDER if beside is None else beside.name
        return f"the {name}" if name != RANDOM_ORDER else f"a {name}"

    @property
    def measure(self) -> str:
        """The remedy for what was not measured: training again, unless that cannot measure it."""
        compared = self.report.champion
        unmeasurable = compared is not None and compared.not_compared is not None
        return FORCE if unmeasurable else RETRAIN

    def until(self, more: int) -> str:
        """When there are so many more ratings at this rate, such as `, in about 9 months`.

        Empty where the rate is not known.
        """
        if not self.per_year:
            return ""
        months = ceil(12 * more / self.per_year)
        about = (
            f"{months / 12:.0f} years" if months >= 24 else f"{months} month{'s'[months == 1 :]}"
        )
        return f", in about {about} at the rate so far, {self.per_year:,.0f} a year"


Judgement = tuple[Outcome, str, str]
Rule = Callable[[PromotionCase], Iterator[Judgement]]


def passes(text: str) -> Judgement:
    """A rule that is met."""
    return Outcome.PASSES, text, ""


def allowed(text: str) -> Judgement:
    """A difference that could be chance and stops nothing."""
    return Outcome.ALLOWED, text, ""


def undecided(text: str) -> Judgement:
    """Too few to say."""
    return Outcome.OPEN, text, ""


def fails(text: str, remedy: str) -> Judgement:
    """An objection."""
    return Outcome.FAILS, text, remedy
