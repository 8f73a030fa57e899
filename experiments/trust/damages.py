"""Kinds of damage to the files that commands read, each made at random and with its place named.

A kind is either harmless, so that a command must give what it gives for the whole file, or it loses
something, so that a fault or a warning must name the file.
"""

import csv
import io
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Cells = list[list[str]]
Change = Callable[[random.Random, Cells], bool]
"""Damages the rows of a table in place, the header first; False where the kind does not apply."""

DATES = ("ended_on", "rated_on", "known_on", "waiting_since")
"""Columns whose dates cannot lie in the future."""
COUNTS = ("session", "sessions", "places", "priority")
IDS = ("client_id", "clinician_id", "pairing_id")
FREE = ("name", "why", "fold", "state")
"""Columns in which any text is an answer, or that nothing reads."""
JUNK = ("#REF!", "??", "n/a (see note)", "\u00e9\u00e9!", "1e999", "x" * 300)


@dataclass(frozen=True, slots=True)
class Damage:
    """One kind of damage.

    Attributes
    ----------
    name
        Of the kind.
    apply
        The damaged bytes of a file, or None where the kind does not apply to it.
    loses
        Whether the command must say something; False where it must give the same result. None
        where damage may look like another answer, so that nothing but the ending is judged.
    """

    name: str
    apply: Callable[[random.Random, bytes], bytes | None]
    loses: bool | None


def table_damages() -> Sequence[Damage]:
    """Kinds for a CSV file."""
    in_cells: Mapping[str, tuple[Change, bool | None]] = {
        "a cell less": (_cell_less, True),
        "a cell more": (_cell_more, True),
        "junk in a cell": (_junk, True),
        "part of a whole number": (_fraction, True),
        "a date to come": (_future, True),
        "an id of nobody": (_nobody, True),
        "an empty id": (_empty_id, True),
        "a row twice": (_row_twice, True),
        "a lost column": (_lost_column, True),
        "a misspelt column": (_misspelt_column, True),
        "a column twice": (_column_twice, True),
        "an unknown column": (_unknown_column, True),
        "no header": (_no_header, True),
        "empty rows": (_empty_rows, False),
        "levels in capitals": (_capitals, True),
        "commas in a list": (_commas, True),
        "a list that ends with its separator": (_last_separator, False),
        "hours past midnight": (_past_midnight, True),
        "dates as dd/mm/yyyy": (_day_first, True),
        "one cell swapped with another": (_swapped, None),
        "a lost row": (_lost_row, None),
    }
    of_cells = [
        Damage(name, _on_cells(change), loses) for name, (change, loses) in in_cells.items()
    ]
    of_bytes = [
        Damage("semicolons between cells", _separated(";"), False),
        Damage("tabs between cells", _separated("\t"), False),
        Damage("sep= before the header", lambda _, content: b"sep=,\n" + content, False),
        Damage("a byte order mark", lambda _, content: b"\xef\xbb\xbf" + content, False),
        Damage("UTF-16", _encoded("utf-16"), False),
        Damage("lines of Windows", lambda _, c: c.replace(b"\n", b"\r\n"), False),
        Damage("lines of an old Mac", lambda _, c: c.replace(b"\n", b"\r"), False),
        Damage("UTF-16 without its mark", _encoded("utf-16-le"), True),
        Damage("another encoding", _latin, True),
        Damage("an open quotation mark", _open_quote, True),
        Damage("a comma without quotation marks", _bare_comma, True),
        Damage("cut in a row", _cut, True),
        Damage("nothing", lambda _, content: b"", True),
        Damage("flipped bytes", _flipped, None),
    ]
    return [*of_cells, *of_bytes]


def toml_damages() -> Sequence[Damage]:
    """Kinds for a definition."""
    return [
        Damage("cut", lambda rng, c: c[: rng.randrange(len(c) + 1)], None),
        Damage("flipped bytes", _flipped, None),
        Damage("a lost line", _lost_line, None),
        Damage("a key misspelt", _misspelt_key, True),
        Damage("a key twice", _line_twice, True),
        Damage("a number for a text", _number_for_text, True),
        Damage("another encoding", lambda _, c: c + "# \u00e9".encode("latin-1"), True),
    ]


def json_damages() -> Sequence[Damage]:
    """Kinds for a request."""
    return [
        Damage("cut", lambda rng, c: c[: rng.randrange(len(c))] if c else None, True),
        Damage("flipped bytes", _flipped, None),
        Damage("an answer of another type", _other_type, True),
        Damage("an unknown field", _unknown_field, True),
        Damage("NaN", lambda _, c: c.replace(b'"answers"', b'"top_k": NaN, "answers"', 1), True),
        Damage("spaces", _spaced, False),
    ]


def cells_of(content: bytes) -> Cells | None:
    """The rows of a plain CSV, or None where it is damaged beyond this."""
    try:
        return [row for row in csv.reader(io.StringIO(content.decode("utf-8"))) if row]
    except (UnicodeDecodeError, csv.Error):
        return None


def bytes_of(rows: Cells, separator: str = ",") -> bytes:
    """Rows as CSV."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _on_cells(change: Change) -> Callable[[random.Random, bytes], bytes | None]:
    def apply(rng: random.Random, content: bytes) -> bytes | None:
        rows = cells_of(content)
        if rows is None or len(rows) < 3 or not all(len(row) == len(rows[0]) for row in rows):
            return None
        return bytes_of(rows) if change(rng, rows) else None

    return apply


def _column(rng: random.Random, rows: Cells, names: Sequence[str]) -> int | None:
    """A column at random, among those of some names."""
    places = [place for place, name in enumerate(rows[0]) if name in names]
    return rng.choice(places) if places else None


def _matching(rng: random.Random, rows: Cells, pattern: str) -> tuple[int, int] | None:
    """A cell at random that matches a pattern, in a column that is read as its kind."""
    found = [
        (row, column)
        for row in range(1, len(rows))
        for column, cell in enumerate(rows[row])
        if rows[0][column] not in FREE and re.fullmatch(pattern, cell)
    ]
    return rng.choice(found) if found else None


def _put(rows: Cells, place: tuple[int, int] | None, cell: Callable[[str], str]) -> bool:
    if place is None:
        return False
    row, column = place
    rows[row][column] = cell(rows[row][column])
    return True


def _cell_less(rng: random.Random, rows: Cells) -> bool:
    rows[rng.randrange(1, len(rows))].pop()
    return len(rows[0]) > 1


def _cell_more(rng: random.Random, rows: Cells) -> bool:
    rows[rng.randrange(1, len(rows))].append("more")
    return True


def _junk(rng: random.Random, rows: Cells) -> bool:
    column = _column(rng, rows, [name for name in rows[0] if name not in FREE])
    if column is None:
        return False
    rows[rng.randrange(1, len(rows))][column] = rng.choice(JUNK)
    return True


def _fraction(rng: random.Random, rows: Cells) -> bool:
    column = _column(rng, rows, COUNTS)
    if column is None:
        return False
    rows[rng.randrange(1, len(rows))][column] = rng.choice(("1.9", "2.5"))
    return True


def _future(rng: random.Random, rows: Cells) -> bool:
    column = _column(rng, rows, DATES)
    if column is None:
        return False
    rows[rng.randrange(1, len(rows))][column] = "2162-03-01"
    return True


def _nobody(rng: random.Random, rows: Cells) -> bool:
    names = set(rows[0])
    if "client_id" in names and "pairing_id" in names:
        names -= {"pairing_id"}
    elif not names & {"rated_on", "fold", "places", "told"}:
        # Another id in a table of people is another person.
        return False
    column = _column(rng, rows, [name for name in names if name in (*IDS, "told")])
    if column is None:
        return False
    rows[rng.randrange(1, len(rows))][column] = "zz-nobody"
    return True


def _empty_id(rng: random.Random, rows: Cells) -> bool:
    column = _column(rng, rows, IDS)
    if column is None or "state" in rows[0]:
        return False
    rows[rng.randrange(1, len(rows))][column] = ""
    return True


def _row_twice(rng: random.Random, rows: Cells) -> bool:
    rows.append(list(rng.choice(rows[1:])))
    return True


def _lost_column(rng: random.Random, rows: Cells) -> bool:
    optional = {"name", "sessions", "ended_on", "known_on", "propensity", *FREE}
    optional |= {"priority", "weight", "waiting_since", "told"}
    read = [name for name in rows[0] if name not in optional and not name.startswith("item_")]
    if "state" in rows[0]:
        read = ["client_id", "clinician_id"]
    column = _column(rng, rows, read)
    if column is None:
        return False
    for row in rows:
        row.pop(column)
    return True


def _misspelt_column(rng: random.Random, rows: Cells) -> bool:
    column = _column(rng, rows, [name for name in rows[0] if name not in FREE])
    if column is None or "state" in rows[0]:
        return False
    name = rows[0][column]
    rows[0][column] = name[:-1] if len(name) > 3 else f"{name} "[::-1] + "z"
    return rows[0][column].strip() not in (name, *rows[0][:column], *rows[0][column + 1 :])


def _column_twice(rng: random.Random, rows: Cells) -> bool:
    one, other = rng.randrange(len(rows[0])), rng.randrange(len(rows[0]))
    rows[0][one] = rows[0][other]
    return one != other


def _unknown_column(rng: random.Random, rows: Cells) -> bool:
    place = rng.randrange(len(rows[0]) + 1)
    for number, row in enumerate(rows):
        row.insert(place, "7" if number else "shoe size")
    return True


def _no_header(rng: random.Random, rows: Cells) -> bool:
    rows.pop(0)
    return True


def _empty_rows(rng: random.Random, rows: Cells) -> bool:
    for _ in range(rng.randrange(1, 4)):
        rows.insert(rng.randrange(1, len(rows) + 1), [""] * len(rows[0]))
    return len(rows[0]) > 1


def _capitals(rng: random.Random, rows: Cells) -> bool:
    # A text with an underscore, or a word of a rating, is a level: an id has a digit.
    place = _matching(rng, rows, "[a-z]+_[a-z_]+|client|clinician|sum|mean|items")
    return _put(rows, place, str.upper)


def _commas(rng: random.Random, rows: Cells) -> bool:
    place = _matching(rng, rows, "[a-z_]+(;[a-z_]+)+")
    return _put(rows, place, lambda cell: cell.replace(";", ", "))


def _last_separator(rng: random.Random, rows: Cells) -> bool:
    return _put(rows, _matching(rng, rows, "[a-z_]+(;[a-z_]+)+"), lambda cell: f"{cell};")


def _past_midnight(rng: random.Random, rows: Cells) -> bool:
    place = _matching(rng, rows, "(mon|tue|wed|thu|fri|sat|sun) [0-9].*")
    return _put(rows, place, lambda cell: f"{cell}; sun 22:00-02:00")


def _day_first(rng: random.Random, rows: Cells) -> bool:
    dates = [
        column
        for column in range(len(rows[0]))
        if any(re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", row[column]) for row in rows[1:])
    ]
    if not dates:
        return False
    column = rng.choice(dates)
    for row in rows[1:]:
        row[column] = "/".join(reversed(row[column].split("-"))) if row[column] else ""
    return True


def _swapped(rng: random.Random, rows: Cells) -> bool:
    row = rng.randrange(1, len(rows))
    one, other = rng.randrange(len(rows[0])), rng.randrange(len(rows[0]))
    rows[row][one], rows[row][other] = rows[row][other], rows[row][one]
    return True


def _lost_row(rng: random.Random, rows: Cells) -> bool:
    rows.pop(rng.randrange(1, len(rows)))
    return True


def _separated(separator: str) -> Callable[[random.Random, bytes], bytes | None]:
    def apply(_: random.Random, content: bytes) -> bytes | None:
        rows = cells_of(content)
        return bytes_of(rows, separator) if rows and len(rows[0]) > 1 else None

    return apply


def _encoded(encoding: str) -> Callable[[random.Random, bytes], bytes | None]:
    def apply(_: random.Random, content: bytes) -> bytes | None:
        try:
            return content.decode().encode(encoding)
        except UnicodeDecodeError:
            return None

    return apply


def _line(rng: random.Random, content: bytes) -> tuple[list[bytes], int] | None:
    """The lines of a file and a line at random behind the header."""
    lines = content.split(b"\n")
    filled = [number for number, line in enumerate(lines) if number and line.strip(b",\r")]
    return (lines, rng.choice(filled)) if filled else None


def _latin(rng: random.Random, content: bytes) -> bytes | None:
    found = _line(rng, content)
    if found is None:
        return None
    lines, number = found
    lines[number] += b"\xe9"
    return b"\n".join(lines)


def _open_quote(rng: random.Random, content: bytes) -> bytes | None:
    found = _line(rng, content)
    if found is None or b'"' in found[0][found[1]]:
        return None
    lines, number = found
    lines[number] = b'"' + lines[number]
    return b"\n".join(lines)


def _bare_comma(rng: random.Random, content: bytes) -> bytes | None:
    found = _line(rng, content)
    if found is None or b'"' in found[0][found[1]]:
        return None
    lines, number = found
    middle = rng.randrange(len(lines[number]) + 1)
    lines[number] = lines[number][:middle] + b"," + lines[number][middle:]
    return b"\n".join(lines)


def _cut(rng: random.Random, content: bytes) -> bytes | None:
    found = _line(rng, content)
    if found is None or found[0][found[1]].count(b",") < 1 or b'"' in found[0][found[1]]:
        return None
    lines, number = found
    return b"\n".join([*lines[:number], lines[number].rpartition(b",")[0]])


def _flipped(rng: random.Random, content: bytes) -> bytes | None:
    changed = bytearray(content)
    for _ in range(rng.randrange(1, 4)):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _key_line(rng: random.Random, content: bytes) -> tuple[list[bytes], int] | None:
    lines = content.split(b"\n")
    keys = [n for n, line in enumerate(lines) if re.match(rb"(kind|use|phrase|purpose) = ", line)]
    return (lines, rng.choice(keys)) if keys else None


def _lost_line(rng: random.Random, content: bytes) -> bytes | None:
    lines = content.split(b"\n")
    lines.pop(rng.randrange(len(lines)))
    return b"\n".join(lines)


def _misspelt_key(rng: random.Random, content: bytes) -> bytes | None:
    found = _key_line(rng, content)
    if found is None:
        return None
    lines, number = found
    lines[number] = b"x" + lines[number]
    return b"\n".join(lines)


def _line_twice(rng: random.Random, content: bytes) -> bytes | None:
    found = _key_line(rng, content)
    if found is None or found[0][found[1]].endswith((b"[", b'"""')):
        return None
    lines, number = found
    lines.insert(number, lines[number])
    return b"\n".join(lines)


def _number_for_text(rng: random.Random, content: bytes) -> bytes | None:
    found = _key_line(rng, content)
    if found is None:
        return None
    lines, number = found
    lines[number] = lines[number].partition(b"=")[0] + b"= 7"
    return b"\n".join(lines)


def _answers(content: bytes) -> dict[str, object] | None:
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body if isinstance(body, dict) and body.get("answers") else None


def _spaced(_: random.Random, content: bytes) -> bytes | None:
    body = _answers(content)
    return None if body is None else json.dumps(body, indent=9).encode()


def _other_type(rng: random.Random, content: bytes) -> bytes | None:
    body = _answers(content)
    if body is None or not isinstance(answers := body["answers"], dict):
        return None
    name = rng.choice(sorted(answers))
    answers[name] = {"x": 1}
    return json.dumps(body).encode()


def _unknown_field(rng: random.Random, content: bytes) -> bytes | None:
    body = _answers(content)
    if body is None or not isinstance(answers := body["answers"], dict):
        return None
    answers[f"field_{rng.randrange(100)}"] = 1
    return json.dumps(body).encode()
