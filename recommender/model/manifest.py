"""What a model is and came from, as its bundle says first. Imported by `model` and above."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MODEL, EVIDENCE_PRIOR = "model", "evidence_prior"
NAME = "alliance"
"""What models are called in a registry and in responses."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model is and came from; no person in it.

    Attributes
    ----------
    mode
        `model`, or `evidence_prior` for the declared sizes without any rating.
    created_at
        UTC, ISO 8601.
    practice_id, practice_version, practice_digest
        The definition it learned with.
    data_digest, ratings, pairings, left_unrated, first_day, last_day, known_until
        The tables it learned from: the days on which its pairings began, and the last day on which
        one of its ratings became known; `left_unrated` pairings ended before a rating and count
        as low. Only what began later can judge it.
    seed
        Everything random follows from it.
    features
        Names of the model columns in their order.
    versions
        Of the libraries that took part.
    """

    mode: str
    created_at: str
    practice_id: str
    practice_version: str
    practice_digest: str
    data_digest: str
    ratings: int
    pairings: int
    left_unrated: int
    first_day: str | None
    last_day: str | None
    known_until: str | None
    seed: int
    features: tuple[str, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
