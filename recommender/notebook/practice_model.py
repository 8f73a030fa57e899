"""A model in a notebook: scores, explanations, and what it is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recommender.errors import RecommenderError
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel, Manifest
from recommender.model.bundle.io import bundle_digest, model_digest, save_bundle
from recommender.model.evaluation_report import EvaluationReport
from recommender.notebook import arguments, html
from recommender.notebook.explanation import MatchExplanation, explain_match
from recommender.notebook.people import OneClient, given_clients, given_clinicians
from recommender.plan.compiling import plan_for
from recommender.plan.contributions import contributions_of
from recommender.plan.score_plan import ScoredPairs
from recommender.practice.definition import Practice
from recommender.recommendation.scored_batch import batch_size
from recommender.tables.roster import Roster, snapshot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PREFIX = "contribution."
"""Beginning of the columns of contributions by group."""


@dataclass(frozen=True, slots=True, eq=False)
class PracticeModel:
    """A model of one practice.

    Attributes
    ----------
    alliance_model
        The model itself.
    source
        Where it comes from, in words.

    Examples
    --------
    >>> tables = load_tables(folder, practice)
    >>> model = recommender.fit(tables, progress=False)
    >>> scores = model.score(tables.clients.head(2), tables.clinicians)
    >>> scores.columns[:5].tolist()
    ['client_id', 'clinician_id', 'predicted_alliance', 'lower', 'upper']
    >>> len(scores)
    24
    """

    alliance_model: AllianceModel
    source: str = field(default="")

    @property
    def practice(self) -> Practice:
        """The definition it learned with."""
        return self.alliance_model.practice

    @property
    def manifest(self) -> Manifest:
        """What it was trained on; `mode` is `model`, or `evidence_prior` without enough ratings."""
        return self.alliance_model.manifest

    @property
    def report(self) -> EvaluationReport:
        """What was measured on held-out pairings; empty where nothing was."""
        return self.alliance_model.report

    @property
    def digest(self) -> str:
        """The digest of its bundle: equal models have equal digests."""
        return model_digest(self.alliance_model)

    @property
    def matches(self) -> pd.DataFrame:
        """How much each declared match matters, in points as it goes from 0 to 1.

        match, size, low, high (95 %), expected (before own ratings), own (by own ratings alone);
        the largest first. Empty for a model without these estimates.
        """
        found = self.report.matches
        rows = [
            (e.match, e.size.value, e.size.low, e.size.high, e.expected.value, e.own.value)
            for e in (() if found is None else found.by_match)
        ]
        columns = ["match", "size", "low", "high", "expected", "own"]
        frame = pd.DataFrame(rows, columns=columns)
        return frame.sort_values("size", key=abs, ascending=False, kind="stable", ignore_index=True)

    def score(
        self,
        clients: OneClient,
        clinicians: pd.DataFrame,
        *,
        contributions: bool = True,
    ) -> pd.DataFrame:
        """Predicted alliance of every client with every clinician.

        No constraint is applied and no consent is read; `recommender.recommend` does both.

        Parameters
        ----------
        clients : DataFrame of c rows, or a mapping
            As `pd.read_csv` gives the table of clients, or one client's answers by field.
        clinicians : DataFrame of k rows
            As `pd.read_csv` gives the table of clinicians.
        contributions
            Whether columns of contributions are computed, which takes most of the time.

        Returns
        -------
        DataFrame of c * k rows
            In the order given, client by client. `client_id` and `clinician_id` are text.
            `predicted_alliance`, `lower` and `upper` are on the reference scale, within its ends.
            `client_part` is what the client would rate an average clinician and `pairing_part` what
            this clinician adds, which alone orders clinicians. `start` and the columns
            `contribution.<group>` sum to `client_part + pairing_part`. All are in points.

        Raises
        ------
        TablesError
            With every fault of a table.
        IntakeError
            With every fault of one client's answers.
        """
        model = self.alliance_model
        arguments.table("clinicians", clinicians)
        people = given_clients(self.practice, clients)
        staff = given_clinicians(self.practice, clinicians)
        roster = snapshot(staff.ids, (None,) * len(staff.ids), staff.columns, datetime.now(UTC))
        place = {name: number for number, name in enumerate(roster.ids)}
        order = np.array([place[name] for name in staff.ids], dtype=np.intp)
        plan = plan_for(model, model.encode_roster(roster))
        parts = [_empty_scores(self.practice, contributions=contributions)]
        for start, stop in _batches(len(people.ids), len(order)):
            some = people.columns.between(start, stop)
            pairs = Pairs(
                np.repeat(np.arange(stop - start), len(order)), np.tile(order, stop - start)
            )
            frame = _scores(plan.score(some, pairs), contributions=contributions)
            frame.insert(0, "client_id", np.repeat(people.ids[start:stop], len(order)))
            frame.insert(1, "clinician_id", np.tile(staff.ids, stop - start))
            parts.append(frame)
        filled = [part for part in parts if len(part)]
        return pd.concat(filled or parts, ignore_index=True)

    def explain(
        self,
        client: OneClient,
        clinician: str | pd.DataFrame,
        roster: pd.DataFrame | Roster | None = None,
        *,
        day: date | str | None = None,
    ) -> MatchExplanation:
        """Why a clinician's predicted alliance with a client is above or below that of others.

        Parameters
        ----------
        client
            One client's answers by field, or a table of one row.
        clinician
            An id on the roster, or a table of one row.
        roster : DataFrame, optional
            The table of clinicians: then the clinician is compared with the average of those who
            fit the client's constraints, as staff see it. Without it, with the average of the
            clinicians sampled at training.
        day
            The day of the request, a date or text such as 2026-11-23; by default today in the
            practice's time zone.

        Raises
        ------
        IntakeError, TablesError
            With every fault of the answers, or of the roster.
        RecommenderError
            When the clinician is not on the roster.
        """
        arguments.expect("clinician", clinician, (str, pd.DataFrame), "give an id or a table")
        asked_on = arguments.day("day", day, self.practice.day_at(datetime.now(UTC)))
        return explain_match(self.alliance_model, client, clinician, roster, asked_on)

    def group_sizes(self, scores: pd.DataFrame) -> "pd.Series[float]":
        """Mean absolute contribution of each explanation group to scored pairings, in points.

        `scores` are of `score`; groups are compared within each client, whose own average is
        subtracted. The largest is first.
        """
        arguments.table("scores", scores)
        groups = {f"{PREFIX}{group}": phrase for group, phrase in self.practice.groups.items()}
        if not {"client_id", *groups} <= set(scores.columns):
            remedy = "give what `score` returns, with contributions"
            raise RecommenderError("scores", "has no columns of contributions", remedy)
        values = scores[list(groups)].rename(columns=groups)
        within = values - values.groupby(scores["client_id"]).transform("mean")
        return within.abs().mean().rename("points").sort_values(ascending=False, kind="stable")

    def group_figure(self, scores: pd.DataFrame) -> "Figure":
        """`group_sizes` as a figure."""
        from recommender.training.plots import importance

        sizes = self.group_sizes(scores)
        unit = f"points of {self.practice.reference.name}"
        return importance(sizes.index.tolist(), sizes.to_numpy()[None, :], unit).figure

    def save(self, folder: str | Path) -> str:
        """Writes the model into a new or empty folder as a bundle, and gives its digest.

        A folder that holds this very bundle is left as it is, so that a cell may run again.
        `recommender serve --bundle FOLDER` serves it.

        Raises
        ------
        BundleError
            When the folder holds anything else.
        """
        arguments.expect("folder", folder, arguments.PATHS, "give the path of a folder")
        path = Path(folder)
        if _holds(path, self.digest):
            return self.digest
        return save_bundle(self.alliance_model, path)

    def __repr__(self) -> str:
        return f"<PracticeModel {self.practice.id}: {self._learned()}>"

    def _learned(self) -> str:
        facts = self.manifest
        return (
            f"{facts.mode}, {facts.pairings:,} rated pairings, "
            f"{len(self.alliance_model.clinician_ids):,} clinicians"
        )

    def _repr_html_(self) -> str:
        facts = self.manifest
        instrument, alliance = self.practice.reference, self.practice.alliance
        low, high = instrument.bounds(alliance.metric)
        days = "" if facts.first_day is None else f" of {facts.first_day} to {facts.last_day}"
        return html.block(
            f"Model of {self.practice.title}",
            html.paragraph(
                f"Mode: {facts.mode}. Learned from {facts.pairings:,} rated pairings{days}. "
                f"Digest: {self.digest[:12]}."
            ),
            html.paragraph(
                f"Predicts {instrument.name} ({alliance.metric}, {low:g} to {high:g}) with an "
                f"interval of {alliance.interval:.0%}."
            ),
            html.paragraph(self.source),
            html.table(self.matches.head(5), "Matches by size, in points:"),
        )


def _holds(folder: Path, digest: str) -> bool:
    """Whether a folder is a sound bundle of this digest."""
    try:
        return folder.is_dir() and bundle_digest(folder) == digest
    except (RecommenderError, OSError):
        return False


def _batches(clients: int, clinicians: int) -> Iterator[tuple[int, int]]:
    size = batch_size(clinicians)
    for start in range(0, clients, size):
        yield start, min(start + size, clients)


def _scores(scored: ScoredPairs, *, contributions: bool) -> pd.DataFrame:
    """The columns of n scored pairs but for ids."""
    model, scores = scored.plan.model, scored.scores
    lower, upper = model.interval_of(scores)
    displayed = (model.linker.to_displayed(each) for each in (scores.alliance, lower, upper))
    columns = dict(zip(("predicted_alliance", "lower", "upper"), displayed, strict=True))
    columns |= {"client_part": scores.client, "pairing_part": scores.pairing}
    if contributions:
        parts = contributions_of(scored)
        columns["start"] = parts.start
        for group in model.practice.groups:
            of_group = np.array([feature.group == group for feature in parts.features])
            columns[f"{PREFIX}{group}"] = parts.values[:, of_group].sum(axis=1)
    return pd.DataFrame(columns)


def _empty_scores(practice: Practice, *, contributions: bool) -> pd.DataFrame:
    numbers = ["predicted_alliance", "lower", "upper", "client_part", "pairing_part"]
    if contributions:
        numbers += ["start", *(f"{PREFIX}{group}" for group in practice.groups)]
    ids = {name: pd.Series(dtype="str") for name in ("client_id", "clinician_id")}
    return pd.DataFrame(ids | {name: pd.Series(dtype=np.float64) for name in numbers})
