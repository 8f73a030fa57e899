"""The promotion gate: rules over an evaluation report that decide whether a challenger may serve.

Reads only the report inside a bundle and which version is champion, so that a refusal can be
checked again years later. A part that a report lacks counts against it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from recommender.errors import Fault
from recommender.model.alliance_model import PRIORS
from recommender.registry.versions import CHAMPION
from recommender.training import gain_rules, population_rules
from recommender.training.promotion_case import Finding, Outcome, PromotionCase, Rule

EXPOSURE = "exposure"
CROWDING = ("gain", "agreement")
"""Rules about the order: what breaks an order often crowds its first ranks too."""
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
    "interval": population_rules.ranges,
    "groups": population_rules.groups,
    EXPOSURE: population_rules.exposure,
}
"""Rules for a learned model."""
FORMER: Mapping[str, Rule] = {
    "version": gain_rules.withdrawn,
    CHAMPION: gain_rules.former_champion,
}
"""Rules for an earlier champion that was not measured beside the present one: no training does."""


def findings(case: PromotionCase) -> tuple[Finding, ...]:
    """The findings of every rule, in the order of the rules."""
    if case.report.is_empty:
        return (Finding("report", Outcome.FAILS, "the report is empty", case.retrain),)
    rules = DECLARED if case.report.mode in PRIORS else RULES
    if case.former is not None and not case.compared_now:
        rules = FORMER
    found = [Finding(name, *each) for name, rule in rules.items() for each in rule(case)]
    first = dict.fromkeys(
        each.rule for each in found if each.rule in CROWDING and each.outcome is Outcome.FAILS
    )
    if first:
        before = f"correct first what fails under {' and '.join(first)}; then"
        found = [
            replace(each, remedy=f"{before} {each.remedy}")
            if each.rule == EXPOSURE and each.remedy
            else each
            for each in found
        ]
    return tuple(found)


def objections(found: Sequence[Finding]) -> tuple[Fault, ...]:
    """The failures among findings; empty when the challenger may be promoted."""
    return tuple(
        Fault(each.rule, each.text, each.remedy) for each in found if each.outcome is Outcome.FAILS
    )
