"""The commands `trial`: plan, start, follow and report a randomised trial of the order."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import typer

from recommender.cli.commands.console import (
    AsJson,
    Definition,
    RequiredStoreUrl,
    StoreUrl,
    definition,
    exit_on_error,
    opened_store,
    out,
    print_json,
)
from recommender.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from recommender.journal.trials import StoredTrial
    from recommender.practice.definition import Practice
    from recommender.store.database import Connection
    from recommender.trial.planning import TrialAssumptions
    from recommender.trial.protocol import TrialClients, TrialProtocol

trial_app = typer.Typer(
    no_args_is_help=True,
    help="Find out whether the model's order helps here: a randomised trial.\n\nIn order: `plan`, "
    "`start`, `progress` while it runs, `look` when one is due, `report` once it has ended.",
)
USUAL_EFFECT = 0.2
"""Effect that a trial is started for where none is given."""
RATE_MONTHS = 12
"""Months over which the journal's rate of clients is counted."""

Effect = Annotated[
    float, typer.Option(help="Effect to find, in standard deviations of the early alliance.")
]
Power = Annotated[float, typer.Option(help="Chance of finding it.")]
Rated = Annotated[float, typer.Option("--rated", help="Share of clients who are rated.")]
Follow = Annotated[
    float,
    typer.Option(help="Share of clients who begin with the first because of the order."),
]
Explained = Annotated[
    float, typer.Option(help="Share of rating variance that the predicted client part explains.")
]
Icc = Annotated[float, typer.Option(help="Share of rating variance between clinicians.")]
Clinicians = Annotated[int, typer.Option(help="Clinicians who take clients.")]
Apart = Annotated[
    float, typer.Option(help="How far apart the orders bring caseloads, 0 (not) to 1.")
]
Look = Annotated[
    list[float] | None,
    typer.Option("--look", help="Share of ratings at which is looked; repeat, and end with 1."),
]
By = Annotated[str | None, typer.Option(help="Name for the audit log; the account by default.")]


@trial_app.command()
def plan(
    power: Power = 0.8,
    rated: Rated = 0.68,
    follow: Follow = 0.6,
    explained: Explained = 0.05,
    icc: Icc = 0.05,
    clinicians: Clinicians = 20,
    apart: Apart = 0.2,
    per_month: Annotated[
        float | None,
        typer.Option(help="Clients who ask in a month; counted in the store without."),
    ] = None,
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """How many clients and months a trial needs, for effects of .1, .2 and .3.

    Example: `recommender trial plan --clinicians 12 --per-month 30`
    """
    from recommender.cli.trial_tables import YEARS, next_step, plan_table
    from recommender.trial.planning import EFFECTS, error_beyond, power_at, size_of

    with exit_on_error(as_json=as_json):
        assumed = _assumptions(power, rated, follow, explained, icc, clinicians, apart, None)
        rate = per_month if per_month is not None or store is None else _rate(store)
        sizes = [size_of(effect, assumed, rate) for effect in EFFECTS]
        beyond = [
            None if each.rated is None else error_beyond(each.rated, assumed) for each in sizes
        ]
        powers = [
            [power_at(12 * year * rate * rated, each.effect, assumed) for year in YEARS]
            if rate
            else []
            for each in sizes
        ]
    if as_json:
        rows = [
            asdict(size) | {"error_beyond": others, "power_by_years": by_years}
            for size, others, by_years in zip(sizes, beyond, powers, strict=True)
        ]
        print_json({"per_month": rate, "assumed": asdict(assumed), "effects": rows})
        return
    out.print(plan_table(sizes, beyond, powers, rate))
    out.print(_rests_on(assumed, rate), soft_wrap=True)
    for line in next_step(sizes, USUAL_EFFECT):
        out.print(line, soft_wrap=True, markup=False)


@trial_app.command()
def start(
    store: RequiredStoreUrl,
    effect: Effect = USUAL_EFFECT,
    power: Power = 0.8,
    rated: Rated = 0.68,
    follow: Follow = 0.6,
    explained: Explained = 0.05,
    icc: Icc = 0.05,
    clinicians: Clinicians = 20,
    apart: Apart = 0.2,
    look: Look = None,
    practice: Definition = "psychology",
    by: By = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Register the trial and randomise clients from now on.

    Each client who agrees to prediction and whom at least two clinicians fit is shown the model's
    order or the usual one of the next free day, with a chance of a half. Nobody who uses the server
    is shown which, nor predictions meanwhile; the notice of every list says that a trial runs.

    Example: `recommender trial start --effect 0.2 --clinicians 12 --practice practice.toml`
    """
    from recommender.journal.trial_arms import trials_of_harm
    from recommender.journal.trials import start_trial
    from recommender.trial.planning import size_of
    from recommender.trial.protocol import TrialProtocol

    with exit_on_error():
        declared = definition(practice)
        assumed = _assumptions(power, rated, follow, explained, icc, clinicians, apart, look)
        size = size_of(effect, assumed)
        if size.rated is None or size.randomised is None:
            remedy = "see `recommender trial plan`; plan for a larger effect"
            raise ConflictError("effect", "cannot be found with these assumptions", remedy)
    protocol = TrialProtocol(
        declared.id, effect, size.rated, size.randomised, assumed.looks, assumed.alpha, 0.5
    )
    text = f"{size.rated:,} rated clients are needed, about {size.randomised:,} randomised."
    out.print(text)
    with opened_store(store) as journal, journal.reading() as connection:
        harmed = bool(trials_of_harm(connection))
    if harmed:
        text = "A trial ended for harm here: half of the clients are shown the model's order again."
        out.print(text, soft_wrap=True)
    if not yes:
        typer.confirm("Until then no prediction is shown to anybody. Start?", abort=True)
    with opened_store(store) as journal, journal.writing() as connection:
        trial_id = start_trial(
            connection, protocol.to_json(), digest=protocol.digest, actor=by or getuser()
        )
    out.print(f"Trial {trial_id} is open; its protocol has the digest {protocol.digest[:16]}.",
              soft_wrap=True)  # fmt: skip


@trial_app.command()
def progress(store: RequiredStoreUrl, practice: Definition = "psychology",
             as_json: AsJson = False) -> None:  # fmt: skip
    """How far the trial is: counts over both arms together, no result.

    Example: `recommender trial progress --practice practice.toml`
    """
    from recommender.cli.trial_tables import progress_lines

    with exit_on_error(as_json=as_json):
        stored, protocol, clients = _read(store, definition(practice))
    due = protocol.next_due([each.rated for each in stored.looks])
    due_now = None if stored.ended is not None and _last_look(stored) else due
    if as_json:
        print_json({**clients.progress(), "planned": protocol.rated, "next_look": due_now})
        return
    for line in progress_lines(clients.progress(), protocol.rated, due_now):
        out.print(line, soft_wrap=True)


@trial_app.command()
def look(store: RequiredStoreUrl, practice: Definition = "psychology", by: By = None) -> None:
    """Take the look that is due; print whether the trial goes on, and no figure.

    Refused before it is due. The trial ends at a boundary for benefit or harm, or at the last look.
    After harm servers with this store show everybody the usual order until `restore`.

    Example: `recommender trial look --practice practice.toml`
    """
    from recommender.journal.trials import end_trial, record_look
    from recommender.trial.looks import CONTINUE, HARM, look_at

    with exit_on_error(), opened_store(store) as journal, journal.writing() as connection:
        stored, protocol, clients = _current(connection, definition(practice))
        if _last_look(stored):
            remedy = "read it: recommender trial report"
            raise ConflictError("look", "was the last one already", remedy)
        before = [each.rated for each in stored.looks]
        found = look_at(clients, protocol, before, last=stored.ended is not None)
        actor, trial_id = by or getuser(), stored.trial.trial_id
        record_look(connection, trial_id, found.rated, found.decision, asdict(found), actor=actor)
        if found.decision != CONTINUE and stored.ended is None:
            end_trial(connection, trial_id, found.decision, actor=actor)
    if found.decision == CONTINUE:
        out.print(f"Look at {found.rated:,} ratings: the trial goes on.")
        return
    out.print(f"Look at {found.rated:,} ratings: the trial has ended. Nobody is randomised now.")
    if found.decision == HARM:
        out.print(
            "It ended for harm: servers with this store show everybody the usual order, and "
            "predict nothing in lists, until `recommender trial restore --reason CODE`.",
            soft_wrap=True,
        )
    out.print("Next: recommender trial report", soft_wrap=True)


@trial_app.command()
def stop(
    store: RequiredStoreUrl,
    reason: Annotated[str, typer.Option(help="A code such as too_few_clients.")],
    by: By = None,
) -> None:
    """End the trial early; `look` then takes its last look, which is valid if nobody saw results.

    With the reason `harm` servers show everybody the usual order from then on, until `restore`.

    Example: `recommender trial stop --reason too_few_clients`
    """
    from recommender.journal.trials import end_trial, newest_trial
    from recommender.journal.validation import code_faults, refuse

    with exit_on_error(), opened_store(store) as journal, journal.writing() as connection:
        refuse(code_faults(reason=reason))
        stored = newest_trial(connection)
        end_trial(connection, stored.trial.trial_id, reason, actor=by or getuser())
    out.print("The trial has ended: nobody is randomised now. Next: recommender trial look")


@trial_app.command()
def restore(
    store: RequiredStoreUrl,
    reason: Annotated[str, typer.Option(help="A code such as another_model.")],
    by: By = None,
) -> None:
    """Show the model's order again after a trial that ended for harm; the audit log has who did.

    Do it when another model is champion, or when you know what the harm came of. A further trial
    needs no restoration: while it is open its draw decides.

    Example: `recommender trial restore --reason another_model`
    """
    from recommender.journal.trials import restore_order
    from recommender.journal.validation import code_faults, refuse

    with exit_on_error(), opened_store(store) as journal, journal.writing() as connection:
        refuse(code_faults(reason=reason))
        restore_order(connection, reason, actor=by or getuser())
    out.print("The model's order is restored: servers show it within their POLL_SECONDS.")


@trial_app.command()
def report(
    store: RequiredStoreUrl, practice: Definition = "psychology", as_json: AsJson = False
) -> None:
    """What the trial found, once it has ended with its last look.

    Example: `recommender trial report --practice practice.toml`
    """
    from recommender.cli.trial_tables import counts_table, report_table
    from recommender.trial.looks import TrialLook
    from recommender.trial.report import report_of

    with exit_on_error(as_json=as_json):
        stored, protocol, clients = _read(store, definition(practice))
        if not _last_look(stored):
            problem = "has not ended: no result is shown, so that none can change it"
            raise ConflictError("trial", problem, "see how far it is: recommender trial progress")
        protocol.refuse_other_analysis()
        look_at_end = TrialLook.from_result(stored.looks[-1].result)
        found = report_of(clients, protocol, look_at_end)
    if as_json:
        print_json({"protocol": asdict(protocol), **asdict(found)})
        return
    out.print(found.sentence, soft_wrap=True)
    out.print(report_table(found))
    out.print(counts_table(found))


def shadow(
    store: RequiredStoreUrl,
    practice: Definition = "psychology",
    model: Annotated[
        str | None, typer.Option(help="Digest of the second model, or its beginning; the last.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the models that are shown with the one of `serve --shadow`, request by request.

    Example: `recommender shadow --practice practice.toml`
    """
    from recommender.cli.trial_tables import shadow_lines, shadow_table
    from recommender.journal.shadows import shadow_digests, shadowed_requests, shown_beside
    from recommender.journal.trials import begun_by_request
    from recommender.monitoring.shadow_comparison import compare_shadow

    with exit_on_error(as_json=as_json):
        declared = definition(practice)
        with opened_store(store) as journal, journal.reading() as connection:
            known = [d for d in shadow_digests(connection) if d.startswith(model or "")]
            if not known:
                remedy = "start the server with --shadow challenger, and let clients ask"
                raise NotFoundError("shadow", "has scored no request", remedy)
            shortlists = shown_beside(connection, known[0])
            scored = shadowed_requests(connection, known[0])
            begun = begun_by_request(connection)
        some = [each for each in scored if each.recommendation_id in shortlists]
        found = compare_shadow(some, shortlists, begun, declared)
    if as_json:
        print_json({"model": known[0], **asdict(found)})
        return
    for line in shadow_lines(known[0], found):
        out.print(line, soft_wrap=True)
    out.print(shadow_table(found))


def _assumptions(
    power: float,
    rated: float,
    follow: float,
    explained: float,
    icc: float,
    clinicians: int,
    apart: float,
    looks: list[float] | None,
) -> "TrialAssumptions":
    from recommender.trial.planning import TrialAssumptions

    assumed = TrialAssumptions(
        power=power,
        rated=rated,
        follow=follow,
        explained=explained,
        icc=icc,
        clinicians=clinicians,
        apart=apart,
    )
    return assumed if not looks else replace(assumed, looks=tuple(looks))


def _rate(store: str) -> float | None:
    from recommender.journal.trials import requests_per_month

    since = datetime.now(UTC) - timedelta(days=RATE_MONTHS * 365.25 / 12)
    with opened_store(store) as journal, journal.reading() as connection:
        return requests_per_month(connection, since=since)


def _rests_on(assumed: "TrialAssumptions", rate: float | None) -> str:
    at = "Months need --per-month or a store with requests." if rate is None else (
        f"At {rate:.0f} clients a month."
    )  # fmt: skip
    return (
        f"Found with a chance of {assumed.power:.0%} by a two-sided test of {assumed.alpha:.0%} in "
        f"{len(assumed.looks)} looks; {assumed.rated:.0%} rated, {assumed.follow:.0%} follow; the "
        f"client part explains {assumed.explained:.0%} of the variance. {at}\n"
        "Found: among the clinicians of the trial. Error beyond: how many times as large the error "
        f"is that also covers others, with {assumed.clinicians} who take clients and "
        f"{assumed.icc:.0%} of the variance between them; more clients do not lower that part."
    )


def _read(store: str, practice: "Practice") -> "tuple[StoredTrial, TrialProtocol, TrialClients]":
    with opened_store(store) as journal, journal.reading() as connection:
        return _current(connection, practice)


def _current(
    connection: "Connection", practice: "Practice"
) -> "tuple[StoredTrial, TrialProtocol, TrialClients]":
    """The newest trial with its protocol and clients; refused for another practice's definition."""
    from recommender.journal.trials import newest_trial, trial_clients
    from recommender.monitoring.trial_clients import clients_of_trial
    from recommender.trial.protocol import TrialProtocol

    stored = newest_trial(connection)
    protocol = TrialProtocol.from_json(stored.trial.protocol)
    if protocol.practice != practice.id:
        problem = f"is {practice.id}, and the trial is registered for {protocol.practice}"
        raise ConflictError("practice", problem, "name that definition with --practice")
    clients = trial_clients(connection, stored.trial.trial_id)
    return stored, protocol, clients_of_trial(clients, practice)


def _last_look(stored: "StoredTrial") -> bool:
    return bool(stored.looks) and stored.looks[-1].decision != "continue"
