import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recommender.cli.main import app
from recommender.practice.rules.catalogue import RULES
from tests.support.builders import DEFINITION, some_rows, write_rows, write_tables
from tests.support.registries import empty_registry


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def said(result: Result) -> str:
    """What was printed, without what a narrow terminal adds."""
    return " ".join(result.output.replace("│", " ").split())


@pytest.mark.long
def test_the_help_of_simulate_shows_the_command_that_was_typed() -> None:
    line = [sys.executable, "-m", "recommender.cli", "simulate", "--help"]
    result = subprocess.run(line, capture_output=True, text=True, check=True)
    assert "Usage: python -m recommender.cli simulate" in result.stdout
    assert "experiments" not in result.stdout


def test_help_teaches_the_way_from_tables_to_a_shortlist() -> None:
    said = run("--help").output
    way = ("practice", "check", "train", "evaluate", "promote", "serve", "recommend", "simulate")
    for name in (*way, "rollback", "history", "card"):
        assert name in said
    assert "own tables" in said


def test_a_sound_definition_is_called_sound_and_counted() -> None:
    result = run("practice", "check", DEFINITION)
    assert result.exit_code == 0
    assert "Corner practice: sound." in result.output


def test_funding_rows_that_ended_are_said_beside_a_sound_definition(tmp_path: Path) -> None:
    rows = """
[[funding]]
scheme = "medicare"
provider = "clinical"
from = 2019-07-01
until = 2020-06-30
minutes = 50
item = "80010"
source = "invented"
"""
    mine = tmp_path / "mine.toml"
    mine.write_text(DEFINITION.read_text(encoding="utf-8") + rows, encoding="utf-8")
    result = run("practice", "check", mine)
    assert result.exit_code == 0
    ended = "what medicare pays a clinical for 80010 ended on 2020-06-30"
    assert ended in said(result)
    assert "Funding" not in run("practice", "check", DEFINITION).output


def test_a_wrong_definition_is_refused_with_every_fault_at_once(tmp_path: Path) -> None:
    wrong = DEFINITION.read_text(encoding="utf-8").replace('kind = "money"', 'kind = "monye"')
    wrong = wrong.replace('rule = "at_least"', 'rule = "atleast"')
    (tmp_path / "wrong.toml").write_text(wrong, encoding="utf-8")
    result = run("practice", "check", tmp_path / "wrong.toml")
    assert result.exit_code == 1
    for place in ("client.max_fee.kind", "clinician.fee.kind", "constraints.has_a_place"):
        assert place in result.output


def test_a_definition_that_is_not_there_is_said_without_a_traceback(tmp_path: Path) -> None:
    result = run("practice", "check", tmp_path / "nowhere.toml")
    assert result.exit_code == 1
    assert "does not exist" in result.output


def test_the_shipped_definition_can_be_shown() -> None:
    result = run("practice", "show")
    assert result.exit_code == 0
    assert "modality_met" in result.output


def test_sound_tables_are_summarised_and_the_next_command_is_named(tmp_path: Path) -> None:
    write_tables(tmp_path, pairings=30)
    result = run("check", tmp_path, "--practice", DEFINITION)
    assert result.exit_code == 0
    assert "Next: recommender train" in result.output


def test_a_table_that_would_lose_something_ends_the_check_with_one(tmp_path: Path) -> None:
    write_tables(tmp_path, pairings=30)
    ratings = tmp_path / "ratings.csv"
    ratings.write_text(ratings.read_text().replace("wai_sr", "wai_xx", 1))
    result = run("check", tmp_path, "--practice", DEFINITION)
    assert result.exit_code == 1
    assert "instrument" in result.output


def test_sound_tables_that_are_implausible_are_warned_about_and_not_refused(tmp_path: Path) -> None:
    write_tables(tmp_path, pairings=60)
    every_score_the_same(tmp_path / "ratings.csv")
    result = run("check", tmp_path, "--practice", DEFINITION)
    assert result.exit_code == 0
    assert "plausibility" in result.output
    assert "ratings are equal. What is the same for everybody says nothing" in said(result)
    assert "Sound, but see plausibility above. Next: recommender train" in said(result)
    [warning] = json.loads(run("check", tmp_path, "--practice", DEFINITION, "--json").stdout)[
        "implausible"
    ]
    assert warning["kind"] == "constant"


def every_score_the_same(path: Path) -> None:
    header, *lines = path.read_text().splitlines()
    same = [f"{line.rpartition(',')[0]},40" for line in lines]
    path.write_text("\n".join([header, *same]) + "\n")


@pytest.mark.slow
def test_a_practice_whose_ratings_are_all_alike_is_not_given_a_model_of_nothing(
    tmp_path: Path,
) -> None:
    registry = empty_registry(tmp_path)
    write_tables(tmp_path, pairings=90)
    every_score_the_same(tmp_path / "ratings.csv")
    clients = tmp_path / "clients.csv"
    clients.write_text(clients.read_text().replace(",yes,", ",no,", 4))
    trained = run("train", tmp_path, "--practice", DEFINITION, "--registry", registry)
    assert trained.exit_code == 1
    told = said(trained)
    assert "4 answered no to `agrees`" in told
    assert "ratings are equal" in told
    assert "rated pairings the same label: nothing can be learned" in told
    assert "Published" not in told
    assert run("promote", "--registry", registry).exit_code == 1


def test_forcing_a_promotion_without_a_reason_is_a_usage_error(tmp_path: Path) -> None:
    result = run("promote", "--registry", f"sqlite:///{tmp_path}/m.db", "--force")
    assert result.exit_code == 2
    assert "reason" in result.output


def test_asking_a_server_that_is_not_running_says_how_to_start_it(tmp_path: Path) -> None:
    (tmp_path / "client.json").write_text("{}")
    result = run("recommend", tmp_path / "client.json", "--url", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "recommender serve" in result.output


@pytest.mark.long
def test_a_model_is_trained_judged_promoted_replaced_and_rolled_back(tmp_path: Path) -> None:
    registry = ("--registry", f"sqlite:///{tmp_path}/mlflow.db")
    train = ("train", tmp_path, "--practice", DEFINITION, *registry)
    rows = some_rows(pairings=300)
    rows["clients"][0]["not_with"] = "k1"
    write_rows(tmp_path, rows)
    assert "does not exist" in run("promote", *registry).output
    trained = said(run(*train))
    assert "Interval coverage" in trained
    assert "client.not_with of c0000: has 1 id that is nobody on the roster: k1" in trained
    judged = run("promote", *registry, "--dry-run")
    assert judged.exit_code == 0
    assert said(judged).startswith("The gate would accept version 1. Nothing was changed")
    assert "Matching: shown. On" in said(judged)
    assert "is expected over the evidence prior: measured" in said(judged)
    assert "Agreement with the evidence prior: scores correlate" in said(judged)
    assert "too few to say" not in said(judged)
    assert "too few to say" in said(run("promote", *registry, "--dry-run", "--all"))
    as_json = json.loads(run("promote", *registry, "--dry-run", "--json").output)
    assert as_json["accepted"]
    assert {claim["status"] for claim in as_json["claims"]} <= {"shown", "not shown yet"}
    assert "Nothing was promoted yet" in said(run("history", *registry))
    promoted = run("promote", *registry, "--by", "a scientist")
    assert promoted.exit_code == 0
    assert "too few to measure a gain" in said(promoted)
    assert "already champion" in run("promote", *registry).output
    nothing = run("promote", *registry, "--dry-run")
    assert nothing.exit_code == 0
    assert "Version 1 is champion already: there is nothing to promote." in said(nothing)

    again = run(*train, "--seed", "1")
    assert again.exit_code == 0
    assert "The champion, version 1, has no row: of these ratings too few, or none" in said(again)
    assert f"Next: recommender promote {' '.join(registry)}" in said(again)
    refused = run("promote", *registry)
    assert refused.exit_code == 1
    assert "no rating is new since version 1 learned" in said(refused)
    assert "as version 1 knew it" in said(refused)
    dry = run("promote", *registry, "--dry-run")
    assert dry.exit_code == 1
    assert said(dry).startswith("The gate would refuse version 2")
    forced = run("promote", *registry, "--force", "--reason", "a trial")
    assert forced.exit_code == 0
    assert "forced against" in said(forced)

    back = run("rollback", *registry, "--reason", "too few agreed", "--by", "a lead")
    assert "Version 1 is champion again in place of version 2" in said(back)
    lines = [line for line in run("history", *registry).output.splitlines() if "2026" in line]
    assert ["back to 1" in line for line in lines] == [True, False, False]
    assert not any("1 rolled back" in line for line in lines)
    again = run("rollback", *registry, "--reason", "further")
    assert again.exit_code == 1
    assert "there is no previous champion" in said(again)
    assert "not shown yet" in run("matches", "2", *registry).output
    for words in ((), ("--version", "2")):
        card = run("card", *registry, *words)
        assert card.output.startswith("# Model card: predicted early alliance")


def test_going_back_needs_a_reason(tmp_path: Path) -> None:
    registry = ("--registry", f"sqlite:///{tmp_path}/m.db")
    assert run("rollback", *registry).exit_code == 2
    assert run("rollback", *registry, "--reason", " ").exit_code == 2


def test_a_file_of_trials_without_a_search_is_a_usage_error(tmp_path: Path) -> None:
    result = run("train", tmp_path, "--study", tmp_path / "trials.db")
    assert result.exit_code == 2


def test_a_definition_whose_card_is_empty_is_sound_and_says_what_promotion_will_ask(
    tmp_path: Path,
) -> None:
    text = DEFINITION.read_text(encoding="utf-8").replace('review = "Every six months"', "")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    result = run("practice", "check", tmp_path / "mine.toml")
    assert result.exit_code == 0
    assert "write review under [card]" in said(result)


@pytest.mark.slow
def test_a_practice_with_hardly_a_rating_starts_on_the_declared_sizes(tmp_path: Path) -> None:
    registry = empty_registry(tmp_path)
    write_tables(tmp_path, pairings=30)
    trained = run("train", tmp_path, "--practice", DEFINITION, "--registry", registry)
    assert trained.exit_code == 0
    assert "Too few ratings to learn from" in trained.output
    assert run("promote", "--registry", registry).exit_code == 0


def test_a_mistyped_registry_is_refused_and_not_created(tmp_path: Path) -> None:
    typed = tmp_path / "typo" / "mlflow.db"
    served = run("serve", "--registry", f"sqlite:///{typed}", "--bundles", tmp_path)
    assert served.exit_code == 1
    assert "fix --registry" in served.output.replace("\n", " ")
    assert not typed.parent.exists()


@pytest.mark.parametrize("url", ["foo", "", "http://127.0.0.1:abc"])
def test_a_mistyped_address_is_told_without_a_traceback(tmp_path: Path, url: str) -> None:
    (tmp_path / "client.json").write_text("{}")
    result = run("recommend", tmp_path / "client.json", "--url", url)
    assert result.exit_code == 1
    assert "fix --url" in result.output.replace("\n", " ")


def test_a_folds_file_that_is_not_there_is_told_without_a_traceback(tmp_path: Path) -> None:
    write_tables(tmp_path, pairings=30)
    folds = ("--folds", tmp_path / "nowhere.csv")
    result = run("evaluate", tmp_path, "--practice", DEFINITION, *folds)
    assert result.exit_code == 1
    assert "cannot be opened" in result.output


def test_every_rule_a_constraint_may_name_is_listed() -> None:
    shown = said(run("practice", "rules"))
    assert all(rule in shown for rule in RULES)
