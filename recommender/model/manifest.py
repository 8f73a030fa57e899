"""What a model was trained on: the manifest of a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MODEL, EVIDENCE_PRIOR = "model", "evidence_prior"
NAME = "alliance"
"""Name of the model in the registry and in responses."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model was trained on; names no person.

    `mode` is `model`, or `evidence_prior` for the declared effect sizes without any rating.
    `first_day` and `last_day` are of the starts of pairings, `known_until` is the last day on which
    a rating became known; only later pairings are held out. `left_unrated` pairings ended before a
    rating and count as low. `features` are the model columns in their order; times are UTC, ISO
    8601.
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
