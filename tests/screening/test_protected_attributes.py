"""What a client is cannot decide whom they are shown: rules and model never receive it.

Two walls: a request with a protected answer is refused, and a definition that reads one is too.
Then the proof by trying: a thousand clients become somebody else and get the same list.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from experiments.simulated_practice.draws import Array
from experiments.simulated_practice.settings import scenario
from experiments.simulated_practice.tables import client_ids, clients_table
from experiments.simulated_practice.world import World, simulate
from recommender.errors import DefinitionError, IntakeError
from recommender.features.pipeline import Pairs
from recommender.model.evidence_prior import evidence_model
from recommender.practice.columns import Columns, read_rows
from recommender.practice.definition import Practice, read_practice, shipped_practice, shipped_text
from recommender.recommendation.recommend import read_intake
from recommender.screening.screen import screen
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster
from tests.support.definitions import LITTLE
from tests.support.simulated_world import TAKEN_AT, a_roster

CLIENTS = 1_000
EVERYBODY = range(CLIENTS)


@cache
def the_practice() -> Practice:
    return shipped_practice()


def protected() -> tuple[str, ...]:
    return tuple(the_practice().fields("client", "audit"))


def test_six_attributes_are_protected() -> None:
    assert set(protected()) == {
        "gender",
        "first_nations",
        "cultural_background",
        "faith",
        "sexual_orientation",
        "disability",
    }


@pytest.mark.parametrize("attribute", protected())
def test_a_request_that_brings_one_is_refused_and_its_answer_is_not_repeated(
    attribute: str,
) -> None:
    field = the_practice().client[attribute]
    answer = field.levels[0] if field.levels else True
    with pytest.raises(IntakeError, match=f"{attribute}: is not a field") as refused:
        read_intake(the_practice(), {**LITTLE, attribute: answer})
    assert str(answer) not in str(refused.value)


def test_what_a_request_becomes_has_no_place_for_them() -> None:
    intake = read_intake(the_practice(), LITTLE)
    assert not set(intake.client.values) & set(protected())


# A definition that would read them


def constraint(**lines: str) -> str:
    told = "\n".join(f"{key} = {value}" for key, value in lines.items())
    return (
        f'\n[constraints.turned_away]\nfamily = "wish"\nsay = "does not see this client"\n{told}\n'
    )


def clinicians_field(name: str, kind: str, levels: str = "") -> str:
    return (
        f'\n[clinician.{name}]\nkind = "{kind}"\nphrase = "{name}"\npurpose = "None."\n'
        f'missing = "none"\nuse = "filter"\n{levels}\n'
    )


REFUSED_BY_A_CLINICIAN = {
    "a list of faiths not seen": clinicians_field(
        "faiths_not_seen",
        "tags",
        'levels = ["no_religion", "christian", "muslim", "hindu", "buddhist", "jewish", "another"]',
    )
    + constraint(rule='"has_none"', client='"faith"', clinician='"faiths_not_seen"'),
    "the genders seen": clinicians_field(
        "genders_seen", "tags", 'levels = ["woman", "man", "non_binary", "another"]'
    )
    + constraint(rule='"member"', client='"gender"', clinician='"genders_seen"'),
    "backgrounds not seen": clinicians_field(
        "backgrounds_not_seen",
        "tags",
        'levels = ["australian", "british_irish", "european", "east_asian", "south_asian", '
        '"southeast_asian", "middle_eastern", "african", "pacific", "american"]',
    )
    + constraint(
        rule='"has_none"', client='"cultural_background"', clinician='"backgrounds_not_seen"'
    ),
    "whether disability is seen": clinicians_field("sees_disability", "flag")
    + constraint(rule='"if_asked"', client='"disability"', clinician='"sees_disability"'),
    "a condition on the client's faith": constraint(
        rule='"is_true"',
        clinician='"consents_to_matching"',
        when='{ client = "faith", has = "muslim" }',
    ),
    "an exception by orientation": constraint(
        rule='"is_true"',
        clinician='"consents_to_matching"',
        unless='{ client = "sexual_orientation", has = "straight" }',
    ),
    "another way for some": constraint(
        rule='"has_any"',
        client='"languages_needed"',
        clinician='"languages"',
        instead='{ client = "disability", clinician = "uses_interpreters" }',
    ),
    "a price by disability": constraint(
        rule='"gap_at_most"',
        client='"max_gap"',
        clinician='"fee"',
        funding='"funding"',
        registration='"registration_type"',
        concession='"disability"',
        concession_fee='"concession_fee"',
    ),
    "the client's own disability": constraint(rule='"client_true"', client='"disability"'),
}


@pytest.mark.parametrize("added", REFUSED_BY_A_CLINICIAN.values(), ids=REFUSED_BY_A_CLINICIAN)
def test_nobody_can_declare_whom_they_do_not_see(added: str) -> None:
    with pytest.raises(DefinitionError, match="is for audit") as refused:
        read_practice(shipped_text("psychology") + added)
    assert "turned_away" in str(refused.value)


@pytest.mark.parametrize("attribute", protected())
def test_no_match_may_compare_one(attribute: str) -> None:
    field = the_practice().client[attribute]
    levels = ", ".join(f'"{level}"' for level in field.levels)
    theirs = clinicians_field("own", field.kind, f"levels = [{levels}]" if levels else "")
    operator = "overlap" if field.kind == "tags" else "equal"
    match = (
        f'\n[matches.alike]\noperator = "{operator}"\nclient = "{attribute}"\nclinician = "own"\n'
        'phrase = "is alike"\notherwise = "is not alike"\ngroup = "background"\n'
    )
    # No operator takes a flag at all.
    with pytest.raises(DefinitionError, match=r"is for audit|is of kind flag"):
        read_practice(shipped_text("psychology") + theirs + match)


# A thousand clients become somebody else


@cache
def the_world() -> World:
    settings = scenario("default", seed=8, clinicians=12, ratings=50, test_clients=CLIENTS)
    return simulate(settings, the_practice())


@cache
def the_roster() -> Roster:
    return a_roster(the_world())


@cache
def the_clients() -> Columns:
    """Everything the clients told, protected attributes included."""
    ids = client_ids(1, CLIENTS)
    table = clients_table(the_world(), the_world().test_clients, ids, 11)
    rows = table[list(the_practice().client)].to_dict("records")
    told = [{str(name): cell for name, cell in row.items()} for row in rows]
    return read_rows(the_practice().client, told)


def with_answers(**changed: Array) -> Columns:
    return Columns(CLIENTS, {**the_clients().values, **changed})


def another(attribute: str) -> Array:
    """A different answer of every client; who had not said so now does."""
    told, levels = the_clients()[attribute], the_practice().client[attribute].levels
    one_of_many = told.ndim == 1 and levels
    changed = (np.nan_to_num(told) + 1) % (len(levels) if one_of_many else 2)
    assert (changed != told).all()
    return np.asarray(changed)


def listed(screening: Screening) -> tuple[bytes, bytes, bytes]:
    return (
        screening.eligible.tobytes(),
        screening.excluding.tobytes(),
        screening.cautioning.tobytes(),
    )


def lists(clients: Columns, some: range) -> Iterator[tuple[bytes, bytes, bytes]]:
    for place in some:
        one = clients.take(np.array([place]))
        yield listed(screen(the_practice(), one, f"c{place}", the_roster(), TAKEN_AT.date()))


def orders(clients: Columns) -> Array:
    """What each clinician is ordered by for each client."""
    roster = the_roster()
    model = evidence_model(
        the_practice(), roster.columns, roster.ids, data_digest="none", created_at="2026-09-29"
    )
    many = np.arange(CLIENTS * len(roster))
    pairs = Pairs(many // len(roster), many % len(roster))
    return model.score(clients, model.encode_roster(roster), pairs).pairing


@pytest.mark.slow
@pytest.mark.parametrize("attribute", protected())
def test_nobodys_order_changes_with_one_attribute(attribute: str) -> None:
    other = with_answers(**{attribute: another(attribute)})
    np.testing.assert_array_equal(orders(other), orders(the_clients()))


@pytest.mark.long
def test_a_thousand_clients_with_every_attribute_changed_get_the_lists_they_had() -> None:
    other = with_answers(**{attribute: another(attribute) for attribute in protected()})
    pairs = zip(lists(the_clients(), EVERYBODY), lists(other, EVERYBODY), strict=True)
    assert all(before == after for before, after in pairs)


@pytest.mark.slow
def test_both_comparisons_can_fail() -> None:
    """An older client is not seen by everybody; another therapy wanted is another order."""
    some = range(50)
    older = with_answers(age_years=np.full(CLIENTS, 95.0))
    assert list(lists(older, some)) != list(lists(the_clients(), some))
    wanted = the_clients()["modalities_wanted"]
    other = with_answers(modalities_wanted=np.roll(wanted, 1, axis=1))
    assert (orders(other) != orders(the_clients())).any()
