"""The bake-off on a tiny grid: what is measured is kept, what is missing is said."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from experiments.bake_off import answer, learners, run, version
from experiments.bake_off.__main__ import main
from experiments.bake_off.answer import Answer, Entrant
from experiments.bake_off.arena import Arena, Site, prepared
from experiments.bake_off.ceiling import CEILING, pair_forms
from experiments.bake_off.cells import Cell, Cells
from experiments.bake_off.factorisation import learn
from experiments.bake_off.figures import Judge
from experiments.bake_off.gpboosting import gpboost
from experiments.bake_off.grid import Grid
from experiments.bake_off.later import rated_by_all
from experiments.bake_off.learners import ENTRANTS, TREES
from experiments.bake_off.real import known_real
from experiments.bake_off.report import PAGE, write_report
from experiments.bake_off.tables import learning_tables, main_table, null_table, world_table
from experiments.bake_off.targets import target_table
from experiments.known_truth import Floats, first_ranked
from experiments.simulated_practice.alliance import components
from recommender.errors import RecommenderError
from recommender.training.baselines import AVERAGE, OURS, PRIOR, RANDOM, FoldTask

SITE = Site("default", 200, 0)
CLIENTS = 110
FEW = (OURS, PRIOR, RANDOM)


def a_grid(**changes: object) -> Grid:
    grid = Grid((200,), ("default",), 1, FEW, CLIENTS)
    return replace(grid, **changes)  # type: ignore[arg-type]


def a_cell(learner: str = OURS, seed: int = 0, ratings: int = 200, **figures: float) -> Cell:
    entrant = ENTRANTS[learner]
    site = Site("default", ratings, seed)
    return Cell(site, learner, version.version_of(entrant), 1.0, "", figures)


def some_cells(path: Path, *kept: Cell) -> Cells:
    cells = Cells(path / "cells.csv")
    for cell in kept:
        cells.keep(cell)
    return cells


def test_the_null_world_was_forgotten_when_the_cells_were_read_again(tmp_path: Path) -> None:
    cell = replace(a_cell(cap_share=0.5), site=Site("null", 200, 0))
    some_cells(tmp_path, cell, a_cell(RANDOM, cap_share=0.1))

    kept = some_cells(tmp_path).of("null", 200, None)
    assert kept["cap_share"].tolist() == [0.5]
    assert kept["problem"].tolist() == [""]


@cache
def an_arena() -> Arena:
    return prepared(SITE, CLIENTS)


@cache
def a_judge() -> Judge:
    return Judge(an_arena())


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny grid, measured in the arena that the other tests look at."""
    folder = tmp_path_factory.mktemp("bake_off")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "prepared", lambda site, clients: an_arena())
        run.measure(a_grid(), Cells(folder / "cells.csv"))
    return folder


@pytest.mark.long
def test_every_asked_cell_is_measured_once(measured: Path) -> None:
    table = Cells(measured / "cells.csv").table
    assert sorted(table["learner"]) == sorted(FEW)
    assert (table["problem"] == "").all()


@pytest.mark.long
def test_a_second_run_measures_nothing(measured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(site: Site, test_clients: int) -> Arena:
        raise AssertionError("simulated again")

    monkeypatch.setattr(run, "prepared", refuse)
    before = (measured / "cells.csv").read_bytes()
    run.measure(a_grid(), Cells(measured / "cells.csv"))
    assert (measured / "cells.csv").read_bytes() == before


def test_a_run_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    cells = some_cells(tmp_path, a_cell(OURS), a_cell(RANDOM))
    assert run.missing(a_grid(), cells) == [(SITE, [PRIOR])]


def test_a_changed_learner_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = some_cells(tmp_path, *(a_cell(name) for name in FEW))
    changed = {OURS: replace(ENTRANTS[OURS], modules=(__name__,))}
    monkeypatch.setattr(run, "ENTRANTS", {**ENTRANTS, **changed})
    assert run.missing(a_grid(), cells) == [(SITE, [OURS])]


def test_a_new_cell_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    cells = some_cells(tmp_path, a_cell(cap_share=0.1), a_cell(cap_share=0.2))
    assert Cells(cells.path).table["cap_share"].tolist() == [0.2]


@pytest.mark.long
def test_a_learner_that_fails_is_kept_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fall(trial: FoldTask) -> Answer:
        raise ValueError("no\nluck")

    monkeypatch.setattr(run, "ENTRANTS", {**ENTRANTS, RANDOM: Entrant(fall, "", ())})
    cell = run.measured(a_judge(), SITE, RANDOM)
    assert (cell.problem, cell.figures) == ("failed: ValueError: no luck", {})


def test_a_practice_that_cannot_be_fitted_fails_for_every_learner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fall(site: Site, test_clients: int) -> Arena:
        raise RecommenderError("ratings", "are few", "wait")

    monkeypatch.setattr(run, "prepared", fall)
    cells = list(run.measured_at(SITE, list(FEW), CLIENTS))
    assert [cell.problem.split(":")[0] for cell in cells] == ["failed"] * len(FEW)


@pytest.mark.long
def test_trees_that_were_not_grown_do_not_apply() -> None:
    cell = run.measured(a_judge(), SITE, TREES)
    assert cell.problem.startswith(run.INAPPLICABLE)


def test_gpboost_that_is_not_installed_does_not_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("experiments.bake_off.gpboosting.import_module", absent)
    with pytest.raises(answer.InapplicableError, match="cannot be imported"):
        gpboost(an_arena().trial)


@pytest.mark.long
def test_tables_plots_and_page_are_written(measured: Path) -> None:
    page = write_report(Cells(measured / "cells.csv"), a_grid(), measured, "python -m it")
    text = page.read_text(encoding="utf-8")
    names = ("targets", "main", "learning_share", "learning_cap_share", "scenarios", "settings")
    assert all((measured / f"{name}.csv").exists() for name in names)
    assert all((measured / f"{name}.svg").exists() for name in ("main", "learning"))
    assert "python -m it" in text
    assert "missing" not in text


def test_figures_of_the_real_sets_reach_the_targets_and_their_tables(tmp_path: Path) -> None:
    row = "insteval,forward,ours,Spearman,0.318,0.295,0.344"
    (tmp_path / "real.csv").write_text(f"data,protocol,learner,metric,value,low,high\n{row}\n")
    write_report(some_cells(tmp_path), a_grid(), tmp_path, "it")
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert text.count("0.318 [0.295, 0.344]") == 2
    assert (tmp_path / "insteval_forward.csv").exists()


@pytest.mark.long
def test_the_same_cells_give_the_same_bytes(measured: Path, tmp_path: Path) -> None:
    pages = []
    for name in ("one", "two"):
        write_report(Cells(measured / "cells.csv"), a_grid(), tmp_path / name, "it")
        files = sorted((tmp_path / name).iterdir())
        pages.append([(file.name, file.read_bytes()) for file in files])
    assert pages[0] == pages[1]


def test_a_missing_cell_is_said(tmp_path: Path) -> None:
    cells = some_cells(tmp_path, a_cell(OURS, 0), a_cell(OURS, 1), a_cell(RANDOM, 1))
    notes = main_table(cells, a_grid(seeds=2)).notes
    assert "default, 200 ratings: missing: random, seed 0" in notes
    assert f"default, 200 ratings: missing: {PRIOR}, seeds 0, 1" in notes
    assert not any(OURS in note for note in notes)


def test_a_failure_is_said_with_its_reason(tmp_path: Path) -> None:
    cells = some_cells(tmp_path, replace(a_cell(RANDOM), problem="failed: OSError: full"))
    notes = main_table(cells, a_grid(learners=(RANDOM,))).notes
    assert notes == ("default, 200 ratings: random, seed 0: failed: OSError: full",)


def test_cells_of_earlier_code_are_said(tmp_path: Path) -> None:
    cells = some_cells(tmp_path, replace(a_cell(RANDOM, cap_share=0.1), version="old"))
    notes = main_table(cells, a_grid(learners=(RANDOM,))).notes
    assert notes == ("default, 200 ratings: measured by earlier code: random, seed 0",)


def test_differences_are_paired_over_the_seeds_both_have(tmp_path: Path) -> None:
    ours = [a_cell(OURS, seed, cap_share=value) for seed, value in enumerate((0.5, 0.7, 0.9))]
    others = [a_cell(RANDOM, seed, cap_share=value) for seed, value in enumerate((0.4, 0.4))]
    grid = a_grid(seeds=3, learners=(OURS, RANDOM))
    rows = main_table(some_cells(tmp_path, *ours, *others), grid).rows.set_index("learner")
    # 0.1 and 0.3: mean 0.2, SD 0.1414, over the root of 2.
    assert rows.loc[RANDOM, "ours - cap_share"] == "+0.200 ± 0.100"
    assert rows.loc[OURS, "cap_share"] == "0.700 ± 0.115"


def test_the_curve_says_where_ours_is_below_the_prior(tmp_path: Path) -> None:
    kept = [
        a_cell(OURS, 0, 200, cap_share=0.6),
        a_cell(PRIOR, 0, 200, cap_share=0.65),
        a_cell(OURS, 0, 300, cap_share=0.7),
        a_cell(PRIOR, 0, 300, cap_share=0.65),
    ]
    grid = a_grid(ratings=(200, 300))
    rows = learning_tables(some_cells(tmp_path, *kept), grid)[0].rows.set_index("learner")
    assert list(rows.loc["ours below the prior"]) == [
        "yes; 1 of 1 seeds, worst -0.050",
        "no; 0 of 1 seeds",
    ]


def test_the_null_world_counts_every_seed_measured(tmp_path: Path) -> None:
    kept = []
    for seed, (low, high) in enumerate(((-0.1, 0.1), (0.01, 0.2), (-0.2, 0.0))):
        cell = a_cell(OURS, seed, dyad_low=low, dyad_high=high)
        kept.append(replace(cell, site=Site("null", 200, seed)))
    rows = null_table(some_cells(tmp_path, *kept), a_grid(learners=(OURS,))).rows
    assert rows["interval covers 0"].tolist() == ["2 of 3"]


def test_the_targets_say_what_was_not_run(tmp_path: Path) -> None:
    rows = target_table(some_cells(tmp_path), a_grid(), known_real(tmp_path)).rows
    measured = dict(zip(rows["figure"], rows["measured"], strict=True))
    assert measured["cap_share"] == "-"
    assert "experiments.insteval" in measured["InstEval by lecture age, Spearman"]


def test_settings_show_what_a_scenario_changes() -> None:
    rows = world_table(a_grid(scenarios=("default", "drift"))).rows.set_index("setting")
    assert list(rows.loc["drift"]) == ["0.4", "0.8"]
    assert list(rows.loc["selection"]) == ["1.0", ""]


def test_other_scenarios_run_at_the_main_size() -> None:
    grid = a_grid(ratings=(300, 8_000, 30_000), scenarios=("default", "null"))
    assert grid.practices()[-1] == ("null", 8_000)
    assert a_grid(ratings=(100, 200), scenarios=("null",)).practices() == [("null", 200)]


def test_prose_does_not_change_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "ROOT", tmp_path)
    (tmp_path / "one.py").write_text('"""Said."""\nx = 1  # why\n')
    (tmp_path / "two.py").write_text('"""Said otherwise."""\n\nx = 1\n')
    (tmp_path / "three.py").write_text("x = 2\n")
    codes = [version._code.__wrapped__(name) for name in ("one", "two", "three")]
    assert codes[0] == codes[1] != codes[2]


def test_our_version_knows_everything_the_fit_imports() -> None:
    found = version._all(learners.FIT[0])
    assert {
        "recommender.training.fit",
        "recommender.model.mixed.fit",
        "recommender.model.alliance_model",
    } <= set(found)


def test_every_module_a_learner_names_exists() -> None:
    named = {name for entrant in ENTRANTS.values() for name in entrant.modules}
    for name in {*named, *version.WORLD, *version.MEASURED}:
        assert all(version._path(each).exists() for each in version._all(name)), name
        assert version._all(name), name


@pytest.mark.long
def test_test_clients_teach_nothing() -> None:
    more = prepared(SITE, CLIENTS + 40).trial.fitted.model.additive.fit.coefficients
    fewer = an_arena().trial.fitted.model.additive.fit.coefficients
    assert all(np.array_equal(more[name], fewer[name]) for name in fewer)


def test_asked_are_exactly_the_feasible_pairs() -> None:
    arena = an_arena()
    asked = np.isfinite(arena.matrix(np.zeros(len(arena.row))))
    assert np.array_equal(asked, arena.truth.feasible)


def test_everybody_rates_the_clinician_named() -> None:
    arena = an_arena()
    column = first_ranked(arena.truth, arena.truth.alliance)
    met = rated_by_all(arena, column)
    assert np.isfinite(met.label).all()
    # Ratings scatter around the truth they were drawn from.
    expected = arena.truth.alliance[np.arange(CLIENTS), column]
    assert abs(met.label.mean() - expected.mean()) < 0.25


def test_not_everybody_rates_whom_staff_chose() -> None:
    rated = np.isfinite(a_judge().staffed.label).mean()
    assert 0.4 < rated < 0.95


def test_the_machine_finds_a_product_across_the_sides() -> None:
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(600, 3)), rng.normal(size=(600, 2))
    label = 3.0 + x[:, 0] * z[:, 1]
    machine = learn(x[:400], z[:400], label[:400], 1.0, 0)
    error = machine.predict(x[400:], z[400:]) - label[400:]
    assert np.mean(error**2) < 0.05 * label.var()


@pytest.mark.parametrize(
    "name", [name for name in ENTRANTS if name not in (OURS, PRIOR, RANDOM, TREES, AVERAGE)]
)
@pytest.mark.long
def test_every_learner_orders_what_is_asked(name: str) -> None:
    if name == "GPBoost":
        pytest.importorskip("gpboost")
    found = ENTRANTS[name].answered(an_arena())
    assert found.pairing.shape == an_arena().row.shape
    assert np.isfinite(found.pairing).all()


def test_the_ceiling_knows_every_form_of_the_simulator() -> None:
    world = an_arena().world
    clients = {name: values[:60] for name, values in world.test_clients.items()}
    alliance, staff, dyad = world.alliance, world.staff.table, world.settings.dyad
    skill = components(clients, staff, world.practice, alliance.skill, dyad)["skill"]
    true = doubly_centred(alliance.dyad(clients) - alliance.scales["skill"] * skill)
    forms = np.column_stack([doubly_centred(form) for _, form in pair_forms(world, clients)])
    sizes = np.linalg.lstsq(forms, true, rcond=None)[0]
    assert np.abs(forms @ sizes - true).max() < 1e-9


def doubly_centred(values: Floats) -> Floats:
    rows = values - values.mean(axis=1, keepdims=True)
    return np.asarray((rows - rows.mean(axis=0)).ravel())


def test_a_figure_is_told_as_a_part_of_the_ceiling(tmp_path: Path) -> None:
    cells = some_cells(tmp_path, a_cell(cap_share=0.6), a_cell(CEILING, cap_share=0.8))
    grid = a_grid(learners=(OURS, CEILING))
    *_, sheet = learning_tables(cells, grid)
    assert sheet.rows.to_dict("records") == [{"learner": OURS, "200": "0.750"}]
    main_rows = main_table(cells, grid).rows.set_index("learner")
    assert main_rows.loc[OURS, "cap_share of ceiling"] == "0.750"


def test_an_unknown_learner_is_refused() -> None:
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, ["--learners", "luck", "--only-tables"])
    assert result.exit_code == 2


def test_the_command_writes_tables_from_known_cells(tmp_path: Path) -> None:
    some_cells(tmp_path, a_cell(OURS, cap_share=0.5, share=0.4))
    app = typer.Typer()
    app.command()(main)
    asked = ["--only-tables", "--out", str(tmp_path), "--ratings", "200", "--seeds", "1"]
    result = CliRunner().invoke(app, [*asked, "--scenarios", "default"])
    assert result.exit_code == 0
    assert "clinician average, random, ceiling, seed 0" in (tmp_path / PAGE).read_text(
        encoding="utf-8"
    )
