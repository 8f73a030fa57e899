"""Numbers of things in words."""

from collections.abc import Mapping


def counted(number: int, one: str, several: str = "") -> str:
    """A number with what it counts; without `several` that is a noun whose plural ends in s.

    >>> counted(1, "clinician"), counted(1200, "clinician")
    ('1 clinician', '1,200 clinicians')
    >>> counted(1, "pairing has", "pairings have"), counted(1500, "pairing has", "pairings have")
    ('1 pairing has', '1,500 pairings have')
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def counted_tables(rows: Mapping[str, int]) -> str:
    """The rows of each table, by the table's name.

    >>> counted_tables({"clients": 3, "clinicians": 1})
    '3 clients, 1 clinician'
    """
    return ", ".join(counted(number, table.removesuffix("s")) for table, number in rows.items())
