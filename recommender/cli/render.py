"""How things look in a terminal: reports, figures, a shortlist that a person enjoys reading.

Imported by `cli` only; knows plain values and draws with rich.
"""

import math
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
from rich.table import Column, Table
from rich.text import Text

from recommender.errors import Fault
from recommender.practice.definition import Practice

if TYPE_CHECKING:
    # Only spoken of: importing them costs seconds that `--help` should not.
    import pandas as pd

    from recommender.compute.runner import Progress as Told
    from recommender.practice.rules.catalogue import Rule
    from recommender.registry.versions import Promotion
    from recommender.tables.report import TablesReport
    from recommender.training.promotion_gate import Finding

MARK = 31
"""Characters of the line on which a range is drawn."""


@contextmanager
def progress_bar(console: Console) -> Iterator["Told"]:
    """A bar that follows a long job; gives the function the job tells its steps to."""
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
    found: Sequence[Fault] | Sequence[str], heading: str, colour: str = "red"
) -> Panel:
    """Every fault, one a line."""
    lines = [Text(f"• {fault}") for fault in found]
    return Panel(Group(*lines), title=heading, border_style=colour, title_align="left")


def practice_table(practice: Practice) -> Group:
    """What a definition declares, section by section."""
    tables = [_fields(practice, "client"), _fields(practice, "clinician")]
    matches = Table("match", "compares", "phrase", "size, in SD", title="Matches")
    for match in practice.matches.values():
        sides = " and ".join(
            "+".join(f.name for f in side) for side in (match.client, match.clinician)
        )
        size = f"{match.prior:+.2f}" if match.prior else ""
        matches.add_row(match.name, f"{match.operator}: {sides}", match.phrase, size)
    rules = Table("constraint", "rule", "family", "default", "said", title="Constraints")
    for constraint in practice.constraints.values():
        rules.add_row(
            constraint.name, constraint.rule, constraint.family, constraint.mode, constraint.say
        )
    settings = practice.alliance
    first, last = settings.early_sessions
    said = (
        f"{practice.title} ({practice.id} {practice.version}), {practice.timezone}. Label: "
        f"{settings.rater}-rated alliance of sessions {first} to {last}, within "
        f"{settings.within_days} days, on the {settings.metric} of {settings.reference}."
    )
    return Group(Text(said), *tables, matches, rules)


def rules_table(rules: Iterable["Rule"]) -> Table:
    """The rules of constraints: what each compares, may be told beside it, and means."""
    name = Column("rule", no_wrap=True)
    table = Table(name, "client's", "clinician's", "settings", "passes where", title="Rules")
    for rule in rules:
        sides = (
            ", ".join("/".join(sorted(kind)) for kind in s) for s in (rule.client, rule.clinician)
        )
        settings = ", ".join(sorted(rule.needs) + [f"[{name}]" for name in sorted(rule.allows)])
        table.add_row(rule.name, *sides, Text(settings), rule.meaning)
    return table


def _fields(practice: Practice, side: str) -> Table:
    table = Table("field", "kind", "use", "group", "said as", title=f"Fields of a {side}")
    declared = practice.client if side == "client" else practice.clinician
    for field in declared.values():
        table.add_row(field.name, field.kind, field.use, field.group or "", field.phrase)
    return table


def tables_report(report: "TablesReport") -> Group:
    """What is usable in a practice's tables, and what is wrong."""
    summary = report.summary
    rows = Table("table", "rows", "without a fault", box=None)
    for name, count in summary.rows.items():
        rows.add_row(name, f"{count.read:,}", f"{count.usable:,}")
    rated = f"{summary.pairings_rated:,} pairings have an early rating, "
    told = [Text(rated + f"{summary.pairings_unrated:,} have none.")]
    told += [Text(f"  {name}: {n:,} ratings count") for name, n in summary.early.items()]
    told += [
        Text(f"  {n:,} ratings do not count: {reason.replace('_', ' ')}")
        for reason, n in summary.left_out.items()
        if n
    ]
    if summary.clinicians_unrated:
        told.append(Text(f"{len(summary.clinicians_unrated)} clinicians have no rating yet."))
    parts: list[Any] = [rows, *told]
    if not report.sound:
        parts.append(faults_table(report.grouped(), "what is wrong"))
    return Group(*parts)


UNSAID = "not measured"
READ: Mapping[str, str] = {
    "client-adjusted partial": "order of pairings, net of the client; 0 is chance",
    "dyad partial": "net of the clinician too, so that matching is left; 0 is chance",
    "composite": "the first, those who left counted low; the gate decides on it",
    "calibration slope": "1 where a point predicted comes with a point rated",
    "RMSE": "the usual error of a predicted rating, in points; lower is nearer",
    "Spearman": "order within each client's own ratings; 0 is chance",
    "NDCG@5": "whether what a client rated high stands first; 1 where it always does",
    "pairs in order": "how often the right one of a client's two leads; .5 is chance",
}
"""How to read each figure, one line each."""
BEYOND = 100
"""No figure of a learner that says something is as large: it would only widen the table."""
INTERVALS = "Below each figure: its 95 % bootstrap interval by client and clinician."


def figures_table(table: "pd.DataFrame", title: str) -> Group:
    """Learners beside one another, one metric a column, with 95 % intervals and how to read them.

    `table` has one row a learner and metric: learner, metric, value, low, high. Three metrics stand
    side by side, as many as 80 columns hold.
    """
    names = list(dict.fromkeys(table["metric"]))
    parts = [names[start : start + 3] for start in range(0, len(names), 3)]
    shown = [_beside(table, part, title) for part in parts]
    lines = [f"{name}: {READ[name]}." for name in names if name in READ]
    return Group(*shown, *print_notes(*lines, *([INTERVALS] if names else [])))


def print_notes(*lines: str) -> tuple[Text, ...]:
    """How to read what stands above, a line each."""
    return tuple(Text(line, style="dim") for line in lines)


def _beside(table: "pd.DataFrame", names: Sequence[str], title: str) -> Table:
    shown = Table("", *names, title=title)
    for learner, rows in table.groupby("learner", sort=False):
        ends = rows[["value", "low", "high"]].to_numpy(dtype=float).tolist()
        cells = dict(zip(rows["metric"], map(figure_cell, ends), strict=True))
        style = "bold" if learner == "ours" else ""
        shown.add_row(str(learner), *(cells.get(name, "") for name in names), style=style)
    return shown


def figure_cell(figure: Sequence[float | None], sign: str = "") -> Text:
    """A value above its interval, in words where either could not be measured."""
    value, low, high = (math.nan if end is None else end for end in figure)
    if math.isnan(value):
        return Text(UNSAID)
    unsaid = math.isnan(low) or math.isnan(high)
    ends = (_short(end, f"{sign}.2f") for end in (low, high))
    interval = "no interval" if unsaid else ", ".join(ends)
    return Text(_short(value, f"{sign}.3f")).append(f"\n{interval}", style="dim")


def _short(value: float, form: str) -> str:
    """A figure, or that it is beyond what can be one: the slope of a score that hardly varies."""
    if abs(value) < BEYOND:
        return f"{value:{form}}"
    return f"over {BEYOND}" if value > 0 else f"under -{BEYOND}"


OUTCOMES = {"passes": "green", "fails": "bold red", "too few to say": "yellow"}


def verdict_table(findings: "Sequence[Finding]", version: int) -> Table:
    """What every rule found of a version, and what it takes where it fails."""
    table = Table("rule", "", "found", title=f"The gate on version {version}")
    for each in findings:
        found = Text(each.text)
        if each.remedy:
            found.append(f"\n{each.remedy}", style="dim")
        table.add_row(each.rule, Text(str(each.outcome), style=OUTCOMES[each.outcome]), found)
    return table


def history_table(changes: "Sequence[Promotion]") -> Table:
    """Changes of champion in the order given."""
    table = Table("when (UTC)", "version", "in place of", "who", "why", title="Champions")
    for change in changes:
        why = Text(change.reason)
        for note in change.notes:
            why.append(f"\n{note}", style="dim")
        before = "none" if change.previous is None else str(change.previous)
        said = f"{change.version} {change.kind}"
        table.add_row(f"{change.at:%Y-%m-%d %H:%M}", said, before, Text(change.by), why)
    return table


def recommendation_view(answer: Mapping[str, Any]) -> Group:
    """A shortlist from the endpoint's JSON: who, how strong, why, who was left out by what."""
    scale = answer["scale"]
    shown: list[Any] = []
    for _, tied in groupby(answer["shortlist"], key=itemgetter("tie")):
        shown += _tied(list(tied), scale)
    if not shown:
        shown = [Padding(Text("Nobody fits every constraint. See below what removed whom."), 1)]
    heading = Text(
        f"{answer['eligible']} clinicians fit, {len(answer['excluded'])} do not. "
        f"Predicted alliance on {scale['instrument']} ({scale['low']:g} to {scale['high']:g}).",
        style="bold",
    )
    parts: list[Any] = [heading, *shown, _ledger(answer), *_relaxations(answer)]
    if answer["unanswered"]:
        parts.append(Text(f"Not answered: {', '.join(answer['unanswered'])}.", style="dim"))
    parts.append(Text(answer["notice"], style="italic"))
    if answer["shortlist"]:
        parts.append(Text(f"Order: {answer['order'].replace('`', '')}", style="dim"))
    model = answer["model"]
    made = f"mode: {answer['mode']}, model {model['digest'][:12]}, made {model['created_at']}"
    return Group(*parts, Text(made, style="dim"))


def _tied(tied: Sequence[Mapping[str, Any]], scale: Mapping[str, Any]) -> list[Any]:
    """The clinicians of one tie, below a line that says so where there are several."""
    shown: list[Any] = [_clinician(entry, scale) for entry in tied]
    if len(tied) == 1 or tied[0]["tie"] is None:
        return shown
    ranks = f"{tied[0]['rank']} to {tied[-1]['rank']}"
    said = f"{ranks} cannot be told apart by what we know: choose by availability or preference."
    return [Text(said, style="bold yellow"), *shown]


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
        said = [r["say"] for r in entry["reservations"] if r["unknown"] == unknown]
        if said:
            lines.append(_words(label, said, "magenta"))
    title = f"{entry['rank']}. {escape(entry['name'])}"
    return Panel(Group(*lines), title=title, title_align="left")


def _strength(entry: Mapping[str, Any], scale: Mapping[str, Any]) -> Text:
    said, ends = entry["predicted_alliance"], entry["range"]
    told = Text(f"{said:.1f}", style="bold")
    told.append(
        f", and of 10 ratings like this about {10 * ends['level']:.0f} fell between "
        f"{ends['lower']:.1f} and {ends['upper']:.1f}   "
    )
    return told.append(_mark(said, ends, scale), style="dim")


def _mark(said: float, ends: Mapping[str, Any], scale: Mapping[str, Any]) -> str:
    def place(value: float) -> int:
        share = float((value - scale["low"]) / (scale["high"] - scale["low"]))
        return round(share * (MARK - 1))

    line = ["·"] * MARK
    for spot in range(place(ends["lower"]), place(ends["upper"]) + 1):
        line[spot] = "─"
    line[place(said)] = "●"
    return "".join(line)


def _words(heading: str, phrases: Sequence[str], colour: str) -> Text:
    return Text(f"{heading}: ", style=colour).append("; ".join(phrases) + ".", style="default")


def _relaxations(answer: Mapping[str, Any]) -> list[Any]:
    """What would open more, a line each; nothing where nothing would be worth it."""
    if not answer["relaxations"]:
        return []
    table = Table(
        "change", "opens", "strongest", "predicted", title="What would open more", box=None
    )
    for each in answer["relaxations"]:
        said, gain = each["predicted_alliance"], each["gain"]
        told = "" if said is None else f"{said:.1f}" + ("" if gain is None else f" ({gain:+.1f})")
        name = escape(each["name"]) if each["answers"] else ""
        table.add_row(Text(each["say"]), str(each["opens"]), name, told)
    return [table]


def _ledger(answer: Mapping[str, Any]) -> Table:
    table = Table(
        "constraint", "removed", "only by it", "said as", title="Who was left out by what", box=None
    )
    said = {
        reason["constraint"]: reason["say"]
        for person in answer["excluded"]
        for reason in person["reasons"]
    }
    lines = [line for line in answer["ledger"] if line["removed"]]
    for line in sorted(lines, key=lambda line: -int(line["removed"])):
        name = line["constraint"]
        table.add_row(
            name, str(line["removed"]), str(line["removed_only_by_it"]), said.get(name, "")
        )
    return table
