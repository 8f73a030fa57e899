"""What a session costs a client after all rebates, and the rules that ask for it.

Verdicts are 1 pass, 0 fail, NaN unknown; amounts are cents. Imported by `rulebook` and `easing`.
"""

import numpy as np

from recommender.practice.funding import pays, rebate_cents, session_cap
from recommender.practice.rules.rule_input import Array, RuleInput, no_more_than


def gap_at_most(question: RuleInput) -> Array:
    """The clinician's fee less the rebate of the client's scheme is at most the client's gap."""
    return no_more_than(gap_cents(question), question.client[0])


def enough_sessions(question: RuleInput) -> Array:
    """As many sessions as the client hopes for are within rebates, budget and the clinician's most.

    What is not limited, or not stated, limits nothing; a budget is spent at the gap of a session.
    """
    wished = question.client[0][0]
    # Where the price is not known the budget may fail, but too few sessions fail all the same.
    most = np.where(_without_budget(question) < wished, 0.0, most_sessions(question))
    return no_more_than(np.full(len(most), wished), most)


def most_sessions(question: RuleInput) -> Array:
    """How many sessions there can be with each clinician, (n,); NaN where the gap is unknown."""
    limit = _without_budget(question)
    budget = _said(question, "budget")
    if budget is None:
        return limit
    gap = gap_cents(question)
    # Whole cents far below 2**53: the quotient never rounds up to a whole number it is not.
    afforded = np.where(gap > 0, np.floor(budget / np.maximum(gap, 1.0)), np.inf)
    return np.where(np.isnan(gap), np.nan, np.minimum(limit, afforded))


def _without_budget(question: RuleInput) -> Array:
    limit = np.where(np.isnan(question.clinician[1]), np.inf, question.clinician[1])
    left = _said(question, "left")
    return np.minimum(limit, _caps(question) if left is None else left)


def _caps(question: RuleInput) -> Array:
    """Most sessions the client's scheme pays for with each clinician; infinite where it has none.

    Who did not say how many are left is taken to have used none.
    """
    scheme, provider = question.of_client("funding"), question.of_clinicians("registration")
    assert scheme is not None
    assert provider is not None
    if np.isnan(scheme[0]):
        return np.full(len(provider), np.inf)
    asking = question.context
    name = asking.client[question.settings["funding"]].levels[int(scheme[0])]
    levels = asking.clinician[question.settings["registration"]].levels
    caps = [session_cap(asking.funding, name, level, asking.day) for level in levels]
    return np.nan_to_num(
        _by_level([np.inf if c is None else c for c in caps], provider), nan=np.inf
    )


def funded(question: RuleInput) -> Array:
    """The client's scheme has a rate in force for the clinician's registration."""
    scheme, provider = question.client[0], question.clinician[0]
    name = question.client_fields[0].levels[int(scheme[0])]
    asking, levels = question.context, question.clinician_fields[0].levels
    if all(row.scheme != name for row in asking.funding):
        # It claims nothing of anyone, known or not.
        return np.ones(len(provider))
    paid = [pays(asking.funding, name, level, asking.day) for level in levels]
    return _by_level([np.nan if one is None else float(one) for one in paid], provider)


def gap_cents(question: RuleInput) -> Array:
    """Fee less rebate for each clinician, (n,), never below 0; NaN where either is unknown.

    A client with a concession pays the concession fee where the clinician has one; a clinician who
    bulk bills takes what the scheme pays for the whole fee.
    """
    fee = _fee(question)
    paid = _rebates(question)
    gap = np.maximum(fee - paid, 0.0)
    bulk_bills = question.of_clinicians("bulk_bills")
    if bulk_bills is None:
        return gap
    return np.where((bulk_bills == 1) & (paid > 0), 0.0, gap)


def _fee(question: RuleInput) -> Array:
    fee = question.clinician[0]
    reduced = question.of_clinicians("concession_fee")
    if reduced is None or _said(question, "concession") != 1.0:
        return fee
    return np.where(np.isnan(reduced), fee, np.minimum(fee, reduced))


def _rebates(question: RuleInput) -> Array:
    """What the client's scheme pays back with each clinician, (n,); nothing once it is used up."""
    scheme, provider = question.of_client("funding"), question.of_clinicians("registration")
    assert scheme is not None
    assert provider is not None
    if _said(question, "left") == 0.0:
        return np.zeros(len(provider))
    if np.isnan(scheme[0]) or np.isnan(question.session):
        return np.full(len(provider), np.nan)
    asking = question.context
    name = asking.client[question.settings["funding"]].levels[int(scheme[0])]
    levels = asking.clinician[question.settings["registration"]].levels
    paid = [
        rebate_cents(asking.funding, name, level, question.session, asking.day) for level in levels
    ]
    return _by_level([np.nan if one is None else float(one) for one in paid], provider)


def _by_level(values: list[float], codes: Array) -> Array:
    """A value a level, looked up for each clinician; NaN for whoever has no level."""
    lookup = np.array([*values, np.nan])
    return np.asarray(lookup[np.where(np.isnan(codes), len(values), codes).astype(int)])


def _said(question: RuleInput, setting: str) -> float | None:
    """The one number or flag the client answered to a setting's field, None where none was."""
    answer = question.of_client(setting)
    return None if answer is None or np.isnan(answer[0]) else float(answer[0])
