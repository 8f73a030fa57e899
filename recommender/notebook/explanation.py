"""Why one clinician's predicted alliance with a client is above or below that of others."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recommender.errors import RecommenderError
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel, AverageContributions, RosterEncoding
from recommender.notebook import html
from recommender.notebook.people import OneClient, answers_of, roster_of
from recommender.plan.compiling import plan_for
from recommender.plan.contributions import average_contributions, contributions_of
from recommender.practice.columns import Columns
from recommender.recommendation.explanation import Explanation, explain
from recommender.recommendation.recommend import Intake, read_intake
from recommender.screening.cache import screening_cache_for
from recommender.tables.roster import Roster

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ELIGIBLE = "the average clinician who fits this client's constraints"
EVERYBODY = "the average clinician of the roster; nobody fits this client's constraints"
PANEL = "the average of the clinicians sampled at training, without their earlier ratings"


@dataclass(frozen=True, slots=True, eq=False)
class MatchExplanation:
    """One prediction and its difference from that of others, in points of the reference scale.

    Attributes
    ----------
    clinician_id, predicted_alliance, lower, upper
        The clinician, the prediction and the ends of its interval, as staff see them.
    compared_with
        Whom the difference is from, in words.
    difference
        Points above them; the sum over `groups`.
    groups
        group, phrase, points: contributions by explanation group, in the definition's order.
    parts
        group, feature, fact, points: every contribution that is not 0, largest first. The fact is
        true of the clinician, whatever the sign of the points.
    in_favour, against
        Phrases of the strongest contributions, as staff read them.
    asked_and_offered
        What the client asks for and the clinician offers; safe to show to the client.
    excluded_by
        Constraints that exclude the clinician, in words; empty for one who fits, or without a
        roster.
    """

    clinician_id: str
    predicted_alliance: float
    lower: float
    upper: float
    compared_with: str
    difference: float
    groups: pd.DataFrame = field(repr=False)
    parts: pd.DataFrame = field(repr=False)
    in_favour: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    asked_and_offered: tuple[str, ...] = ()
    excluded_by: tuple[str, ...] = ()

    def figure(self) -> "Figure":
        """A bar a group: points above or below those compared with."""
        from recommender.training.plots import signed_bars

        phrases, points = self.groups["phrase"].tolist(), self.groups["points"].to_numpy()
        title = f"Predicted alliance with {self.clinician_id}, beside others"
        return signed_bars(phrases, points, "points", title=title).figure

    def __repr__(self) -> str:
        return (
            f"<MatchExplanation {self.clinician_id}: {self.predicted_alliance:.2f} "
            f"({self.lower:.2f} to {self.upper:.2f}), {self.difference:+.2f}>"
        )

    def _repr_html_(self) -> str:
        return html.block(
            f"Predicted alliance with {self.clinician_id}: {self.predicted_alliance:.2f}",
            html.paragraph(f"Interval {self.lower:.2f} to {self.upper:.2f}."),
            html.bullets(self.excluded_by, "Is excluded:"),
            html.paragraph(f"{self.difference:+.2f} points beside {self.compared_with}:"),
            html.table(self.groups[["phrase", "points"]], digits=3),
            html.bullets(self.in_favour, "Speaks for:"),
            html.bullets(self.against, "Speaks against:"),
            html.bullets(self.asked_and_offered, "Asked for and offered:"),
        )


def explain_match(
    model: AllianceModel,
    client: OneClient,
    clinician: str | pd.DataFrame,
    roster: pd.DataFrame | Roster | None,
    day: date,
) -> MatchExplanation:
    """See `recommender.PracticeModel.explain`."""
    practice = model.practice
    answers, client_id = answers_of(practice, client)
    intake = read_intake(practice, answers, client_id)
    if roster is None:
        if not isinstance(clinician, pd.DataFrame):
            remedy = "give the roster too, or the clinician as a table of one row"
            raise RecommenderError("clinician", "is an id without a roster", remedy)
        alone = roster_of(practice, clinician)
        return _explained(model, intake, alone, _only(alone), _panel_average(model, intake), PANEL)
    full = roster_of(practice, roster)
    name = _only_id(clinician)
    if name not in full.ids:
        near = ", ".join(full.near_misses([name]).get(name, ()))
        remedy = f"did you mean {near}?" if near else "add the clinician to the roster"
        raise RecommenderError("clinician", "is not on the roster", remedy)
    place = full.ids.index(name)
    encoding = model.encode_roster(full)
    screening = screening_cache_for(practice, full, day).screen(
        intake.client, intake.client_id, intake.modes
    )
    eligible = np.flatnonzero(screening.eligible)
    compared = eligible if len(eligible) else np.arange(len(full))
    pairs = Pairs.with_clinicians(compared)
    average = average_contributions(plan_for(model, encoding).score(intake.client, pairs))
    reasons = [e.reasons for e in screening.exclusions if e.clinician_id == name]
    excluded_by = tuple(reason.text for each in reasons for reason in each)
    compared_with = ELIGIBLE if len(eligible) else EVERYBODY
    return _explained(model, intake, full, place, average, compared_with, excluded_by)


def _only(roster: Roster) -> int:
    if len(roster) != 1:
        remedy = "give one clinician, such as clinicians.iloc[[0]], or a roster and an id"
        raise RecommenderError("clinician", f"is a table of {len(roster):,} rows", remedy)
    return 0


def _only_id(clinician: str | pd.DataFrame) -> str:
    if isinstance(clinician, pd.DataFrame):
        frame = clinician if "clinician_id" in clinician.columns else clinician.reset_index()
        if len(frame) != 1 or "clinician_id" not in frame.columns:
            remedy = "give the id, or a table of one row with the column clinician_id"
            raise RecommenderError("clinician", "is not one clinician", remedy)
        return str(frame["clinician_id"].iloc[0])
    return str(clinician)


def _panel_average(model: AllianceModel, intake: Intake) -> AverageContributions:
    panel: Columns = model.pipeline.panel
    ids = tuple(f"panel {number}" for number in range(panel.size))
    roster = Roster(ids, (None,) * panel.size, panel, "", pd.Timestamp(0, tz="UTC"))
    unknown = RosterEncoding(roster, np.full(panel.size, -1, dtype=np.int64))
    return model.contributions(intake.client, unknown, Pairs.of_one(panel.size)).average


def _explained(
    model: AllianceModel,
    intake: Intake,
    roster: Roster,
    place: int,
    average: AverageContributions,
    compared_with: str,
    excluded_by: tuple[str, ...] = (),
) -> MatchExplanation:
    pair = Pairs(np.zeros(1, dtype=np.intp), np.array([place], dtype=np.intp))
    scored = plan_for(model, model.encode_roster(roster)).score(intake.client, pair)
    columns = (scored.scores.alliance, *model.interval_of(scored.scores))
    predicted, lower, upper = (float(model.linker.to_displayed(each)[0]) for each in columns)
    (found,) = explain(model.practice, contributions_of(scored), average)
    return MatchExplanation(
        clinician_id=roster.ids[place],
        predicted_alliance=predicted,
        lower=lower,
        upper=upper,
        compared_with=compared_with,
        difference=found.difference,
        groups=groups_frame(found),
        parts=parts_frame(found),
        in_favour=found.in_favour,
        against=found.against,
        asked_and_offered=found.asked_and_offered,
        excluded_by=excluded_by,
    )


def groups_frame(explanation: Explanation) -> pd.DataFrame:
    """group, phrase, points."""
    rows = [(each.group, each.phrase, each.points) for each in explanation.groups]
    return pd.DataFrame(rows, columns=["group", "phrase", "points"])


def parts_frame(explanation: Explanation) -> pd.DataFrame:
    """group, feature, fact, points, the largest first."""
    rows = [
        (group.group, part.name, part.phrase, part.points)
        for group in explanation.groups
        for part in group.parts
    ]
    rows.sort(key=lambda row: (-abs(row[3]), row[1]))
    return pd.DataFrame(rows, columns=["group", "feature", "fact", "points"])
