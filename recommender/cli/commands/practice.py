"""The commands `practice`, for a definition, and `check`, for tables."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from recommender.cli import render
from recommender.cli.commands.console import (
    AsJson,
    Data,
    Definition,
    definition,
    err,
    exit_on_error,
    out,
    print_json,
)
from recommender.practice.funding import Ending, FundingRow, endings

practice_app = typer.Typer(no_args_is_help=True, help="Look at a practice definition.")
File = Annotated[str, typer.Argument(help="A TOML file, or `psychology`.")]


@practice_app.command("check")
def practice_check(file: File = "psychology", as_json: AsJson = False) -> None:
    """Print every fault of a definition, and the funding that ends soon."""
    with exit_on_error(as_json=as_json):
        practice = definition(file)
    today = practice.day_at(datetime.now(UTC))
    endings_soon = funding_warnings(practice.funding, today)
    if as_json:
        sections = ("client", "clinician", "matches", "constraints")
        print_json(
            {name: getattr(practice, name) for name in ("id", "version", "title", "digest")}
            | {name: len(getattr(practice, name)) for name in sections}
            | {"card_missing": practice.card.empty, "warnings": endings_soon}
        )
        return
    counts = (
        f"{len(practice.client)} client fields, {len(practice.clinician)} clinician fields, "
        f"{len(practice.matches)} matches, {len(practice.constraints)} constraints"
    )
    out.print(f"{practice.title}: sound. {counts}.")
    if practice.card.empty:
        err.print(
            f"Before a model is promoted, write {', '.join(practice.card.empty)} under \\[card]."
        )
    for warning in endings_soon:
        err.print(warning)


def funding_warnings(rows: Sequence[FundingRow], today: date) -> list[str]:
    """A line for each scheme and provider whose rows end soon or ended, the earliest first."""
    return [_ends(ending, (ending.last - today).days) for ending in endings(rows, today)]


def _ends(ending: Ending, days: int) -> str:
    items = f" for {', '.join(ending.items)}" if ending.items else ""
    when = f"{-days} days ago" if days < 0 else f"in {days} days"
    return (
        f"Funding: what {ending.scheme} pays a {ending.provider}{items} "
        f"{'ended' if days < 0 else 'ends'} on {ending.last}, {when}. Add the rows that follow."
    )


@practice_app.command("show")
def practice_show(file: File = "psychology") -> None:
    """Print the fields, matches and constraints of a definition."""
    with exit_on_error():
        out.print(render.practice_table(definition(file)))


@practice_app.command("rules")
def practice_rules(as_json: AsJson = False) -> None:
    """List the rules a constraint may name, with their parameters and meaning."""
    from recommender.practice.rules.catalogue import RULES

    if as_json:
        rules = [
            {
                "rule": rule.name,
                "client": [sorted(kinds) for kinds in rule.client],
                "clinician": [sorted(kinds) for kinds in rule.clinician],
                "needs": sorted(rule.needs),
                "allows": sorted(rule.allows),
                "passes_where": rule.meaning,
            }
            for rule in RULES.values()
        ]
        print_json({"rules": rules})
        return
    out.print(render.rules_table(RULES.values()))


def check(data: Data, practice: Definition = "psychology", as_json: AsJson = False) -> None:
    """Report faults of a practice's tables, what is usable, and what is implausible.

    Exits 1 on any fault; what is only implausible is a warning.
    """
    from recommender.tables.report import check_tables

    with exit_on_error(as_json=as_json), err.status("reading tables"):
        declared = definition(practice)
        report = check_tables(data, declared, declared.day_at(datetime.now(UTC)))
    if as_json:
        said = {
            "warnings": [str(each.to_fault()) for each in report.warnings],
            "implausible": [asdict(each) for each in report.implausible],
        }
        faults = [each.to_fault() for each in report.faults]
        print_json(asdict(report.summary) | said, faults)
        raise typer.Exit(0 if report.sound else 1)
    out.print(render.tables_report(report))
    if not report.sound:
        raise typer.Exit(1)
    verdict = "Sound, but see plausibility above." if report.implausible else "Sound."
    out.print(f"{verdict} Next: recommender train {data} --practice {practice}", soft_wrap=True)
