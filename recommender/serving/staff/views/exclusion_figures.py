"""Why one clinician was left out, with the figures of the rules: theirs, and those asked for."""

from recommender.journal.recommendations import ShownRecommendation
from recommender.recommendation.rule_figures import reason_text
from recommender.serving.schemas.responses import ExcludedClinician
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.views.current_cards import present_clinicians


def reasons_with_figures(
    excluded: ExcludedClinician,
    shown: ShownRecommendation,
    state: ServingSnapshot,
    roster_version: str,
) -> tuple[str, ...]:
    """The stored reasons in words.

    Figures come from the present roster, so they are added only while it is the one that the
    request was answered by: they never contradict the stored reason.
    """
    practice, roster = state.practice, state.encoding.roster
    found = None
    if roster_version == roster.version:
        found = present_clinicians(shown, practice, roster, (excluded.clinician_id,))
    texts = []
    for reason in excluded.reasons:
        constraint = practice.constraints.get(reason.constraint)
        text = reason.text
        is_plain = constraint is not None and text == constraint.say and not reason.unknown
        if found is not None and constraint is not None and is_plain:
            columns, context = found.roster.columns, found.screening.context
            text = reason_text(practice, constraint, found.client, columns, context, 0)
        texts.append(wording.exclusion(reason.model_copy(update={"text": text})))
    return tuple(texts)
