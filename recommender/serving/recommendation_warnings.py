"""The warnings of a recommendation, in words for staff and developers and in words for clients."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from recommender.model.alliance_model import EVIDENCE_PRIOR, POOLED_PRIOR
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import Constraint
from recommender.recommendation.recommend import CONSTRAINTS_ONLY, Intake, Recommendation
from recommender.screening.screening import Screening
from recommender.serving.schemas.recommendation_warning import (
    ORDER_WITHDRAWN,
    RecommendationWarning,
)
from recommender.serving.schemas.reference_warnings import reference_sentence
from recommender.serving.snapshot.snapshot import ServingSnapshot

FREE_FIRST = "Those who are free first come first. Nothing personal went into the order."
STALE_TO_CLIENT = "Times may have changed: the practice checks them with you."


def warnings_of(
    snapshot: ServingSnapshot, intake: Intake, recommendation: Recommendation
) -> tuple[RecommendationWarning, ...]:
    """Every warning, those about ids in the request first; none is repeated."""
    found = [*_of_references(recommendation), *_of_order(recommendation)]
    if not recommendation.eligible:
        found += _of_nobody(snapshot.practice, intake.client, recommendation)
    if datetime.now(UTC) - snapshot.taken_at > timedelta(hours=snapshot.stale_hours):
        found.append(_stale(snapshot.stale_hours))
    return tuple(dict.fromkeys(found))


def _of_references(recommendation: Recommendation) -> Iterator[RecommendationWarning]:
    for each in recommendation.unresolved:
        of_client = each.field.side == "client"
        yield RecommendationWarning(
            code="unknown_ids" if of_client else "similar_client_id",
            fields=(each.field.name,) if of_client else (),
            message=reference_sentence(each),
        )


def _of_order(recommendation: Recommendation) -> Iterator[RecommendationWarning]:
    if recommendation.mode == EVIDENCE_PRIOR:
        yield RecommendationWarning(
            code="evidence_prior",
            message="The model was not trained on ratings of this practice: the order follows "
            "published effect sizes.",
        )
    if recommendation.mode == POOLED_PRIOR:
        yield RecommendationWarning(
            code="pooled_prior",
            message="The model was not trained on ratings of this practice: the order follows "
            "published effect sizes and what other practices contributed.",
        )
    if recommendation.withdrawn:
        yield RecommendationWarning(
            code=ORDER_WITHDRAWN,
            message="A trial ended for harm, so that the model's order is withdrawn: no alliance "
            "was predicted, and clinicians who are free first come first.",
            message_to_client=FREE_FIRST,
        )
    elif recommendation.mode == CONSTRAINTS_ONLY:
        yield RecommendationWarning(
            code="no_consent",
            message="The client has not consented to a personalised order: no alliance was "
            "predicted, and clinicians who are free first come first.",
            message_to_client=FREE_FIRST,
        )


def _of_nobody(
    practice: Practice, client: Columns, recommendation: Recommendation
) -> Iterator[RecommendationWarning]:
    """Why nobody is eligible, where an open question or a reason of safety is why."""
    yield RecommendationWarning(
        code="nobody_eligible",
        message="No clinician meets every requirement; see `exclusion_counts`.",
        message_to_client="Nobody fits everything yet.",
    )
    for constraint in _unanswered(recommendation.screening):
        names = _open_questions(constraint, client)
        yield RecommendationWarning(
            code="answer_needed",
            fields=names,
            message=f"Ask first: {' and '.join(f'`{name}`' for name in names)} not answered; "
            "while this is so, no clinician can be shown.",
            message_to_client=_request_to_answer(practice, names),
        )
    if _needs_triage(recommendation.screening):
        telephone = practice.matching_page.telephone if practice.matching_page else ""
        yield RecommendationWarning(
            code="triage",
            message="No clinician on the roster can safely take this client: the request needs "
            "clinical triage.",
            message_to_client="This is best talked through with a person: please ring the practice"
            f"{f' on {telephone}' if telephone else ''}.",
        )


def _unanswered(screening: Screening) -> Iterator[Constraint]:
    """The constraints that exclude everybody because a question is not answered.

    Unknown for every clinician means that the client's side is missing, not a clinician's.
    """
    excludes = np.asarray(screening.excluding.any(axis=1)).tolist()
    for constraint, excludes_any in zip(screening.constraints, excludes, strict=True):
        is_open = excludes_any and constraint.unasked == "unknown"
        if is_open and np.isnan(screening.verdict_of(constraint.name)).all():
            yield constraint


def _open_questions(constraint: Constraint, client: Columns) -> tuple[str, ...]:
    """What has to be asked: whether the constraint applies, where that is open."""
    when = constraint.when
    if when is not None and np.isnan(client[when.client]).all():
        return (when.client,)
    return constraint.client


def _request_to_answer(practice: Practice, names: tuple[str, ...]) -> str | None:
    """What a client reads of open questions; None of those that clients are not asked."""
    layout = practice.forms.get("client")
    if layout is None or not set(names) <= set(layout):
        return None
    asked = " ".join(practice.client[name].question_for("client") for name in names)
    return f"Please answer this as well: {asked} Without it we cannot show you anyone."


def _needs_triage(screening: Screening) -> bool:
    """Whether an answer of the client is beyond every clinician for a reason of safety.

    A question that is not answered, or a clinician's limit that is not recorded, is no such answer.
    """
    safety = {c.name for c in screening.constraints if c.family == "safety" and c.client}
    return bool(screening.ids) and bool(screening.failed_for(safety).all())


def _stale(hours: float) -> RecommendationWarning:
    return RecommendationWarning(
        code="stale_availability",
        message=f"Availability was last updated more than {hours:g} hours ago "
        "(`availability_as_of`): ask the clinician before offering a time.",
        message_to_client=STALE_TO_CLIENT,
    )
