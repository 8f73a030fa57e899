"""Clients and clinicians as a notebook gives them: DataFrames, or the answers of one client."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from recommender.errors import RecommenderError
from recommender.notebook import arguments
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field, Side
from recommender.tables.cells import read_id
from recommender.tables.loader import people_in_frame
from recommender.tables.roster import Roster, snapshot
from recommender.values.kinds import RawValue, is_missing

OneClient = Mapping[str, RawValue] | pd.DataFrame | pd.Series
"""One client's answers by field, with or without `client_id`; or a table of one row."""


@dataclass(frozen=True, slots=True, eq=False)
class GivenPeople:
    """Clients or clinicians in the order in which they were given."""

    ids: tuple[str, ...]
    columns: Columns


def answers_of(practice: Practice, client: OneClient) -> tuple[dict[str, RawValue], str | None]:
    """One client's answers as an intake reads them, and their id if there is one.

    What is missing is left out, and so are fields for audit only, which no intake reads.

    Raises
    ------
    RecommenderError
        When a table has another number of rows than one, a row may have lost its id, or the id
        cannot be one.
    """
    check_client(client)
    if isinstance(client, pd.DataFrame):
        if len(client) != 1:
            remedy = "give one client, such as clients.iloc[[0]]"
            raise RecommenderError("client", f"is a table of {len(client):,} rows", remedy)
        client = client.reset_index().iloc[0] if client.index.name else client.iloc[0]
    cells: dict[str, Any] = {str(name): cell for name, cell in client.items()}
    if "client_id" not in cells and isinstance(client, pd.Series) and isinstance(client.name, str):
        # Of a table with ids as its index: without the id, lists of who may not meet are not read.
        remedy = "give the row as a table, such as clients.loc[[row]], or put client_id into it"
        raise RecommenderError("client", "is a row whose name may be its id", remedy)
    found, name = cells.pop("client_id", None), None
    if not _is_empty(found):
        name, problem = read_id(found.item() if isinstance(found, np.generic) else found)
        if problem is not None:
            raise RecommenderError("client_id", problem, "give a pseudonym, or leave it out")
    audited = practice.fields("client", "audit")
    answers = {n: cell for n, cell in cells.items() if n not in audited and not _is_empty(cell)}
    return answers, name


def check_client(client: object, name: str = "client") -> None:
    """Refuses what holds nobody's answers.

    Raises
    ------
    RecommenderError
    """
    remedy = "give the answers by field, or a table such as clients.iloc[[0]]"
    arguments.expect(name, client, (Mapping, pd.DataFrame, pd.Series), remedy)


def _is_empty(cell: object) -> bool:
    return cell is pd.NA or cell is pd.NaT or is_missing(cell)


def given_clients(practice: Practice, clients: OneClient) -> GivenPeople:
    """The clients of a table, or one client; fields for audit only are not read.

    Raises
    ------
    TablesError
        With every fault of the table; `client_id` and a column for every other field are needed.
    IntakeError
        With every fault of one client's answers.
    """
    check_client(clients, "clients")
    if isinstance(clients, pd.DataFrame):
        asked = practice.fields("client", "score", "filter")
        audited = [name for name in practice.fields("client", "audit") if name in clients.columns]
        return _in_order(clients.drop(columns=audited), "client", asked)
    answers, name = answers_of(practice, clients)
    return GivenPeople((name or "client",), practice.asked.read([answers]))


def given_clinicians(practice: Practice, clinicians: pd.DataFrame) -> GivenPeople:
    """The clinicians of a table.

    Raises
    ------
    TablesError
        With every fault of the table; `clinician_id` and a column for every field are needed.
    """
    return _in_order(clinicians, "clinician", practice.clinician)


def _in_order(frame: pd.DataFrame, side: Side, fields: Mapping[str, Field]) -> GivenPeople:
    read = people_in_frame(frame, fields, side)
    rows = np.argsort(read.lines, kind="stable")
    people = read.people.take(rows)
    return GivenPeople(people.ids, people.columns)


def roster_of(practice: Practice, roster: pd.DataFrame | Roster) -> Roster:
    """The roster in a table of clinicians, checked as `recommender serve --roster` checks it.

    Raises
    ------
    TablesError
        With every fault of the table.
    """
    if isinstance(roster, Roster):
        return roster
    arguments.table("roster", roster)
    people = people_in_frame(roster, practice.clinician, "clinician").people
    return snapshot(people.ids, people.names, people.columns, datetime.now(UTC))
