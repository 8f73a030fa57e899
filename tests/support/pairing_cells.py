"""Pairings of the corner practice as one table of cells, as text and as `read_csv` gives it."""

from io import StringIO
from typing import Any

import pandas as pd

from tests.support.builders import some_rows


def text_cells(rows: int = 40) -> pd.DataFrame:
    """Both sides of the first pairings, each cell as its file writes it; an empty one is NaN."""
    tables = some_rows()
    clients = {row["client_id"]: row for row in tables["clients"]}
    clinicians = {row["clinician_id"]: row for row in tables["clinicians"]}
    joined: list[dict[str, Any]] = []
    for pairing in tables["pairings"][:rows]:
        client, clinician = clients[pairing["client_id"]], clinicians[pairing["clinician_id"]]
        cells = {f"client.{n}": c for n, c in client.items() if n not in ("client_id", "gender")}
        cells |= {
            f"clinician.{n}": c for n, c in clinician.items() if n not in ("clinician_id", "name")
        }
        joined.append(cells | {"clinician_id": pairing["clinician_id"]})
    return pd.DataFrame(joined)


def read_cells(rows: int = 40) -> pd.DataFrame:
    """The same after a file: numbers, flags and empty columns have the types pandas chooses."""
    return pd.read_csv(StringIO(text_cells(rows).to_csv(index=False)))
