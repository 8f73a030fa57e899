import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.alliance.instruments import shipped_instruments
from recommender.errors import DefinitionError, Fault
from recommender.practice.definition import (
    load_practice,
    practice_of,
    read_practice,
    shipped_practice,
    shipped_text,
)
from recommender.practice.rules.catalogue import RULES
from recommender.practice.sections import MeetingModes
from tests.support.builders import DEFINITION, a_practice
from tests.support.definitions import field_table, places_of
from tests.support.examples import examples

CORNER: Mapping[str, Any] = tomllib.loads(a_practice().text)
SHIPPED = shipped_practice()
MODEST = ("best", "will", "because", "success", "ideal", "guarantee", "compatible")
Path_ = tuple[str | int, ...]

ROW = {
    "scheme": "medicare",
    "provider": "clinical",
    "from": date(2026, 7, 1),
    "minutes": 50,
    "fee_cents": 17530,
    "rebate_cents": 14905,
    "source": "invented",
}


def changed(path: str, value: Any = None) -> dict[str, Any]:
    """The corner practice with one place changed; a change to None takes it out."""
    declared = deepcopy(dict(CORNER))
    *above, last = path.split(".")
    table = declared
    for name in above:
        table = table.setdefault(name, {})
    table.pop(last, None)
    if value is not None:
        table[last] = value
    return declared


def faults_of(declared: Mapping[str, Any]) -> dict[str, str]:
    with pytest.raises(DefinitionError) as told:
        practice_of(declared, "")
    assert list(told.value.faults) == sorted(set(told.value.faults))
    return places_of(list(told.value.faults))


def with_funding(*rows: dict[str, Any]) -> dict[str, Any]:
    """The corner practice with a gap that rests on funding rows."""
    declared = deepcopy(dict(CORNER))
    declared["client"]["scheme"] = field_table("category", levels=["medicare", "ndis"])
    declared["clinician"]["provider"] = field_table("category", levels=["clinical", "general"])
    declared["constraints"]["gap"] = {
        "rule": "gap_at_most",
        "client": "max_fee",
        "clinician": "fee",
        "funding": "scheme",
        "registration": "provider",
        "family": "wish",
        "say": "would cost too much",
    }
    declared["funding"] = list(rows)
    return declared


def test_a_definition_is_read_whole() -> None:
    practice = a_practice()
    assert (practice.id, practice.consent, practice.currency) == ("corner", "agrees", "AUD")
    assert list(practice.groups) == ["approach", "style", "record"]
    assert list(practice.matches) == ["offers_wanted", "guidance_apart"]
    assert practice.reference.name == "wai_sr"
    assert practice.alliance.early_sessions == (2, 5)
    assert practice.alliance.fallback_sessions is None
    assert practice.history.per == "concern"
    assert set(practice.constraints) == {"has_a_place", "fee", "trip", "times", "do_not_match"}
    assert practice.funding == ()


def with_ways(**changes: Any) -> dict[str, Any]:
    """The corner practice with ways of meeting, and a trip that is about one of them."""
    declared = deepcopy(dict(CORNER))
    declared["client"]["meets"] = field_table("tags", levels=["in_person", "video"])
    declared["clinician"]["meets"] = field_table("tags", levels=["phone", "video", "in_person"])
    declared["constraints"]["trip"]["ways"] = ["in_person"]
    declared["ways"] = {"client": "meets", "clinician": "meets"} | changes
    return declared


def test_a_practice_says_which_fields_hold_the_ways_of_meeting() -> None:
    practice = practice_of(with_ways(), "")
    assert practice.ways == MeetingModes("meets", "meets")
    assert practice.constraints["trip"].ways == ("in_person",)
    assert a_practice().ways is None


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"client": "nobody"}, "ways.client"),
        ({"client": "concern"}, "ways.client"),
        ({"client": 3}, "ways.client"),
        ({"clinician": "fee"}, "ways.clinician"),
        ({"clinic": "meets"}, "ways.clinic"),
    ],
)
def test_ways_of_meeting_that_do_not_fit_are_a_fault_of_that_section_alone(
    changes: dict[str, Any], place: str
) -> None:
    assert set(faults_of(with_ways(**changes))) == {place}


def test_a_way_no_clinician_could_offer_is_a_fault() -> None:
    declared = with_ways()
    declared["client"]["meets"] = field_table("tags", levels=["in_person", "letter"])
    assert set(faults_of(declared)) == {"ways.client"}


def test_ways_of_meeting_of_one_side_alone_are_a_fault() -> None:
    declared = with_ways()
    del declared["ways"]["clinician"]
    assert set(faults_of(declared)) == {"ways.clinician"}


def test_a_constraint_about_an_undeclared_way_is_a_fault() -> None:
    declared = with_ways()
    declared["constraints"]["trip"]["ways"] = ["letter"]
    assert faults_of(declared) == {"constraints.trip.ways": "has no way called letter"}


def test_a_constraint_about_ways_needs_the_section() -> None:
    declared = with_ways()
    del declared["ways"]
    assert faults_of(declared) == {"constraints.trip.ways": "is given without [ways]"}


def test_what_people_say_of_a_model_may_be_left_out_and_is_then_named() -> None:
    assert a_practice().card.empty == ()
    practice = practice_of(changed("card.review"), "")
    assert practice.card.empty == ("review",)
    assert practice_of(changed("card.owner", "  "), "").card.empty == ("owner",)
    whole = ("owner", "contact", "intended_use", "out_of_scope", "review")
    assert practice_of(changed("card"), "").card.empty == whole


def test_a_card_that_says_what_no_card_has_is_refused_at_its_place() -> None:
    assert set(faults_of(changed("card.ownre", "x"))) == {"card.ownre"}
    assert set(faults_of(changed("card.owner", 3))) == {"card.owner"}


def test_fields_are_found_by_side_and_use() -> None:
    practice = a_practice()
    assert list(practice.fields("client", "audit")) == ["gender"]
    assert set(practice.fields("client", "score", "filter")) == set(practice.client) - {"gender"}
    assert practice.fields("clinician") == practice.clinician


def test_a_digest_follows_the_text() -> None:
    text = a_practice().text
    assert read_practice(text).digest == a_practice().digest
    assert read_practice(text + "\n# a remark\n").digest != a_practice().digest


def test_a_definition_is_the_same_from_a_file_however_its_editor_saved_it(tmp_path: Path) -> None:
    text = a_practice().text
    for name, content in {
        "plain": text.encode(),
        "with_mark": b"\xef\xbb\xbf" + text.encode(),
        "with_returns": text.replace("\n", "\r\n").encode(),
    }.items():
        file = tmp_path / f"{name}.toml"
        file.write_bytes(content)
        assert load_practice(file).digest == a_practice().digest
    assert load_practice(DEFINITION) == a_practice()


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(DefinitionError, match=r"mine\.toml: cannot be read; name a readable"):
        load_practice(file)


@pytest.mark.parametrize(
    "text", ["[practice", "a = 1\na = 2", "a = 2026-13-45", "a = " + "[" * 9999]
)
def test_a_text_that_is_not_toml_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(DefinitionError, match="file: is not TOML"):
        read_practice(text)


def test_a_file_that_is_not_there_is_reported_with_one_of_a_similar_name(tmp_path: Path) -> None:
    (tmp_path / "practice.toml").write_text("")
    problem = (
        r"practise\.toml: does not exist; did you mean practice\.toml\? Otherwise check the path"
    )
    with pytest.raises(DefinitionError, match=problem):
        load_practice(tmp_path / "practise.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[practice]\ntimezone = Australia/Sydney # a zone",
            "file: is not TOML: Invalid value (at line 2, column 12); put the text in quotes: "
            'timezone = "Australia/Sydney"',
        ),
        ("a = True", "file: is not TOML: Invalid value (at line 1, column 5); write a = true"),
        (
            "[matches.x]\n[matches.x]",
            "file: is not TOML: Cannot declare [matches.x] twice (at line 2, column 11); give one "
            "of the two another name, or remove it",
        ),
        ("[a]\n[a]", "Cannot declare [a] twice (at line 2, column 3)"),
        ("a = [1 2]", "fix that line"),
    ],
)
def test_what_keeps_a_text_from_being_toml_is_said_with_its_cure(text: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=re.escape(message)):
        read_practice(text)


def test_a_definition_that_does_not_ship_is_refused_by_name() -> None:
    with pytest.raises(DefinitionError, match=r"did you mean psychology\? Otherwise name a TOML"):
        shipped_text("psycholgy")
    with pytest.raises(DefinitionError, match="astrology: is not a shipped definition"):
        shipped_text("astrology")


@pytest.mark.parametrize(
    ("path", "value", "where", "problem"),
    [
        ("practise.id", "x", "practise", "is not a section of a definition"),
        ("history", 3, "history", "is not a table"),
        ("matches.offers_wanted", "x", "matches.offers_wanted", "is not a table"),
        ("funding", "x", "funding", "is not a list of tables"),
        ("funding", ["x"], "funding", "is not a list of tables"),
        ("postcodes", ["2010"], "postcodes", "is not a table"),
        ("practice.titel", "x", "practice.titel", "is not a setting of a practice"),
        ("practice.title", None, "practice.title", "is not given"),
        ("practice.title", 5, "practice.title", "is not text"),
        ("practice.id", "Corner!", "practice.id", "is not a plain name"),
        ("practice.timezone", "Sydney", "practice.timezone", "is not a known zone"),
        ("practice.timezone", "Australia", "practice.timezone", "is not a known zone"),
        ("practice.timezone", "../../etc/hosts", "practice.timezone", "is not a known zone"),
        ("practice.consent", "concern", "practice.consent", "is not a flag of the client"),
        ("practice.consent", "nobody", "practice.consent", "nobody is not a declared field"),
        ("practice.consent", ["agrees"], "practice.consent", "is a list"),
        ("client.agrees.use", "audit", "practice.consent", "is for audit"),
        ("alliance.instrument", "x", "alliance.instrument", "is not a setting of the alliance"),
        ("alliance.instruments", 5, "alliance.instruments", "is not a list of texts"),
        ("alliance.instruments", ["wai_sr", "x"], "alliance.instruments", "x is not known"),
        ("alliance.reference", "wai_s", "alliance.reference", "is not an accepted instrument"),
        ("alliance.early_sessions", "2", "alliance.early_sessions", "is no range of sessions"),
        (
            "alliance.early_sessions",
            [5, 2],
            "alliance.early_sessions",
            "is no range of sessions",
        ),
        (
            "alliance.early_sessions",
            [0, 2],
            "alliance.early_sessions",
            "is no range of sessions",
        ),
        (
            "alliance.early_sessions",
            [True, 2],
            "alliance.early_sessions",
            "is no range of sessions",
        ),
        (
            "alliance.fallback_sessions",
            [1],
            "alliance.fallback_sessions",
            "is no range of sessions",
        ),
        ("alliance.within_days", "90", "alliance.within_days", "is not a number of days"),
        ("alliance.within_days", 0, "alliance.within_days", "is not a number of days"),
        ("alliance.interval", "0.9", "alliance.interval", "is not the level of an interval"),
        ("alliance.interval", 1.0, "alliance.interval", "is not the level of an interval"),
        ("alliance.metric", "total", "alliance.metric", "is not a known metric"),
        ("alliance.rater", ["client"], "alliance.rater", "is not a known rater"),
        ("groups.style", 5, "groups.style", "is not text"),
        ("groups.style", " ", "groups.style", "is not text"),
        ("groups.how to", "x", "groups.how to", "is not a plain name"),
        ("history.frase", "x", "history.frase", "is not a setting of the history"),
        ("history.phrase", 5, "history.phrase", "is not text"),
        ("history.phrase", "told", "history.otherwise", "is not given beside the phrase"),
        ("history.otherwise", "told", "history.phrase", "is not given beside the otherwise"),
        ("history.otherwise", "", "history.otherwise", "is blank"),
        ("history.group", "x", "history.group", "x is not a declared group"),
        (
            "history.per",
            "directive",
            "history.per",
            "is not a category, an ordinal or tags of the client",
        ),
        ("history.per", "gender", "history.per", "is not scored"),
        ("history.per", "concerns", "history.per", "concerns is not a declared field"),
        ("history.per", ["concern", "gender"], "history.per", "is a list"),
        ("client.wanted.group", "x", "client.wanted.group", "x is not a declared group"),
        ("client.wanted.phrase", 5, "client.wanted.phrase", "is not text"),
        ("client.name", field_table(), "client.name", "is reserved"),
        ("clinician.clinician_id", field_table(), "clinician.clinician_id", "is reserved"),
        ("client.how old", field_table(), "client.how old", "is not a plain name"),
        (
            "matches.offers_wanted.group",
            "x",
            "matches.offers_wanted.group",
            "x is not a declared group",
        ),
        ("matches.guidance_apart.prior", "x", "matches.guidance_apart.prior", "is not a number"),
        ("constraints.fee.mode", "firm", "constraints.fee.mode", "is not a known mode"),
        ("constraints.fee.client", 4, "constraints.fee.client", "names no field"),
        ("instruments.Mine", {"items": 1}, "instruments.Mine", "is not a named table"),
        ("instruments.mine", {"items": 1, "min": 0}, "instruments.mine.max", "is not given"),
    ],
)
def test_a_wrong_definition_is_refused_at_its_place(
    path: str, value: Any, where: str, problem: str
) -> None:
    assert faults_of(changed(path, value)) == {where: problem}


def test_a_definition_without_groups_is_refused() -> None:
    told = faults_of(changed("groups"))
    assert told["groups"] == "is not given"
    assert told["client.wanted.group"] == "approach is not a declared group"


@pytest.mark.parametrize(
    ("path", "value", "where", "meant"),
    [
        ("practise", {"id": "x"}, "practise", "practice"),
        ("practice.titel", "x", "practice.titel", "title"),
        ("practice.consent", "agree", "practice.consent", "agrees"),
        ("alliance.instruments", ["wai_sr", "haq_2"], "alliance.instruments", "haq_ii"),
        ("alliance.reference", "wai_rs", "alliance.reference", "wai_sr"),
        ("alliance.metric", "means", "alliance.metric", "mean"),
        ("history.per", "concerns", "history.per", "concern"),
        ("history.group", "styles", "history.group", "style"),
        ("client.wanted.group", "approch", "client.wanted.group", "approach"),
        ("client.wanted.kind", "tag", "client.wanted.kind", "tags"),
        ("matches.offers_wanted.client", "wnated", "matches.offers_wanted.client", "wanted"),
        ("matches.offers_wanted.operator", "overlapp", "matches.offers_wanted.operator", "overlap"),
        ("constraints.fee.client", "max_fees", "constraints.fee.client", "max_fee"),
        ("constraints.fee.rule", "at_mots", "constraints.fee.rule", "at_most"),
        ("constraints.fee.whenn", "x", "constraints.fee.whenn", "when"),
    ],
)
def test_the_name_that_is_meant_is_proposed(path: str, value: Any, where: str, meant: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        practice_of(changed(path, value), "")
    remedies = [fault.remedy for fault in refused.value.faults if fault.where == where]
    assert [remedy.split("?")[0] for remedy in remedies] == [f"did you mean {meant}"]


def test_more_groups_than_people_can_weigh_are_refused() -> None:
    declared = changed("groups.style", "s")
    declared["groups"] |= {f"more_{n}": "m" for n in range(3)}
    assert faults_of(declared) == {"groups": "has more than five"}


def test_a_match_and_a_constraint_are_named_plainly() -> None:
    declared = deepcopy(dict(CORNER))
    declared["matches"]["Offers: wanted"] = declared["matches"].pop("offers_wanted")
    declared["constraints"]["the fee"] = declared["constraints"].pop("fee")
    assert faults_of(declared) == {
        "matches.Offers: wanted": "is not a plain name",
        "constraints.the fee": "is not a plain name",
    }


def test_an_empty_definition_says_everything_it_lacks() -> None:
    assert set(faults_of({})) == {
        "alliance.instruments",
        "alliance.reference",
        "groups",
        "practice.currency",
        "practice.id",
        "practice.timezone",
        "practice.title",
        "practice.version",
    }


def test_every_fault_of_every_section_is_reported_at_once() -> None:
    declared = changed("practice.timezone", "Sydney")
    declared["alliance"]["interval"] = "x"
    declared["groups"]["style"] = 5
    declared["history"]["per"] = "nobody"
    declared["client"]["wanted"]["missing"] = ""
    declared["clinician"]["years"]["min"] = "x"
    declared["matches"]["guidance_apart"]["direction"] = "left"
    declared["constraints"]["times"]["family"] = "x"
    declared["funding"] = [{**ROW, "minutes": "x"}]
    declared["instruments"] = {"mine": {}}
    declared["more"] = 3
    assert set(faults_of(declared)) == {
        "practice.timezone",
        "alliance.interval",
        "groups.style",
        "history.per",
        "client.wanted.missing",
        "clinician.years.min",
        "matches.guidance_apart.direction",
        "constraints.times.family",
        "funding.1.minutes",
        "instruments.mine.items",
        "instruments.mine.min",
        "instruments.mine.max",
        "more",
    }


def test_a_misspelt_kind_is_the_only_fault_reported() -> None:
    told = faults_of(changed("client.wanted.kind", "tagz"))
    assert told == {"client.wanted.kind": "is not a known kind"}
    told = faults_of(changed("clinician.rooms.kind", "plaice"))
    assert told == {"clinician.rooms.kind": "is not a known kind"}


def test_faults_that_do_not_depend_on_a_faulty_field_are_reported_with_it() -> None:
    declared = changed("client.wanted.kind", "tagz")
    declared["matches"]["offers_wanted"]["direction"] = "left"
    declared["constraints"]["fee"]["say"] = ""
    assert set(faults_of(declared)) == {
        "client.wanted.kind",
        "matches.offers_wanted.direction",
        "constraints.fee.say",
    }


# Funding.


def test_funding_rows_are_read_with_the_constraint_that_uses_them() -> None:
    practice = practice_of(with_funding(ROW), "")
    assert [row.rebate_cents for row in practice.funding] == [14905]


def test_a_misspelt_scheme_no_longer_leaves_a_client_without_a_rebate() -> None:
    rows = {**ROW, "scheme": "medicaer"}, {**ROW, "provider": "clinicall"}
    with pytest.raises(DefinitionError) as told:
        practice_of(with_funding(*rows), "")
    assert {(fault.where, fault.problem) for fault in told.value.faults} == {
        ("funding.scheme", "medicaer is not a level of client.scheme"),
        ("funding.provider", "clinicall is not a level of clinician.provider"),
    }


def test_unused_funding_rows_are_no_fault() -> None:
    assert practice_of(changed("funding", [ROW]), "").funding[0].scheme == "medicare"


def test_a_way_of_meeting_no_client_can_answer_is_a_fault() -> None:
    declared = with_funding({**ROW, "modes": ["vidoe"]})
    assert faults_of(declared) == {"funding.modes": "vidoe is not a level of a client's field"}
    declared["client"]["modes"] = field_table("tags", levels=["video", "vidoe"])
    assert practice_of(declared, "").funding[0].modes == ("vidoe",)


def test_a_way_of_meeting_is_not_doubted_while_a_field_is_at_fault() -> None:
    declared = with_funding({**ROW, "modes": ["video"]})
    declared["client"]["modes"] = field_table("tags", levels="video")
    assert set(faults_of(declared)) == {"client.modes.levels"}


# Postcodes.


def test_every_place_of_a_practice_may_be_named_by_its_postcodes() -> None:
    practice = practice_of(changed("postcodes", {"2010": [-33.884, 151.207]}), "")
    for field in (practice.client["home"], practice.clinician["rooms"]):
        assert field.postcodes == {"2010": (-33.884, 151.207)}
    assert practice.client["max_fee"].postcodes == {}
    assert a_practice().client["home"].postcodes == {}


def test_faults_of_postcodes_are_reported_with_the_others() -> None:
    declared = changed("postcodes", {"2010": [-91, 0], "home": [0, 0]})
    declared["client"]["wanted"]["missing"] = ""
    assert set(faults_of(declared)) == {
        "postcodes.2010",
        "postcodes.home",
        "client.wanted.missing",
    }


# The definition that ships.


def test_the_shipped_definition_keeps_protected_answers_from_rules_and_model() -> None:
    protected = {name for name, field in SHIPPED.client.items() if field.use == "audit"}
    assert protected >= {"gender", "first_nations", "cultural_background", "faith", "disability"}
    read = {name for match in SHIPPED.matches.values() for name in (f.name for f in match.client)}
    read |= {name for constraint in SHIPPED.constraints.values() for name in constraint.client}
    assert not read & protected


@pytest.mark.parametrize("constraint", SHIPPED.constraints.values(), ids=lambda found: found.name)
def test_every_shipped_constraint_has_a_known_rule_and_a_plain_reason(constraint: Any) -> None:
    assert constraint.rule in RULES
    assert constraint.say == constraint.say.strip().rstrip(".")
    assert not set(constraint.say.split()) & set(MODEST)


def test_a_do_not_match_list_that_cannot_be_settled_excludes() -> None:
    assert SHIPPED.constraints["do_not_match"].unknown == "fail"


def test_the_shipped_history_has_phrases_for_and_against() -> None:
    history = SHIPPED.history
    assert history.phrase == "earlier clients reported a stronger alliance than usual"
    assert history.otherwise == "earlier clients reported a weaker alliance than usual"


def test_the_shipped_instruments_are_all_known() -> None:
    assert set(SHIPPED.instruments) == set(SHIPPED.alliance.instruments)
    assert set(SHIPPED.instruments) <= set(shipped_instruments())


# Whatever is written, a definition is read or refused.


def places(declared: Any, above: Path_ = ()) -> Iterator[Path_]:
    if isinstance(declared, dict | list):
        entries = declared.items() if isinstance(declared, dict) else enumerate(declared)
        for key, value in entries:
            yield (*above, key)
            yield from places(value, (*above, key))


def altered(declared: Any, path: Path_, alter: Callable[[Any, Any], None]) -> None:
    try:
        for key in path[:-1]:
            declared = declared[key]
        alter(declared, path[-1])
    except (KeyError, IndexError, TypeError):
        return  # an earlier change took the place away


NAMES = (
    "kind",
    "client",
    "clinician",
    "levels",
    "group",
    "operator",
    "rule",
    "when",
    "more",
    "A b",
)
VALUES = st.recursive(
    st.booleans()
    | st.integers(-3, 5)
    | st.just(10**400)
    | st.floats()
    | st.dates()
    | st.datetimes()
    | st.sampled_from(["", "x", "none", "a;b", "tags", "equal", "score", "wanted", "wai_sr"])
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
TEXTS = {"corner": a_practice().text, "psychology": SHIPPED.text}
PLACES = {name: sorted(places(tomllib.loads(text)), key=repr) for name, text in TEXTS.items()}


@pytest.mark.parametrize("name", TEXTS)
@settings(max_examples=examples(50, 150), deadline=None)
@given(data=st.data())
def test_a_definition_with_anything_anywhere_is_read_or_refused_and_never_breaks(
    name: str, data: st.DataObject
) -> None:
    declared = tomllib.loads(TEXTS[name])
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(PLACES[name]))
        value = data.draw(VALUES)
        altered(declared, path, data.draw(st.sampled_from([_replace(value), _delete, _add(value)])))
    read_or_refused(declared)


@pytest.mark.parametrize("value", [3, -1.5, "x", "", True, [], ["a"], [["a"]], {}, {"a": {"b": 1}}])
def test_each_place_of_a_definition_survives_a_value_of_another_type(value: Any) -> None:
    for path in PLACES["corner"]:
        declared = tomllib.loads(TEXTS["corner"])
        altered(declared, path, _replace(value))
        read_or_refused(declared)


def read_or_refused(declared: dict[str, Any]) -> None:
    faults: tuple[Fault, ...] = ()
    try:
        practice = practice_of(declared, "")
    except DefinitionError as error:
        faults = error.faults
    else:
        for field in (*practice.client.values(), *practice.clinician.values()):
            field.behaviour.encode(field, [None])
    assert all(fault.where and fault.problem and fault.remedy for fault in faults)


def _replace(value: Any) -> Callable[[Any, Any], None]:
    def alter(table: Any, key: Any) -> None:
        table[key] = value

    return alter


def _delete(table: Any, key: Any) -> None:
    del table[key]


def _add(value: Any) -> Callable[[Any, Any], None]:
    def alter(table: Any, key: Any) -> None:
        if isinstance(table, list):
            table.append(value)
        else:
            table[f"{key}_more"] = value

    return alter
