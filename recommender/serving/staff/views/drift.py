"""Whether clients come differently: held to what the model learned from, and to before.

Two measures, since a bundle holds no client. Of the numbers it does hold the mean and spread it
learned with, so that these are held to training: the standardised mean difference. Questions with
levels are held to as many requests before: the population stability index, beside what chance alone
makes of it (it is about chi-squared times `1/n + 1/m`, Yurdakul 2018). Imported by
`staff.documenting`.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2

from recommender.errors import IntakeError
from recommender.features.feature import Array, client_features, client_rows
from recommender.model.alliance_model import AllianceModel
from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice
from recommender.practice.fields import Field

LATELY, FEWEST = 200, 50
"""Requests that are looked at, and how many it takes to say anything."""
MOVED_BY, INDEX = 0.25, 0.1
"""Deviations, and index, from which clients are said to come differently: a quarter (Rubin 2001)
and a tenth (Siddiqi 2006)."""
BY_CHANCE = 0.99
"""Share of unchanged questions whose index chance keeps below what is shown for it."""
ONE_ANSWER = ("category", "ordinal", "flag")

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AnswerShift:
    """A number now, against what the model learned from, in deviations of then."""

    phrase: str
    answered: int
    then: float
    now: float
    deviations: float

    @property
    def moved(self) -> bool:
        """Whether clients come differently."""
        return abs(self.deviations) >= MOVED_BY


@dataclass(frozen=True, slots=True)
class LevelShift:
    """Answers to a question now, against as many requests before."""

    phrase: str
    index: float
    chance: float

    @property
    def moved(self) -> bool:
        """Whether clients come differently, and by more than chance would have it."""
        return self.index >= max(INDEX, self.chance)


def answer_shifts(lately: Sequence[Answers], model: AllianceModel) -> tuple[AnswerShift, ...]:
    """Every number the model holds the spread of, where enough clients answered."""
    numbers = model.additive.frame.products
    rows = [row for each in lately if (row := _row(each, model.practice)) is not None]
    if numbers is None or len(rows) < FEWEST:
        return ()
    ours, features = numbers.client, client_features(model.practice)
    told = np.concatenate(rows)[:, ours.places]
    found = (
        _shift(features[place].phrase, values, float(then), float(interval))
        for place, values, then, interval in zip(
            ours.places, told.T, ours.scale.mean, ours.scale.interval, strict=True
        )
    )
    return tuple(shift for shift in found if shift.answered >= FEWEST)


def level_shifts(lately: Sequence[Answers], practice: Practice) -> tuple[LevelShift, ...]:
    """Every scored question with one answer, the newer half of these requests against the older.

    Newest first; nothing where a half is too small.
    """
    half = len(lately) // 2
    if half < FEWEST:
        return ()
    fields = practice.fields("client", "score").items()
    return tuple(
        swing(
            field, *([each.get(name) for each in some] for some in (lately[:half], lately[half:]))
        )
        for name, field in fields
        if field.kind in ONE_ANSWER
    )


def swing(field: Field, now: Sequence[Any], then: Sequence[Any]) -> LevelShift:
    """The index of a question: the sum of `(p - q) ln(p / q)` over its answers, open ones too.

    Half a client is added to every answer, so that one nobody gave has a logarithm.
    """
    levels = [*((False, True) if field.kind == "flag" else field.levels), None]
    shares = []
    for some in (now, then):
        counts = Counter(each if each in levels else None for each in some)
        shares.append([(counts[level] + 0.5) / (len(some) + len(levels) / 2) for level in levels])
    index = sum((p - q) * math.log(p / q) for p, q in zip(*shares, strict=True))
    given = len({each for each in (*now, *then) if each in levels} | {None})
    chance = chi2.ppf(BY_CHANCE, max(given - 1, 1)) * (1 / len(now) + 1 / len(then))
    return LevelShift(field.phrase, index, float(chance))


def _shift(phrase: str, values: Array, then: float, interval: float) -> AnswerShift:
    known = values[~np.isnan(values)]
    now = float(known.mean()) if len(known) else math.nan
    return AnswerShift(phrase, len(known), then, now, (now - then) / interval)


def _row(answers: Answers, practice: Practice) -> Array | None:
    """The client's feature row; None where the definition of now cannot read the answers."""
    fields = practice.fields("client", "score")
    try:
        read = read_rows(fields, [{name: answers[name] for name in fields if name in answers}])
    except IntakeError:
        return None
    return client_rows(practice, read)
