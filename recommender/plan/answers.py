"""Answers of clients as numbers, each read and scaled as a plan compares it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.practice.columns import Columns
from recommender.practice.fields import Field
from recommender.practice.product_part import ProductPart

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Reading:
    """One number that is read of an answer.

    Attributes
    ----------
    field
        The field answered.
    level
        Place of the level that counts as 1, all others being 0; None for the encoded value.
    at_least
        Encoded value from which the answer counts as 1, and as 0 below; None without a threshold.
    low, span
        The value that is read as 0, and how far from it is 1.
    signed
        Whether 0 to 1 becomes -1 to 1.
    """

    field: Field
    level: int | None = None
    at_least: float | None = None
    low: float = 0.0
    span: float = 1.0
    signed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers of C clients: as they are, and the numbers read of them, (C, readings)."""

    columns: Columns
    numbers: Array

    @property
    def size(self) -> int:
        """Number of clients."""
        return len(self.numbers)

    def between(self, start: int, stop: int) -> "Answers":
        """Clients that follow one another, without a copy."""
        if (start, stop) == (0, self.size):
            return self
        return Answers(self.columns.between(start, stop), self.numbers[start:stop])


@dataclass(frozen=True, slots=True, eq=False)
class AnswerReader:
    """Computes the readings of clients together.

    Attributes
    ----------
    names
        The fields read.
    source : (readings,)
        Place of each reading in the encoded values of these fields side by side.
    flags
        Which readings are 1 or 0: of a level, or with a threshold.
    least, most
        The values from and up to which each of these is 1.
    low, span : (readings,)
        The scale of each.
    gain, less : (readings,)
        What each is then multiplied by, and what is taken from it: 2 and 1 for those on -1 to 1.
    """

    names: tuple[str, ...]
    source: Places
    flags: Places
    least: Array
    most: Array
    low: Array
    span: Array
    gain: Array
    less: Array

    def of(self, clients: Columns) -> Answers:
        """The readings of some clients; those of a missing answer are NaN."""
        if not self.names:
            return Answers(clients, np.empty((clients.size, 0)))
        encoded = [*map(clients.values.__getitem__, self.names)]
        if clients.size == 1:
            numbers = np.concatenate(encoded, axis=None).take(self.source)[None]
        else:
            table = [each.reshape(clients.size, -1) for each in encoded]
            numbers = np.concatenate(table, axis=1).take(self.source, axis=1)
        if len(self.flags):
            values = numbers[:, self.flags]
            is_met = (values >= self.least) & (values <= self.most)
            # Only NaN, which is missing, differs from itself.
            numbers[:, self.flags] = np.where(values == values, is_met, np.nan)
        numbers -= self.low
        numbers /= self.span
        numbers *= self.gain
        numbers -= self.less
        return Answers(clients, numbers)


def answer_reader(readings: Sequence[Reading]) -> AnswerReader:
    """The reader of some readings, in their order."""
    fields = {reading.field.name: reading.field for reading in readings}
    widths = [len(each.levels) if each.kind == "tags" else 1 for each in fields.values()]
    first = dict(zip(fields, np.cumsum([0, *widths]).tolist(), strict=False))
    flags = [
        (place, least, most)
        for place, reading in enumerate(readings)
        for least, most in _counting(reading)
    ]
    source = [
        first[each.field.name] + (each.level or 0 if each.field.kind == "tags" else 0)
        for each in readings
    ]
    signed = np.array([each.signed for each in readings], dtype=np.float64)
    return AnswerReader(
        tuple(fields),
        np.array(source, dtype=np.intp),
        np.array([place for place, _, _ in flags], dtype=np.intp),
        np.array([least for _, least, _ in flags], dtype=np.float64),
        np.array([most for _, _, most in flags], dtype=np.float64),
        np.array([each.low for each in readings], dtype=np.float64),
        np.array([each.span for each in readings], dtype=np.float64),
        1.0 + signed,
        signed,
    )


def _counting(reading: Reading) -> list[tuple[float, float]]:
    """The values of a reading that count as 1; none where it is the value itself."""
    if reading.at_least is not None:
        return [(reading.at_least, np.inf)]
    if reading.level is None or reading.field.kind == "tags":
        return []
    return [(float(reading.level), float(reading.level))]


def readings_of_levels(field: Field) -> list[Reading]:
    """Whether each level of a field is named."""
    return [Reading(field, level) for level in range(len(field.levels))]


def readings_of_features(fields: Iterable[Field]) -> list[Reading]:
    """The values of `features_of(fields)`."""
    return [
        reading
        for field in fields
        for reading in ([Reading(field)] if field.behaviour.numeric else readings_of_levels(field))
    ]


def reading_of_part(part: ProductPart) -> Reading:
    """What a declared product multiplies of an answer, as `ProductPart.of` gives it."""
    if part.level is not None or part.at_least is not None or part.field.kind == "flag":
        return Reading(part.field, part.level, part.at_least)
    return Reading(part.field, None, None, *part.field.unit_range, signed=True)
