"""`--json`: one object on standard output and nothing else, with the faults and the exit code."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from recommender.cli.main import app
from recommender.model.bundle.io import bundle_digest
from recommender.registry.registry import Registry
from recommender.registry.versions import CHALLENGER
from recommender.training.mlflow_run import tracked_run
from recommender.training.promotion import promote
from tests.support.builders import DEFINITION, a_bundle, a_model, write_tables
from tests.support.registries import empty_registry

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def read(*words: str | Path, code: int = 0) -> dict[str, Any]:
    """The object printed; its keys are in the documentation."""
    result = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert result.exit_code == code, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    assert isinstance(told, dict)
    for key in told:
        assert f"`{key}`" in DOCUMENTED
    for fault in told["faults"]:
        assert set(fault) == {"where", "problem", "remedy"}
    return told


def test_rules_are_read_by_a_program() -> None:
    rules = read("practice", "rules")["rules"]
    within = next(rule for rule in rules if rule["rule"] == "within")
    assert within["passes_where"]
    named = {"rule", "client", "clinician", "needs", "allows", "judged_for", "passes_where"}
    assert set(within) == named


def test_a_definition_is_counted_or_refused_with_every_fault(tmp_path: Path) -> None:
    told = read("practice", "check", DEFINITION)
    assert (told["id"], told["matches"], told["faults"]) == ("corner", 2, [])
    lines = DEFINITION.read_text(encoding="utf-8").splitlines()
    (tmp_path / "mine.toml").write_text(
        "\n".join(line for line in lines if not line.startswith("otherwise")), encoding="utf-8"
    )
    faults = read("practice", "check", tmp_path / "mine.toml", code=1)["faults"]
    assert [fault["where"] for fault in faults] == [
        "matches.guidance_apart.otherwise",
        "matches.offers_wanted.otherwise",
    ]


def test_tables_are_counted_and_their_faults_are_listed(tmp_path: Path) -> None:
    write_tables(tmp_path, pairings=30)
    told = read("check", tmp_path, "--practice", DEFINITION)
    assert told["rows"]["pairings"] == {"read": 30, "usable": 30}
    (tmp_path / "ratings.csv").unlink()
    faults = read("check", tmp_path, "--practice", DEFINITION, code=1)["faults"]
    assert faults[0]["where"] == "ratings"


def test_a_deployment_with_a_fault_still_exits_with_one(tmp_path: Path) -> None:
    told = read("doctor", "--roster", tmp_path / "nobody.csv", code=1)
    assert told["model_checked"] is False
    assert "roster" in {fault["where"] for fault in told["faults"]}


def test_a_registry_that_is_not_there_is_a_fault_and_not_a_table(tmp_path: Path) -> None:
    for command in ("history", "card", "matches"):
        told = read(command, "--registry", f"sqlite:///{tmp_path}/none.db", code=1)
        assert told == {"faults": told["faults"]}
        assert told["faults"][0]["problem"] == "does not exist"


@pytest.mark.slow
def test_an_evaluation_is_read_by_a_program(tmp_path: Path) -> None:
    write_tables(tmp_path, pairings=250)
    told = read("evaluate", tmp_path, "--practice", DEFINITION)
    assert told["report"]["figures"]
    assert (told["written_to"], told["run_id"], told["faults"]) == (None, None, [])


@pytest.mark.slow
def test_champions_and_their_card_are_read_by_a_program(tmp_path: Path) -> None:
    uri = empty_registry(tmp_path)
    registry, model = Registry(uri), a_model()
    bundle = a_bundle(tmp_path)
    with tracked_run(registry, "training", "r", {}) as run:
        run.log_text("card.md", "# A card")
        digest = bundle_digest(bundle)
        version = registry.publish(run.run_id, bundle, model.practice, digest, {})
    registry.set_alias(CHALLENGER, version.version)
    at = datetime(2026, 11, 23, tzinfo=UTC)
    promote(registry, None, by="j.lee", at=at, reason="a trial", force=True)
    (change,) = read("history", "--registry", uri)["promotions"]
    assert (change["version"], change["by"], change["at"]) == (1, "j.lee", at.isoformat())
    assert read("card", "--registry", uri)["markdown"].startswith("#")
    sizes = read("matches", "1", "--registry", uri)
    assert (sizes["version"], sizes["matches"]) == (1, [])
    assert "trained before" in sizes["note"]
