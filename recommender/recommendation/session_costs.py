"""What a session costs with the clinicians of a roster, for the terms that clients share."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import Constraint, rule_input_of
from recommender.practice.rules.functions import (
    cost_terms,
    funding_changes,
    funding_periods,
    session_cost,
)
from recommender.practice.rules.rule_input import RequestContext
from recommender.recommendation.card_parts import Cost
from recommender.recommendation.fact_text import cents_of

MAX_COSTS = 20_000
"""Costs stored with a roster, about 200 bytes each."""

Ways = tuple[str, ...]


class SessionCosts:
    """The cost of a session with each clinician, computed once for equal terms.

    Terms are what a client and a day decide; see `cost_terms`.

    Parameters
    ----------
    rule
        The constraint on a gap, by which a cost is computed.
    columns
        The roster.
    """

    def __init__(self, practice: Practice, rule: Constraint, columns: Columns) -> None:
        self._rule, self._columns, self._currency = rule, columns, practice.currency
        first = practice.first_session
        named = {*rule.clinician, *rule.settings.values(), first.clinician, first.absences}
        self._names = [name for name in practice.clinician if name in named]
        self._changes = funding_changes(practice.funding)
        self._known: dict[Hashable, Cost | None] = {}

    def of(
        self,
        client: Columns,
        context: RequestContext,
        rows: NDArray[np.intp],
        ways: Sequence[Ways],
    ) -> list[Cost | None]:
        """The cost with some clinicians; None where neither the fee nor the rebate is known.

        Parameters
        ----------
        rows
            Their places in the roster.
        ways
            The ways in which the client can meet each of them.
        """
        inputs = rule_input_of(self._rule, client, self._columns, context)
        terms = cost_terms(inputs)
        periods = funding_periods(self._changes, inputs.first_sessions[rows]).tolist()
        keys = [(terms, *each) for each in zip(rows.tolist(), ways, periods, strict=True)]
        known = self._known
        by_ways: dict[Ways, list[int]] = {}
        for place, key in enumerate(keys):
            if key not in known:
                by_ways.setdefault(ways[place], []).append(place)
        for own, places in by_ways.items():
            taken = self._columns.only(self._names).take(rows[places])
            costs = self._computed(client, taken, context, own)
            known |= {keys[place]: cost for place, cost in zip(places, costs, strict=True)}
        found = [known[key] for key in keys]
        if len(known) > MAX_COSTS:
            self._known = {}
        return found

    def _computed(
        self, client: Columns, taken: Columns, context: RequestContext, ways: Ways
    ) -> list[Cost | None]:
        cost = session_cost(rule_input_of(self._rule, client, taken, context), ways)
        parts = (cost.fee.tolist(), cost.rebate.tolist(), cost.gap.tolist())
        cents = (map(cents_of, each) for each in zip(*parts, strict=True))
        return [
            None if fee is None and rebate is None else Cost(fee, rebate, gap, self._currency)
            for fee, rebate, gap in cents
        ]
