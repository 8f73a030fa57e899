"""What a model was trained on: the manifest of a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MODEL, EVIDENCE_PRIOR = "model", "evidence_prior"
NAME = "alliance"
"""Name of the model in the registry and in responses."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model was trained on; names no person.

    Attributes
    ----------
    mode
        `model`, or `evidence_prior` for the declared effect sizes without any rating.
    created_at
        UTC, ISO 8601.
    practice_id, practice_version, practice_digest
        The definition it learned with.
    data_digest, ratings, pairings, left_unrated, first_day, last_day, known_until
        The training tables: the first and last start of a pairing, and the last day on which a
        rating became known; `left_unrated` pairings ended before a rating and count as low. Only
        later pairings are held out.
    seed
        Of everything random.
    features
        Names of the model columns in their order.
    versions
        Of the libraries used.
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
