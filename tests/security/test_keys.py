import re
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter

import pytest
from sqlalchemy import text

from recommender.errors import ConflictError, NotFoundError, RecommenderError
from recommender.journal.audit_log import verify
from recommender.security.keys import (
    LIFETIME,
    OVERLAP,
    KeyRequest,
    NewKey,
    Pepper,
    authenticate_key,
    create_key,
    list_keys,
    live_origins,
    record_use,
    revoke_key,
    rotate_key,
)
from recommender.security.scopes import Principal, Role, Scope
from recommender.store.database import Store

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAY = timedelta(days=1)
PEPPER = Pepper.of("a pepper of more than thirty-two letters")


def made(store: Store, name: str = "website", role: Role = Role.TOOL, **changes: object) -> NewKey:
    wanted = KeyRequest(name, role, **changes)  # type: ignore[arg-type]
    with store.writing() as connection:
        return create_key(connection, wanted, PEPPER, now=NOW, actor="test")


def rotated(store: Store, now: datetime = NOW, overlap: timedelta = OVERLAP) -> NewKey:
    with store.writing() as connection:
        return rotate_key(connection, "website", PEPPER, now=now, actor="test", overlap=overlap)


def opened(store: Store, given: str, now: datetime = NOW) -> Principal | None:
    found = authenticate_key(store, given, PEPPER, now=now)
    return None if found is None else found.principal


@pytest.mark.both_databases("types")
def test_a_key_opens_what_its_role_may(a_store: Store) -> None:
    key = made(a_store)
    assert re.fullmatch(r"rk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", key.text)
    found = opened(a_store, key.text)
    assert found is not None
    assert (found.actor, found.credential) == ("key:website", key.facts.key_id)
    assert found.scopes == {Scope.MATCH_CREATE, Scope.SCORE_READ, Scope.MATCH_READ}


PAGE = "https://www.practice.example"


def test_a_publishable_key_begins_differently_and_is_for_its_pages(a_store: Store) -> None:
    key = made(a_store, "form", Role.BROWSER, origins=(PAGE, "https://b.example"))
    assert re.fullmatch(r"pk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", key.text)
    for pretended in (key.text, "rk" + key.text[2:]):
        found = opened(a_store, pretended)
        assert (found is not None) == (pretended == key.text)
    found = opened(a_store, key.text)
    assert found is not None
    assert found.role is Role.BROWSER
    assert found.scopes == {Scope.MATCH_CREATE}
    assert found.origins == frozenset({PAGE, "https://b.example"})


def test_only_a_publishable_key_has_origins_and_it_always_has(a_store: Store) -> None:
    for role, origins in ((Role.BROWSER, ()), (Role.TOOL, (PAGE,)), (Role.BROWSER, ("*",))):
        with pytest.raises(RecommenderError, match="origin"):
            made(a_store, "form", role, origins=origins)


def test_a_sandbox_key_says_so_and_is_none_of_those_who_look_after_the_server(
    a_store: Store,
) -> None:
    found = opened(a_store, made(a_store, "trial", Role.STAFF, sandbox=True).text)
    assert found is not None
    assert found.sandbox
    assert found.origins is None
    for role in (Role.SCIENTIST, Role.ADMIN):
        with pytest.raises(RecommenderError, match="sandbox"):
            made(a_store, "office", role, sandbox=True)


def test_the_key_that_replaces_another_is_for_the_same_pages_and_stores_as_little(
    a_store: Store,
) -> None:
    made(a_store, "form", Role.BROWSER, origins=(PAGE,), sandbox=True)
    with a_store.writing() as connection:
        renewed = rotate_key(connection, "form", PEPPER, now=NOW, actor="test")
        assert [key.origins for key in list_keys(connection)] == [(PAGE,)] * 2
    assert (renewed.facts.origins, renewed.facts.sandbox) == ((PAGE,), True)


def test_declared_origins_are_those_of_live_keys(a_store: Store) -> None:
    first = made(a_store, "form", Role.BROWSER, origins=(PAGE,))
    made(a_store, "other", Role.BROWSER, origins=("https://b.example",), lifetime=timedelta(days=1))
    made(a_store)
    with a_store.reading() as connection:
        assert live_origins(connection, now=NOW) == {PAGE, "https://b.example"}
        assert live_origins(connection, now=NOW + timedelta(days=2)) == {PAGE}
    with a_store.writing() as connection:
        revoke_key(connection, first.facts.key_id, now=NOW, actor="test")
        assert live_origins(connection, now=NOW + timedelta(days=2)) == frozenset()


def test_a_narrowed_key_opens_no_more_than_it_names(a_store: Store) -> None:
    found = opened(a_store, made(a_store, "prometheus", Role.ADMIN, only="metrics:read").text)
    assert found is not None
    assert found.scopes == {Scope.METRICS_READ}


def test_whatever_is_not_the_key_opens_nothing(a_store: Store) -> None:
    key = made(a_store).text
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    other = f"rk_zzzzzzzz_{key.split('_', 2)[2]}"
    for given in (wrong, other, "", "rk_", key + " ", key + "\n", key.upper(), "ключ", key[3:]):
        assert opened(a_store, given) is None


def test_a_hash_copied_to_another_id_opens_nothing(a_store: Store) -> None:
    tool, admin = made(a_store), made(a_store, "office", Role.ADMIN)
    with a_store.writing() as connection:
        connection.execute(
            text(
                "UPDATE access_keys SET secret_hash = (SELECT secret_hash FROM access_keys "
                "WHERE key_id = :tool) WHERE key_id = :admin"
            ),
            {"tool": tool.facts.key_id, "admin": admin.facts.key_id},
        )
    assert opened(a_store, tool.text.replace(tool.facts.key_id, admin.facts.key_id)) is None


def test_under_another_pepper_no_key_opens_and_its_mark_differs(a_store: Store) -> None:
    key, other = made(a_store), Pepper.of("another pepper of more than thirty-two letters")
    assert authenticate_key(a_store, key.text, other, now=NOW) is None
    assert key.facts.pepper_mark == PEPPER.mark != other.mark


def test_a_short_pepper_is_refused_and_no_pepper_is_ever_shown() -> None:
    with pytest.raises(RecommenderError, match="shorter than 32") as refused:
        Pepper.of("sh0rt-canary")
    assert "canary" not in str(refused.value)
    assert "letters" not in repr(PEPPER)


def test_a_secret_stands_nowhere_in_the_store_and_in_no_representation(a_store: Store) -> None:
    key = made(a_store)
    secret = key.text.split("_", 2)[2]
    with a_store.reading() as connection:
        for table in ("access_keys", "audit"):
            rows = str(connection.execute(text(f"SELECT * FROM {table}")).all())
            assert secret not in rows
    assert secret not in repr(key)


def test_two_keys_of_a_name_live_side_by_side_and_mean_the_same_program(a_store: Store) -> None:
    old, new = made(a_store), rotated(a_store)
    first, second = opened(a_store, old.text), opened(a_store, new.text)
    assert first is not None
    assert second is not None
    assert first.actor == second.actor
    assert first.credential != second.credential
    assert opened(a_store, old.text, NOW + OVERLAP) is None
    assert opened(a_store, new.text, NOW + OVERLAP) is not None


@pytest.mark.both_databases("locks")
def test_a_third_key_of_a_name_is_not_made(a_store: Store) -> None:
    old = made(a_store)
    with pytest.raises(ConflictError, match="rotate website"):
        made(a_store)
    rotated(a_store)
    with pytest.raises(ConflictError, match=f"revoke {old.facts.key_id}"):
        rotated(a_store)
    assert rotated(a_store, NOW + OVERLAP).facts.name == "website"


def test_a_rotation_never_lengthens_the_old_key(a_store: Store) -> None:
    old = made(a_store, lifetime=2 * DAY)
    rotated(a_store)
    assert opened(a_store, old.text, NOW + 2 * DAY) is None


def test_what_is_not_there_cannot_be_rotated(a_store: Store) -> None:
    with pytest.raises(NotFoundError, match="no live key"):
        rotated(a_store)


def test_a_key_ends_on_its_day(a_store: Store) -> None:
    key = made(a_store).text
    assert opened(a_store, key, NOW + LIFETIME - timedelta(seconds=1)) is not None
    assert opened(a_store, key, NOW + LIFETIME) is None


def test_a_revoked_key_opens_nothing_from_then_on(a_store: Store) -> None:
    key, other = made(a_store), made(a_store, "other")
    assert opened(a_store, key.text) is not None
    with a_store.writing() as connection:
        revoke_key(connection, key.facts.key_id, now=NOW, actor="test")
    assert opened(a_store, key.text) is None
    assert opened(a_store, other.text) is not None
    for key_id in (key.facts.key_id, "zzzzzzzz"):
        with pytest.raises(NotFoundError), a_store.writing() as connection:
            revoke_key(connection, key_id, now=NOW, actor="test")


@pytest.mark.both_databases("upserts")
def test_the_day_of_the_last_use_is_kept_and_no_more(a_store: Store) -> None:
    key = made(a_store).text
    uses = []
    for hours in (0, 5, 30):
        now = NOW + timedelta(hours=hours)
        found = authenticate_key(a_store, key, PEPPER, now=now)
        assert found is not None
        uses.append(found.last_used_on)
        record_use(a_store, found.principal.credential, now.date())
    with a_store.reading() as connection:
        (facts,) = list_keys(connection)
    assert [*uses, facts.last_used_on] == [None, NOW.date(), NOW.date(), (NOW + DAY).date()]


def test_names_and_lifetimes_that_cannot_be_used_are_refused(a_store: Store) -> None:
    for name in ("", "a", "Website", "web site", "-web", "w" * 41, "canary!"):
        with pytest.raises(RecommenderError, match="cannot name") as refused:
            made(a_store, name)
        assert "canary" not in str(refused.value)
    for days in (0, -1, 731):
        with pytest.raises(RecommenderError, match="key lifetime must be 1 to 730 days"):
            made(a_store, lifetime=days * DAY)


def test_what_happens_to_keys_stands_in_the_audit_chain(a_store: Store) -> None:
    key = made(a_store)
    rotated(a_store)
    with a_store.writing() as connection:
        revoke_key(connection, key.facts.key_id, now=NOW, actor="test")
        actions = connection.execute(text("SELECT action FROM audit ORDER BY seq")).scalars()
        assert list(actions) == ["key.created", "key.created", "key.revoked"]
        assert verify(connection).holds


def test_an_unknown_id_takes_as_long_as_a_wrong_secret(a_store: Store) -> None:
    key = made(a_store).text
    wrong, unknown = key[:-2] + "__", f"rk_zzzzzzzz_{key.split('_', 2)[2]}"

    def took(given: str) -> float:
        started = perf_counter()
        assert opened(a_store, given) is None
        return perf_counter() - started

    times = [(took(wrong), took(unknown)) for _ in range(50)]
    one, other = (median(column) for column in zip(*times, strict=True))
    assert abs(one - other) < 0.005
