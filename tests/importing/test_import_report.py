"""The report of an import: every row is accounted for, and no person's value is in it."""

import json

from recommender.importing.import_report import MAX_ROWS, ImportLog, shareable_counts


def test_rows_read_are_the_sum_of_rows_used_and_left_out() -> None:
    log = ImportLog("trial")
    log.read("appointments.csv", 6)
    log.read("appointments.csv", 4)
    log.leave_out_rows("appointments.csv", "cancelled", [2, 3, 4])
    log.leave_out_rows("appointments.csv", "without a client", [4, 5])
    log.leave_out_cells("appointments.csv", "Fee", "is not an amount", [6])
    (account,) = log.report().sources
    assert account.left_out == {"cancelled": 3, "without a client": 1}
    assert account.read == account.used + sum(account.left_out.values()) == 10


def test_many_rows_are_counted_and_the_first_are_listed() -> None:
    log = ImportLog("trial")
    log.leave_out_rows("a.csv", "cancelled", range(100, 1, -1))
    (left,) = log.report().left_out
    assert left.count == 99
    assert left.rows == tuple(range(2, 2 + MAX_ROWS))
    assert "and 79 more" in log.report().markdown()


def test_values_that_may_be_about_one_person_are_only_counted() -> None:
    log = ImportLog("trial")
    values = ["Anxeity"] * 4 + ["as Jo's mother asked"]
    log.leave_out_cells("c.csv", "Reason", "is no known level", range(2, 7), values)
    (left,) = log.report().left_out
    assert (left.count, left.values) == (5, {"Anxeity": 4})
    assert shareable_counts([f"note {n}" for n in range(41)] * 3) == {}
    assert shareable_counts(["Smith"] * 3 + ["Fern", "Bo", "Zed", "Ng"]) == {}


def test_the_report_is_written_as_json_and_as_markdown() -> None:
    log = ImportLog("cliniko")
    log.read("a.csv", 2)
    log.map_field("clients", "age", ["Date of Birth", "First seen"], 1, 2)
    log.leave_out_column("a.csv", "Notes", "free text | contact data")
    log.leave_out_column("a.csv", "Notes", "nothing reads it")
    log.lack("clinicians", "therapies", "no match of therapies", required=False)
    log.write("clients", 2)
    log.note("Fill in the styles.")
    log.note("Fill in the styles.")
    report = log.report()
    assert json.loads(report.json_text())["written"] == {"clients": 2}
    text = report.markdown()
    assert "| clients | age | Date of Birth, First seen | 1 | 2 |" in text
    assert "| a.csv | Notes | free text \\| contact data |" in text
    assert text.count("Fill in the styles.") == 1
    assert "## Left out: rows" not in text
