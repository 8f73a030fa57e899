"""Rules about levels, sizes, flags, places and lists, for a whole roster at once.

Verdicts are 1 pass, 0 fail, NaN unknown. Families, modes and reasons are applied elsewhere.
"""

from collections.abc import Callable

import numpy as np

from recommender.practice.rules.roster_index import (
    Words,
    bitsets_in,
    id_index_in,
    nearest_km_in,
    rows_of,
    words_of,
)
from recommender.practice.rules.rule_input import (
    Array,
    Flags,
    RuleInput,
    both,
    no_more_than,
    settled,
)


def has_all(inputs: RuleInput) -> Array:
    """The clinician has every tag the client named; naming none passes."""
    return _of_tags(inputs, lambda held, wanted: (held & wanted) == wanted, np.logical_and)


def has_any(inputs: RuleInput) -> Array:
    """The clinician has a tag the client named; naming none passes."""
    return _of_tags(inputs, lambda held, wanted: (held & wanted) != 0, np.logical_or)


def has_none(inputs: RuleInput) -> Array:
    """The clinician has no tag the client named; naming none passes."""
    return _of_tags(inputs, lambda held, wanted: (held & wanted) == 0, np.logical_and)


def _of_tags(
    inputs: RuleInput, passes: Callable[[Words, np.uint64], Flags], join: np.ufunc
) -> Array:
    """The verdict on tags; a client who named none passes, whatever the clinician's tags are."""
    wanted = inputs.client[0][0] > 0
    if not wanted.any():
        return np.ones(inputs.roster.size)
    bits = bitsets_in(inputs.roster, inputs.clinician_fields[0].name)
    parts = [passes(*words) for words in zip(bits.words, words_of(wanted), strict=True)]
    return bits.settled(parts[0] if len(parts) == 1 else join.reduce(parts))


def member(inputs: RuleInput) -> Array:
    """The client's level is among the clinician's tags."""
    bits = bitsets_in(inputs.roster, inputs.clinician_fields[0].name)
    return bits.settled(bits.has(int(inputs.client[0][0])))


def one_of(inputs: RuleInput) -> Array:
    """The clinician's level is the one, or among those, that the client named."""
    wished, level = inputs.client[0], inputs.clinician[0]
    if wished.ndim == 1:
        return settled(level == wished, level)
    if not (wished > 0).any():
        return np.ones(len(level))
    row = np.append(wished[0], np.nan)
    return np.asarray(row[np.where(np.isnan(level), len(row) - 1, level).astype(int)])


def equal(inputs: RuleInput) -> Array:
    """Both are the same."""
    return settled(inputs.client[0] == inputs.clinician[0], inputs.clinician[0])


def at_most(inputs: RuleInput) -> Array:
    """The clinician's value is at most the client's."""
    return no_more_than(inputs.clinician[0], inputs.client[0])


def at_least(inputs: RuleInput) -> Array:
    """The clinician's value is at least the client's."""
    return no_more_than(inputs.client[0], inputs.clinician[0])


def within(inputs: RuleInput) -> Array:
    """The client's value is between the clinician's two.

    One known value is enough to fail.
    """
    low, high = inputs.clinician
    return both(no_more_than(low, inputs.client[0]), no_more_than(inputs.client[0], high))


def below(inputs: RuleInput) -> Array:
    """The first of the clinician's two numbers is below the second."""
    one, other = inputs.clinician
    return settled(one < other, one, other)


def is_true(inputs: RuleInput) -> Array:
    """The clinician's flag is true."""
    return np.asarray(inputs.clinician[0])


def if_asked(inputs: RuleInput) -> Array:
    """The clinician's flag is true if the client's is."""
    flag = inputs.clinician[0]
    return np.asarray(flag) if inputs.client[0][0] else np.ones(len(flag))


def client_true(inputs: RuleInput) -> Array:
    """The client's own flag is true."""
    return np.full(inputs.roster.size, float(inputs.client[0][0]))


def client_at_least(inputs: RuleInput) -> Array:
    """The client's own number is at least the setting `least`."""
    enough = inputs.client[0][0] >= float(inputs.settings["least"])
    return np.full(inputs.roster.size, float(enough))


def within_km(inputs: RuleInput) -> Array:
    """The clinician's nearest place is within the client's kilometres, times `detour`.

    Road distance is estimated as the great-circle distance times the setting `detour`.
    """
    return no_more_than(road_km(inputs), inputs.client[1])


def road_km(inputs: RuleInput) -> Array:
    """Kilometres by road from the client's nearest place to each clinician's, (n,)."""
    name = inputs.clinician_fields[0].name
    detour = float(inputs.settings.get("detour", 1.0))
    return nearest_km_in(inputs.roster, name, inputs.client[0][0]) * detour


def not_listed(inputs: RuleInput) -> Array:
    """Neither the client's list names the clinician nor the clinician's list the client.

    An empty list of a clinician names no one. A client without an id could be any client on a
    list, so the verdict is unknown for a clinician whose list is not empty.
    """
    verdict = np.ones(inputs.roster.size)
    if inputs.clinician:
        index = id_index_in(inputs.roster, inputs.clinician_fields[0].name)
        client_id = inputs.context.client_id
        if client_id is None:
            verdict[index.rows] = np.nan
        else:
            verdict[index.of.get(client_id, [])] = 0.0
    return both(verdict, _not_named(inputs)) if inputs.client else verdict


def listed(inputs: RuleInput) -> Array:
    """The client's list names the clinician.

    A client with an empty list passes.
    """
    named = inputs.client[0][0]
    if not named:
        return np.full(inputs.roster.size, _open(inputs) if named is None else 1.0)
    verdict = np.zeros(inputs.roster.size)
    verdict[rows_of(inputs.roster, inputs.context.clinician_ids, named)] = 1.0
    return verdict


def _not_named(inputs: RuleInput) -> Array:
    named = inputs.client[0][0]
    if named is None:
        return np.full(inputs.roster.size, _open(inputs))
    verdict = np.ones(inputs.roster.size)
    verdict[rows_of(inputs.roster, inputs.context.clinician_ids, named)] = 0.0
    return verdict


def _open(inputs: RuleInput) -> float:
    """The verdict on a client who did not answer."""
    return 1.0 if inputs.unasked == "pass" else np.nan
