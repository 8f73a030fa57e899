"""The list of recommendations beside the same filters and order written down in Python."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random

import pytest
from sqlalchemy import insert

from recommender.journal.closings import CLOSED
from recommender.journal.recommendation_list import (
    DECIDED,
    OVERRIDDEN,
    STATES,
    UNDECIDED,
    ListedRecommendation,
    ListFilter,
    recommendation_list,
)
from recommender.journal.subjects import subject_for
from recommender.store.database import Connection, Store
from recommender.store.schema import closings, decisions, recommendations, shown

FIRST = datetime(2026, 11, 1, 9, 0, 0, 250, tzinfo=UTC)
ACTORS, CLIENTS, MODES = ("key:one", "key:two"), ("c0001", "c0002", None), ("model", "prior")
CLINICIANS = ("k01", "k02", "k03")
KINDS = {"chosen": DECIDED, "override": OVERRIDDEN}
COUNT = 60


@dataclass(frozen=True, slots=True)
class Known:
    """What was written of one recommendation."""

    actor: str
    listed: ListedRecommendation


def write(connection: Connection, known: Known, earlier: tuple[str, str] | None = None) -> None:
    """Writes a recommendation as of a time; before its decision in force it may have another."""
    one = known.listed
    connection.execute(
        insert(recommendations).values(
            recommendation_id=one.recommendation_id,
            subject_id=subject_for(connection, one.client_id).subject_id,
            asked_on=one.asked_on,
            practice_digest="d",
            roster_version="r",
            model_digest="m",
            mode=one.mode,
            actor=known.actor,
            recorded_at=one.recorded_at,
            eligible=one.eligible,
        )
    )
    rows = [
        {"recommendation_id": one.recommendation_id, "rank": rank, "clinician_id": each}
        for rank, each in enumerate(one.shown, 1)
    ]
    connection.execute(insert(shown), rows)
    # Another was closed too, and opened again.
    for number, (kind, reason) in enumerate(
        [("closed", "no_answer"), ("reopened", None), ("closed", one.closed_for)]
    ):
        if number == 2 and one.closed_for is None:
            continue
        connection.execute(
            insert(closings).values(
                closing_id=f"{9 - number}{one.recommendation_id}",
                recommendation_id=one.recommendation_id,
                kind=kind,
                reason=reason,
                actor="desk",
                recorded_at=FIRST + timedelta(days=number),
            )
        )
    kinds = {state: kind for kind, state in KINDS.items()}
    made = [] if one.chosen is None else [(kinds.get(one.state, "chosen"), one.chosen)]
    for number, (kind, clinician) in enumerate([*([earlier] if earlier and made else []), *made]):
        connection.execute(
            insert(decisions).values(
                # Ids do not follow the order of times.
                decision_id=f"{9 - number}{one.recommendation_id}",
                recommendation_id=one.recommendation_id,
                clinician_id=clinician,
                kind=kind,
                actor="desk",
                recorded_at=FIRST + timedelta(days=number),
            )
        )


def many(draw: Random) -> Iterator[Known]:
    for number in range(COUNT):
        state = draw.choice(STATES)
        yield Known(
            draw.choice(ACTORS),
            ListedRecommendation(
                recommendation_id=f"{draw.randrange(16**8):08x}{number:02d}",
                client_id=draw.choice(CLIENTS),
                asked_on=date(2026, 11, 2),
                # Several were recorded at the same moment.
                recorded_at=FIRST + timedelta(hours=6 * draw.randrange(20)),
                mode=draw.choice(MODES),
                eligible=draw.choice([None, 0, 7]),
                shown=tuple(draw.sample(CLINICIANS, 2)),
                state=state,
                chosen=None if state == UNDECIDED else draw.choice(CLINICIANS),
                closed_for="duplicate" if state == CLOSED else None,
            ),
        )


@pytest.fixture
def known(a_store: Store) -> list[Known]:
    draw = Random(7)
    written = list(many(draw))
    with a_store.writing() as connection:
        for each in written:
            write(connection, each, ("chosen", draw.choice(CLINICIANS)))
    return written


def expected(known: list[Known], wanted: ListFilter) -> list[ListedRecommendation]:
    found = [
        each.listed
        for each in known
        if wanted.actor in (None, each.actor)
        and wanted.client_id in (None, each.listed.client_id)
        and wanted.mode in (None, each.listed.mode)
        and wanted.state in (None, each.listed.state)
        and wanted.clinician_id in (None, each.listed.chosen)
        and (wanted.since is None or each.listed.recorded_at >= wanted.since)
        and (wanted.before is None or each.listed.recorded_at < wanted.before)
    ]
    return sorted(found, key=lambda each: (each.recorded_at, each.recommendation_id), reverse=True)


def page(
    store: Store, wanted: ListFilter, limit: int, last: ListedRecommendation | None
) -> tuple[ListedRecommendation, ...]:
    after = (last.recorded_at, last.recommendation_id) if last else None
    with store.reading() as connection:
        return recommendation_list(connection, wanted, limit=limit, after=after)


def pages(store: Store, wanted: ListFilter, limit: int) -> list[ListedRecommendation]:
    """All pages together."""
    listed: list[ListedRecommendation] = []
    while found := page(store, wanted, limit, listed[-1] if listed else None):
        listed += found
    return listed


@pytest.mark.both_databases("order of rows, comparison of times")
def test_all_pages_together_have_every_row_once_for_every_filter(
    a_store: Store, known: list[Known]
) -> None:
    middle = FIRST + timedelta(days=2)
    filters = [
        ListFilter(actor, client, since, before, state, None, clinician)
        for actor, client, (since, before), state, clinician in product(
            (None, ACTORS[0]),
            (None, "c0001", "c0009"),
            ((None, None), (middle, None), (None, middle)),
            (None, *STATES),
            (None, "k02"),
        )
    ]
    filters += [replace(each, mode="prior") for each in filters[:4]]
    for wanted in filters:
        assert pages(a_store, wanted, 25) == expected(known, wanted), wanted
    for limit in (1, 7, COUNT):
        assert pages(a_store, ListFilter(), limit) == expected(known, ListFilter())


@pytest.mark.both_databases("order of rows")
def test_a_row_added_or_erased_between_pages_moves_no_other(
    a_store: Store, known: list[Known]
) -> None:
    listed = expected(known, ListFilter())
    first = page(a_store, ListFilter(), 20, None)
    newest = replace(
        listed[0], recommendation_id="new", recorded_at=listed[0].recorded_at + timedelta(1)
    )
    with a_store.writing() as connection:
        write(connection, Known(ACTORS[0], newest))
        gone = recommendations.c.recommendation_id == first[-1].recommendation_id
        connection.execute(recommendations.delete().where(gone))
    assert page(a_store, ListFilter(), 20, first[-1]) == tuple(listed[20:40])
