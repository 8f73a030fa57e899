"""A model scores a pairing alike alone, in a request, in a batch and from raw cells."""

import tomllib
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri

from experiments.null_world.measure import simulated_dataset
from recommender.errors import IntakeError
from recommender.features.feature import Array
from recommender.features.history import history_features
from recommender.features.pipeline import Pairs, Places
from recommender.model.alliance_model import SD_INFLATION, AllianceModel, PreparedPairs, levels_of
from recommender.practice.columns import read_rows
from recommender.practice.definition import practice_of, shipped_practice, shipped_text
from recommender.practice.sections import HistorySettings
from recommender.tables.roster import snapshot
from recommender.training.baselines import encode_clinicians
from recommender.training.fit import fit
from recommender.training.tree_fitting import FitSettings
from tests.support.builders import (
    TAKEN_AT,
    a_dataset,
    a_fit,
    a_model,
    a_practice,
    a_roster,
    an_encoding,
    an_intake,
)
from tests.support.pairing_cells import text_cells


def test_a_pairing_scores_in_a_request_exactly_as_it_does_among_all_training_pairings() -> None:
    dataset, model, encoding = a_dataset(), a_model(), an_encoding()
    batch = model.score(dataset.clients, encoding, dataset.pairs)

    for row in range(0, len(dataset), 5):
        client = dataset.clients.take(dataset.pairs.client[row : row + 1])
        served = model.score(client, encoding)
        at = int(dataset.pairs.clinician[row])
        assert served.pairing[at] == batch.pairing[row]
        assert served.client[at] == batch.client[row]


def test_raw_cells_score_as_the_tables_they_come_from() -> None:
    model, dataset, table = a_model(), a_dataset(), text_cells()
    told = model.predict_table(table)

    for row in range(len(table)):
        cells = table.iloc[row].to_dict()
        answers = {str(n)[7:]: c for n, c in cells.items() if str(n).startswith("client.")}
        intake = read_rows(a_practice().fields("client", "score", "filter"), [answers])
        at = a_roster().ids.index(table["clinician_id"].iloc[row])
        scores = model.score(intake, an_encoding())
        said = model.linker.to_displayed(scores.alliance)[at]
        assert told["predicted_alliance"].iloc[row] == said
    assert list(told.index) == list(table.index)
    assert (told["lower"] <= told["predicted_alliance"]).all()
    assert len(dataset) > 0


def test_a_table_that_tells_nothing_of_the_client_is_still_scored() -> None:
    table = text_cells(3).filter(regex="^clinician")

    assert a_model().predict_table(table)["predicted_alliance"].notna().all()


def test_a_table_of_nobody_gives_a_table_of_nobody() -> None:
    assert len(a_model().predict_table(text_cells().iloc[:0])) == 0


def test_a_table_without_clinician_ids_is_refused_by_name() -> None:
    with pytest.raises(IntakeError, match="clinician_id: is missing"):
        a_model().predict_table(text_cells().drop(columns="clinician_id"))


def test_an_answer_kept_for_audits_is_refused_in_a_table() -> None:
    with pytest.raises(IntakeError, match="gender: is not a field"):
        a_model().predict_table(text_cells(1).assign(**{"client.gender": "woman"}))


def test_parts_and_start_sum_to_the_predicted_alliance() -> None:
    dataset, model, encoding = a_dataset(), a_model(), an_encoding()
    parts = model.contributions(dataset.clients, encoding, dataset.pairs)
    scores = model.score(dataset.clients, encoding, dataset.pairs)

    assert parts.start + parts.values.sum(axis=1) == pytest.approx(scores.alliance, abs=1e-9)
    assert parts.values.shape[1] == len(parts.features) == parts.raw.shape[1]


@pytest.mark.parametrize("without", ["trees", "client_trees"])
def test_parts_sum_to_the_prediction_also_without_some_trees(without: str) -> None:
    model: AllianceModel = replace(a_model(), **{without: None})  # type: ignore[arg-type]
    model = replace(model, tree_weight=0.0) if without == "trees" else model
    client = an_intake().client
    parts = model.contributions(client, an_encoding(), Pairs.of_one(12))
    scores = model.score(client, an_encoding())

    assert parts.start + parts.values.sum(axis=1) == pytest.approx(scores.alliance, abs=1e-9)


def test_some_clinicians_score_exactly_as_they_do_among_all() -> None:
    client, places = an_intake().client, np.array([2, 5, 11])
    some = a_model().score(client, an_encoding(), Pairs(np.zeros(3, dtype=np.intp), places))

    assert np.array_equal(some.pairing, a_model().score(client, an_encoding()).pairing[places])


def test_the_order_of_roster_rows_changes_nothing() -> None:
    roster = a_roster()
    order = np.random.default_rng(0).permutation(len(roster))
    ids = [roster.ids[row] for row in order]
    names = [roster.names[row] for row in order]
    turned = snapshot(ids, names, roster.columns.take(order), TAKEN_AT)

    assert turned.ids == roster.ids
    again = a_model().score(an_intake().client, a_model().encode_roster(turned))
    assert np.array_equal(again.pairing, a_model().score(an_intake().client, an_encoding()).pairing)


def test_a_clinician_who_joined_after_training_is_scored_without_a_record() -> None:
    roster = a_roster()
    new = replace(roster, ids=("new", *roster.ids[1:]))
    encoding = a_model().encode_roster(new)

    assert encoding.clinician[0] == -1
    assert np.isfinite(a_model().score(an_intake().client, encoding).pairing).all()


def test_a_client_who_answered_nothing_is_scored() -> None:
    nothing = read_rows(a_practice().fields("client", "score", "filter"), [{}])

    assert np.isfinite(a_model().score(nothing, an_encoding()).alliance).all()


def test_the_order_follows_the_pairing_alone_as_the_client_part_is_one_number() -> None:
    scores = a_model().score(an_intake().client, an_encoding())

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

    assert a_model().score(an_intake().client, a_model().encode_roster(empty)).alliance.shape == (
        0,
    )


# How sure it is of one before another


def everyone_faced(model: AllianceModel | None = None) -> PreparedPairs:
    return (model or a_model()).prepare(an_intake().client, an_encoding(), Pairs.of_one(12))


EACH, OTHER = np.divmod(np.arange(144), 12)


def doubts(model: AllianceModel, prepared: PreparedPairs, one: Places, other: Places) -> Array:
    """Standard deviation of each difference, by what is said of it; NaN where nobody leads."""
    pairing = model.score_of(prepared).pairing
    lead = pairing[one] - pairing[other]
    return np.where(lead == 0, np.nan, lead / ndtri(model.ahead(prepared, one, other)))


def led_by(points: float) -> AllianceModel:
    """The model with that much more for the first clinician."""
    model = a_model()
    own = model.additive.fit.coefficients["clinicians"].copy()
    own[0] += points
    told = dict(model.additive.fit.coefficients) | {"clinicians": own}
    additive = replace(model.additive, fit=replace(model.additive.fit, coefficients=told))
    return replace(model, additive=additive)


def test_how_sure_one_is_before_another_is_how_unsure_the_other_is_before_one() -> None:
    model, prepared = a_model(), everyone_faced()

    there, back = model.ahead(prepared, EACH, OTHER), model.ahead(prepared, OTHER, EACH)
    assert there + back == pytest.approx(np.ones(144), abs=1e-12)
    assert ((there > 0) & (there < 1)).all()


def test_the_higher_prediction_is_more_likely_than_not_the_higher_alliance() -> None:
    model, prepared = a_model(), everyone_faced()
    pairing = model.score_of(prepared).pairing
    lead = pairing[EACH] - pairing[OTHER]

    assert np.array_equal(np.sign(model.ahead(prepared, EACH, OTHER) - 0.5), np.sign(lead))


def test_nobody_is_before_themselves() -> None:
    same = np.arange(12)

    assert a_model().ahead(everyone_faced(), same, same).tolist() == [0.5] * 12


def test_two_clinicians_alike_in_everything_stand_beside_each_other() -> None:
    prepared = everyone_faced()
    twins = np.array([4, 4, 7])
    alike = PreparedPairs(
        prepared.rows.take(twins),
        prepared.clinician_index.take(twins),
        prepared.expected[twins],
        prepared.added[twins],
    )

    assert a_model().ahead(alike, np.array([0]), np.array([1])).tolist() == [0.5]


def test_the_larger_the_lead_the_surer() -> None:
    said = []
    for points in (-2.0, -0.5, 0.0, 0.1, 0.5, 2.0):
        model = led_by(points)
        prepared = everyone_faced(model)
        said.append(float(model.ahead(prepared, np.array([0]), np.array([5]))[0]))

    assert said == sorted(said)
    assert len(set(said)) == len(said)


def test_the_doubt_is_the_posterior_s_widened_for_what_no_model_holds() -> None:
    model, prepared = a_model(), everyone_faced()
    apart = model.additive.deviations(prepared.rows, prepared.clinician_index)
    one, other = np.array([0, 3]), np.array([5, 8])
    interval = np.sqrt(((apart[one] - apart[other]) ** 2).mean(axis=1))

    assert doubts(model, prepared, one, other) == pytest.approx(SD_INFLATION * interval)


def test_what_the_client_would_rate_anybody_makes_nobody_surer() -> None:
    prepared = everyone_faced()
    moved = replace(prepared, expected=prepared.expected - 3)

    assert np.array_equal(
        a_model().ahead(prepared, EACH, OTHER), a_model().ahead(moved, EACH, OTHER)
    )


def test_a_clinician_the_model_never_saw_is_placed_with_less_certainty_than_a_known_one() -> None:
    model, prepared = a_model(), everyone_faced()
    unknown = np.where(np.arange(12) == 0, -1, prepared.clinician_index.clinician)
    stranger = replace(
        prepared, clinician_index=replace(prepared.clinician_index, clinician=unknown)
    )
    one, other = np.zeros(11, dtype=np.intp), np.arange(1, 12)

    assert (doubts(model, stranger, one, other) > doubts(model, prepared, one, other)).all()
    known = np.arange(2, 12)
    assert doubts(model, stranger, known, known - 1) == pytest.approx(
        doubts(model, prepared, known, known - 1)
    )


def test_two_clinicians_the_model_never_saw_are_less_sure_than_one() -> None:
    model, prepared = a_model(), everyone_faced()
    places = [np.array([0]), np.array([1])]
    found = []
    for strangers in ([], [0], [0, 1]):
        codes = prepared.clinician_index.clinician.copy()
        codes[strangers] = -1
        met = replace(prepared, clinician_index=replace(prepared.clinician_index, clinician=codes))
        found.append(float(doubts(model, met, *places)[0]))

    assert found == sorted(found)
    assert len(set(found)) == 3


def test_where_nothing_is_in_doubt_the_lead_decides() -> None:
    model, prepared = a_model(), everyone_faced()
    still = {name: np.zeros_like(block) for name, block in model.additive.draws.items()}
    sure = replace(model, additive=replace(model.additive, draws=still))
    pairing = model.score_of(prepared).pairing
    lead = pairing[EACH] - pairing[OTHER]

    assert sure.ahead(prepared, EACH, OTHER).tolist() == ((np.sign(lead) + 1) / 2).tolist()


def test_more_ratings_make_it_surer() -> None:
    spreads = []
    for rows in (60, 290):
        model = fit(a_dataset(), np.arange(rows), FitSettings(fewest_for_trees=10_000)).model
        prepared = everyone_faced(model)
        apart = model.additive.deviations(prepared.rows, prepared.clinician_index)
        doubt = (apart[EACH] - apart[OTHER]).std(axis=1)[EACH != OTHER]
        spreads.append(float(doubt.mean() / a_fit().labels.alliance.std()))

    assert spreads[1] < spreads[0]


def test_of_no_pairings_nothing_is_said() -> None:
    nobody = np.zeros(0, dtype=np.intp)

    assert a_model().ahead(everyone_faced(), nobody, nobody).shape == (0,)


# The level of those who stay


def test_predictions_are_lifted_to_those_who_stay_and_the_order_is_not_touched() -> None:
    model, prepared = a_model(), everyone_faced()
    unlifted = replace(model, survivor_offset=0.0)
    scores, without = model.score_of(prepared), unlifted.score_of(prepared)

    assert model.survivor_offset > 0.01
    assert scores.alliance - without.alliance == pytest.approx(np.full(12, model.survivor_offset))
    assert np.array_equal(np.argsort(scores.pairing), np.argsort(without.pairing))
    parts = model.contributions_of(prepared)
    assert parts.start + parts.values.sum(axis=1) == pytest.approx(scores.alliance, abs=1e-9)


def test_contributions_with_many_products_sum_to_the_last_rounding() -> None:
    practice = shipped_practice()
    dataset = simulated_dataset("high_signal", practice, ratings=300, clinicians=15, seed=0)
    model = fit(dataset, settings=FitSettings(fewest_for_trees=200, folds=3)).model
    products = model.additive.frame.products["products"]
    assert products.width > 100

    encoding = encode_clinicians(dataset)
    parts = model.contributions(dataset.clients, encoding, dataset.pairs)
    scores = model.score(dataset.clients, encoding, dataset.pairs)
    assert parts.start + parts.values.sum(axis=1) == pytest.approx(scores.alliance, abs=1e-9)


def test_records_may_be_by_an_ordinal() -> None:
    declared = tomllib.loads(shipped_text("psychology"))
    declared["history"]["per"] = "concern_duration"
    practice = practice_of(declared, "")
    cells = [{"concern_duration": "over_5_years"}, {}, {"concern_duration": "under_3_months"}]
    clients = read_rows({"concern_duration": practice.client["concern_duration"]}, cells)

    assert levels_of(practice, clients).tolist() == [3, -1, 0]
    assert len(history_features(practice)) == 4
