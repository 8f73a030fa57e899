"""Why one clinician was left out, with the figures of the rules: theirs, and those asked for."""

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.definition import Practice
from recommender.recommendation.rule_figures import reason_text
from recommender.serving.schemas.responses import ExcludedClinician
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.views.current_cards import PresentClinicians, present_clinicians


def reasons_with_figures(
    excluded: ExcludedClinician, shown: ShownRecommendation, state: ServingSnapshot
) -> tuple[str, ...]:
    """The stored reasons in words.

    Figures come from the present roster. They are added to a reason that still holds, so that they
    never contradict it.
    """
    practice, roster = state.practice, state.encoding.roster
    found = present_clinicians(shown, practice, roster, (excluded.clinician_id,))
    holding = {} if found is None else _texts_now(found, practice)
    return tuple(
        wording.exclusion(
            reason
            if reason.unknown or reason.constraint not in holding
            else reason.model_copy(update={"text": holding[reason.constraint]})
        )
        for reason in excluded.reasons
    )


def _texts_now(found: PresentClinicians, practice: Practice) -> dict[str, str]:
    """The reasons with figures that exclude the one clinician now, by constraint."""
    screening = found.screening
    (exclusion,) = screening.exclusions or (None,)
    plain = {} if exclusion is None else {each.constraint: each for each in exclusion.reasons}
    return {
        constraint.name: reason_text(
            practice, constraint, found.client, found.roster.columns, screening.context, 0
        )
        for constraint in screening.constraints
        # A reason in other words than declared has its own figures already.
        if (reason := plain.get(constraint.name)) is not None
        and not reason.unknown
        and reason.text == constraint.say
    }
