"""The rows of clients and of clinicians, out of the files whose rows are about them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, tzinfo

from recommender.importing.cell_values import display_name
from recommender.importing.import_report import ImportLog
from recommender.importing.mapping_file import MappingFile
from recommender.importing.misread import Misread
from recommender.importing.people_fields import (
    ImportedPeople,
    UsedRows,
    add_fields,
    read_by_hand,
)
from recommender.importing.pseudonyms import Kind, Pseudonyms
from recommender.importing.same_person import note_unmatched
from recommender.practice.fields import Field
from recommender.values.ids import canonical_id
from recommender.values.kinds import is_missing


def read_clinicians(
    mapping: MappingFile,
    declared: Mapping[str, Field],
    sources: Mapping[str, UsedRows],
    pseudonyms: Pseudonyms,
    zone: tzinfo,
    misread: Misread,
    log: ImportLog,
) -> ImportedPeople:
    """The clinicians of all files that name some, with their fields."""
    people = ImportedPeople()
    kind: Kind | None = "clinician" if mapping.clinicians.pseudonym else None
    by_hand = []
    for file in mapping.clinicians.rows:
        if file not in sources:
            continue
        if mapping.files[file].fields_of:
            by_hand.append(sources[file])
            continue
        _add_people(people, mapping, file, sources[file], pseudonyms, kind, log)
        _add_names(people, mapping, file, sources[file])
    add_fields(people, mapping.clinicians, declared, sources, "clinicians", {}, zone, misread, log)
    elsewhere, filled_in = set(people.ids), set[str]()
    for each in by_hand:
        filled_in |= _add_by_hand(people, declared, each, pseudonyms, kind, zone, misread, log)
    labels = " and ".join(each.source.label for each in by_hand)
    note_unmatched(people, elsewhere, filled_in, labels, log)
    return people


def read_clients(
    mapping: MappingFile,
    declared: Mapping[str, Field],
    sources: Mapping[str, UsedRows],
    first_day: Mapping[str, date],
    pseudonyms: Pseudonyms,
    zone: tzinfo,
    misread: Misread,
    log: ImportLog,
) -> ImportedPeople:
    """The clients with an attended appointment, with their fields.

    `first_day` has the day of the first one by key. Others, and those without an answer that the
    definition requires, are left out.
    """
    people = ImportedPeople()
    for file in mapping.clients.rows:
        if file in sources:
            _add_people(people, mapping, file, sources[file], pseudonyms, "client", log)
    _leave_out_people(
        people,
        sources,
        [key for key in people.ids if key not in first_day],
        "has no attended appointment with a clinician",
        mapping,
        log,
    )
    add_fields(people, mapping.clients, declared, sources, "clients", first_day, zone, misread, log)
    for file, each in sources.items():
        if mapping.files[file].fields_of == "clients":
            first_rows: dict[str, int] = {}
            for row in each.rows:
                if each.clients[row] in people.ids:
                    first_rows.setdefault(each.clients[row], row)
            read_by_hand(people, declared, each.source, first_rows, zone, misread, log)
    for name, known in declared.items():
        if known.required:
            lacking = [key for key in people.ids if key not in people.cells.get(name, {})]
            unread = [key for key in lacking if key in people.unread[name]]
            empty = [key for key in lacking if key not in people.unread[name]]
            for problem, keys in (("is empty", empty), ("cannot be read", unread)):
                reason = f"{name} {problem}, and the definition requires it"
                _leave_out_people(people, sources, keys, reason, mapping, log)
    return people


def _leave_out_people(
    people: ImportedPeople,
    sources: Mapping[str, UsedRows],
    keys: Sequence[str],
    reason: str,
    mapping: MappingFile,
    log: ImportLog,
) -> None:
    """Leaves out people and their rows; rows of appointments follow where pairings are built."""
    for file in mapping.clients.rows:
        if file in sources and file != mapping.pairings.appointments:
            gone = {people.origin[key][1] for key in keys if people.origin[key][0] == file}
            each = sources[file]
            each.source.leave_out(log, reason, gone)
            each.rows = [row for row in each.rows if row not in gone]
    people.remove(keys)


def _add_people(
    people: ImportedPeople,
    mapping: MappingFile,
    file: str,
    each: UsedRows,
    pseudonyms: Pseudonyms,
    kind: Kind | None,
    log: ImportLog,
) -> None:
    """Adds the people of a file who are not there yet.

    In files of appointments and ratings a person has many rows; in others a second row is left out.
    Clients who are known by name alone and share it are left out: their rows cannot be told apart.
    """
    side = "client" if kind == "client" else "clinician"
    keys = each.clients if kind == "client" else each.clinicians
    repeating = {mapping.pairings.appointments, *(rating.file for rating in mapping.ratings)}
    spec = mapping.files[file].client
    counts = Counter(keys[row] for row in each.rows)
    by_name = kind == "client" and file not in repeating and spec and spec.read_as == "name"
    nobody, again, shared = [], [], []
    seen: set[str] = set()
    for row in each.rows:
        key = keys[row]
        if not key:
            nobody.append(row)
        elif by_name and counts[key] > 1:
            shared.append(row)
        elif key in seen:
            again.append(row)
        elif key not in people.ids:
            people.ids[key] = pseudonyms.of(kind, key) if kind else canonical_id(key)
            people.origin[key] = (file, row)
        seen.add(key)
    if file not in repeating:
        each.source.leave_out(log, f"names no {side}", nobody)
        each.source.leave_out(log, f"repeats a {side} of an earlier row", again)
        each.source.leave_out(log, "shares its name with another client; map an id", shared)
        gone = {*nobody, *again, *shared}
        each.rows = [row for row in each.rows if row not in gone]


def _add_names(people: ImportedPeople, mapping: MappingFile, file: str, each: UsedRows) -> None:
    declared = mapping.files[file]
    spec = declared.clinician_name or declared.clinician
    if spec is None or (declared.clinician_name is None and spec.read_as != "name"):
        return
    cells = each.source.raw_cells(spec)
    for row in each.rows:
        key = each.clinicians[row]
        if key in people.ids and not is_missing(cells[row]):
            people.names.setdefault(key, display_name(cells[row]))


def _add_by_hand(
    people: ImportedPeople,
    declared: Mapping[str, Field],
    each: UsedRows,
    pseudonyms: Pseudonyms,
    kind: Kind | None,
    zone: tzinfo,
    misread: Misread,
    log: ImportLog,
) -> set[str]:
    """Adds what a file says of clinicians in columns named like the fields of the definition.

    Its filled cells count more than those of other files. A clinician is named by id or by name;
    one whom no other file names is added. Returns the keys of those whom it names.
    """
    source = each.source
    ids, names = (source.cells([name]) or [None] * source.size for name in ("clinician_id", "name"))
    by_id = {identity: key for key, identity in people.ids.items()}
    by_name = {name.casefold(): key for key, name in people.names.items()}
    keys: dict[int, str] = {}
    nobody, again = [], []
    for row in each.rows:
        key, written = _key_of(ids[row], names[row], by_id, by_name)
        if not key:
            nobody.append(row)
        elif key in keys.values():
            again.append(row)
        else:
            keys[row] = key
            if key not in people.ids:
                people.ids[key] = pseudonyms.of(kind, key) if kind else canonical_id(key)
                people.origin[key] = (source.key, row)
            if written:
                people.names.setdefault(key, written)
    source.leave_out(log, "names no clinician by clinician_id or name", nobody)
    source.leave_out(log, "repeats a clinician of an earlier row", again)
    row_of = {key: row for row, key in keys.items()}
    read_by_hand(people, declared, source, row_of, zone, misread, log)
    return set(row_of)


def _key_of(
    identity: object, name: object, by_id: Mapping[str, str], by_name: Mapping[str, str]
) -> tuple[str, str]:
    """The key of a clinician named by id or by name, and the name; "" for nobody.

    A known id counts first, then a known name; what neither knows is a new clinician.
    """
    written = "" if is_missing(name) else display_name(name)
    if not is_missing(identity) and (text := canonical_id(str(identity))) in by_id:
        return by_id[text], written
    if written.casefold() in by_name or is_missing(identity):
        return by_name.get(written.casefold(), written.casefold()), written
    return canonical_id(str(identity)), written
