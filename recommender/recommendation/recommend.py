"""One request, from a client's answers to a shortlist of clinicians. Read this module first.

`recommend` takes four steps:

1. screen: apply every constraint to every clinician (`screening.screen`);
2. score: predict the alliance of the client with each eligible clinician (`model`);
3. rank: order them and mark ties (`recommendation.ranking`);
4. explain: contributions in words (`recommendation.explanation`).

A fifth is taken where its result is read: find the smallest changes of the request that admit an
excluded clinician (`screening.relaxation`), and those worth offering
(`recommendation.relaxation_offers`).

Serving, batch scoring and offline evaluation call these functions, so that what is measured is
what is shown. Nothing in here reads a clock, a file or the network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from recommender.errors import RecommenderError
from recommender.model.alliance_model import AllianceModel, Contributions, RosterEncoding
from recommender.plan.compiling import plan_for
from recommender.plan.contributions import contributions_of
from recommender.plan.score_plan import ScoredPairs
from recommender.practice.columns import Columns, answered_in
from recommender.practice.definition import Practice
from recommender.recommendation.relaxation_offers import OfferSearch, RelaxationOffer
from recommender.recommendation.shortlists import (
    MAX_TOP_K,
    ShortlistEntry,
    build_shortlists,
    unscored_shortlist,
)
from recommender.recommendation.stated_scores import EligiblePairs, score_eligible, score_stated
from recommender.recommendation.trial_orders import TRIAL, TrialOrders, trial_orders
from recommender.screening.cache import screening_cache_for
from recommender.screening.changes import ScreenedRequest
from recommender.screening.layout import DECLARED_MODES, Modes
from recommender.screening.reasons import Exclusion
from recommender.screening.screen import check_modes, request_context_of
from recommender.screening.screening import Screening
from recommender.tables.references import UnresolvedReferences, references_of_one
from recommender.values.kinds import RawValue
from recommender.values.limits import DEFAULT_TOP_K as DEFAULT_TOP_K

Places = NDArray[np.intp]

CONSTRAINTS_ONLY = "constraints_only"


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
class Recommendation:
    """A shortlist with its reasons, the exclusions, and relaxations that would admit others.

    Attributes
    ----------
    mode
        The model's mode, `constraints_only` where nothing is predicted, or `trial`.
    day
        The day of the request, on the practice's calendar.
    eligible
        Number of clinicians that satisfy the constraints.
    unresolved
        Ids in the answers that name nobody, and near misses of the client's id; see
        `tables.references.references_of_one`.
    scored
        The scores of the eligible clinicians; None where nothing predicted is shown.
    orders
        Both orders of a trial; None for a client who takes no part in one.
    search
        What the relaxations are found from.
    withdrawn
        Whether nothing is predicted because the model's order is withdrawn.
    """

    mode: str
    day: date
    roster_version: str
    eligible: int
    shortlist: tuple[ShortlistEntry, ...]
    screening: Screening
    unanswered: tuple[str, ...]
    search: OfferSearch = field(repr=False, compare=False)
    unresolved: tuple[UnresolvedReferences, ...] = ()
    scored: EligiblePairs | None = field(default=None, repr=False, compare=False)
    orders: TrialOrders | None = field(default=None, repr=False)
    withdrawn: bool = False

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Every excluded clinician, with every reason."""
        return self.screening.exclusions

    @property
    def offers(self) -> tuple[RelaxationOffer, ...]:
        """The relaxations worth offering, computed when they are first read."""
        return self.search.found

    @property
    def eligible_pairs(self) -> ScoredPairs | None:
        """The client with every eligible clinician, in the order of the roster."""
        return None if self.scored is None else self.scored.every

    @property
    def contributions(self) -> Contributions | None:
        """One row per eligible clinician, computed anew at each call; None without predictions."""
        pairs = self.eligible_pairs
        return None if pairs is None else contributions_of(pairs)


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
    answered = answered_in(client)
    unanswered = tuple([name for name in practice.asked.scored if name not in answered])
    return Intake(client, client_id, unanswered, modes)


def recommend(
    intake: Intake,
    encoding: RosterEncoding,
    model: AllianceModel,
    *,
    day: date,
    top_k: int = DEFAULT_TOP_K,
    seed: str | None = None,
    by_model: bool | None = None,
    withdrawn: bool = False,
    with_relaxations: bool = False,
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
    by_model
        In a trial of the order, whether this client's is the model's or the usual one of the next
        free day; nothing predicted is shown in either. None without a trial. A client without
        consent, or with fewer than two eligible clinicians, takes no part.
    withdrawn
        Whether the model's order is withdrawn after a trial that ended for harm: nothing is
        predicted, and everybody gets the order of the next free day.
    with_relaxations
        Whether the relaxations will be read. They can be read in any case, but cost less if it is
        known beforehand: whom they may admit is then scored with the eligible clinicians.

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
    eligible = int(np.count_nonzero(screening.eligible))
    plan, orders, stated, pairs = None, None, None, None
    if not withdrawn and consents_to_prediction(practice, intake):
        plan = plan_for(model, encoding)
        stated = score_stated(request, plan) if with_relaxations else None
        if eligible:
            pairs = score_eligible(request, plan) if stated is None else stated.eligible_pairs
        if by_model is not None and pairs is not None and eligible > 1:
            strongest = pairs.strongest
            orders = trial_orders(
                encoding, screening, strongest, top_k, by_model=by_model, seed=seed
            )
    if plan is None:
        mode, shortlist = CONSTRAINTS_ONLY, unscored_shortlist(practice, encoding, screening, top_k)
    elif orders is not None:
        # Neither arm shows predictions, and relaxations do not either.
        mode, shortlist, plan, stated, pairs = TRIAL, orders.shortlist, None, None, None
    else:
        mode = model.manifest.mode
        shortlist = ()
        if pairs is not None:
            ((shortlist, _),) = build_shortlists(
                encoding, [screening], pairs.strongest, top_k, seed, pairs.read_every
            )
    return Recommendation(
        mode=mode,
        day=day,
        roster_version=roster.version,
        eligible=eligible,
        shortlist=shortlist,
        screening=screening,
        unanswered=intake.unanswered,
        search=OfferSearch(request, encoding, top_k, plan, stated),
        unresolved=references_of_one(practice, intake.client, intake.client_id, roster),
        scored=pairs,
        orders=orders,
        withdrawn=withdrawn,
    )


def consents_to_prediction(practice: Practice, intake: Intake) -> bool:
    """Whether the client agrees to prediction; True where the practice does not ask."""
    return bool(with_consent(practice, intake.client)[0])


def with_consent(practice: Practice, clients: Columns) -> NDArray[np.bool_]:
    """`consents_to_prediction` of each client, (clients,); no answer is no consent."""
    if practice.consent is None:
        return np.ones(clients.size, dtype=np.bool_)
    return np.asarray(clients[practice.consent] == 1.0)
