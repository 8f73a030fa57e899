from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.practice.definition import shipped_practice
from recommender.practice.fields import OF_CLINICIANS, USES, Side, read_field
from recommender.values.kinds import KINDS
from tests.support.definitions import a_field, field_table, places_of

SHIPPED = shipped_practice()
UNREADABLE = "has a level that is blank, padded with spaces or unprintable"
FIELDS = [*SHIPPED.client.values(), *SHIPPED.clinician.values()]


def reading(kind: str = "number", side: Any = "client", **changes: Any) -> dict[str, str]:
    return places_of(read_field(side, "x", field_table(kind, **changes))[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_of_every_kind_is_read(kind: str) -> None:
    side: Side = "clinician" if kind in OF_CLINICIANS else "client"
    field = a_field(kind=kind, side=side)
    assert (field.kind, field.label, field.required) == (kind, f"{side}.x", False)
    assert field.behaviour is KINDS[kind]


def test_rooms_and_ways_are_facts_of_clinicians() -> None:
    assert reading("availability") == {"client.x.kind": "is for clinicians"}
    assert reading("availability", side="clinician", rooms="rooms") == {}
    assert reading("weekly_hours", rooms="rooms") == {
        "client.x.rooms": "is not a setting of a weekly_hours"
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_asks_for_what_it_needs_and_takes_no_more(kind: str) -> None:
    meant = KINDS[kind].needs | KINDS[kind].allows
    values = {"unit": "points", "min": 0, "max": 10, "levels": ["a"]}
    for key, value in values.items():
        left_out, given_ = reading(kind, **{key: None}), reading(kind, **{key: value})
        assert (left_out == {f"client.x.{key}": "is not given"}) == (key in KINDS[kind].needs)
        assert given_.get(f"client.x.{key}") == (
            None if key in meant else f"is not a setting of a {kind}"
        )


@pytest.mark.parametrize("key", ["kind", "phrase", "purpose", "missing", "use"])
@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_setting_every_field_needs_may_not_be_left_out(key: str, blank: str | None) -> None:
    table = {k: v for k, v in field_table().items() if k != key}
    table |= {} if blank is None else {key: blank}
    assert f"client.x.{key}" in places_of(read_field("client", "x", table)[1])


@pytest.mark.parametrize(
    ("kind", "changes", "where", "problem"),
    [
        ("tagz", {}, "kind", "is not a known kind"),
        ("number", {"phrase": 5}, "phrase", "is not text"),
        ("number", {"use": "train"}, "use", "is not a known use"),
        ("number", {"use": "score"}, "group", "is not given"),
        ("number", {"frase": "x"}, "frase", "is not a setting of a field"),
        ("number", {"required": "yes"}, "required", "is neither true nor false"),
        ("number", {"min": "0"}, "min", "is not a number"),
        ("number", {"min": float("nan")}, "min", "is not a number"),
        ("number", {"max": float("inf")}, "max", "is not a number"),
        ("number", {"max": 10**400}, "max", "is not a number"),
        ("scale", {"min": 10}, "min", "is not below max"),
        ("tags", {"levels": 3}, "levels", "is not a list of texts"),
        ("tags", {"levels": ["a", "a"]}, "levels", "names a level twice"),
        ("tags", {"levels": ["a;b"]}, "levels", "has a level that cannot be written"),
        ("tags", {"levels": ["None"]}, "levels", "has a level that cannot be written"),
        ("tags", {"levels": [" a"]}, "levels", UNREADABLE),
        ("tags", {"levels": ["a", ""]}, "levels", UNREADABLE),
        ("tags", {"levels": ["a\nb"]}, "levels", UNREADABLE),
    ],
)
def test_a_wrong_setting_is_a_fault_at_its_place(
    kind: str, changes: dict[str, Any], where: str, problem: str
) -> None:
    assert reading(kind, **changes) == {f"client.x.{where}": problem}


def test_every_fault_of_a_field_is_reported_at_once() -> None:
    told = reading("tags", phrase=None, purpose=5, use="train", levels=["a", "a"], min=0, frase="x")
    assert set(told) == {
        f"client.x.{key}" for key in ("phrase", "purpose", "use", "levels", "min", "frase")
    }


def test_a_clinician_is_never_audited() -> None:
    assert reading(side="clinician", use="audit") == {"clinician.x.use": "audit is for clients"}


@pytest.mark.parametrize(
    ("side", "changes", "expected"),
    [
        ("clinician", {"shown_to": "everybody"}, {"clinician.x.shown_to": "is not known"}),
        ("clinician", {"fact": " "}, {"clinician.x.fact": "is blank"}),
        (
            "client",
            {"shown_to": "client", "fact": "Age"},
            {"client.x.shown_to": "is for clinicians", "client.x.fact": "is for clinicians"},
        ),
        (
            "clinician",
            {"kind": "ids", "shown_to": "staff"},
            {"clinician.x.shown_to": "would show who is on a list"},
        ),
        ("clinician", {"kind": "ids", "shown_to": "nobody"}, {}),
    ],
)
def test_only_a_fact_about_a_clinician_is_shown_on_a_card(
    side: Side, changes: dict[str, Any], expected: dict[str, str]
) -> None:
    assert reading(**{"side": side, **changes}) == expected


def test_a_fact_is_hidden_unless_declared_and_headed_by_its_phrase() -> None:
    plain = a_field(side="clinician", phrase="years in practice")
    assert (plain.shown_to, plain.heading) == ("nobody", "Years in practice")
    assert a_field(side="clinician", fact="In practice").heading == "In practice"


def test_a_link_is_a_fact_of_clinicians() -> None:
    assert reading("link") == {"client.x.kind": "is for clinicians"}


@pytest.mark.parametrize("kind", ["place", "weekly_hours", "date", "ids", "money"])
def test_a_kind_that_says_nothing_alone_is_not_scored(kind: str) -> None:
    told = reading(kind, use="score", group="g")
    assert told == {"client.x.use": "this kind cannot be scored by itself"}


def test_bounds_on_a_date_are_no_longer_passed_over_in_silence() -> None:
    assert reading("date", min=0, max=1) == {
        "client.x.min": "is not a setting of a date",
        "client.x.max": "is not a setting of a date",
    }


def test_values_are_put_on_0_to_1() -> None:
    def ranged(kind: str, values: list[float], **changes: Any) -> list[float]:
        return list(a_field(kind=kind, **changes).on_unit_range(np.array(values)))

    assert ranged("scale", [-15, 0, 15], min=-15, max=15) == [0, 1 / 2, 1]
    assert ranged("number", [10, 20, 50], min=10, max=50) == [0, 1 / 4, 1]
    assert ranged("ordinal", [0, 1, 2]) == [0, 1 / 2, 1]
    assert ranged("ordinal", [0], levels=["only"]) == [0]
    assert ranged("flag", [0, 1]) == [0, 1]
    assert ranged("money", [0, 10_000, 20_000], min=0, max=200) == [0, 1 / 2, 1]
    assert np.isnan(ranged("scale", [np.nan]))


@given(low=st.integers(-100, 100), size=st.integers(1, 100), share=st.floats(0, 1))
def test_no_value_within_its_bounds_leaves_0_to_1(low: int, size: int, share: float) -> None:
    field = a_field(kind="scale", min=low, max=low + size)
    assert 0 <= field.on_unit_range(np.array([low + size * share]))[0] <= 1 + 1e-12


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.label)
def test_every_shipped_field_says_what_it_is_and_why_it_is_asked(field: Any) -> None:
    assert field.use in USES
    assert field.phrase == field.phrase.strip().rstrip(".")
    assert field.purpose.endswith(".")
    assert field.missing
    assert field.use != "score" or field.group in SHIPPED.groups
