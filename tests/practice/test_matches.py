from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.features.feature import Feature
from recommender.features.history import history_features
from recommender.features.pipeline import Pairs, pairing_features, pairing_rows
from recommender.model.alliance_model import AllianceModel
from recommender.practice.columns import Columns, read_rows
from recommender.practice.definition import Practice, read_practice, shipped_practice
from recommender.practice.fields import Field, Side
from recommender.practice.match_operators import OPERATORS
from recommender.practice.matches import Match, read_match
from recommender.recommendation.explanation import Explanation, explain
from tests.support.builders import a_model, a_practice, an_encoding, an_intake, compare
from tests.support.definitions import a_field, places_of

SHIPPED = shipped_practice()
NAN = float("nan")


def fields(side: Side, **kinds: Any) -> dict[str, Field]:
    told = {name: {"kind": k} if isinstance(k, str) else k for name, k in kinds.items()}
    return {name: a_field(name, side=side, **settings) for name, settings in told.items()}


def match_table(operator: str = "overlap", /, **changes: Any) -> dict[str, Any]:
    told = {"client": "x", "clinician": "y", "phrase": "p", "otherwise": "q", "group": "g"}
    table = {"operator": operator, **told, **changes}
    return {key: value for key, value in table.items() if value is not None}


def reading(
    operator: str, client: Any, clinician: Any, /, **changes: Any
) -> tuple[Match | None, dict[str, str]]:
    ours, theirs = fields("client", x=client), fields("clinician", y=clinician)
    match, faults = read_match("m", match_table(operator, **changes), ours, theirs)
    assert (match is None) == bool(faults)
    return match, places_of(faults)


def faults_of(operator: str, client: Any, clinician: Any, /, **changes: Any) -> dict[str, str]:
    return reading(operator, client, clinician, **changes)[1]


def between(
    operator: str, client: Any, clinician: Any, answer: Any, *held: Any, **changes: Any
) -> list[float]:
    match, faults = reading(operator, client, clinician, **changes)
    assert match, faults
    one = read_rows({"x": match.client[0]}, [{"x": answer}])
    all_ = read_rows({"y": match.clinician[0]}, [{"y": cell} for cell in held])
    return list(match.between(one, all_))


def test_a_match_is_read_with_what_is_left_out() -> None:
    match, _ = reading("overlap", "tags", "tags")
    assert match
    assert (match.label, match.prior, match.otherwise, match.direction) == (
        "match.m",
        0.0,
        "q",
        None,
    )


def test_levels_are_matched_by_name_whatever_their_order() -> None:
    theirs = {"kind": "tags", "levels": ["c", "d", "a", "b"]}
    assert between("overlap", "tags", theirs, "a;b", "a", "c", "b;a", None)[:3] == [1 / 2, 0, 1]
    assert between("contains", "category", theirs, "c", "c;d", "a") == [1, 0]
    category = {"kind": "category", "levels": ["b", "c", "a"]}
    assert between("equal", "category", category, "a", "a", "b", "c") == [1, 0, 0]
    assert between("wish", "tags", category, "a;b", "a", "c") == [1, 0]


def test_a_client_without_a_preference_has_no_match_and_not_a_poor_one() -> None:
    ours = {"kind": "category", "levels": ["no_preference", "a", "b"]}
    told = between("contains", ours, "tags", "no_preference", "a", indifferent=["no_preference"])
    assert np.isnan(told).all()
    wishes = {"kind": "tags", "levels": ["any", "a", "b", "c"]}
    assert np.isnan(between("overlap", wishes, "tags", "any", "a", indifferent=["any"])).all()
    assert between("overlap", wishes, "tags", "any;a", "a", indifferent=["any"]) == [1]


def test_sizes_are_matched_on_their_own_bounds() -> None:
    ours, theirs = {"kind": "scale", "min": -15, "max": 15}, {"kind": "scale", "min": 0, "max": 4}
    assert between("distance", ours, theirs, 0, 2, 4) == [0, 1 / 2]
    assert between("difference", ours, theirs, 15, 0) == [1]
    told = between("distance", "ordinal", "ordinal", "a", "a", "b", "c")
    assert told == [0, 1 / 2, 1]


def test_an_excess_over_a_fee_is_in_dollars_and_no_longer_in_cents() -> None:
    assert between("excess", "money", "money", "200", "180", "220.50") == [0, 20.5]


def test_lists_of_fields_are_compared_place_by_place() -> None:
    ours = fields("client", a="scale", b="scale")
    theirs = fields("clinician", c="scale", d="scale")
    table = match_table("profile_distance", client=["a", "b"], clinician=["c", "d"])
    match, faults = read_match("m", table, ours, theirs)
    assert match, faults
    one = read_rows(ours, [{"a": 0, "b": 10}])
    told = match.between(one, read_rows(theirs, [{"c": 10, "d": 10}, {"c": 0}, {}]))
    np.testing.assert_allclose(told, [np.sqrt((1 + 0) / 2), 0, NAN])


def test_the_operators_for_a_field_of_that_kind_are_proposed() -> None:
    ours, theirs = fields("client", a="number"), fields("clinician", b="tags")
    _, [fault] = read_match("m", match_table("distance", client="a", clinician="b"), ours, theirs)
    assert fault.problem == "b is of kind tags"
    assert fault.remedy.startswith("this operator compares flag, money, number, ordinal, scale; ")
    assert "a field of kind tags is compared by overlap, contains" in fault.remedy


def test_fields_without_a_common_level_are_asked_to_be_others() -> None:
    ours = fields("client", a={"kind": "tags", "levels": ["grief", "anger"]})
    theirs = fields("clinician", b={"kind": "tags", "levels": ["cbt", "act"]})
    _, [fault] = read_match("m", match_table("overlap", client="a", clinician="b"), ours, theirs)
    assert fault.remedy == (
        "name another field, if clinician.b is not the one meant; or add them to clinician.b, or "
        "list them as indifferent"
    )


@pytest.mark.parametrize(
    ("operator", "client", "clinician", "changes", "where", "problem"),
    [
        ("overlapp", "tags", "tags", {}, ".operator", "is not a known operator"),
        ("overlap", "tags", "tags", {"operator": None}, ".operator", "is not given"),
        ("overlap", "tags", "tags", {"operator": ["a"]}, ".operator", "is not a known operator"),
        ("overlap", "tags", "tags", {"client": None}, ".client", "is not given"),
        ("overlap", "tags", "tags", {"client": 4}, ".client", "names no field"),
        ("overlap", "tags", "tags", {"client": [["x"]]}, ".client", "names no field"),
        ("overlap", "tags", "tags", {"client": "z"}, ".client", "z is not a declared field"),
        ("overlap", "tags", "tags", {"phrase": " "}, ".phrase", "is blank"),
        ("overlap", "tags", "tags", {"phrase": 5}, ".phrase", "is not text"),
        ("overlap", "tags", "tags", {"otherwise": 5}, ".otherwise", "is not text"),
        ("overlap", "tags", "tags", {"otherwise": None}, ".otherwise", "is not given"),
        ("overlap", "tags", "tags", {"otherwise": " "}, ".otherwise", "is blank"),
        ("overlap", "tags", "tags", {"otherwise": "P "}, ".otherwise", "is the same as the phrase"),
        ("overlap", "tags", "tags", {"group": None}, ".group", "is not given"),
        ("overlap", "tags", "tags", {"group": ["g"]}, ".group", "is a list"),
        ("overlap", "tags", "tags", {"frase": "x"}, ".frase", "is not a setting of a match"),
        (
            "overlap",
            "tags",
            "tags",
            {"direction": "left"},
            ".direction",
            "is not a known direction",
        ),
        ("overlap", "tags", "tags", {"prior": "x"}, ".prior", "is not a number"),
        ("overlap", "tags", "tags", {"prior": NAN}, ".prior", "is not a number"),
        ("overlap", "tags", "tags", {"prior": 0.2}, ".source", "is not given beside a prior"),
        (
            "overlap",
            "tags",
            "tags",
            {"prior": -0.2, "source": "s", "direction": "up"},
            ".prior",
            "contradicts the direction",
        ),
        (
            "overlap",
            "tags",
            "tags",
            {"prior": 0.2, "source": "s", "direction": "down"},
            ".prior",
            "contradicts the direction",
        ),
        ("overlap", "tags", "tags", {"indifferent": "a"}, ".indifferent", "is not a list of texts"),
        (
            "overlap",
            "tags",
            "tags",
            {"indifferent": ["z"]},
            ".indifferent",
            "z are not levels of client.x",
        ),
        (
            "distance",
            "ordinal",
            "ordinal",
            {"indifferent": ["a"]},
            ".indifferent",
            "would be ignored",
        ),
        ("overlap", "category", "tags", {}, ".client", "x is of kind category"),
        ("overlap", "tags", "flag", {}, ".clinician", "y is of kind flag"),
        ("overlap", {"kind": "tags", "use": "audit"}, "tags", {}, ".client", "x is for audit"),
        ("overlap", "tags", "tags", {"client": ["x", "x"]}, "", "compares several fields"),
        (
            "profile_distance",
            "scale",
            "scale",
            {"client": ["x", "x"]},
            "",
            "compares lists of unequal length",
        ),
        (
            "equal_weighted",
            "category",
            "category",
            {},
            "",
            "compares other than two fields with one",
        ),
        (
            "equal",
            {"kind": "category", "levels": ["x", "z"]},
            "category",
            {},
            "",
            "client.x and clinician.y have no level in common",
        ),
        (
            "overlap",
            {"kind": "tags", "levels": ["a", "z"]},
            "tags",
            {},
            "",
            "levels z exist only for the client",
        ),
        (
            "excess",
            "money",
            {"kind": "number", "unit": "dollars"},
            {},
            "",
            "client.x and clinician.y differ in kind or unit",
        ),
        (
            "excess",
            {"kind": "number", "unit": "minutes"},
            {"kind": "number", "unit": "hours"},
            {},
            "",
            "client.x and clinician.y differ in kind or unit",
        ),
        (
            "distance",
            "ordinal",
            {"kind": "ordinal", "levels": ["c", "b", "a"]},
            {},
            "",
            "client.x and clinician.y share levels in different places",
        ),
    ],
)
def test_a_match_that_cannot_be_made_is_a_fault_at_its_place(
    operator: str, client: Any, clinician: Any, changes: dict[str, Any], where: str, problem: str
) -> None:
    assert faults_of(operator, client, clinician, **changes) == {f"matches.m{where}": problem}


def test_a_size_without_bounds_cannot_be_put_on_0_to_1() -> None:
    told = faults_of("distance", "number", {"kind": "money", "min": 0})
    assert told == {"client.x": "has no bounds", "clinician.y": "has no bounds"}


def test_every_fault_of_a_match_is_reported_at_once() -> None:
    told = faults_of("overlap", "flag", "flag", phrase=None, prior="x", direction="left", frase="x")
    assert {where.rpartition(".")[2] for where in told} == {
        "client",
        "clinician",
        "phrase",
        "prior",
        "direction",
        "frase",
    }


def some(fields: Mapping[str, Field], rows: int, seed: int) -> Columns:
    """Answers drawn from levels and bounds, a third of them missing."""
    rng = np.random.default_rng(seed)
    return read_rows(
        {name: replace(field, required=False) for name, field in fields.items()},
        [
            {name: _answer(field, rng) for name, field in fields.items() if rng.random() < 2 / 3}
            for _ in range(rows)
        ],
    )


def _answer(field: Field, rng: np.random.Generator) -> Any:
    if field.kind == "tags":
        return [level for level in field.levels if rng.random() < 1 / 2]
    if field.kind in ("category", "ordinal"):
        return str(rng.choice(field.levels))
    if field.kind in ("number", "scale", "money"):
        return round(rng.uniform(field.min or 0, 300 if field.max is None else field.max), 2)
    return {
        "flag": bool(rng.integers(2)),
        "place": f"{rng.uniform(-34, -33)},{rng.uniform(150, 152)}",
        "weekly_hours": (hours := f"tue 09:00-{rng.integers(10, 20)}:30"),
        "availability": hours,
        "date_ranges": "2026-12-20 to 2027-01-10",
        "date": "2026-11-23",
        "ids": "k1",
        "link": "https://example.com/photo.jpg",
    }[field.kind]


@pytest.mark.parametrize("name", SHIPPED.matches)
@given(seed=st.integers(0, 2**32), rows=st.sampled_from([0, 1, 9]))
def test_a_shipped_match_of_one_client_is_that_of_the_client_repeated(
    name: str, seed: int, rows: int
) -> None:
    match = SHIPPED.matches[name]
    ours, theirs = ({f.name: f for f in side} for side in (match.client, match.clinician))
    one, everyone = some(ours, 1, seed), some(theirs, rows, seed + 1)
    told = match.between(one, everyone)
    repeated = match.between(one.take(np.zeros(rows, dtype=np.intp)), everyone)
    assert told.shape == (rows,)
    np.testing.assert_array_equal(told, repeated)


@pytest.mark.parametrize("name", SHIPPED.matches)
def test_no_match_leaves_the_bounds_of_its_operator(name: str) -> None:
    match = SHIPPED.matches[name]
    ours, theirs = ({f.name: f for f in side} for side in (match.client, match.clinician))
    values = match.between(some(ours, 60, 1), some(theirs, 60, 2))
    low, high = OPERATORS[match.operator].bounds

    assert np.nanmin(values) >= low
    assert np.nanmax(values) <= high


def test_a_practice_without_free_clinicians_no_longer_ends_the_request() -> None:
    rows = pairing_rows(SHIPPED, some(SHIPPED.client, 1, 1), some(SHIPPED.clinician, 0, 1))
    assert rows.shape == (0, len(SHIPPED.matches))


MODEST = ("best", "will", "because", "success", "ideal", "guarantee", "compatible")


@pytest.mark.parametrize("match", SHIPPED.matches.values(), ids=lambda match: match.name)
def test_every_shipped_match_has_phrases_for_and_against(match: Match) -> None:
    assert OPERATORS[match.operator]
    assert match.otherwise != match.phrase
    for words in (match.phrase, match.otherwise):
        assert not set(words.split()) & set(MODEST)
        assert words == words.strip().rstrip(".")
    assert not match.prior or match.source


# How a match that speaks against a clinician is said.


AGAINST = ("offers less of the therapy asked for", "guides further from the client's wish")


def with_otherwise() -> Practice:
    text = a_practice().text
    for words in AGAINST:
        text = text.replace(f'"{words}"', f'"{words}?"')
    told = '[history]\nphrase = "reported more"\notherwise = "reported less"'
    return read_practice(text.replace("[history]", told))


def test_a_match_has_other_words_where_it_speaks_against() -> None:
    told = {feature.name: feature for feature in pairing_features(with_otherwise())}
    wanted = told["match.offers_wanted"]
    assert (wanted.phrase, wanted.otherwise) == (
        "offers the kind of therapy asked for",
        "offers less of the therapy asked for?",
    )


def test_a_record_has_words_for_above_and_below_the_usual() -> None:
    told = [(f.phrase, f.otherwise) for f in history_features(with_otherwise())]
    alike = "among those with the same main concern"
    count = "how many earlier clients reported"
    lower = "which went with lower ratings"
    assert told == [
        ("reported more", "reported less"),
        (count, f"{count}, {lower}"),
        (f"reported more, {alike}", f"reported less, {alike}"),
        (f"{count}, {alike}", f"{count}, {alike}, {lower}"),
    ]
    plain: list[Feature] = list(history_features(a_practice()))
    assert (plain[0].phrase, plain[0].otherwise) == (
        "earlier clients reported a stronger alliance than usual",
        "earlier clients reported a weaker alliance than usual",
    )


def everyone_explained(model: AllianceModel) -> tuple[Explanation, ...]:
    everyone = Pairs.of_one(len(an_encoding().roster))
    parts = model.contributions(an_intake().client, an_encoding(), everyone)
    return explain(model.practice, parts, parts.average)


def test_contributions_against_a_clinician_use_the_phrase_for_against() -> None:
    model = a_model()
    model = replace(model, pipeline=replace(model.pipeline, practice=with_otherwise()))
    found = everyone_explained(model)
    parts = [part for told in found for group in told.groups for part in group.parts]
    matched = [part for part in parts if part.name.startswith("match.")]
    assert {part.points < 0 for part in matched} == {True, False}
    assert {part.phrase.endswith("?") for part in matched} == {True, False}
    for told in found:
        assert not any(words.endswith("?") for words in told.in_favour)
        assert not {"offers the kind of therapy asked for"} & set(told.against)
    assert any("offers less of the therapy asked for?" in told.against for told in found)


def test_a_comparison_says_of_the_other_what_speaks_for_the_other() -> None:
    model = a_model()
    model = replace(model, pipeline=replace(model.pipeline, practice=with_otherwise()))
    for other in range(1, len(an_encoding().roster)):
        told = compare(model, 0, other)
        assert not any(words.endswith("?") for words in (*told.in_favour, *told.against))


def test_a_clinician_without_ratings_is_not_described_as_rated() -> None:
    model = a_model()
    records = model.records
    nobody = {
        name: np.where(np.arange(len(array)).reshape(-1, *[1] * (array.ndim - 1)) == 0, 0.0, array)
        for name, array in (
            ("mean", records.mean - 1.0),
            ("count", records.count),
            ("level_mean", records.level_mean - 1.0),
            ("level_count", records.level_count),
        )
    }
    model = replace(
        model,
        records=replace(records, **nobody),
        pipeline=replace(model.pipeline, practice=with_otherwise()),
    )
    told = everyone_explained(model)
    assert not any(words.startswith("reported") for words in (*told[0].in_favour, *told[0].against))
