from recommender.serving.staff.views.coverage_by_group import FEWEST_IN_GROUP, coverage_by_group
from tests.support.builders import a_practice
from tests.support.rated_pairings import a_held


def test_each_group_is_held_to_its_own_ranges_and_small_ones_are_marked() -> None:
    anxious = [a_held(4.0, concern="anxiety") for _ in range(FEWEST_IN_GROUP - 1)]
    anxious.append(a_held(2.0, concern="anxiety"))
    grieving = [a_held(4.0, concern="grief")]
    found = coverage_by_group([*anxious, *grieving], a_practice())
    said = {each.name.rsplit(": ")[1]: (each.check, each.enough) for each in found}
    check, enough = said["anxiety"]
    assert (check.rated, check.inside, enough) == (FEWEST_IN_GROUP, FEWEST_IN_GROUP - 1, True)
    assert not said["grief"][1]


def test_who_named_several_counts_in_each_and_who_named_none_nowhere() -> None:
    found = coverage_by_group([a_held(4.0, wanted=["cbt", "act"]), a_held(4.0)], a_practice())
    assert [each.check.rated for each in found] == [1, 1]


def test_an_answer_the_definition_no_longer_knows_is_no_group() -> None:
    assert coverage_by_group([a_held(4.0, concern="<script>", unknown="x")], a_practice()) == ()


def test_audited_answers_are_the_groups_where_any_is_known() -> None:
    found = coverage_by_group([a_held(4.0, concern="grief", gender="woman")], a_practice())
    assert [each.name.rsplit(": ")[1] for each in found] == ["woman"]
