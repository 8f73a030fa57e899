"""A figure is old when what was learned changed, not when a rule about who is offered did."""

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from experiments.bake_off import version
from experiments.bake_off.learners import ENTRANTS
from experiments.bake_off.version import ROOT, UNLEARNED, learned_of, version_of
from recommender.features.pipeline import Pairs
from recommender.practice.definition import shipped_text
from recommender.training.baselines import OURS
from recommender.training.fit import fit
from recommender.training.tree_fitting import FitSettings
from tests.support.builders import a_dataset, a_roster

Practice = dict[str, Any]
Change = Callable[[Practice], object]


def declared() -> Practice:
    return tomllib.loads(shipped_text("psychology"))


def changed(change: Change) -> bool:
    """Whether what is learned differs in order or content, as the digest sees it."""
    other = declared()
    change(other)
    return repr(learned_of(other)) != repr(learned_of(declared()))


UNREAD: dict[str, Change] = {
    "a constraint gone": lambda it: it["constraints"].pop("gap"),
    "a constraint softer": lambda it: it["constraints"]["fee"].update(mode="soft"),
    "funding": lambda it: it["funding"].clear(),
    "ways": lambda it: it.pop("ways"),
    "card": lambda it: it.pop("card"),
    "version and title": lambda it: it["practice"].update(version="2027.1", title="Another"),
    "a filter field gone": lambda it: it["client"].pop("referral_held"),
    "a filter field more": lambda it: it["clinician"].update(
        parking={"kind": "flag", "use": "filter"}
    ),
    "a protected level": lambda it: it["client"]["gender"]["levels"].append("not_asked"),
    "a match's words": lambda it: it["matches"]["trip"].update(phrase="how far it is"),
    "a field's purpose": lambda it: it["client"]["phq9"].update(purpose="Told otherwise."),
}


@pytest.mark.parametrize("change", UNREAD.values(), ids=UNREAD)
def test_what_nobody_learns_from_makes_no_figure_old(change: Change) -> None:
    assert not changed(change)


READ: dict[str, Change] = {
    "a bound": lambda it: it["client"]["phq9"].update(max=20),
    "a scored field gone": lambda it: it["clinician"].pop("experience_years"),
    "a field scored": lambda it: it["client"]["age_years"].update(use="score", group="practical"),
    "a level a match compares": lambda it: it["client"]["modes_wanted"]["levels"].append(
        "by_letter"
    ),
    "a direction": lambda it: it["matches"]["trip"].update(direction="down"),
    "the order of matches": lambda it: it["matches"].update(trip=it["matches"].pop("trip")),
    "early sessions": lambda it: it["alliance"].update(early_sessions=[2, 4]),
    "history": lambda it: it["history"].pop("per"),
    "a group": lambda it: it["groups"].update(other="Other"),
    "another practice": lambda it: it["practice"].update(id="another"),
}


@pytest.mark.parametrize("change", READ.values(), ids=READ)
def test_what_is_learned_from_does(change: Change) -> None:
    assert changed(change)


def test_rules_are_left_out_of_the_version_of_our_learner(monkeypatch: pytest.MonkeyPatch) -> None:
    before = version_of(ENTRANTS[OURS])
    code = version._code
    monkeypatch.setattr(version, "_code", lambda name: code(name) + "\nx = 1" * (name in UNLEARNED))
    assert version_of(ENTRANTS[OURS]) == before
    monkeypatch.setattr(version, "_code", lambda name: code(name) + "\nx = 1")
    assert version_of(ENTRANTS[OURS]) != before


def test_a_fit_runs_no_line_of_what_is_left_out() -> None:
    dataset, roster = a_dataset(), a_roster()
    run: set[str] = set()

    def told(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            run.add(frame.f_code.co_filename)

    sys.setprofile(told)
    try:
        model = fit(dataset, settings=FitSettings(fewest_for_trees=100, folds=3)).model
        model.score(dataset.clients.take(dataset.pairs.client[:1]), model.encode_roster(roster))
        model.score(dataset.clients, model.encode_roster(roster), Pairs.of_one(len(roster)))
    finally:
        sys.setprofile(None)
    ours = {str(path.relative_to(ROOT)) for path in map(Path, run) if path.is_relative_to(ROOT)}
    left_out = {f"{name.replace('.', '/')}.py" for name in UNLEARNED}
    assert "recommender/training/fit.py" in ours
    assert not ours & left_out


@pytest.mark.parametrize("name", UNLEARNED)
def test_what_is_left_out_is_there(name: str) -> None:
    assert version._path(name).exists()
