"""Whether clients have changed, compared with training and with earlier requests.

A bundle holds no client, so there are two measures. Numbers are compared with the mean and spread
of the training clients, which the bundle does hold: the standardised mean difference. Questions
with levels are compared with as many earlier requests: the population stability index, beside the
value chance alone gives (it is about chi-squared times `1/n + 1/m`, Yurdakul 2018).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaincinv

from recommender.errors import IntakeError
from recommender.features.feature import Array, client_features, client_rows
from recommender.model.alliance_model import AllianceModel
from recommender.model.interactions import NUMBERS
from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice
from recommender.practice.fields import Field

MAX_REQUESTS, MIN_REQUESTS = 200, 50
"""Latest requests that are compared, and how many a comparison needs."""
MIN_DIFFERENCE, MIN_INDEX = 0.25, 0.1
"""Standard deviations (Rubin 2001) and index (Siddiqi 2006) from which a change is reported."""
CHANCE_LEVEL = 0.99
"""Share of unchanged questions whose index stays below `LevelShift.chance`."""
SINGLE_ANSWER_KINDS = ("category", "ordinal", "flag")

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AnswerShift:
    """The mean answer to a question now and in training; `difference` in SDs of training."""

    phrase: str
    answered: int
    training: float
    now: float
    difference: float

    @property
    def changed(self) -> bool:
        """Whether the difference is large enough to report."""
        return abs(self.difference) >= MIN_DIFFERENCE


@dataclass(frozen=True, slots=True)
class LevelShift:
    """The population stability index of a question against as many earlier requests."""

    phrase: str
    index: float
    chance: float

    @property
    def changed(self) -> bool:
        """Whether the index is large, and larger than chance gives."""
        return self.index >= max(MIN_INDEX, self.chance)


def answer_shifts(requests: Sequence[Answers], model: AllianceModel) -> tuple[AnswerShift, ...]:
    """Every number whose spread the model holds, where enough clients answered it."""
    numbers = model.additive.frame.products.get(NUMBERS)
    rows = [row for each in requests if (row := _row(each, model.practice)) is not None]
    if numbers is None or len(rows) < MIN_REQUESTS:
        return ()
    client, features = numbers.client, client_features(model.practice)
    values = np.concatenate(rows)[:, client.places]
    scales = zip(client.scale.mean, client.scale.interval, strict=True)
    shifts = []
    for place, column, (mean, spread) in zip(client.places, values.T, scales, strict=True):
        known = column[~np.isnan(column)]
        if len(known) >= MIN_REQUESTS:
            training, now = float(mean), float(known.mean())
            difference = (now - training) / float(spread)
            phrase = features[place].phrase
            shifts.append(AnswerShift(phrase, len(known), training, now, difference))
    return tuple(shifts)


def level_shifts(requests: Sequence[Answers], practice: Practice) -> tuple[LevelShift, ...]:
    """Every scored question with a single answer: the newer half of requests against the older.

    Requests are given newest first; there is no shift where a half is too small.
    """
    half = len(requests) // 2
    if half < MIN_REQUESTS:
        return ()
    newer, older = requests[:half], requests[half:]
    return tuple(
        level_shift(field, [each.get(name) for each in newer], [each.get(name) for each in older])
        for name, field in practice.fields("client", "score").items()
        if field.kind in SINGLE_ANSWER_KINDS
    )


def level_shift(field: Field, now: Sequence[Any], earlier: Sequence[Any]) -> LevelShift:
    """The index of a question: the sum of `(p - q) ln(p / q)` over its answers and no answer.

    Half a client is added to every answer, so that the logarithm of one nobody gave is finite.
    """
    levels = [*((False, True) if field.kind == "flag" else field.levels), None]
    shares = []
    for some in (now, earlier):
        counts = Counter(each if each in levels else None for each in some)
        shares.append([(counts[level] + 0.5) / (len(some) + len(levels) / 2) for level in levels])
    index = sum((p - q) * math.log(p / q) for p, q in zip(*shares, strict=True))
    given = len({each for each in (*now, *earlier) if each in levels} | {None})
    # The quantile of chi-squared; `scipy.stats` has it too, and takes a second to import.
    quantile = 2 * gammaincinv(max(given - 1, 1) / 2, CHANCE_LEVEL)
    return LevelShift(field.phrase, index, float(quantile * (1 / len(now) + 1 / len(earlier))))


def _row(answers: Answers, practice: Practice) -> Array | None:
    """The client's feature row; None where the present definition cannot read the answers."""
    fields = practice.fields("client", "score")
    try:
        read = read_rows(fields, [{name: answers[name] for name in fields if name in answers}])
    except IntakeError:
        return None
    return client_rows(practice, read)
