"""Numbers of things in words."""

from collections.abc import Mapping


def counted(number: int, one: str) -> str:
    """A number with the noun that it counts.

    >>> counted(1, "clinician"), counted(1200, "clinician")
    ('1 clinician', '1,200 clinicians')
    """
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def counted_tables(written: Mapping[str, int]) -> str:
    """The rows of each table, by the table's name.

    >>> counted_tables({"clients": 3, "clinicians": 1})
    '3 clients, 1 clinician'
    """
    return ", ".join(counted(rows, table.removesuffix("s")) for table, rows in written.items())
