from datetime import UTC, datetime, timedelta

import pytest

from recommender.journal.audit_events import EventFilter, audit_actors, audit_events
from recommender.journal.audit_log import AuditEntry, append
from recommender.store.database import Store

LATER, EARLIER = datetime.now(UTC) + timedelta(days=1), datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def log(a_store: Store) -> Store:
    with a_store.writing() as connection:
        for actor, action in (
            ("a", "session.opened"),
            ("b", "key.revoked"),
            ("a", "keyless.thing"),
            ("a", "key.created"),
        ):
            append(connection, AuditEntry(actor, action, {"of": actor}))
    return a_store


@pytest.mark.both_databases("types")
@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (EventFilter(), [4, 3, 2, 1]),
        (EventFilter(actor="b"), [2]),
        (EventFilter(nouns=("key", "session")), [4, 2, 1]),
        (EventFilter(before=3), [2, 1]),
        (EventFilter(since=EARLIER, until=LATER), [4, 3, 2, 1]),
        (EventFilter(until=EARLIER), []),
        (EventFilter(since=LATER), []),
    ],
)
def test_events_are_filtered_the_newest_first(
    log: Store, wanted: EventFilter, rows: list[int]
) -> None:
    with log.reading() as connection:
        assert [each.seq for each in audit_events(connection, wanted, limit=9)] == rows
        assert [each.seq for each in audit_events(connection, wanted, limit=1)] == rows[:1]


def test_an_event_has_its_facts_and_everybody_with_one_is_named_once(log: Store) -> None:
    with log.reading() as connection:
        (newest,) = audit_events(connection, EventFilter(), limit=1)
        assert (newest.action, newest.facts) == ("key.created", {"of": "a"})
        assert sorted(audit_actors(connection)) == ["a", "b"]
