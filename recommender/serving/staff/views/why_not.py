"""Why one clinician is not first: what left them out, or how far they are behind another."""

from collections.abc import Mapping
from dataclasses import dataclass

from recommender.serving.api.explanations import ExplanationCase
from recommender.serving.staff import wording
from recommender.serving.staff.views.comparison import Comparison
from recommender.serving.staff.views.explanation import ExplanationView
from recommender.serving.staff.views.why_first import REASONS


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why one clinician is not first, in a sentence, and what shows it in full."""

    name: str
    text: str
    reasons: tuple[str, ...] = ()
    comparison: Comparison | None = None


def fits_sentence(
    case: ExplanationCase, names: Mapping[str, str], clinician_id: str, other: str
) -> str:
    """How the prediction of a clinician who fits compares with another's, and in what it is lower.

    Where nothing was predicted for one of them, only that the clinician fits.
    """
    name, beside = names[clinician_id], names[other]
    known = () if case.contributions is None else case.contributions.ids
    if clinician_id not in known or other not in known:
        return f"{name} fits. Beside {beside}:"
    view = ExplanationView.of(case.explain(clinician_id, other))
    hundredths = 0 if view is None else view.total.hundredths
    if not hundredths:
        return f"{name} fits, with a predicted alliance equal to that of {beside}."
    points = f"{wording.two(abs(hundredths) / 100)} points"
    if hundredths > 0:
        order = "" if clinician_id == case.shown[0] else ", too little to decide the order"
        return f"{name} fits, with a predicted alliance {points} above that of {beside}{order}."
    words = case.behind(clinician_id, other)[:REASONS]
    why = f": {wording.listed(words)}" if words else ", in all points together"
    return f"{name} fits, with a predicted alliance {points} below that of {beside}{why}."
