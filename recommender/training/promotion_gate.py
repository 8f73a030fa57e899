"""The promotion gate: rules over an evaluation report that decide whether a challenger may serve.

Reads only the report inside a bundle and which version is champion, so that a refusal can be
checked again years later. A part that a report lacks counts against it.
"""

from collections.abc import Mapping, Sequence

from recommender.errors import Fault
from recommender.model.alliance_model import PRIORS
from recommender.registry.versions import CHAMPION
from recommender.training import gain_rules, population_rules
from recommender.training.promotion_case import RETRAIN, Finding, Outcome, PromotionCase, Rule

DECLARED: Mapping[str, Rule] = {
    "ratings": gain_rules.declared_sizes,
    "version": gain_rules.withdrawn,
}
"""Rules for the evidence prior, of which nothing was measured."""
RULES: Mapping[str, Rule] = {
    "version": gain_rules.withdrawn,
    CHAMPION: gain_rules.champion,
    "ratings": gain_rules.ratings,
    "gain": gain_rules.gain,
    "agreement": gain_rules.agreement,
    "dyad partial": gain_rules.matching,
    "range": population_rules.ranges,
    "groups": population_rules.groups,
    "exposure": population_rules.exposure,
}
"""Rules for a learned model."""


def findings(case: PromotionCase) -> tuple[Finding, ...]:
    """The findings of every rule, in the order of the rules."""
    if case.report.is_empty:
        return (Finding("report", Outcome.FAILS, "is empty", RETRAIN),)
    rules = DECLARED if case.report.mode in PRIORS else RULES
    return tuple(Finding(name, *each) for name, rule in rules.items() for each in rule(case))


def objections(found: Sequence[Finding]) -> tuple[Fault, ...]:
    """The failures among findings; empty when the challenger may be promoted."""
    return tuple(
        Fault(each.rule, each.text, each.remedy) for each in found if each.outcome is Outcome.FAILS
    )
