"""Why one clinician is predicted above or below others, in the words that staff read."""

from typing import Any

import pytest

from recommender.errors import RecommenderError
from recommender.notebook.explanation import ELIGIBLE, EVERYBODY, PANEL, MatchExplanation
from recommender.notebook.recommending import recommend
from tests.support.builders import DAY
from tests.support.frames import a_practice_model, some_frames

CLIENT = {"client_id": "c9999", "concern": "anxiety", "wanted": ["cbt"], "directive": 4,
          "agrees": True}  # fmt: skip


def explained(clinician: Any, client: Any = CLIENT) -> MatchExplanation:
    return a_practice_model().explain(client, clinician, some_frames()["clinicians"], day=DAY)


def test_it_is_the_explanation_of_the_shortlist() -> None:
    result = recommend(a_practice_model(), CLIENT, some_frames()["clinicians"], day=DAY)
    for entry in result.recommendation.shortlist:
        found = explained(entry.clinician_id)
        assert entry.explanation is not None
        assert found.compared_with == ELIGIBLE
        assert found.predicted_alliance == pytest.approx(entry.predicted)
        assert found.difference == pytest.approx(entry.explanation.difference)
        assert (found.in_favour, found.against) == (
            entry.explanation.in_favour, entry.explanation.against)  # fmt: skip
        assert found.asked_and_offered == entry.explanation.asked_and_offered
        points = [group.points for group in entry.explanation.groups]
        assert found.groups["points"].tolist() == pytest.approx(points)


def test_parts_sum_to_their_groups_and_groups_to_the_difference() -> None:
    found = explained("k05")
    of_group = found.parts.groupby("group")["points"].sum()

    assert found.groups["points"].sum() == pytest.approx(found.difference)
    for group in found.groups.itertuples():
        assert of_group.get(group.group, 0.0) == pytest.approx(group.points)
    sizes = found.parts["points"].abs()
    assert sizes.is_monotonic_decreasing


def test_a_clinician_who_is_excluded_is_explained_with_the_reasons() -> None:
    result = recommend(a_practice_model(), CLIENT, some_frames()["clinicians"], day=DAY)
    excluded = result.exclusions.iloc[0]
    found = explained(excluded["clinician_id"])

    assert excluded["reason"] in found.excluded_by
    assert "Is excluded" in found._repr_html_()


def test_where_nobody_fits_the_whole_roster_is_compared_with() -> None:
    assert explained("k05", CLIENT | {"max_fee": 0}).compared_with == EVERYBODY


def test_without_a_roster_the_clinicians_sampled_at_training_are_compared_with() -> None:
    staff = some_frames()["clinicians"]
    found = a_practice_model().explain(CLIENT, staff.iloc[[5]], day=DAY)

    assert found.compared_with == PANEL
    assert found.predicted_alliance == pytest.approx(explained("k05").predicted_alliance)
    assert found.groups["points"].sum() == pytest.approx(found.difference)


def test_a_row_names_the_clinician_as_an_id_does() -> None:
    staff = some_frames()["clinicians"]

    assert repr(explained(staff.iloc[[5]])) == repr(explained("k05"))
    assert repr(explained("k05")).startswith("<MatchExplanation k05: ")


def test_a_figure_has_a_bar_for_each_group() -> None:
    found = explained("k05")

    assert len(found.figure().axes[0].patches) == len(found.groups)


def test_whoever_is_not_on_the_roster_is_refused_with_a_proposal() -> None:
    with pytest.raises(RecommenderError, match="did you mean k05"):
        explained("K-5")
    with pytest.raises(RecommenderError, match="add the clinician"):
        explained("nobody")
    with pytest.raises(RecommenderError, match="is an id without a roster"):
        a_practice_model().explain(CLIENT, "k05")
    staff = some_frames()["clinicians"]
    for several in (staff, staff.head(0)):
        with pytest.raises(RecommenderError, match="clinician: is"):
            explained(several)
    with pytest.raises(RecommenderError, match="is a table of 12 rows"):
        a_practice_model().explain(CLIENT, staff)
