"""How rules about levels, sizes, flags, places and lists judge a whole roster at once.

1 pass, 0 fail, NaN unknown: plain array work that knows nothing of families, modes or reasons.
Imported by `rulebook`.
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


def has_all(question: RuleInput) -> Array:
    """The clinician has every tag the client named; naming none passes."""
    return _of_tags(question, lambda held, asked: (held & asked) == asked, np.logical_and)


def has_any(question: RuleInput) -> Array:
    """The clinician has a tag the client named; naming none passes."""
    return _of_tags(question, lambda held, asked: (held & asked) != 0, np.logical_or)


def has_none(question: RuleInput) -> Array:
    """The clinician has no tag the client named; naming none passes."""
    return _of_tags(question, lambda held, asked: (held & asked) == 0, np.logical_and)


def _of_tags(
    question: RuleInput, passes: Callable[[Words, np.uint64], Flags], join: np.ufunc
) -> Array:
    """The verdict on tags; whoever asks for nothing needs no answer of the clinician's."""
    asked = question.client[0][0] > 0
    if not asked.any():
        return np.ones(question.roster.size)
    bits = bitsets_in(question.roster, question.clinician_fields[0].name)
    found = [passes(*words) for words in zip(bits.words, words_of(asked), strict=True)]
    return bits.settled(found[0] if len(found) == 1 else join.reduce(found))


def member(question: RuleInput) -> Array:
    """The client's level is among the clinician's tags."""
    bits = bitsets_in(question.roster, question.clinician_fields[0].name)
    return bits.settled(bits.has(int(question.client[0][0])))


def one_of(question: RuleInput) -> Array:
    """The clinician's level is the one, or among those, that the client named."""
    wished, level = question.client[0], question.clinician[0]
    if wished.ndim == 1:
        return settled(level == wished, level)
    if not (wished > 0).any():
        return np.ones(len(level))
    row = np.append(wished[0], np.nan)
    return np.asarray(row[np.where(np.isnan(level), len(row) - 1, level).astype(int)])


def equal(question: RuleInput) -> Array:
    """Both are the same."""
    return settled(question.client[0] == question.clinician[0], question.clinician[0])


def at_most(question: RuleInput) -> Array:
    """The clinician's value is at most the client's."""
    return no_more_than(question.clinician[0], question.client[0])


def at_least(question: RuleInput) -> Array:
    """The clinician's value is at least the client's."""
    return no_more_than(question.client[0], question.clinician[0])


def within(question: RuleInput) -> Array:
    """The client's value lies between the clinician's two; either alone can fail it."""
    low, high = question.clinician
    return both(no_more_than(low, question.client[0]), no_more_than(question.client[0], high))


def below(question: RuleInput) -> Array:
    """The first of the clinician's two values is below the second."""
    one, other = question.clinician
    return settled(one < other, one, other)


def is_true(question: RuleInput) -> Array:
    """The clinician's flag is true."""
    return np.asarray(question.clinician[0])


def if_asked(question: RuleInput) -> Array:
    """The clinician's flag is true, or the client did not ask for it."""
    flag = question.clinician[0]
    return np.asarray(flag) if question.client[0][0] else np.ones(len(flag))


def client_true(question: RuleInput) -> Array:
    """The client's own flag is true, whoever the clinician is."""
    return np.full(question.roster.size, float(question.client[0][0]))


def client_at_least(question: RuleInput) -> Array:
    """The client's own number is at least the setting `least`, whoever the clinician is."""
    enough = question.client[0][0] >= float(question.settings["least"])
    return np.full(question.roster.size, float(enough))


def within_km(question: RuleInput) -> Array:
    """The nearest of the clinician's places is within the client's kilometres by road.

    Roads are longer than the great circle by the factor `detour`.
    """
    return no_more_than(road_km(question), question.client[1])


def road_km(question: RuleInput) -> Array:
    """Kilometres by road from the client's nearest place to each clinician's, (n,)."""
    name = question.clinician_fields[0].name
    detour = float(question.settings.get("detour", 1.0))
    return nearest_km_in(question.roster, name, question.client[0][0]) * detour


def not_listed(question: RuleInput) -> Array:
    """Neither the client's list names the clinician nor the clinician's list the client.

    A clinician's list left empty names nobody: most clinicians have none, and that is what it
    means. A client without an id may be anyone on a list that names somebody.
    """
    verdict = np.ones(question.roster.size)
    if question.clinician:
        naming = id_index_in(question.roster, question.clinician_fields[0].name)
        client_id = question.context.client_id
        if client_id is None:
            verdict[naming.rows] = np.nan
        else:
            verdict[naming.of.get(client_id, [])] = 0.0
    return both(verdict, _not_named(question)) if question.client else verdict


def listed(question: RuleInput) -> Array:
    """The client's list names the clinician; a client who named nobody has asked for nobody."""
    named = question.client[0][0]
    if not named:
        return np.full(question.roster.size, _open(question) if named is None else 1.0)
    verdict = np.zeros(question.roster.size)
    verdict[rows_of(question.roster, question.context.clinician_ids, named)] = 1.0
    return verdict


def _not_named(question: RuleInput) -> Array:
    named = question.client[0][0]
    if named is None:
        return np.full(question.roster.size, _open(question))
    verdict = np.ones(question.roster.size)
    verdict[rows_of(question.roster, question.context.clinician_ids, named)] = 0.0
    return verdict


def _open(question: RuleInput) -> float:
    """The verdict on a client who did not answer."""
    return 1.0 if question.unasked == "pass" else np.nan
