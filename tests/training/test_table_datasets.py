"""Tables as mlflow is given them: columns, digests and sizes."""

from recommender.training.dataset import dataset_of
from recommender.training.table_datasets import datasets_of
from tests.support.builders import a_practice, some_rows, tables_of

TABLES = ("clients", "clinicians", "pairings", "ratings")


def test_every_table_has_its_columns_size_and_digest() -> None:
    tables = tables_of(some_rows(pairings=60))
    dataset = dataset_of(tables, a_practice())
    rated, *others = datasets_of(tables, a_practice(), dataset, "training")

    assert (rated.name, rated.rows, rated.digest) == ("rated pairings", len(dataset), tables.digest)
    assert [each.name for each in others] == list(TABLES)
    assert [each.rows for each in others] == [60, 12, 60, len(tables.ratings)]
    columns = {each.name: each.columns for each in others}
    assert columns["clients"]["directive"] == "double"
    assert columns["clients"]["agrees"] == "boolean"
    assert columns["pairings"]["client_id"] == columns["clinicians"]["offers"] == "string"
    assert columns["pairings"]["started_on"] == "datetime"


def test_without_ratings_that_count_only_the_tables_are_named() -> None:
    tables = tables_of(some_rows(pairings=60))

    assert [each.name for each in datasets_of(tables, a_practice(), None, "t")] == list(TABLES)


def test_a_changed_table_changes_its_own_digest_and_no_other() -> None:
    rows = some_rows(pairings=60)
    before = tables_of(rows).table_digests
    changed = [{**row, "directive": "3"} for row in rows["clients"]]
    after = tables_of({**rows, "clients": changed}).table_digests

    assert {name for name in TABLES if before[name] != after[name]} == {"clients"}
