"""An evaluation report as tables in a terminal, each with a line on how to read it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from recommender.cli.record_table import RecordTable
from recommender.cli.size_tables import gains_table
from recommender.model.claims import claims_of
from recommender.model.evaluation_report import (
    CHAMPION,
    COMPOSITE,
    DYAD,
    MIN_RATINGS_SHOWN,
    NO_DROPOUTS,
    NOT_MEASURED,
    PARTIAL,
    RMSE,
    SLOPE,
    BaselineDifference,
    DropoutSensitivity,
    Estimate,
    EvaluationReport,
    GroupFigure,
    LearnerExposure,
    LearnerFigure,
    RangeCoverage,
    number_text,
    split_by_size,
)
from recommender.values.counts import counted

if TYPE_CHECKING:
    from recommender.model.claims import Claim
    from recommender.training.promotion_case import Finding

DIFFERENCES_SHOWN = (COMPOSITE, DYAD, PARTIAL)
"""As many metrics as 80 columns hold."""
HOW_TO_READ: Mapping[str, str] = {
    PARTIAL: "order of pairings, net of the client; 0 is chance",
    DYAD: "net of the clinician too, so only matching is left; 0 is chance",
    COMPOSITE: "dropouts imputed as low ratings; what a promotion has to gain in",
    SLOPE: "slope of ratings on predictions; below 1: too spread out",
    RMSE: "the usual error of a predicted rating, in points; lower is better",
}
"""How to read each metric, one line each."""
LARGEST_FIGURE = 100
"""No useful figure is larger: it would only widen the table."""
INTERVALS = "Below each figure: its 95 % bootstrap interval by client and clinician."
FIGURES_REST_ON = (
    "Gain and dyad partial are cross-fitted: on every rating new to what serves now, each scored "
    "by a model that did not see its client. Interval, groups and exposure are those of a "
    "model that was trained on earlier pairings, on later ones."
)
ALL_BY_LEARNER: Mapping[str, str] = {}
"""Every row is named by its learner."""
OUTCOMES = {
    "passes": "green",
    "allowed": "cyan",
    "fails": "bold red",
    "too few to say": "yellow",
}


def training_view(report: EvaluationReport) -> Group:
    """What a training measured: figures, interval coverage, why no champion was compared."""
    claims, report = claims_of(report), report.as_read
    title = f"Measured on {report.rated or 0:,} later rated pairings{_and_dropouts(report)}"
    names, rated = learner_names(report), report.champion_rated or 0
    beside = [row for row in report.differences if rated and row.baseline == CHAMPION]
    return Group(
        figures_table(report.figures, title, names),
        differences_table(beside, names, f"Ours minus the champion, both on these {rated:,}"),
        *_without_champion(report),
        ranges_table(report.ranges),
        *_without_dropouts(report),
        *claim_lines(claims),
    )


def evaluation_view(report: EvaluationReport) -> Group:
    """Everything that an evaluation measured."""
    report = report.as_read
    names = learner_names(report)
    title = f"{report.rated or 0:,} held-out rated pairings{_and_dropouts(report)}"
    return Group(
        figures_table(report.figures, title, names),
        differences_table(report.differences, names),
        *_without_champion(report),
        gains_table(report.gains_by_part),
        ranges_table(report.ranges),
        groups_table(report.groups or (), report.groups_too_few),
        exposure_table(report.exposure),
        *concentration_note(report),
        dropout_table(report.dropout_sensitivity),
        *_without_dropouts(report),
        *optimism_note(report),
        *randomised_note(report),
    )


def learner_names(report: EvaluationReport) -> Mapping[str, str]:
    """How the champion's row is named, in two lines, where it is measured on fewer ratings."""
    name = report.learner_name(CHAMPION)
    return {} if name == CHAMPION else {CHAMPION: name.replace(", ", ",\n")}


def figures_table(
    figures: Sequence[LearnerFigure], title: str, names: Mapping[str, str] = ALL_BY_LEARNER
) -> Group:
    """Learners beside one another with 95 % intervals, three metrics a table, and how to read them.

    Three metrics are as many as 80 columns hold. Some rows have other names than their learner.
    """
    metrics = list(dict.fromkeys(figure.metric for figure in figures))
    by = {(names.get(f.learner, f.learner), f.metric): f for f in figures}
    tables = [_wide(by, metrics[start : start + 3], title) for start in range(0, len(metrics), 3)]
    lines = [f"{name}: {HOW_TO_READ[name]}." for name in metrics if name in HOW_TO_READ]
    return Group(*tables, *_notes(*lines, *([INTERVALS] if metrics else [])))


def differences_table(
    rows: Sequence[BaselineDifference],
    names: Mapping[str, str] = ALL_BY_LEARNER,
    title: str = "Ours minus each baseline",
) -> RenderableType:
    """Ours minus every baseline, one metric a column; some rows have other names."""
    by = {
        (names.get(row.baseline, row.baseline), row.metric): row
        for row in rows
        if row.metric in DIFFERENCES_SHOWN
    }
    if not by:
        return Group()
    metrics = list(dict.fromkeys(metric for _, metric in by))
    table = _wide(by, metrics, title, sign="+")
    return Group(table, *_notes("On the same draws: an interval that includes 0 may be chance."))


def ranges_table(rows: Sequence[RangeCoverage]) -> Group:
    """Stated and observed coverage of the prediction interval, by population."""
    enough, few = split_by_size(rows)
    headings = ("among", "ratings", "observed", "width", "bias")
    table = RecordTable("Interval coverage", headings)
    for row in enough:
        figures = number_text(row.coverage), number_text(row.width), number_text(row.bias, "+.2f")
        table.add_row(_short_group(row.among), f"{row.rated:,}", *figures)
    stated = " and ".join(dict.fromkeys(number_text(row.level, ".0%") for row in rows))
    lines = [f"Stated: {stated}. Bias is predicted minus rated: above 0 is too optimistic."]
    if few:
        names = ", ".join(map(_short_group, few))
        lines.append(f"Fewer than {MIN_RATINGS_SHOWN} ratings, and so no figures: {names}.")
    return Group(table, *_notes(*lines))


def groups_table(rows: Sequence[GroupFigure], too_few: int) -> RenderableType:
    """The client-adjusted partial in each audited group: ours, and beside the champion."""
    enough, few = split_by_size(rows)
    lines = [f"Left out: rows on fewer than {MIN_RATINGS_SHOWN} ratings."] if few else []
    if too_few:
        lines.append(f"{too_few} more groups have too few people to be looked at.")
    if not enough:
        return Group(*_notes(*lines))
    by = {(_short_group(row.among), row.learner): row for row in enough}
    learners = list(dict.fromkeys(row.learner for row in enough))
    how = "A group far below the others is served less well, if its interval says so."
    title = "Client-adjusted partial by group of clients"
    return Group(_wide(by, learners, title), *_notes(how, *lines))


def exposure_table(rows: Sequence[LearnerExposure]) -> RenderableType:
    """How concentrated the first ranks of each learner are."""
    table = RecordTable("First ranks", ("", "of the most-named tenth", "Gini"))
    for row in rows:
        table.add_row(row.learner, number_text(row.top_share, ".0%"), number_text(row.gini))
    how = "The share that goes to a tenth of the clinicians; Gini: 0 where all get as many."
    return Group(table, *_notes(how)) if rows else Group()


def concentration_note(report: EvaluationReport) -> tuple[Text, ...]:
    """How often the most-named are first, beside what few kinds of client force."""
    found = report.concentration
    if found is None:
        return ()
    return _notes(
        f"The {found.most:,} most-named of {found.clinicians:,} clinicians are first for "
        f"{number_text(found.ours, '.0%')} of {found.clients:,} clients; in random orders for each "
        f"of {found.kinds:,} kinds of client for {number_text(found.by_kind, '.0%')}."
    )


def dropout_table(rows: Sequence[DropoutSensitivity]) -> RenderableType:
    """The composite with dropouts imputed at other quantiles."""
    quantiles = dict.fromkeys(f"at {row.quantile:.0%}" for row in rows)
    table = RecordTable("Dropout sensitivity", ("", *quantiles))
    for learner in dict.fromkeys(row.learner for row in rows):
        own = [row.composite for row in rows if row.learner == learner]
        table.add_row(learner, *(number_text(value, ".3f") for value in own))
    how = "The composite with dropouts imputed at that quantile: the order should not change."
    return Group(table, *_notes(how)) if rows else Group()


def optimism_note(report: EvaluationReport) -> tuple[Text, ...]:
    """Mean predicted minus rated alliance, without and with dropouts."""
    optimism = report.optimism
    if optimism is None:
        return ()
    text = f"Predicted minus rated: {_points(optimism.rated)}"
    if report.left_unrated:
        low = number_text(optimism.dropouts_low_at, ".0%")
        dropouts = f"the {report.left_unrated:,} dropouts imputed at the lowest {low} of ratings"
        text += f"; with {dropouts}: {_points(optimism.with_left)}"
    return (Text(f"{text}."),)


def randomised_note(report: EvaluationReport) -> tuple[Text, ...]:
    """How many ratings follow a randomised tie, how they are weighted, and their mean."""
    randomised = report.randomised
    if randomised is None:
        return ()
    mean, low, high = map(number_text, (randomised.mean, randomised.low, randomised.high))
    text = (
        f"{randomised.rated:,} of the ratings follow a randomised tie. They are weighted by the "
        f"inverse of its probability, at most {1 / randomised.clip:.0f}-fold, so that all "
        f"{report.rated or 0:,} carry as much information as "
        f"{number_text(randomised.effective, ',.0f')} of equal weight. Their mean, had each client "
        f"seen every clinician of the tie equally often: {mean} ({low} to {high})."
    )
    return (Text(text),)


def claim_lines(claims: "Sequence[Claim]") -> tuple[Text, ...]:
    """Each claim with its status, and the figure it rests on."""
    return tuple(
        Text(f"{claim.title}. ", style="bold").append(claim.text, style="not bold")
        for claim in claims
    )


def findings_table(findings: "Sequence[Finding]", title: str) -> RecordTable:
    """What rules found, and the remedy where one fails."""
    table = RecordTable(title, ("rule", "", "finding"))
    for each in findings:
        finding = Text(each.text)
        if each.remedy:
            finding.append(f"\n{each.remedy}", style="dim")
        table.add_row(each.rule, Text(str(each.outcome), style=OUTCOMES[each.outcome]), finding)
    return table


def findings_view(findings: "Sequence[Finding]", title: str) -> Group:
    """Findings, and which ratings the figures in them rest on."""
    return Group(findings_table(findings, title), *_notes(FIGURES_REST_ON))


def figure_cell(figure: Estimate, sign: str = "") -> Text:
    """A value above its interval, in words where either could not be measured."""
    if figure.value is None:
        return Text(NOT_MEASURED)
    interval = "no interval"
    if figure.low is not None and figure.high is not None:
        interval = ", ".join(_bounded(end, f"{sign}.2f") for end in (figure.low, figure.high))
    return Text(_bounded(figure.value, f"{sign}.3f")).append(f"\n{interval}", style="dim")


def _bounded(value: float, form: str) -> str:
    """A figure, or that it is out of range, as the slope of a nearly constant score is."""
    if abs(value) < LARGEST_FIGURE:
        return f"{value:{form}}"
    return f"over {LARGEST_FIGURE}" if value > 0 else f"under -{LARGEST_FIGURE}"


def _wide(
    by: Mapping[tuple[str, str], Estimate], columns: Sequence[str], title: str, sign: str = ""
) -> RecordTable:
    """Figures by row and column as a table."""
    table = RecordTable(title, ("", *columns))
    for name in dict.fromkeys(row for row, _ in by):
        cells = (
            figure_cell(by[name, column], sign) if (name, column) in by else Text("")
            for column in columns
        )  # fmt: skip
        table.add_row(Text(name, style="bold" if name == "ours" else ""), *cells)
    return table


def _short_group(among: str) -> str:
    # Every group is one of clients: to say so in each line would only widen the table.
    return among.removeprefix("client.")


def _without_champion(report: EvaluationReport) -> tuple[Text, ...]:
    """Why there is no row of the champion, where there is a champion."""
    compared = report.champion
    if compared is None or report.champion_rated is not None:
        return ()
    if compared.not_compared:
        return (Text(f"The champion was not measured: {compared.not_compared}."),)
    until = f", which knew ratings until {compared.known_until}" if compared.known_until else ""
    why = f"of these ratings too few, or none, are new to it{until}"
    return (Text(f"The champion, version {compared.version}, has no row: {why}."),)


def _without_dropouts(report: EvaluationReport) -> tuple[Text, ...]:
    """Why there is no composite, where there is none."""
    return (Text(NO_DROPOUTS),) if report.is_without_dropouts else ()


def _and_dropouts(report: EvaluationReport) -> str:
    """How many pairings the composite counts besides those with a rating."""
    left = report.left_unrated
    return f", and {counted(left, 'dropout')} in the composite" if left else ""


def _notes(*lines: str) -> tuple[Text, ...]:
    return tuple(Text(line, style="dim") for line in lines)


def _points(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:+.2f} points"
