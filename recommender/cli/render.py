"""Renders reports and shortlists for a terminal with rich."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from recommender.cli.record_table import RecordTable
from recommender.errors import Fault
from recommender.practice.definition import Practice
from recommender.practice.forms import Audience
from recommender.registry.versions import ROLLED_BACK
from recommender.values.counts import counted

if TYPE_CHECKING:
    # Only spoken of: importing them costs seconds that `--help` should not.

    from recommender.alliance.plausibility import PlausibilityWarning
    from recommender.compute.runner import Progress as ProgressCallback
    from recommender.practice.rules.catalogue import Rule
    from recommender.registry.versions import Promotion
    from recommender.tables.report import TablesReport

MARK = 31
"""Characters of the line on which an interval is drawn."""


@contextmanager
def progress_bar(console: Console) -> Iterator["ProgressCallback"]:
    """Shows a progress bar; yields the function that a job reports its steps to."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=None),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda step, done: bar.update(task, description=step, completed=done)


def faults_table(
    faults: Sequence[Fault] | Sequence[str], heading: str, colour: str = "red"
) -> Panel:
    """Faults, one a line."""
    lines = [Text(f"• {fault}") for fault in faults]
    return _panel(Group(*lines), heading, colour)


def _panel(content: Group, title: str, colour: str = "none") -> Panel:
    # No wider than its text: output that is piped has no width to fill.
    return Panel(content, title=title, border_style=colour, title_align="left", expand=False)


def warnings_table(warnings: Sequence[Fault]) -> Panel:
    """What is legal and probably not meant, one a line."""
    return faults_table(warnings, "please check", "yellow")


def print_warnings(console: Console, warnings: Sequence[Fault]) -> None:
    """Prints warnings, if there are any."""
    if warnings:
        console.print(warnings_table(warnings))


def practice_table(practice: Practice) -> Group:
    """The fields, matches and constraints of a definition."""
    tables = [_fields(practice, "client"), _fields(practice, "clinician")]
    matches = RecordTable(
        "Matches", ("match", "compares", "speaks for", "speaks against", "size, in SD")
    )
    for match in practice.matches.values():
        size = f"{match.prior:+.2f}" if match.prior else ""
        matches.add_row(match.name, match.described, match.phrase, match.otherwise, size)
    rules = RecordTable("Constraints", ("constraint", "rule", "family", "default", "text"))
    for constraint in practice.constraints.values():
        rules.add_row(
            constraint.name, constraint.rule, constraint.family, constraint.mode, constraint.say
        )
    settings = practice.alliance
    first, last = settings.early_sessions
    heading = (
        f"{practice.title} ({practice.id} {practice.version}), {practice.timezone}. Label: "
        f"{settings.rater}-rated alliance of sessions {first} to {last}, within "
        f"{settings.within_days} days, on the {settings.metric} of {settings.reference}."
    )
    forms = [_form(practice, audience) for audience in practice.forms]
    return Group(Text(heading), *tables, *forms, matches, rules)


def _form(practice: Practice, audience: Audience) -> RecordTable:
    layout = practice.forms[audience]
    headings = ("field", "section", "asked", "question", "choices")
    table = RecordTable(f"Form for {audience}: {layout.title}", headings)
    for section in layout.sections:
        for stage, names in (("first", section.first), ("later", section.later)):
            for field in map(practice.client.__getitem__, names):
                choices = "; ".join(map(field.label_of, field.levels))
                question = field.question_for(audience)
                table.add_row(field.name, section.title, stage, question, choices)
    return table


def rules_table(rules: Iterable["Rule"]) -> RecordTable:
    """The rules of constraints: what each compares, its settings, and its meaning."""
    headings = ("rule", "client's", "clinician's", "settings", "judged for", "passes where")
    table = RecordTable("Rules", headings)
    for rule in rules:
        sides = (
            ", ".join("/".join(sorted(kind)) for kind in s) for s in (rule.client, rule.clinician)
        )
        settings = ", ".join(sorted(rule.needs) + [f"[{name}]" for name in sorted(rule.allows)])
        table.add_row(rule.name, *sides, settings, rule.day, rule.meaning)
    return table


def _fields(practice: Practice, side: str) -> RecordTable:
    headings = ("field", "kind", "use", "group", "phrase")
    table = RecordTable(f"Fields of a {side}", headings)
    declared = practice.client if side == "client" else practice.clinician
    for field in declared.values():
        table.add_row(field.name, field.kind, field.use, field.group or "", field.phrase)
    return table


def tables_report(report: "TablesReport") -> Group:
    """The usable rows and the faults of a practice's tables."""
    summary = report.summary
    rows = RecordTable("", ("table", "rows", "without a fault"))
    for name, count in summary.rows.items():
        rows.add_row(name, f"{count.read:,}", f"{count.usable:,}")
    rated, unrated = summary.pairings_rated, summary.pairings_unrated
    lines = [
        Text(
            f"{counted(rated, 'pairing has', 'pairings have')} an early rating, "
            f"{counted(unrated, 'has', 'have')} none."
        )
    ]
    lines += [
        Text(f"  {name}: {counted(n, 'rating counts', 'ratings count')}")
        for name, n in summary.early.items()
    ]
    lines += [
        Text(f"  {counted(n, 'rating does', 'ratings do')} not count: {reason.replace('_', ' ')}")
        for reason, n in summary.left_out.items()
        if n
    ]
    if summary.clinicians_unrated:
        unrated = len(summary.clinicians_unrated)
        lines.append(Text(f"{counted(unrated, 'clinician has', 'clinicians have')} no rating yet."))
    parts: list[Any] = [rows, *lines]
    if summary.consent is not None:
        parts.append(Text(str(summary.consent)))
    if report.implausible:
        parts.append(plausibility_table(report.implausible))
    if not report.sound:
        parts.append(faults_table(report.grouped(), "what is wrong"))
    if report.warnings:
        parts.append(warnings_table([each.to_fault() for each in report.warnings]))
    return Group(*parts)


def plausibility_table(warnings: "Sequence[PlausibilityWarning]") -> Panel:
    """What is implausible about tables, one warning a paragraph."""
    return faults_table([str(warning) for warning in warnings], "plausibility", "yellow")


def history_table(changes: "Sequence[Promotion]") -> RecordTable:
    """Changes of champion in the order given."""
    headings = ("when (UTC)", "version", "in place of", "who", "why")
    table = RecordTable("Champions", headings)
    for change in changes:
        why = Text(change.reason)
        for note in change.notes:
            why.append(f"\n{note}", style="dim")
        before = "none" if change.previous is None else str(change.previous)
        is_return = change.kind == ROLLED_BACK
        version = f"back to {change.version}" if is_return else f"{change.version} {change.kind}"
        table.add_row(f"{change.at:%Y-%m-%d %H:%M}", version, before, change.by, why)
    return table


def recommendation_view(answer: Mapping[str, Any]) -> Group:
    """A shortlist from the endpoint's JSON, with reasons, exclusions and relaxations."""
    scale = answer["scale"]
    shown: list[Any] = []
    for _, tied in groupby(answer["shortlist"], key=itemgetter("tie")):
        shown += _tied(list(tied), scale)
    if not shown:
        nobody = "Nobody fits every constraint. The table below lists the exclusions."
        # Without expand=False a line of a pipe would be filled with spaces to its full width.
        shown = [Padding(Text(nobody), 1, expand=False)]
    heading = Text(
        f"{answer['eligible']} clinician{'s' * (answer['eligible'] != 1)} fit"
        f"{'s' * (answer['eligible'] == 1)}, {len(answer['excluded'])} do not. "
        f"Predicted alliance on {scale['instrument']} ({scale['low']:g} to {scale['high']:g}).",
        style="bold",
    )
    warnings = [Text(text.replace("`", ""), style="yellow") for text in answer["warnings"]]
    parts: list[Any] = [heading, *warnings, *shown, _ledger(answer), *_relaxations(answer)]
    if answer["unanswered"]:
        parts.append(Text(f"Not answered: {', '.join(answer['unanswered'])}.", style="dim"))
    parts.append(Text(answer["notice"], style="italic"))
    if answer["shortlist"]:
        parts.append(Text(f"Order: {answer['order'].replace('`', '')}", style="dim"))
    model = answer["model"]
    source = f"mode: {answer['mode']}, model {model['digest'][:12]}, trained {model['created_at']}"
    return Group(*parts, Text(source, style="dim"))


def _tied(tied: Sequence[Mapping[str, Any]], scale: Mapping[str, Any]) -> list[Any]:
    """The clinicians of one tie, below a line that says so where there are several."""
    shown: list[Any] = [_clinician(entry, scale) for entry in tied]
    if len(tied) == 1 or tied[0]["tie"] is None:
        return shown
    ranks = f"{tied[0]['rank']} to {tied[-1]['rank']}"
    text = f"{ranks} cannot be told apart by what we know: choose by availability or preference."
    return [Text(text, style="bold yellow"), *shown]


def _clinician(entry: Mapping[str, Any], scale: Mapping[str, Any]) -> Panel:
    lines: list[Any] = []
    if entry["predicted_alliance"] is not None:
        lines.append(_strength(entry, scale))
    if entry["reasons"]:
        lines.append(_words("Asked for and offered", entry["reasons"], "green"))
    if entry.get("in_favour"):
        lines.append(_words("Speaks for", entry["in_favour"], "cyan"))
    if entry.get("against"):
        lines.append(_words("Speaks against", entry["against"], "yellow"))
    for label, unknown in (("Not met", False), ("Perhaps not met, ask", True)):
        texts = [r["text"] for r in entry["reservations"] if r["unknown"] == unknown]
        if texts:
            lines.append(_words(label, texts, "magenta"))
    return _panel(Group(*lines), f"{entry['rank']}. {escape(entry['name'])}")


def _strength(entry: Mapping[str, Any], scale: Mapping[str, Any]) -> Text:
    predicted, ends = entry["predicted_alliance"], entry["range"]
    text = Text(f"{predicted:.1f}", style="bold")
    text.append(
        f", and of 10 ratings like this about {10 * ends['level']:.0f} fell between "
        f"{ends['lower']:.1f} and {ends['upper']:.1f}   "
    )
    return text.append(_mark(predicted, ends, scale), style="dim")


def _mark(predicted: float, ends: Mapping[str, Any], scale: Mapping[str, Any]) -> str:
    def place(value: float) -> int:
        share = float((value - scale["low"]) / (scale["high"] - scale["low"]))
        return round(share * (MARK - 1))

    line = ["·"] * MARK
    for spot in range(place(ends["lower"]), place(ends["upper"]) + 1):
        line[spot] = "─"
    line[place(predicted)] = "●"
    return "".join(line)


def _words(heading: str, phrases: Sequence[str], colour: str) -> Text:
    return Text(f"{heading}: ", style=colour).append("; ".join(phrases) + ".", style="default")


def _relaxations(answer: Mapping[str, Any]) -> list[Any]:
    """The changes that admit more clinicians, one a line; empty without any."""
    if not answer["relaxations"]:
        return []
    headings = ("change", "admits", "strongest", "predicted")
    table = RecordTable("Changes that admit more", headings)
    for each in answer["relaxations"]:
        value, gain = each["predicted_alliance"], each.get("gain")
        change = "" if gain is None else f" ({gain:+.1f})"
        predicted = "" if value is None else f"{value:.1f}{change}"
        name = each["name"] if each["answers"] else ""
        table.add_row(each["text"], str(each["admits"]), name, predicted)
    return [table]


def _ledger(answer: Mapping[str, Any]) -> RecordTable:
    table = RecordTable("Exclusions", ("constraint", "removed", "only by it", "text"))
    reasons = [reason for person in answer["excluded"] for reason in person["reasons"]]
    # Of several texts the shortest is without what concerns one clinician alone.
    by_length = sorted(reasons, key=lambda reason: -len(reason["text"]))
    texts = {reason["constraint"]: reason["text"] for reason in by_length}
    lines = [line for line in answer["exclusion_counts"] if line["removed"]]
    for line in sorted(lines, key=lambda line: -int(line["removed"])):
        name = line["constraint"]
        table.add_row(
            name, str(line["removed"]), str(line["removed_only_by_it"]), texts.get(name, "")
        )
    return table
