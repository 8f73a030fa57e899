"""Fields that name people: what the source system calls them becomes their pseudonyms."""

from collections.abc import Callable, Mapping

from recommender.importing.cell_values import display_name
from recommender.importing.import_report import ImportLog
from recommender.importing.people_fields import ImportedPeople, UsedRows
from recommender.importing.pseudonyms import Pseudonyms
from recommender.practice.fields import Field
from recommender.values.ids import NONE_NAMED, canonical_id

Rename = Callable[[str], str | None]
"""The id of a person in the tables, by how a cell names them; None for nobody who is known."""


def names_of_clinicians(clinicians: ImportedPeople) -> Rename:
    """Finds clinicians by id, by what the source system calls them, or by name."""
    known = {identity: identity for identity in clinicians.ids.values()}
    known |= clinicians.ids
    by_name = {name.casefold(): clinicians.ids[key] for key, name in clinicians.names.items()}

    def rename(written: str) -> str | None:
        return known.get(written) or by_name.get(display_name(written).casefold())

    return rename


def names_of_clients(pseudonyms: Pseudonyms, clients: ImportedPeople) -> Rename:
    """Finds clients by pseudonym, or gives the pseudonym of what the source system calls them."""
    known = frozenset(clients.ids.values())

    def rename(written: str) -> str | None:
        return written if written in known else pseudonyms.of("client", written)

    return rename


def rename_people(
    people: ImportedPeople,
    declared: Mapping[str, Field],
    rename_of: Mapping[str, Rename],
    rows: Mapping[str, UsedRows],
    log: ImportLog,
) -> None:
    """Replaces names in cells of kind `ids`; a person who is not known is left out of the cell.

    `rename_of` is by whom a field names, `clients` or `clinicians`.
    """
    for field, known in declared.items():
        if known.kind != "ids" or known.people_named not in rename_of:
            continue
        rename = rename_of[known.people_named]
        for key, cell in list(people.cells.get(field, {}).items()):
            if key not in people.ids or cell.strip().lower() == NONE_NAMED:
                continue
            parts = [canonical_id(part) for part in cell.split(";") if part.strip()]
            found = [rename(part) for part in parts]
            if None in found:
                file, row = people.origin[key]
                reason = f"{field} names somebody who is in no file"
                rows[file].source.leave_out_cells(log, field, reason, [row])
            ids = list(dict.fromkeys(each for each in found if each is not None))
            if ids:
                people.cells[field][key] = ";".join(ids)
            else:
                del people.cells[field][key]
