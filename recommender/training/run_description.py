"""Descriptions in Markdown that mlflow shows on the pages of a run and of a version."""

from recommender.model.card import Card
from recommender.model.evaluation_report import NO_DROPOUTS, EvaluationReport, interval_text
from recommender.model.verdicts import verdicts_of
from recommender.practice.definition import Practice
from recommender.training.baselines import OURS
from recommender.training.run_figures import PLAIN_NAMES

MOST_CHARACTERS = 5000
"""Of the description of a version in mlflow's database; that of a run may have 8,000."""
_SECTIONS = ("what", "verdict", "data", "label")
_WHERE = (
    "The whole model card is `card.md` among the artifacts of the run; folds and trials are runs "
    "below it. Which version serves is said by the alias `champion`."
)


def model_description(card: Card) -> str:
    """The first sections of a model card, and where the whole card is."""
    sections = {section.name: section for section in card.sections}
    parts = [f"## {sections[name].heading}\n\n{sections[name].markdown}" for name in _SECTIONS]
    return _fitting(parts, _WHERE)


def evaluation_description(report: EvaluationReport, practice: Practice, split: str) -> str:
    """What was held out, the answers that the figures give, and the figures themselves."""
    held_out = f"**{report.rated or 0:,} rated pairings held out** (split: {split})."
    learned = "Every learner was fitted anew on the others; nothing was published."
    verdicts = [
        f"- {each.question} {each.answer}. {each.figure} {each.needs}".rstrip()
        for each in verdicts_of(report, practice.alliance.interval)
    ]
    figures = [
        f"- {figure.metric}: {interval_text(figure)}"
        for figure in report.as_read.figures
        if figure.learner == OURS and figure.metric in PLAIN_NAMES
    ]
    dropouts = NO_DROPOUTS if report.is_without_dropouts else ""
    parts = ["\n".join(verdicts), "\n".join(figures), dropouts]
    return _fitting(parts, f"{held_out} {learned}")


def _fitting(parts: list[str], always: str) -> str:
    """The first parts, as many as mlflow stores beside the last, which is always there."""
    text = ""
    for part in filter(None, parts):
        if len(text) + len(part) + len(always) + 4 <= MOST_CHARACTERS:
            text += f"{part}\n\n"
    return text + always
