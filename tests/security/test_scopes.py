from dataclasses import replace

import pytest

from recommender.errors import RecommenderError
from recommender.security.scopes import ANYBODY, ROLES, Principal, Role, Scope, granted, role_named


def a_principal(role: Role) -> Principal:
    return Principal(f"key:{role}", "abcdefgh", role, granted(role))


def test_every_role_may_something_and_every_scope_is_somebodys() -> None:
    assert set(ROLES) == set(Role)
    assert frozenset().union(*ROLES.values()) == frozenset(Scope)


def test_the_matching_tool_asks_and_reads_and_nothing_else() -> None:
    assert ROLES[Role.TOOL] == {Scope.MATCH_CREATE, Scope.SCORE_READ, Scope.MATCH_READ}


def test_a_public_page_asks_and_nothing_else() -> None:
    assert ROLES[Role.BROWSER] == {Scope.MATCH_CREATE}


def test_with_a_sandbox_key_nobody_sees_recommendations_of_others() -> None:
    staff = replace(a_principal(Role.STAFF), sandbox=True)
    assert staff.sees("key:staff")
    assert not staff.sees("key:other")


def test_who_learns_sees_nobody_and_who_sees_clients_manages_no_keys() -> None:
    about_people = {Scope.MATCH_READ, Scope.EXPLAIN_READ, Scope.DECIDE_WRITE, Scope.ROSTER_READ}
    assert not ROLES[Role.SCIENTIST] & (about_people | {Scope.PRIVACY_MANAGE})
    assert not ROLES[Role.STAFF] & {Scope.ACCESS_MANAGE, Scope.PRIVACY_MANAGE, Scope.ROSTER_WRITE}
    assert not ROLES[Role.ADMIN] & {Scope.MATCH_READ, Scope.EXPLAIN_READ, Scope.DECIDE_WRITE}


def test_a_tool_sees_its_own_recommendations_and_staff_see_all() -> None:
    tool, staff = a_principal(Role.TOOL), a_principal(Role.STAFF)
    assert tool.sees("key:tool")
    assert not tool.sees("key:other")
    assert staff.sees("key:other")


def test_a_key_may_be_narrowed_and_never_widened() -> None:
    assert granted(Role.ADMIN, "metrics:read audit:read") == {Scope.METRICS_READ, Scope.AUDIT_READ}
    for only in ("explain:read", "metrics:read nothing:real", "", " "):
        with pytest.raises(RecommenderError, match="only") as refused:
            granted(Role.ADMIN, only)
        assert "nothing:real" not in str(refused.value)


def test_an_unknown_role_is_refused_with_those_there_are() -> None:
    with pytest.raises(RecommenderError, match="tool, browser, staff, scientist, admin"):
        role_named("root")


def test_without_keys_anybody_may_everything() -> None:
    assert all(ANYBODY.may(scope) for scope in Scope)
