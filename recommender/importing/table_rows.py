"""The rows of the four tables, out of what was imported."""

from collections.abc import Iterable, Mapping, Sequence

from recommender.importing.output_tables import OutputTable
from recommender.importing.pairing_rows import ImportedPairing, PairingKey
from recommender.importing.people_fields import ImportedPeople
from recommender.importing.rating_rows import ImportedRating
from recommender.practice.fields import Field
from recommender.values.kinds import RawValue


def people_table(
    key_column: str,
    keys: Iterable[str],
    people: ImportedPeople,
    declared: Mapping[str, Field],
    *,
    names: bool,
) -> OutputTable:
    """Clients or clinicians, one row for each key, with every field of the definition."""
    has_names = names and "name" not in declared
    header = (key_column, *(["name"] if has_names else []), *declared)
    rows: list[list[RawValue]] = [
        [
            people.ids[key],
            *([people.names.get(key)] if has_names else []),
            *(people.cells.get(name, {}).get(key) for name in declared),
        ]
        for key in keys
    ]
    return OutputTable(header, rows)


def pairing_table(
    keys: Iterable[PairingKey],
    pairings: Mapping[PairingKey, ImportedPairing],
    people: ImportedPeople,
    clinicians: ImportedPeople,
) -> OutputTable:
    """The pairings of some keys, in their order."""
    header = ("pairing_id", "client_id", "clinician_id", "started_on", "sessions", "ended_on")
    rows = [
        (
            pairings[key].pairing_id,
            people.ids[key[0]],
            clinicians.ids[key[1]],
            pairings[key].days[0].isoformat(),
            len(pairings[key].days),
            None if (ended := pairings[key].ended_on) is None else ended.isoformat(),
        )
        for key in keys
    ]
    return OutputTable(header, rows)


def rating_table(ratings: Sequence[ImportedRating]) -> OutputTable:
    """The ratings, in their order."""
    items = max((len(rating.items) for rating in ratings), default=0)
    header = ("pairing_id", "session", "rated_on", "instrument", "rater", "metric", "score")
    rows = [
        (
            rating.pairing_id,
            rating.session,
            rating.rated_on.isoformat(),
            rating.instrument,
            rating.rater,
            rating.metric,
            rating.score,
            *rating.items,
            *[None] * (items - len(rating.items)),
        )
        for rating in ratings
    ]
    return OutputTable((*header, *(f"item_{n}" for n in range(1, items + 1))), rows)
