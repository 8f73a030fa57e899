"""A model scores a pairing alike alone, in a request, in a batch and from raw cells."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recommender.definition.columns import read_rows
from recommender.definition.sections import HistorySettings
from recommender.errors import IntakeError
from recommender.features.pipeline import Pairs
from recommender.model import AllianceModel, levels_of
from recommender.roster import snapshot
from tests.builders import (
    TAKEN_AT,
    a_dataset,
    a_model,
    a_practice,
    a_roster,
    a_standing,
    an_intake,
    some_rows,
)


def cells_of(rows: int = 40) -> pd.DataFrame:
    """Some pairings of the practice's own tables as one table of raw cells."""
    tables = some_rows()
    clients = {row["client_id"]: row for row in tables["clients"]}
    clinicians = {row["clinician_id"]: row for row in tables["clinicians"]}
    told: list[dict[str, Any]] = []
    for pairing in tables["pairings"][:rows]:
        client, clinician = clients[pairing["client_id"]], clinicians[pairing["clinician_id"]]
        cells = {f"client.{n}": c for n, c in client.items() if n not in ("client_id", "gender")}
        other = {
            f"clinician.{n}": c for n, c in clinician.items() if n not in ("clinician_id", "name")
        }
        told.append(cells | other | {"clinician_id": pairing["clinician_id"]})
    return pd.DataFrame(told)


def test_a_pairing_scores_in_a_request_exactly_as_it_does_among_all_training_pairings() -> None:
    dataset, model, standing = a_dataset(), a_model(), a_standing()
    batch = model.score(dataset.clients, standing, dataset.pairs)

    for row in range(0, len(dataset), 5):
        client = dataset.clients.take(dataset.pairs.client[row : row + 1])
        served = model.score(client, standing)
        at = int(dataset.pairs.clinician[row])
        assert served.pairing[at] == batch.pairing[row]
        assert served.client[at] == batch.client[row]


def test_raw_cells_score_as_the_tables_they_come_from() -> None:
    model, dataset, table = a_model(), a_dataset(), cells_of()
    told = model.predict_table(table)

    for row in range(len(table)):
        cells = table.iloc[row].to_dict()
        answers = {str(n)[7:]: c for n, c in cells.items() if str(n).startswith("client.")}
        intake = read_rows(a_practice().fields("client", "score", "filter"), [answers])
        at = a_roster().ids.index(table["clinician_id"].iloc[row])
        scores = model.score(intake, a_standing())
        said = model.harmoniser.say(scores.alliance)[at]
        assert told["predicted_alliance"].iloc[row] == said
    assert list(told.index) == list(table.index)
    assert (told["lower"] <= told["predicted_alliance"]).all()
    assert len(dataset) > 0


def test_a_table_that_tells_nothing_of_the_client_is_still_scored() -> None:
    table = cells_of(3).filter(regex="^clinician")

    assert a_model().predict_table(table)["predicted_alliance"].notna().all()


def test_a_table_of_nobody_gives_a_table_of_nobody() -> None:
    assert len(a_model().predict_table(cells_of().iloc[:0])) == 0


def test_a_table_without_clinician_ids_is_refused_by_name() -> None:
    with pytest.raises(IntakeError, match="clinician_id: is not given"):
        a_model().predict_table(cells_of().drop(columns="clinician_id"))


def test_an_answer_kept_for_audits_is_refused_in_a_table() -> None:
    with pytest.raises(IntakeError, match="gender: is not a field"):
        a_model().predict_table(cells_of(1).assign(**{"client.gender": "woman"}))


def test_parts_and_start_sum_to_the_predicted_alliance() -> None:
    dataset, model, standing = a_dataset(), a_model(), a_standing()
    parts = model.contributions(dataset.clients, standing, dataset.pairs)
    scores = model.score(dataset.clients, standing, dataset.pairs)

    assert parts.start + parts.values.sum(axis=1) == pytest.approx(scores.alliance, abs=1e-9)
    assert parts.values.shape[1] == len(parts.features) == parts.raw.shape[1]


@pytest.mark.parametrize("without", ["trees", "client_trees"])
def test_parts_sum_to_the_prediction_also_without_some_trees(without: str) -> None:
    model: AllianceModel = replace(a_model(), **{without: None})  # type: ignore[arg-type]
    model = replace(model, share=0.0) if without == "trees" else model
    client = an_intake().client
    parts = model.contributions(client, a_standing(), Pairs.of_one(12))
    scores = model.score(client, a_standing())

    assert parts.start + parts.values.sum(axis=1) == pytest.approx(scores.alliance, abs=1e-9)


def test_some_clinicians_score_exactly_as_they_do_among_all() -> None:
    client, places = an_intake().client, np.array([2, 5, 11])
    some = a_model().score(client, a_standing(), Pairs(np.zeros(3, dtype=np.intp), places))

    assert np.array_equal(some.pairing, a_model().score(client, a_standing()).pairing[places])


def test_the_order_of_roster_rows_changes_nothing() -> None:
    roster = a_roster()
    order = np.random.default_rng(0).permutation(len(roster))
    ids = [roster.ids[row] for row in order]
    names = [roster.names[row] for row in order]
    turned = snapshot(ids, names, roster.columns.take(order), TAKEN_AT)

    assert turned.ids == roster.ids
    again = a_model().score(an_intake().client, a_model().standing(turned))
    assert np.array_equal(again.pairing, a_model().score(an_intake().client, a_standing()).pairing)


def test_a_clinician_who_joined_after_training_is_scored_without_a_record() -> None:
    roster = a_roster()
    new = replace(roster, ids=("new", *roster.ids[1:]))
    standing = a_model().standing(new)

    assert standing.clinician[0] == -1
    assert np.isfinite(a_model().score(an_intake().client, standing).pairing).all()


def test_a_client_who_answered_nothing_is_scored() -> None:
    nothing = read_rows(a_practice().fields("client", "score", "filter"), [{}])

    assert np.isfinite(a_model().score(nothing, a_standing()).alliance).all()


def test_the_order_follows_the_pairing_alone_as_the_client_part_is_one_number() -> None:
    scores = a_model().score(an_intake().client, a_standing())

    assert len(set(scores.client.tolist())) == 1
    assert len(set(scores.pairing.tolist())) > 1


def test_without_an_answer_there_is_no_level_to_keep_a_record_by() -> None:
    fields = a_practice().fields("client", "score", "filter")
    clients = read_rows(fields, [{"concern": "sleep"}, {}])
    apart = replace(a_practice(), history=HistorySettings(group="record"))

    assert levels_of(a_practice(), clients).tolist() == [2, -1]
    assert levels_of(apart, clients).tolist() == [-1, -1]


def test_an_empty_roster_has_no_scores() -> None:
    roster = a_roster()
    nobody = np.zeros(0, dtype=np.intp)
    empty = snapshot((), (), roster.columns.take(nobody), TAKEN_AT)

    assert a_model().score(an_intake().client, a_model().standing(empty)).alliance.shape == (0,)
