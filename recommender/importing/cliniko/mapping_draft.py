"""A first mapping file with all that Cliniko lists, to be corrected by hand."""

import json
from collections.abc import Mapping

from recommender.importing.cliniko.directory import ClinikoDirectory
from recommender.importing.cliniko.mapping_sections import FIELD_KINDS
from recommender.practice.definition import Practice

OPTIONAL_FACTS = frozenset({"weeks_free"})
"""Facts that cost many requests, and are therefore proposed as comments."""


def mapping_draft(
    directory: ClinikoDirectory,
    practice: Practice,
    contact: str,
    names: Mapping[str, str | None],
) -> str:
    """The text of a mapping file.

    Parameters
    ----------
    names
        Clinicians of the present roster by id: a practitioner of the same name gets that id.
    """
    lines = [
        "# Which practitioner, business and appointment type of Cliniko is which of ours.",
        "# Correct it by hand; what is not listed is left out, and said so.",
        "",
        "[cliniko]",
        f"contact = {_quoted(contact)}",
        "# first_day = 2024-01-01      # earlier appointments are not read",
        '# attended = "not_missed"     # where nobody marks arrivals in Cliniko',
        "",
        "[fields]   # the clinician's field for each fact; remove what you enter by hand",
        *_facts(practice),
        "",
        "[practitioners]   # Cliniko's id = clinician_id",
        *_practitioners(directory, names),
    ]
    for each, business in sorted(directory.businesses.items()):
        title = business.display_name or business.business_name or ""
        code = business.post_code or ""
        known = any(code in field.postcodes for field in practice.clinician.values())
        room = _quoted(code) if known else '""'
        lines += ["", f"[businesses.{_quoted(each)}]   # {_comment(title)}"]
        lines.append(f'room = {room}   # postcode or latitude,longitude; "" for no room')
        lines.append('# ways = ["video"]   # of its hours, where it is not for every way')
    for each, kind in sorted(directory.types.items()):
        minutes = f", {kind.duration_in_minutes} min" if kind.duration_in_minutes else ""
        lines += [
            "",
            f"[appointment_types.{_quoted(each)}]   # {_comment(kind.name or '')}{minutes}",
        ]
        lines += ["session = true", "first_session = false"]
        lines.append('# fee_field = "fee"   # where its price is the fee for a session')
    return "\n".join(lines) + "\n"


def _facts(practice: Practice) -> list[str]:
    lines = []
    for fact, kinds in FIELD_KINDS.items():
        field = practice.clinician.get(fact)
        if field is not None and field.kind in kinds:
            mark = "# " if fact in OPTIONAL_FACTS else ""
            lines.append(f'{mark}{fact} = "{fact}"')
        else:
            lines.append(f'# {fact} = "..."   # of kind {" or ".join(sorted(kinds))}')
    return lines


def _practitioners(directory: ClinikoDirectory, names: Mapping[str, str | None]) -> list[str]:
    ids = {_key(name): each for each, name in names.items() if name}
    taken = set(names)
    number = 0
    lines = []
    for each, record in sorted(directory.active.items()):
        clinician = ids.pop(_key(record.name), None)
        while clinician is None:
            number += 1
            proposed = f"psy{number:02d}"
            clinician = proposed if proposed not in taken else None
        taken.add(clinician)
        lines.append(f'{_quoted(each)} = "{clinician}"   # {_comment(record.name)}')
    return lines


def _key(name: str) -> str:
    return " ".join(name.casefold().split())


def _quoted(text: str) -> str:
    # A JSON string without control characters is a TOML string.
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def _comment(text: str) -> str:
    return " ".join("".join(sign for sign in text if sign.isprintable()).split())
