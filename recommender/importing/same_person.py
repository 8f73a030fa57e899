"""Reports clinicians of a table by hand and of the other files who do not match each other.

One who is written in two ways would otherwise become two people, neither of them complete.
"""

import difflib
from collections.abc import Collection, Iterable

from recommender.importing.import_report import ImportLog
from recommender.importing.people_fields import ImportedPeople

SIMILAR = 0.7
"""Similarity of two names from which on they may be one person's, as `difflib` has it."""
MAX_NAMED = 20
"""Clinicians named in one sentence."""


def note_unmatched(
    people: ImportedPeople,
    elsewhere: Collection[str],
    filled_in: Collection[str],
    label: str,
    log: ImportLog,
) -> None:
    """Notes who is in one kind of file alone.

    Clinicians' names are no secret of the tables: staff and clients read them.

    Parameters
    ----------
    elsewhere, filled_in
        Keys of clinicians in other files, and in the files by hand; nothing is noted without the
        latter.
    label
        The names of the files by hand.
    """
    if not filled_in:
        return
    alone = [key for key in people.ids if key not in elsewhere]
    without = [key for key in people.ids if key not in filled_in]
    if alone:
        named = _named(people, alone, without)
        log.note(
            f"In {label} but without an appointment: {named}. A clinician who is written in two "
            "ways becomes two: write the name or the clinician_id as the other files have it."
        )
    if without:
        log.note(f"With appointments but not in {label}: {_named(people, without, alone)}.")


def _named(people: ImportedPeople, keys: Collection[str], others: Iterable[str]) -> str:
    """Some people, each with the one among others who may be meant."""
    names = {_name(people, key).casefold(): _name(people, key) for key in others}
    some = []
    for key in list(keys)[:MAX_NAMED]:
        name = _name(people, key)
        meant = _near(name.casefold(), names)
        some.append(f"{name} (did you mean {names[meant]}?)" if meant else name)
    more = len(keys) - len(some)
    return ", ".join(some) + (f" and {more:,} more" if more else "")


def _name(people: ImportedPeople, key: str) -> str:
    return people.names.get(key) or people.ids[key]


def _near(name: str, names: Collection[str]) -> str:
    """The most similar name; else the only one of the same last name; else none."""
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=SIMILAR)
    if near:
        return near[0]
    same = [each for each in names if each.split()[-1] == name.split()[-1]]
    return same[0] if len(same) == 1 else ""
