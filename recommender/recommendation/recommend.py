"""One request, from a client's answers to a shortlist of clinicians. Read this module first.

`recommend` takes five steps:

1. screen: apply every constraint to every clinician (`screening.screen`);
2. relax: find the smallest changes of the request that admit an excluded clinician
   (`screening.relaxation`);
3. score: predict the alliance of the client with each eligible clinician (`model`);
4. rank: order them and mark ties (`recommendation.ranking`);
5. explain: contributions in words, and the relaxations worth offering
   (`recommendation.explanation`, `recommendation.relaxation_offers`).

Serving, batch scoring and offline evaluation call these functions, so that what is measured is
what is shown. Nothing in here reads a clock, a file or the network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from recommender.errors import RecommenderError
from recommender.model.alliance_model import AllianceModel, Contributions, RosterEncoding
from recommender.plan.compiling import plan_for
from recommender.plan.contributions import average_contributions, contributions_of
from recommender.plan.leads import leads_among
from recommender.plan.score_plan import ScoredPairs
from recommender.practice.columns import Columns, answered_in
from recommender.practice.definition import Practice
from recommender.recommendation.explanation import Explanation, explain
from recommender.recommendation.ranking import (
    Ranking,
    TieBreak,
    draw_lots,
    order_by_wait,
    ranking_of,
    reserved_last_places,
    strongest_of,
)
from recommender.recommendation.relaxation_bounds import may_lead
from recommender.recommendation.relaxation_offers import (
    RelaxationOffer,
    relaxation_offers,
    unscored_offers,
)
from recommender.recommendation.stated_scores import score_stated
from recommender.screening.cache import screening_cache_for
from recommender.screening.layout import DECLARED_MODES, Modes
from recommender.screening.reasons import Exclusion, Reason
from recommender.screening.relaxation import (
    ScreenedRequest,
    max_changes,
    relaxations,
)
from recommender.screening.screen import check_modes, request_context_of
from recommender.screening.screening import Screening
from recommender.tables.references import UnresolvedReferences, references_of_one
from recommender.values.kinds import RawValue

Places = NDArray[np.intp]

CONSTRAINTS_ONLY = "constraints_only"
DEFAULT_TOP_K = 5
MAX_TOP_K = 50


@dataclass(frozen=True, slots=True)
class Intake:
    """The answers of one client.

    Attributes
    ----------
    client
        The answers, encoded as one row.
    client_id
        Pseudonym, which do-not-match lists refer to; None for a client new to the practice.
    unanswered
        Scored fields without an answer.
    modes
        Constraints that are hard, soft or off for this request, other than declared.
    """

    client: Columns
    client_id: str | None
    unanswered: tuple[str, ...]
    modes: Modes = field(default_factory=lambda: DECLARED_MODES)


@dataclass(frozen=True, slots=True)
class ShortlistEntry:
    """One clinician of a shortlist.

    Attributes
    ----------
    rank
        From 1.
    predicted, lower, upper
        Predicted alliance and the ends of its interval, in points of the reference scale, clipped
        to the scale; None where nothing is predicted.
    explanation
        None where nothing is predicted.
    reservations
        Soft constraints that the clinician does not meet or is not known to meet.
    tie
        Number of the tie, from 1; clinicians of one tie cannot be told apart.
    ahead
        Probability that the predicted alliance is above that of the next entry.
    tie_broken_by
        Criterion that ranks this entry behind the previous one of its tie.
    propensity
        Probability of this rank over random draws within ties: 1/m for m clinicians that are drawn
        together, 1 for a clinician alone; None where the practice does not draw.
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
    """A shortlist with its reasons, the exclusions, and relaxations that would admit others.

    Attributes
    ----------
    mode
        The model's mode, or `constraints_only` where nothing is predicted.
    day
        The day of the request, on the practice's calendar.
    eligible
        Number of clinicians that satisfy the constraints.
    unresolved
        Ids in the answers that name nobody, and near misses of the client's id; see
        `tables.references.references_of_one`.
    eligible_pairs
        The client with every eligible clinician, in the order of the roster; None where nothing is
        predicted.
    """

    mode: str
    day: date
    roster_version: str
    eligible: int
    shortlist: tuple[ShortlistEntry, ...]
    screening: Screening
    unanswered: tuple[str, ...]
    offers: tuple[RelaxationOffer, ...]
    unresolved: tuple[UnresolvedReferences, ...] = ()
    eligible_pairs: ScoredPairs | None = field(default=None, repr=False, compare=False)

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Every excluded clinician, with every reason."""
        return self.screening.exclusions

    @property
    def contributions(self) -> Contributions | None:
        """One row per eligible clinician, computed anew at each call; None without predictions."""
        return None if self.eligible_pairs is None else contributions_of(self.eligible_pairs)


def read_intake(
    practice: Practice,
    answers: Mapping[str, RawValue],
    client_id: str | None = None,
    modes: Modes = DECLARED_MODES,
) -> Intake:
    """An intake from raw answers by field name; fields for audit only are not read.

    Raises
    ------
    IntakeError
        With every answer that does not fit the practice definition, or every mode that the
        definition does not allow.
    """
    check_modes(practice, modes)
    client = practice.asked.read([answers])
    answered, asked = answered_in(client), practice.asked.fields
    unanswered = tuple(n for n, f in asked.items() if f.use == "score" and n not in answered)
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
    """The shortlist of clinicians who satisfy the client's constraints, strongest first.

    Clinicians that the prediction cannot tell apart are tied. Among those about even, fewer
    reservations rank first, then the higher predicted alliance, then the id, unless the practice
    draws at random. A client who does not agree to prediction gets the eligible clinicians in the
    order of their next free day.

    Parameters
    ----------
    intake
        The client's answers.
    encoding
        The roster as encoded by the model.
    model
        The model, which holds the practice definition.
    day
        Today in the practice's time zone.
    top_k
        Length of the shortlist, 1 to 50.
    seed
        Seed of random draws within ties; equal seeds give equal draws. None for no draw.

    Raises
    ------
    RecommenderError
        When `top_k` is out of range.

    Examples
    --------
    Two clinicians, and a client who asks for CBT. The model is the evidence prior, which needs no
    ratings:

    >>> from datetime import UTC, datetime
    >>> from recommender.model.evidence_prior import evidence_model
    >>> from recommender.practice.columns import read_rows
    >>> from recommender.practice.definition import shipped_practice
    >>> from recommender.tables.roster import snapshot
    >>> practice = shipped_practice()
    >>> facts = {"active": True, "practice_restricted": False, "consents_to_matching": True,
    ...          "registered_from": "2020-01-01", "registered_until": "2030-01-01",
    ...          "intake_status": "open", "max_risk": "level_3", "min_age": 18, "max_age": 99,
    ...          "modalities": ["act"]}
    >>> others = [{"modalities": ["cbt"]}, {"modalities": ["cbt"], "intake_status": "closed"}]
    >>> clinicians = read_rows(practice.clinician, [facts, *(facts | other for other in others)])
    >>> roster = snapshot(("k1", "k2", "k3"), (None,) * 3, clinicians, datetime.now(UTC))
    >>> model = evidence_model(practice, clinicians, roster.ids, data_digest="", created_at="")
    >>> answers = {"age_years": 34, "referral_held": True, "risk_level": "level_2",
    ...            "model_consent": True, "modalities_wanted": ["cbt"]}
    >>> intake = read_intake(practice, answers)
    >>> result = recommend(intake, model.encode_roster(roster), model, day=date(2026, 11, 28))
    >>> [entry.clinician_id for entry in result.shortlist]
    ['k2', 'k1']
    >>> result.shortlist[0].explanation.asked_and_offered
    ('offers a kind of therapy asked for',)
    >>> [(each.clinician_id, each.reasons[0].text) for each in result.exclusions]
    [('k3', 'is not taking new clients')]
    """
    if not 1 <= top_k <= MAX_TOP_K:
        raise RecommenderError("top_k", f"is outside 1 to {MAX_TOP_K}", "ask for a few clinicians")
    practice, roster = model.practice, encoding.roster
    cache = screening_cache_for(practice, roster, day)
    screening = cache.screen(intake.client, intake.client_id, intake.modes)
    context = request_context_of(practice, intake.client_id, roster.ids, day)
    request = ScreenedRequest(practice, intake.client, context, roster.columns, screening)
    few = int(np.count_nonzero(screening.eligible)) < top_k
    if consents_to_prediction(practice, intake):
        mode = model.manifest.mode
        stated = score_stated(request, plan_for(model, encoding))
        eligible = stated.pairs.part(0, stated.eligible)
        eligible_pairs = eligible if len(eligible) else None
        shortlist = _scored_shortlist(encoding, screening, eligible, top_k, seed)
        among = None if few else may_lead(request, stated)
        possible = relaxations(request, max_changes(screening), among)
        offers = relaxation_offers(request, encoding, stated, possible, few=few)
    else:
        mode, eligible_pairs = CONSTRAINTS_ONLY, None
        shortlist = unscored_shortlist(practice, encoding, screening, top_k)
        possible = relaxations(request, max_changes(screening)) if few else ()
        offers = unscored_offers(request, encoding, possible)
    return Recommendation(
        mode=mode,
        day=day,
        roster_version=roster.version,
        eligible=int(screening.eligible.sum()),
        shortlist=shortlist,
        screening=screening,
        unanswered=intake.unanswered,
        offers=offers,
        unresolved=references_of_one(practice, intake.client, intake.client_id, roster),
        eligible_pairs=eligible_pairs,
    )


def consents_to_prediction(practice: Practice, intake: Intake) -> bool:
    """Whether the client agrees to prediction; True where the practice does not ask."""
    return bool(with_consent(practice, intake.client)[0])


def with_consent(practice: Practice, clients: Columns) -> NDArray[np.bool_]:
    """`consents_to_prediction` of each client, (clients,); no answer is no consent."""
    if practice.consent is None:
        return np.ones(clients.size, dtype=np.bool_)
    return np.asarray(clients[practice.consent] == 1.0)


def _scored_shortlist(
    encoding: RosterEncoding,
    screening: Screening,
    pairs: ScoredPairs,
    top_k: int,
    seed: str | None,
) -> tuple[ShortlistEntry, ...]:
    """The shortlist with explanations; empty where nobody is eligible."""
    if not len(pairs):
        return ()
    entries, shown = build_shortlist(encoding, screening, pairs, top_k, seed)
    own = contributions_of(pairs.take(shown))
    average = average_contributions(pairs)
    explanations = explain(pairs.plan.model.practice, own, average, in_detail=False)
    explained = zip(entries, explanations, strict=True)
    return tuple(replace(entry, explanation=each) for entry, each in explained)


def build_shortlist(
    encoding: RosterEncoding,
    screening: Screening,
    pairs: ScoredPairs,
    top_k: int,
    seed: str | None = None,
) -> tuple[tuple[ShortlistEntry, ...], Places]:
    """One client's shortlist without explanations.

    Parameters
    ----------
    pairs
        The client with every eligible clinician, in the order of the roster.
    seed
        Seed of random draws within ties; see `recommend`.

    Returns
    -------
    tuple of ShortlistEntry
    (entries,) int
        Place of each entry among `pairs`.
    """
    model, pairing = pairs.plan.model, pairs.scores.pairing
    practice, eligible = model.practice, np.flatnonzero(screening.eligible)
    ids = encoding.roster.ids
    # Ties are drawn among as many as can ever be shown: a longer list begins like a shorter one.
    strongest = strongest_of(pairing, eligible, ids, MAX_TOP_K)
    lots = None
    if practice.ranking.shuffle_ties and seed is not None:
        lots = draw_lots(seed, [ids[place] for place in eligible[strongest].tolist()])
    ranking = ranking_of(
        strongest,
        pairing[strongest],
        leads_among(pairs, strongest),
        np.count_nonzero(screening.cautioning[:, eligible[strongest]], axis=0),
        reserved_last_places(practice, encoding.roster, screening)[eligible[strongest]],
        lots,
    )
    shown = ranking.places[:top_k]
    entries = tuple(
        _entry(rank, encoding, screening, int(eligible[place]), *points)
        for rank, (place, points) in enumerate(
            zip(shown, _displayed_points(pairs.take(shown)), strict=True), start=1
        )
    )
    return _with_ties(entries, ranking), shown


def _with_ties(entries: tuple[ShortlistEntry, ...], ranking: Ranking) -> tuple[ShortlistEntry, ...]:
    """The entries with what the ranking says about ties, leads and draws."""
    n = len(entries)
    ahead = [*np.diagonal(ranking.leads, 1)[: n - 1].tolist(), None]
    propensity = [None] * n if ranking.propensity is None else ranking.propensity.tolist()
    return tuple(
        replace(
            entry,
            tie=int(ranking.ties[place]),
            ahead=ahead[place],
            tie_broken_by=ranking.broken_by[place],
            propensity=propensity[place],
        )
        for place, entry in enumerate(entries)
    )


def unscored_shortlist(
    practice: Practice, encoding: RosterEncoding, screening: Screening, top_k: int
) -> tuple[ShortlistEntry, ...]:
    """The eligible clinicians by their next free day, for a client without a prediction."""
    roster, eligible = encoding.roster, np.flatnonzero(screening.eligible)
    waits = practice.first_session.clinician
    known = np.full(len(roster), np.nan) if waits is None else roster.columns[waits]
    next_day = np.where(np.isnan(known), np.nan, screening.first_sessions)
    ids = tuple(roster.ids[place] for place in eligible)
    order = order_by_wait(next_day[eligible], ids)[:top_k]
    return tuple(
        _entry(rank, encoding, screening, int(eligible[place]))
        for rank, place in enumerate(order, start=1)
    )


def _displayed_points(pairs: ScoredPairs) -> list[tuple[float, float, float]]:
    """Predicted alliance and the ends of its interval, clipped to the scale."""
    model = pairs.plan.model
    columns = (pairs.scores.alliance, *model.interval_of(pairs.scores))
    displayed = [model.linker.to_displayed(column).tolist() for column in columns]
    return list(zip(*displayed, strict=True))


def _entry(
    rank: int,
    encoding: RosterEncoding,
    screening: Screening,
    place: int,
    predicted: float | None = None,
    lower: float | None = None,
    upper: float | None = None,
) -> ShortlistEntry:
    """The entry of the clinician at one place of the roster."""
    return ShortlistEntry(
        rank=rank,
        clinician_id=encoding.roster.ids[place],
        name=encoding.roster.name_of(place),
        predicted=predicted,
        lower=lower,
        upper=upper,
        explanation=None,
        reservations=screening.cautions_of(place),
    )
