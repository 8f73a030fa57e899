"""How rules about levels, sizes, flags, places and lists judge a whole roster at once.

1 pass, 0 fail, NaN unknown: plain array work that knows nothing of families, modes or reasons.
Imported by `rulebook`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender.definition.operators import nearest_km
from recommender.definition.question import (
    Array,
    Flags,
    Question,
    both,
    no_more_than,
    settled,
)


def has_all(question: Question) -> Array:
    """The clinician has every tag the client named; naming none passes."""
    return _of_tags(question, lambda asked, held: ~(asked & ~held).any(axis=1))


def has_any(question: Question) -> Array:
    """The clinician has a tag the client named; naming none passes."""
    return _of_tags(question, lambda asked, held: (asked & held).any(axis=1))


def has_none(question: Question) -> Array:
    """The clinician has no tag the client named; naming none passes."""
    return _of_tags(question, lambda asked, held: ~(asked & held).any(axis=1))


def _of_tags(question: Question, passes: Callable[[Flags, Flags], Any]) -> Array:
    """The verdict on tags; whoever asks for nothing needs no answer of the clinician's."""
    asked, held = question.client[0] > 0, question.clinician[0]
    if not asked.any():
        return np.ones(len(held))
    return settled(passes(asked, held > 0), held.sum(axis=1))


def member(question: Question) -> Array:
    """The client's level is among the clinician's tags."""
    return np.asarray(question.clinician[0][:, int(question.client[0][0])])


def one_of(question: Question) -> Array:
    """The clinician's level is the one, or among those, that the client named."""
    wished, level = question.client[0], question.clinician[0]
    if wished.ndim == 1:
        return settled(level == wished, level)
    if not (wished > 0).any():
        return np.ones(len(level))
    row = np.append(wished[0], np.nan)
    return np.asarray(row[np.where(np.isnan(level), len(row) - 1, level).astype(int)])


def equal(question: Question) -> Array:
    """Both are the same."""
    return settled(question.client[0] == question.clinician[0], question.clinician[0])


def at_most(question: Question) -> Array:
    """The clinician's value is at most the client's."""
    return no_more_than(question.clinician[0], question.client[0])


def at_least(question: Question) -> Array:
    """The clinician's value is at least the client's."""
    return no_more_than(question.client[0], question.clinician[0])


def within(question: Question) -> Array:
    """The client's value lies between the clinician's two; either alone can fail it."""
    low, high = question.clinician
    return both(no_more_than(low, question.client[0]), no_more_than(question.client[0], high))


def below(question: Question) -> Array:
    """The first of the clinician's two values is below the second."""
    one, other = question.clinician
    return settled(one < other, one, other)


def is_true(question: Question) -> Array:
    """The clinician's flag is true."""
    return np.asarray(question.clinician[0])


def if_asked(question: Question) -> Array:
    """The clinician's flag is true, or the client did not ask for it."""
    flag = question.clinician[0]
    return np.asarray(flag) if question.client[0][0] else np.ones(len(flag))


def client_true(question: Question) -> Array:
    """The client's own flag is true, whoever the clinician is."""
    return np.full(question.roster.size, float(question.client[0][0]))


def client_at_least(question: Question) -> Array:
    """The client's own number is at least the setting `least`, whoever the clinician is."""
    enough = question.client[0][0] >= float(question.settings["least"])
    return np.full(question.roster.size, float(enough))


def within_km(question: Question) -> Array:
    """The nearest of the clinician's places is within the client's kilometres by road.

    Roads are longer than the great circle by the factor `detour`.
    """
    place, most = question.client
    detour = float(question.settings.get("detour", 1.0))
    return no_more_than(nearest_km(place, question.clinician[0]) * detour, most)


def not_listed(question: Question) -> Array:
    """Neither the client's list names the clinician nor the clinician's list the client.

    A clinician's list left empty names nobody: most clinicians have none, and that is what it
    means. A client without an id may be anyone on a list that names somebody.
    """
    verdict = np.ones(question.roster.size)
    if question.clinician:
        naming = _naming(question)
        client_id = question.asking.client_id
        if client_id is None:
            verdict[naming.rows] = np.nan
        else:
            verdict[naming.of.get(client_id, [])] = 0.0
    return both(verdict, _not_named(question)) if question.client else verdict


def listed(question: Question) -> Array:
    """The client's list names the clinician; a client who named nobody has asked for nobody."""
    named = question.client[0][0]
    if not named:
        return np.full(question.roster.size, _open(question) if named is None else 1.0)
    return np.array([float(each in named) for each in question.asking.clinician_ids])


def _not_named(question: Question) -> Array:
    named = question.client[0][0]
    if not named:
        return np.full(question.roster.size, _open(question) if named is None else 1.0)
    return np.array([float(each not in named) for each in question.asking.clinician_ids])


def _open(question: Question) -> float:
    """The verdict on a client who did not answer."""
    return 1.0 if question.unasked == "pass" else np.nan


@dataclass(frozen=True, slots=True)
class _Naming:
    """Which rows of a roster name each id, and which name anybody."""

    of: Mapping[str, list[int]]
    rows: list[int]


def _naming(question: Question) -> _Naming:
    name = question.clinician_fields[0].name
    return question.roster.view(("naming", name), lambda: _named_in(question.clinician[0]))


def _named_in(lists: Iterable[tuple[str, ...] | None]) -> _Naming:
    of: dict[str, list[int]] = {}
    rows = []
    for row, named in enumerate(lists):
        rows += [row] if named else []
        for each in named or ():
            of.setdefault(each, []).append(row)
    return _Naming(of, rows)
