"""What a promotion is decided on, and what one rule finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from recommender.model.alliance_model import PRIORS
from recommender.model.evaluation_report import RANDOM_ORDER, EvaluationReport, IncumbentComparison
from recommender.registry.versions import (
    USUAL_REGISTRY,
    Promotion,
    Version,
    address_in_commands,
    registry_option,
)

ENOUGH_RATED = 600
"""New ratings from which a comparison is called measured: in simulated practices, with 600 the
composite ordered true differences of .1 share right in 96 of 100 draws, with 300 in 86 to 90."""


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
    known_until
        The last day on which the challenger knew of a rating; None where it is not known.
    former
        The number of the challenger, if it was champion before.
    registry
        Its address; remedies name it.
    own_definition
        Whether it was trained with a definition other than the shipped one.
    pooled
        Whether it learned from a pool.
    chosen
        The option that chooses it, after a space; empty for the newest.
    """

    report: EvaluationReport
    champion: Version | None = None
    withdrawn: Promotion | None = None
    per_year: float | None = None
    known_until: str | None = None
    former: int | None = None
    registry: str = USUAL_REGISTRY
    own_definition: bool = False
    pooled: bool = False
    chosen: str = ""

    @property
    def first(self) -> bool:
        """Whether nothing learned has served yet: no champion, or the declared sizes."""
        compared = self.report.champion
        return self.champion is None or (compared is not None and compared.mode in PRIORS)

    @property
    def beside(self) -> IncumbentComparison | None:
        """The comparison with what is served now; None where that was not compared."""
        return self.report.incumbent if self.compared_now else None

    @property
    def incumbent(self) -> str:
        """What would be replaced, in words."""
        if self.champion is not None:
            return f"version {self.champion.version}"
        beside = self.report.incumbent
        name = RANDOM_ORDER if beside is None else beside.name
        return f"the {name}" if name != RANDOM_ORDER else f"a {name}"

    @property
    def compared_now(self) -> bool:
        """Whether it was measured beside the version that is champion now, if there is one."""
        compared = self.report.champion
        return self.champion is None or (
            compared is not None and compared.digest == self.champion.digest
        )

    @property
    def practice_option(self) -> str:
        """The option that names its definition, after a space; empty for the shipped one."""
        return " --practice FILE" if self.own_definition else ""

    @property
    def trained_with(self) -> str:
        """The options of `train` and `evaluate` that it needs, with words for unknown files."""
        return f"{self.practice_option}{' --learned-from POOL' if self.pooled else ''}"

    @property
    def check(self) -> str:
        """The remedy for tables that may be exchanged or reversed."""
        command = f"recommender check FOLDER{self.practice_option}"
        return f"check the tables for exchanged ids and reversed scales with `{command}`"

    @property
    def force(self) -> str:
        """The remedy that overrides the gate."""
        options = f"{registry_option(self.registry)}{self.chosen}"
        command = f'recommender promote{options} --force --reason "..."'
        return f"let a person decide: `{command}`, which is recorded"

    @property
    def keep(self) -> str:
        """The remedy that leaves the incumbent, or overrides the gate."""
        return f"promote nothing, or {self.force}"

    @property
    def evaluate(self) -> str:
        """The command that prints all figures of these tables beside those of the champion."""
        registry = f" --registry {address_in_commands(self.registry)}"
        return f"recommender evaluate FOLDER{self.trained_with}{registry}"

    @property
    def look(self) -> str:
        """The remedy for a figure that is too low."""
        return f"see where it falls short with `{self.evaluate}`, then {self.keep}"

    @property
    def retrain(self) -> str:
        """The remedy for what a training measures."""
        options = f"{self.trained_with}{registry_option(self.registry)}"
        return f"train again with `recommender train FOLDER{options}`, which measures it"

    @property
    def go_back(self) -> str:
        """The remedy for a version that was champion before."""
        options = f"{registry_option(self.registry)} --to {self.former}"
        command = f'recommender rollback{options} --reason "..."'
        return f"to serve it again use `{command}`, to which no rule applies"

    @property
    def measure(self) -> str:
        """The remedy for what was not measured: training again, unless that cannot measure it."""
        compared = self.report.champion
        unmeasurable = compared is not None and compared.not_compared is not None
        return self.force if unmeasurable else self.retrain

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
