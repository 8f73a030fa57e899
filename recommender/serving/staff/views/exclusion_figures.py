"""Why one clinician was left out, with the figures of the rules: theirs, and those asked for."""

from recommender.journal.recommendations import ShownRecommendation
from recommender.serving.present_clinicians import present_clinicians, with_figures
from recommender.serving.schemas.responses import ExcludedClinician, stated_reason
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording


def reasons_with_figures(
    excluded: ExcludedClinician, shown: ShownRecommendation, state: ServingSnapshot
) -> tuple[str, ...]:
    """The stored reasons in words.

    Figures come from the present roster. They are added to a reason that still holds, so that they
    never contradict it.
    """
    practice, roster = state.practice, state.encoding.roster
    found = present_clinicians(shown, practice, roster, (excluded.clinician_id,))
    holding: dict[str, str] = {}
    if found is not None:
        now = stated_reason(tuple(r for each in found.screening.exclusions for r in each.reasons))
        texts = with_figures(now, found, practice)
        holding = {each.constraint: each.text for each in texts if not each.unknown}
    return tuple(
        wording.exclusion(
            reason
            if reason.unknown or reason.constraint not in holding
            else reason.model_copy(update={"text": holding[reason.constraint]})
        )
        for reason in excluded.reasons
    )
