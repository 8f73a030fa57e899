"""One request in a notebook, by the function that serves it, as DataFrames."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pandas as pd

from recommender.errors import RecommenderError
from recommender.model.alliance_model import AllianceModel
from recommender.notebook import arguments, html
from recommender.notebook.people import OneClient, answers_of, roster_of
from recommender.notebook.practice_model import PracticeModel
from recommender.recommendation.recommend import DEFAULT_TOP_K, Recommendation, read_intake
from recommender.recommendation.recommend import recommend as recommend_intake
from recommender.tables.roster import Roster

SHOWN = ("rank", "clinician_id", "predicted_alliance", "lower", "upper", "tie", "asked_and_offered")


@dataclass(frozen=True, slots=True, eq=False)
class RequestResult:
    """A shortlist with its reasons, everybody who was excluded, and what would admit others.

    Attributes
    ----------
    recommendation
        The result as the server has it.
    warnings
        Ids in the answers that name nobody, in sentences.
    """

    recommendation: Recommendation
    warnings: tuple[str, ...] = field(default=())

    @property
    def mode(self) -> str:
        """`model`, a prior, or `constraints_only` for a client who does not agree to prediction."""
        return self.recommendation.mode

    @property
    def eligible(self) -> int:
        """Number of clinicians that satisfy the constraints."""
        return self.recommendation.eligible

    @property
    def shortlist(self) -> pd.DataFrame:
        """A row a clinician, in the order shown.

        rank, clinician_id, name, predicted_alliance, lower, upper (points of the reference scale;
        missing where nothing is predicted), tie (clinicians of one tie cannot be told apart),
        ahead_of_next (probability), tie_broken_by, and tuples of phrases: asked_and_offered,
        in_favour, against, reservations.
        """
        rows = []
        for each in self.recommendation.shortlist:
            why = each.explanation
            rows.append(
                {
                    "rank": each.rank,
                    "clinician_id": each.clinician_id,
                    "name": each.name,
                    "predicted_alliance": each.predicted,
                    "lower": each.lower,
                    "upper": each.upper,
                    "tie": each.tie,
                    "ahead_of_next": each.ahead,
                    "tie_broken_by": each.tie_broken_by,
                    "asked_and_offered": () if why is None else why.asked_and_offered,
                    "in_favour": () if why is None else why.in_favour,
                    "against": () if why is None else why.against,
                    "reservations": tuple(reason.text for reason in each.reservations),
                }
            )
        return pd.DataFrame(rows, columns=list(_SHORTLIST)).astype(_SHORTLIST)

    @property
    def exclusions(self) -> pd.DataFrame:
        """clinician_id, constraint, family, reason, unknown: a row a reason of each clinician."""
        rows = [
            (each.clinician_id, r.constraint, r.family, r.text, r.unknown)
            for each in self.recommendation.exclusions
            for r in each.reasons
        ]
        return pd.DataFrame(
            rows, columns=["clinician_id", "constraint", "family", "reason", "unknown"]
        )

    @property
    def exclusion_counts(self) -> pd.DataFrame:
        """constraint, removed, only_by_it: how many each hard constraint excludes."""
        counts = self.recommendation.screening.constraint_counts
        rows = [(c.constraint, c.removed, c.removed_only_by_it) for c in counts if c.removed]
        frame = pd.DataFrame(rows, columns=["constraint", "removed", "only_by_it"])
        return frame.sort_values("removed", ascending=False, kind="stable", ignore_index=True)

    @property
    def relaxations(self) -> pd.DataFrame:
        """text, changes, admits, clinician_id, name, predicted_alliance, gain.

        The smallest changes of the request that would admit others. `changes` maps each field to
        the changed answer, empty where staff may only ask; `clinician_id` is the strongest of those
        admitted, and `gain` the points above the first of the shortlist.
        """
        rows = [
            {
                "text": offer.text,
                "changes": {change.field: change.answer for change in offer.changes},
                "admits": offer.admits,
                "clinician_id": offer.clinician_id,
                "name": offer.name,
                "predicted_alliance": offer.predicted,
                "gain": offer.gain,
            }
            for offer in self.recommendation.offers
        ]
        return pd.DataFrame(rows, columns=list(_RELAXATIONS)).astype(_RELAXATIONS)

    @property
    def unanswered(self) -> tuple[str, ...]:
        """Scored fields without an answer."""
        return self.recommendation.unanswered

    def __repr__(self) -> str:
        first = ", ".join(each.clinician_id for each in self.recommendation.shortlist)
        excluded = len(self.recommendation.exclusions)
        return (
            f"<RequestResult {self.mode}: {self.eligible} fit, {excluded} excluded; "
            f"shown {first or 'nobody'}>"
        )

    def _repr_html_(self) -> str:
        excluded = len(self.recommendation.exclusions)
        shown = self.shortlist
        nobody = html.paragraph("Nobody fits every constraint.") if shown.empty else ""
        return html.block(
            f"{self.eligible} clinicians fit, {excluded} do not ({self.mode})",
            html.bullets(self.warnings, "Please check:"),
            html.table(shown[list(SHOWN)]),
            nobody,
            html.table(self.exclusion_counts, "Excluded by:"),
            html.table(self.relaxations[["text", "admits", "clinician_id"]], "Would admit more:"),
        )


_SHORTLIST = {
    "rank": "int64",
    "clinician_id": "str",
    "name": "str",
    "predicted_alliance": "float64",
    "lower": "float64",
    "upper": "float64",
    "tie": "Int64",
    "ahead_of_next": "float64",
    "tie_broken_by": "str",
    "asked_and_offered": "object",
    "in_favour": "object",
    "against": "object",
    "reservations": "object",
}
_RELAXATIONS = {
    "text": "str",
    "changes": "object",
    "admits": "int64",
    "clinician_id": "str",
    "name": "str",
    "predicted_alliance": "float64",
    "gain": "float64",
}


def recommend(
    model: PracticeModel | AllianceModel,
    client: OneClient,
    roster: pd.DataFrame | Roster,
    *,
    day: date | str | None = None,
    top_k: int = DEFAULT_TOP_K,
) -> RequestResult:
    """The shortlist of one client, by the function that the server calls.

    Parameters
    ----------
    model
        Of `fit` or `load_model`.
    client
        The answers by field, with or without `client_id`; or a table of one row, as
        `pd.read_csv` gives it. What is missing counts as not answered.
    roster : DataFrame of k rows
        The table of clinicians.
    day
        The day of the request, a date or text such as 2026-11-23; by default today in the
        practice's time zone.
    top_k
        Length of the shortlist, 1 to 50.

    Raises
    ------
    IntakeError
        With every answer that does not fit the definition.
    TablesError
        With every fault of the roster.
    RecommenderError
        When an argument is of another type, or `top_k` is out of range.

    Examples
    --------
    >>> tables = load_tables(folder, practice)
    >>> model = recommender.fit(tables, progress=False)
    >>> client = {"wanted": ["cbt"], "agrees": True}
    >>> from datetime import date
    >>> result = recommender.recommend(model, client, tables.clinicians, day=date(2026, 11, 23))
    >>> result.mode, len(result.shortlist)
    ('model', 5)
    """
    remedy = "give a model of recommender.fit or recommender.load_model"
    arguments.expect("model", model, (PracticeModel, AllianceModel), remedy)
    arguments.whole_number("top_k", top_k)
    alliance = model.alliance_model if isinstance(model, PracticeModel) else model
    practice = alliance.practice
    if isinstance(client, pd.DataFrame) and len(client) != 1:
        remedy = "give one client, such as clients.iloc[[0]]; many are scored by `model.score`"
        raise RecommenderError("client", f"is a table of {len(client):,} rows", remedy)
    answers, client_id = answers_of(practice, client)
    asked_on = arguments.day("day", day, practice.day_at(datetime.now(UTC)))
    encoding = alliance.encode_roster(roster_of(practice, roster))
    intake = read_intake(practice, answers, client_id)
    result = recommend_intake(intake, encoding, alliance, day=asked_on, top_k=top_k)
    warnings = tuple(
        f"{each.field.label}: {each.problem}; {each.remedy}" for each in result.unresolved
    )
    return RequestResult(result, warnings)
