"""The commands `promote`, `rollback`, `history` and `card`; mlflow is imported when they run."""

from dataclasses import asdict
from datetime import UTC, datetime
from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import typer

from recommender.cli import render
from recommender.cli.commands.console import (
    REGISTRY,
    AsJson,
    Uri,
    err,
    exit_on_error,
    must_exist,
    out,
    print_json,
    uses_extras,
)
from recommender.registry.versions import registry_option

if TYPE_CHECKING:
    from recommender.registry.versions import Promotion
    from recommender.training.promotion import PromotionVerdict

PASSED = "passed the gate"
By = Annotated[str | None, typer.Option(help="Who decides; the account by default.")]


@uses_extras("train")
def promote(
    registry: Uri = REGISTRY,
    version: Annotated[int | None, typer.Option(help="Instead of the challenger.")] = None,
    reason: Annotated[str, typer.Option(help="Stored with the promotion.")] = PASSED,
    force: Annotated[
        bool,
        typer.Option(
            help="Promote although the gate refuses: a person's decision, with a --reason of its "
            "own. Both are recorded with every objection; `rollback` undoes it."
        ),
    ] = False,
    by: By = None,
    dry_run: Annotated[
        bool, typer.Option(help="Show the verdict and what fails, and promote nothing.")
    ] = False,
    every_rule: Annotated[
        bool, typer.Option("--all", help="With --dry-run: also the rules that do not fail.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the challenger champion if every rule of the gate allows it.

    A promotion is no claim: whether matching is shown is printed apart. For example:
    recommender promote --dry-run --all
    """
    reason = _required(reason, "promotion")
    if force and reason == PASSED:
        raise typer.BadParameter(
            "--force needs a --reason of its own: say who decided and on what grounds"
        )
    if every_rule and not dry_run:
        raise typer.BadParameter("--all shows every rule of a --dry-run")
    from recommender.registry.registry import Registry
    from recommender.training import promotion

    with exit_on_error(as_json=as_json), err.status("reading the evaluation report"):
        must_exist(registry)
        if dry_run:
            judged = promotion.judge(Registry(registry), version)
        else:
            who, now = by or getuser(), datetime.now(UTC)
            done = promotion.promote(
                Registry(registry), version, by=who, at=now, reason=reason, force=force
            )
    if not dry_run:
        if as_json:
            print_json(asdict(done) | {"at": done.at.isoformat()})
        else:
            _print_promotion(done, registry_option(registry))
        return
    if as_json:
        print_json(_verdict_json(judged))
    else:
        chosen = "" if version is None else f" --version {version}"
        _print_verdict(judged, f"{registry_option(registry)}{chosen}", every_rule=every_rule)
    if judged.objections:
        raise typer.Exit(1)


def _verdict_json(judged: "PromotionVerdict") -> dict[str, object]:
    return {
        "version": judged.version.version,
        "champion": None if judged.champion is None else judged.champion.version,
        "accepted": not judged.objections and not judged.is_champion,
        "findings": [asdict(each) for each in judged.findings],
        "claims": [
            {"claim": each.name, "status": each.status, "text": each.text,
             "ratings": each.rated, "ratings_needed": each.needed}
            for each in judged.claims
        ],
    }  # fmt: skip


def _print_verdict(judged: "PromotionVerdict", options: str, *, every_rule: bool) -> None:
    """The verdict, what fails, what is shown; the other rules where they are asked for.

    `options` reach this version in the next command.
    """
    from recommender.cli.evaluation_tables import claim_lines, findings_table, findings_view

    if judged.is_champion:
        out.print(
            f"Version {judged.version.version} is champion already: there is nothing to promote. "
            "Train again for a new challenger."
        )
        return
    failed = [each for each in judged.findings if each.outcome == "fails"]
    others = [each for each in judged.findings if each.outcome != "fails"]
    number = judged.version.version
    if failed:
        out.print(
            f"The gate would refuse version {number}: {len(failed)} "
            f"objection{'s' * (len(failed) > 1)}. Nothing was changed (--dry-run)."
        )
        out.print(findings_table(failed, "What fails, and what can be done"))
        out.print("Follow the remedies, keep the champion, or promote with --force and a --reason.")
    else:
        out.print(
            f"The gate would accept version {number}. Nothing was changed (--dry-run). "
            f"Next: recommender promote{options}",
            markup=False,
            soft_wrap=True,
        )
        out.print(" ".join(judged.decided_by), markup=False)
    for line in claim_lines(judged.claims):
        out.print(line)
    if every_rule:
        out.print(findings_view(others, "The other rules"))
    else:
        count = f"{len(others)} finding{'s' * (len(others) > 1)}"
        command = f"recommender promote{options} --dry-run --all"
        out.print(f"{count} did not fail: `{command}` shows them.", markup=False, soft_wrap=True)


def _print_promotion(done: "Promotion", registry: str) -> None:
    text = f"Version {done.version} is champion, by {done.by}: {done.reason}."
    out.print(f"{text} Next: recommender serve{registry}", markup=False, soft_wrap=True)
    if done.notes:
        out.print(render.faults_table(done.notes, "recorded with the promotion", "yellow"))


@uses_extras("train")
def rollback(
    reason: Annotated[str, typer.Option(help="Why; recorded with the rollback.")],
    registry: Uri = REGISTRY,
    to: Annotated[
        int | None, typer.Option(help="An earlier champion, instead of the one before.")
    ] = None,
    by: By = None,
) -> None:
    """Make the previous champion champion again; applies no rule, records who and why."""
    reason = _required(reason, "rollback")
    from recommender.registry.registry import Registry
    from recommender.training import promotion

    with exit_on_error(), err.status("going back"):
        must_exist(registry)
        who, now = by or getuser(), datetime.now(UTC)
        done = promotion.rollback(Registry(registry), to, by=who, at=now, reason=reason)
    text = f"Version {done.version} is champion again in place of version {done.previous}, by "
    out.print(f"{text}{done.by}: {done.reason}. Servers load it within seconds.", markup=False)


def _required(reason: str, what: str) -> str:
    if not reason.strip():
        raise typer.BadParameter(f"a {what} is recorded with its reason: give a --reason")
    return reason.strip()


@uses_extras("registry")
def history(registry: Uri = REGISTRY, as_json: AsJson = False) -> None:
    """Show every change of champion, newest first: when, who, why, in whose place."""
    from recommender.registry.registry import Registry

    with exit_on_error(as_json=as_json), err.status("reading the registry"):
        must_exist(registry)
        changes = Registry(registry).history()
    if as_json:
        print_json({"promotions": [asdict(c) | {"at": c.at.isoformat()} for c in changes[::-1]]})
        return
    if not changes:
        command = f"recommender promote{registry_option(registry)}"
        out.print(f"Nothing was promoted yet. Next: {command}", markup=False, soft_wrap=True)
        return
    out.print(render.history_table(changes[::-1]))


@uses_extras("registry")
def card(
    registry: Uri = REGISTRY,
    version: Annotated[
        int | None, typer.Option(help="Instead of the champion, or the challenger before one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a version's model card, as Markdown."""
    from recommender.registry.registry import Registry

    with exit_on_error(as_json=as_json), err.status("reading the card"):
        must_exist(registry)
        tracker = Registry(registry)
        chosen = tracker.version_or_champion(version)
        text = tracker.text(chosen, "card.md")
    if as_json:
        print_json({"version": chosen.version, "digest": chosen.digest, "markdown": text})
    else:
        typer.echo(text)
