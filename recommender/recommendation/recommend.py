"""One request, from an intake to a shortlist. Read this first.

Serving, batch scoring and offline evaluation all call `recommend`: what is measured is what is
shown. Nothing in here knows HTTP, files or what day it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from recommender.errors import RecommenderError
from recommender.features.feature import Array
from recommender.model.alliance_model import (
    AllianceModel,
    Contributions,
    PairScores,
    PreparedPairs,
    RosterEncoding,
)
from recommender.practice.columns import Columns, read_rows
from recommender.practice.definition import Practice
from recommender.recommendation.explanation import Explanation, explain
from recommender.recommendation.ranking import (
    Ranking,
    TieBreak,
    draw_lots,
    order_by_pairing,
    order_by_wait,
    ranking_of,
    reserved_last_places,
)
from recommender.recommendation.relaxation_offers import (
    CandidatePool,
    RelaxationOffer,
    candidate_pool,
    relaxation_offers,
    unscored_offers,
)
from recommender.screening.cache import screening_cache_for
from recommender.screening.relaxation import ScreenedRequest, max_changes, relaxations
from recommender.screening.screen import (
    DECLARED_MODES,
    Exclusion,
    Modes,
    Reason,
    Screening,
    check_modes,
    request_context_of,
)
from recommender.values.kinds import RawValue

CONSTRAINTS_ONLY = "constraints_only"
DEFAULT_TOP_K = 5
MAX_TOP_K = 50


@dataclass(frozen=True, slots=True)
class Intake:
    """What one client told us.

    Attributes
    ----------
    client
        The answers, one encoded row.
    client_id
        Pseudonym, so that do-not-match lists hold; None when the client is new to the practice.
    unanswered
        Scored fields left empty.
    modes
        Constraints that count otherwise for this request than declared.
    """

    client: Columns
    client_id: str | None
    unanswered: tuple[str, ...]
    modes: Modes = field(default_factory=lambda: DECLARED_MODES)


@dataclass(frozen=True, slots=True)
class ShortlistEntry:
    """One clinician of a shortlist.

    `predicted`, `lower` and `upper` are points of the reference scale, None without a model.
    `reservations` are soft constraints the clinician does not meet.

    Attributes
    ----------
    tie
        Number of the tie, from 1; whoever shares it cannot be told apart.
    ahead
        Probability that this one's predicted alliance is above that of the next shown.
    tie_broken_by
        What put this one behind the one before in the same tie.
    propensity
        Probability of standing at this rank, where the practice draws lots: 1/m for m who could as
        well have stood here, 1 for who stands here whatever is drawn; None where none is drawn.
    """

    rank: int
    clinician_id: str
    name: str
    predicted: float | None
    lower: float | None
    upper: float | None
    explanation: Explanation | None
    reservations: tuple[Reason, ...]
    tie: int | None = None
    ahead: float | None = None
    tie_broken_by: TieBreak | None = None
    propensity: float | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The whole answer: who is shown and why, who was left out by what, what would open more.

    `contributions` has a row for each eligible clinician, in the roster's order; None where nothing
    was predicted.
    """

    mode: str
    day: date
    roster_version: str
    eligible: int
    shortlist: tuple[ShortlistEntry, ...]
    screening: Screening
    unanswered: tuple[str, ...]
    offers: tuple[RelaxationOffer, ...]
    contributions: Contributions | None = field(default=None, repr=False, compare=False)

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Everyone left out, each with every reason."""
        return self.screening.exclusions


def read_intake(
    practice: Practice,
    answers: Mapping[str, RawValue],
    client_id: str | None = None,
    modes: Modes = DECLARED_MODES,
) -> Intake:
    """An intake from raw answers; audit fields are not taken at all.

    Raises
    ------
    IntakeError
        With every answer that does not fit the practice definition, or every mode it does not
        allow.
    """
    check_modes(practice, modes)
    fields = practice.fields("client", "score", "filter")
    client = read_rows(fields, [answers])
    scored = practice.fields("client", "score")
    unanswered = tuple(name for name in scored if np.isnan(client[name]).all())
    return Intake(client, client_id, unanswered, modes)


def recommend(
    intake: Intake,
    encoding: RosterEncoding,
    model: AllianceModel,
    *,
    day: date,
    top_k: int = DEFAULT_TOP_K,
    seed: str | None = None,
) -> Recommendation:
    """The shortlist of clinicians who fit the client's constraints, strongest first.

    Those who cannot be told apart tie; of those about even, fewer reservations stand first, then
    the higher predicted alliance, then the id; the practice may have lots drawn instead.

    Parameters
    ----------
    intake
        What the client told us.
    encoding
        The roster as the model knows it.
    model
        The model that scores; its definition says what is required.
    day
        Today, in the practice's zone.
    top_k
        How many to show, 1 to 50.
    seed
        What lots are drawn from, where the practice shuffles ties: the same one draws the same.
        Without it no lot is drawn.
    """
    if not 1 <= top_k <= MAX_TOP_K:
        raise RecommenderError("top_k", f"is outside 1 to {MAX_TOP_K}", "ask for a few clinicians")
    practice, roster = model.practice, encoding.roster
    screening_cache = screening_cache_for(practice, roster, day)
    screening = screening_cache.screen(intake.client, intake.client_id, intake.modes)
    asking = request_context_of(practice, intake.client_id, roster.ids, day)
    asked = ScreenedRequest(
        practice, intake.client, intake.modes, asking, roster.columns, screening
    )
    found = relaxations(asked, max_changes(screening))
    if consents_to_prediction(practice, intake):
        mode, pool = model.manifest.mode, candidate_pool(asked, encoding, model, found)
        shortlist, contributions = _scored_shortlist(encoding, model, screening, pool, top_k, seed)
        open_more = relaxation_offers(asked, encoding, model, pool, found)
    else:
        mode, contributions = CONSTRAINTS_ONLY, None
        shortlist = unscored_shortlist(practice, encoding, screening, top_k)
        open_more = unscored_offers(asked, encoding, found)
    eligible = int(screening.eligible.sum())
    return Recommendation(
        mode=mode,
        day=day,
        roster_version=roster.version,
        eligible=eligible,
        shortlist=shortlist,
        screening=screening,
        unanswered=intake.unanswered,
        offers=open_more,
        contributions=contributions,
    )


def consents_to_prediction(practice: Practice, intake: Intake) -> bool:
    """Whether the client agreed, where the practice asks; no answer is not agreement."""
    return bool(with_consent(practice, intake.client)[0])


def with_consent(practice: Practice, clients: Columns) -> NDArray[np.bool_]:
    """Which of some clients agreed, where the practice asks, (clients,)."""
    if practice.consent is None:
        return np.ones(clients.size, dtype=np.bool_)
    return np.asarray(clients[practice.consent] == 1.0)


def _scored_shortlist(
    encoding: RosterEncoding,
    model: AllianceModel,
    screening: Screening,
    pool: CandidatePool,
    top_k: int,
    seed: str | None,
) -> tuple[tuple[ShortlistEntry, ...], Contributions | None]:
    if not pool.eligible:
        return (), None
    rows = np.arange(pool.eligible)
    shown, places = build_shortlist(
        encoding, model, screening, pool.prepared, pool.scores, rows, top_k, seed
    )
    contributions = model.contributions_of(pool.prepared.take(rows))
    reasons = explain(model.practice, contributions, places)
    explained = tuple(
        replace(each, explanation=reason) for each, reason in zip(shown, reasons, strict=True)
    )
    return explained, contributions


def build_shortlist(
    encoding: RosterEncoding,
    model: AllianceModel,
    screening: Screening,
    prepared: PreparedPairs,
    scores: PairScores,
    rows: NDArray[np.intp],
    top_k: int,
    seed: str | None = None,
) -> tuple[tuple[ShortlistEntry, ...], NDArray[np.intp]]:
    """One client's shortlist without its reasons, and which of the rows stand in it.

    Parameters
    ----------
    prepared, scores
        Pairings of this client, and maybe of others.
    rows
        Which of them are this client with everyone eligible, in the order of the roster.
    seed
        What lots are drawn from; see `recommend`.
    """
    eligible = np.flatnonzero(screening.eligible)
    ids = tuple(encoding.roster.ids[place] for place in eligible)
    # Ties are drawn among as many as are ever shown: a longer list begins like a shorter one.
    strongest = order_by_pairing(scores.pairing[rows], ids)[:MAX_TOP_K]
    held = np.count_nonzero(screening.cautioning[:, eligible[strongest]], axis=0)
    leads = _leads(model, prepared, scores, rows[strongest])
    last = reserved_last_places(model.practice, encoding.roster, screening)[eligible[strongest]]
    lots = _draw(model.practice, seed, [ids[place] for place in strongest])
    ranking = ranking_of(strongest, scores.pairing[rows[strongest]], leads, held, last, lots)
    order = ranking.places[:top_k]
    points = _displayed_points(model, scores, rows[order])
    shown = tuple(
        _entry(rank, encoding, screening, int(eligible[place]), point)
        for rank, (place, point) in enumerate(zip(order, points, strict=True), 1)
    )
    return _with_ties(shown, ranking), order


def _draw(practice: Practice, seed: str | None, ids: Sequence[str]) -> NDArray[np.intp] | None:
    """What is drawn for each; None where the practice draws no lots, or there is no seed."""
    return draw_lots(seed, ids) if practice.ranking.shuffle_ties and seed is not None else None


def _leads(
    model: AllianceModel, prepared: PreparedPairs, scores: PairScores, places: NDArray[np.intp]
) -> Array:
    """Probability that each one's predicted alliance is above each other's, (n, n)."""
    one, other = np.triu_indices(len(places), 1)
    leads = np.full((len(places), len(places)), 0.5)
    leads[one, other] = model.ahead(prepared, places[one], places[other], scores)
    leads[other, one] = 1 - leads[one, other]
    return leads


def _with_ties(shown: tuple[ShortlistEntry, ...], ranking: Ranking) -> tuple[ShortlistEntry, ...]:
    """What the ranking says of each, up to where the list ends."""
    ahead = [*np.diagonal(ranking.leads, 1)[: len(shown) - 1].tolist(), None]
    chance = [None] * len(shown) if ranking.propensity is None else ranking.propensity.tolist()
    rows = zip(shown, ranking.ties.tolist(), ahead, ranking.broken_by, chance, strict=False)
    return tuple(
        replace(each, tie=tie, ahead=lead, tie_broken_by=broken_by, propensity=propensity)
        for each, tie, lead, broken_by, propensity in rows
    )


def unscored_shortlist(
    practice: Practice, encoding: RosterEncoding, screening: Screening, top_k: int
) -> tuple[ShortlistEntry, ...]:
    """Without agreement nothing is predicted: the next free clinician stands first."""
    roster, eligible = encoding.roster, np.flatnonzero(screening.eligible)
    waits = [c.clinician[0] for c in practice.constraints.values() if c.rule == "available_within"]
    unknown = np.full(len(roster), np.nan)
    next_day = roster.columns[waits[0]] if waits else unknown
    ids = tuple(roster.ids[place] for place in eligible)
    order = order_by_wait(next_day[eligible], ids)[:top_k]
    return tuple(
        _entry(rank, encoding, screening, int(eligible[place]), (None, None, None))
        for rank, place in enumerate(order, 1)
    )


def _displayed_points(
    model: AllianceModel, scores: PairScores, order: NDArray[np.intp]
) -> list[tuple[float | None, float | None, float | None]]:
    """Predicted alliance and its range as they may be told: within the ends of the scale."""
    ends = (scores.alliance, *model.interval_of(scores))
    displayed = [model.linker.to_displayed(part[order]) for part in ends]
    return [(float(p), float(low), float(high)) for p, low, high in zip(*displayed, strict=True)]


def _entry(
    rank: int,
    encoding: RosterEncoding,
    screening: Screening,
    place: int,
    points: tuple[float | None, float | None, float | None],
) -> ShortlistEntry:
    roster = encoding.roster
    return ShortlistEntry(
        rank,
        roster.ids[place],
        roster.name_of(place),
        *points,
        None,
        screening.cautions_of(place),
    )
