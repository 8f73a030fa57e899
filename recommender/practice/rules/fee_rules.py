"""The client's cost of a session after rebates, and the rules about it.

Verdicts are 1 pass, 0 fail, NaN unknown; amounts are in cents.
"""

import numpy as np

from recommender.practice.funding import pays, rebate_cents, session_cap
from recommender.practice.rules.rule_input import Array, RuleInput, no_more_than


def gap_at_most(inputs: RuleInput) -> Array:
    """The clinician's fee less the rebate of the client's funding is at most the client's gap."""
    return no_more_than(gap_cents(inputs), inputs.client[0])


def enough_sessions(inputs: RuleInput) -> Array:
    """Rebates left, budget and the clinician's limit allow the sessions the client wants.

    A limit that is not stated does not apply; each session costs its gap out of the budget.
    """
    wanted = inputs.client[0][0]
    # An unknown gap leaves the budget unknown, but too few sessions fail without it.
    possible = np.where(_without_budget(inputs) < wanted, 0.0, max_sessions(inputs))
    return no_more_than(np.full(len(possible), wanted), possible)


def max_sessions(inputs: RuleInput) -> Array:
    """The number of sessions possible with each clinician, (n,); NaN where the gap is unknown."""
    limit = _without_budget(inputs)
    budget = _answer(inputs, "budget")
    if budget is None:
        return limit
    gap = gap_cents(inputs)
    # Both are whole cents far below 2**53, so the quotient never rounds up to a whole number.
    afforded = np.where(gap > 0, np.floor(budget / np.maximum(gap, 1.0)), np.inf)
    return np.where(np.isnan(gap), np.nan, np.minimum(limit, afforded))


def _without_budget(inputs: RuleInput) -> Array:
    limit = np.where(np.isnan(inputs.clinician[1]), np.inf, inputs.clinician[1])
    left = _answer(inputs, "left")
    return np.minimum(limit, _caps(inputs) if left is None else left)


def _caps(inputs: RuleInput) -> Array:
    """Sessions the client's scheme pays for with each clinician; infinite without a cap.

    A client who did not state how many are left is assumed to have used none.
    """
    scheme, provider = inputs.of_client("funding"), inputs.of_clinicians("registration")
    assert scheme is not None
    assert provider is not None
    if np.isnan(scheme[0]):
        return np.full(len(provider), np.inf)
    context = inputs.context
    name = context.client[inputs.settings["funding"]].levels[int(scheme[0])]
    levels = context.clinician[inputs.settings["registration"]].levels
    caps = [session_cap(context.funding, name, level, context.day) for level in levels]
    return np.nan_to_num(
        _by_level([np.inf if c is None else c for c in caps], provider), nan=np.inf
    )


def funded(inputs: RuleInput) -> Array:
    """The client's scheme has a rate in force for the clinician's registration."""
    scheme, provider = inputs.client[0], inputs.clinician[0]
    name = inputs.client_fields[0].levels[int(scheme[0])]
    context, levels = inputs.context, inputs.clinician_fields[0].levels
    if all(row.scheme != name for row in context.funding):
        # The definition states nothing about this scheme.
        return np.ones(len(provider))
    paid = [pays(context.funding, name, level, context.day) for level in levels]
    return _by_level([np.nan if one is None else float(one) for one in paid], provider)


def gap_cents(inputs: RuleInput) -> Array:
    """Fee less rebate for each clinician, (n,), never below 0; NaN where either is unknown.

    A client with a concession pays the clinician's concession fee, if there is one. A clinician
    who bulk bills accepts the rebate as the whole fee.
    """
    fee = _fee(inputs)
    paid = _rebates(inputs)
    gap = np.maximum(fee - paid, 0.0)
    bulk_bills = inputs.of_clinicians("bulk_bills")
    if bulk_bills is None:
        return gap
    return np.where((bulk_bills == 1) & (paid > 0), 0.0, gap)


def _fee(inputs: RuleInput) -> Array:
    fee = inputs.clinician[0]
    reduced = inputs.of_clinicians("concession_fee")
    if reduced is None or _answer(inputs, "concession") != 1.0:
        return fee
    return np.where(np.isnan(reduced), fee, np.minimum(fee, reduced))


def _rebates(inputs: RuleInput) -> Array:
    """The rebate of the client's scheme with each clinician, (n,); 0 once no session is left."""
    scheme, provider = inputs.of_client("funding"), inputs.of_clinicians("registration")
    assert scheme is not None
    assert provider is not None
    if _answer(inputs, "left") == 0.0:
        return np.zeros(len(provider))
    if np.isnan(scheme[0]) or np.isnan(inputs.session):
        return np.full(len(provider), np.nan)
    context = inputs.context
    name = context.client[inputs.settings["funding"]].levels[int(scheme[0])]
    levels = context.clinician[inputs.settings["registration"]].levels
    paid = [
        rebate_cents(context.funding, name, level, inputs.session, context.day) for level in levels
    ]
    return _by_level([np.nan if one is None else float(one) for one in paid], provider)


def _by_level(values: list[float], codes: Array) -> Array:
    """The value of each clinician's level; NaN where the level is missing."""
    lookup = np.array([*values, np.nan])
    return np.asarray(lookup[np.where(np.isnan(codes), len(values), codes).astype(int)])


def _answer(inputs: RuleInput, setting: str) -> float | None:
    """The client's number or flag in the field that a setting names; None if missing."""
    answer = inputs.of_client(setting)
    return None if answer is None or np.isnan(answer[0]) else float(answer[0])
