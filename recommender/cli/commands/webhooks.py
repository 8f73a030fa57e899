"""The command `webhooks`: endpoints that are sent signed messages, and their deliveries."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recommender.cli.commands.access import PepperText
from recommender.cli.commands.console import (
    RequiredStoreUrl,
    err,
    opened_store,
    out,
    print_secret,
    shell_actor,
    utc_now,
)
from recommender.cli.record_table import RecordTable
from recommender.errors import RecommenderError

if TYPE_CHECKING:
    from recommender.webhooks.deliveries import Delivery
    from recommender.webhooks.endpoints import Endpoint

webhooks_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Programs that are sent a signed message when somebody decided, wished or rated.\n\nA "
    "message names resources by their ids; what happened is read with a key. The secret that "
    "verifies messages is shown once and not stored.\n\nNeeds RECOMMENDER_STORE and "
    "RECOMMENDER_PEPPER, the same as the server's.",
)
EndpointId = Annotated[
    str, typer.Argument(help="The endpoint's id of 8 letters, as `webhooks list` shows.")
]
OneEndpoint = Annotated[str | None, typer.Option("--endpoint", help="Only this endpoint.")]


@webhooks_app.command("add")
def add(
    url: Annotated[str, typer.Argument(help="An https address; http for localhost only.")],
    event: Annotated[
        list[str],
        typer.Option(
            help="`recommendation.decided`, `recommendation.wished` or `pairing.rated`; may be "
            "repeated.",
            show_default=False,
        ),
    ],
    store: RequiredStoreUrl,
    pepper: PepperText = "",
) -> None:
    """Send the events of these kinds to an address from now on; shows the secret once."""
    from recommender.security.keys import Pepper
    from recommender.webhooks.endpoints import add_endpoint

    with opened_store(store) as journal:
        sound = Pepper.of(pepper)
        with journal.writing() as connection:
            endpoint, secret = add_endpoint(
                connection, url, event, sound, now=utc_now(), actor=shell_actor()
            )
    err.print(f"Endpoint {endpoint.endpoint_id} is added. Its receiver verifies with this secret,")
    _show_once(secret)


@webhooks_app.command("list")
def list_all(store: RequiredStoreUrl) -> None:
    """List every endpoint, and why one is off."""
    from recommender.webhooks.endpoints import list_endpoints

    with opened_store(store) as journal, journal.reading() as connection:
        endpoints = list_endpoints(connection)
    if not endpoints:
        command = "recommender webhooks add URL --event pairing.rated"
        err.print(f"There is no endpoint yet: add one with `{command}`.", soft_wrap=True)
        return
    out.print(_endpoints_table(endpoints))


@webhooks_app.command("remove")
def remove(endpoint: EndpointId, store: RequiredStoreUrl) -> None:
    """Send nothing more to an endpoint and delete its deliveries."""
    from recommender.webhooks.endpoints import remove_endpoint

    with opened_store(store) as journal, journal.writing() as connection:
        remove_endpoint(connection, endpoint, actor=shell_actor())
    out.print(f"Endpoint {endpoint} is removed.", markup=False)


@webhooks_app.command("enable")
def enable(endpoint: EndpointId, store: RequiredStoreUrl) -> None:
    """Send to an endpoint again that was switched off, from the next event on."""
    from recommender.webhooks.endpoints import switch_on

    with opened_store(store) as journal, journal.writing() as connection:
        switch_on(connection, endpoint, actor=shell_actor())
    out.print(f"Endpoint {endpoint} is on.", markup=False)
    err.print(
        f"What it missed is sent by `recommender webhooks retry --endpoint {endpoint}`.",
        markup=False,
        soft_wrap=True,
    )


@webhooks_app.command("rotate")
def rotate(
    endpoint: EndpointId,
    store: RequiredStoreUrl,
    pepper: PepperText = "",
    overlap_hours: Annotated[
        int, typer.Option(help="How long messages are signed with both.", min=0, max=720)
    ] = 24,
) -> None:
    """Give an endpoint a new secret, shown once; for a while messages carry both signatures."""
    from recommender.security.keys import Pepper
    from recommender.webhooks.endpoints import rotate_secret

    overlap = timedelta(hours=overlap_hours)
    with opened_store(store) as journal:
        sound = Pepper.of(pepper)
        with journal.writing() as connection:
            secret = rotate_secret(
                connection, endpoint, sound, now=utc_now(), actor=shell_actor(), overlap=overlap
            )
    err.print(f"The former secret verifies for {overlap_hours} more hours. The new one,")
    _show_once(secret)


@webhooks_app.command("test")
def send_test(endpoint: EndpointId, store: RequiredStoreUrl, pepper: PepperText = "") -> None:
    """Send one message of the type `webhook.test` now; exits 1 unless it is accepted."""
    from recommender.journal.webhook_events import Event
    from recommender.security.keys import Pepper
    from recommender.settings import read_settings
    from recommender.webhooks.endpoints import find_endpoint
    from recommender.webhooks.messages import TEST, message_of, signed_headers
    from recommender.webhooks.sending import ACCEPTED, send

    with opened_store(store) as journal:
        sound, now = Pepper.of(pepper), utc_now()
        hosts = read_settings(roster=Path()).webhook_private_hosts
        with journal.reading() as connection:
            wanted = find_endpoint(connection, endpoint)
        if wanted.pepper_mark != sound.mark:
            remedy = f"set that pepper, or run `recommender webhooks rotate {endpoint}`"
            raise RecommenderError("pepper", "is not the one its secret follows from", remedy)
        message = message_of(f"test{int(now.timestamp())}", Event(TEST), now)
        headers = signed_headers(message, wanted.secrets(sound, now), now)
        came = send(wanted.url, headers, message.body, private_hosts=hosts)
    status = "" if came.status is None else f" (status {came.status})"
    out.print(f"{came.outcome}{status}", markup=False)
    if came.outcome != ACCEPTED:
        raise typer.Exit(1)


@webhooks_app.command("deliveries")
def deliveries(
    store: RequiredStoreUrl,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
    endpoint: OneEndpoint = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 50,
) -> None:
    """List deliveries of the last 30 days, the newest event first."""
    from recommender.journal.webhook_events import FAILED
    from recommender.webhooks.deliveries import list_deliveries

    with opened_store(store) as journal, journal.reading() as connection:
        state = FAILED if failed else None
        found = list_deliveries(connection, state=state, endpoint_id=endpoint, limit=limit)
    if not found:
        err.print("There is no such delivery.")
        return
    out.print(_deliveries_table(found))


@webhooks_app.command("retry")
def retry(
    store: RequiredStoreUrl,
    event: Annotated[
        str | None, typer.Argument(help="Only this event, as `webhooks deliveries` shows.")
    ] = None,
    endpoint: OneEndpoint = None,
) -> None:
    """Send failed deliveries again, with their former ids; a running server sends them."""
    from recommender.webhooks.deliveries import retry_failed

    with opened_store(store) as journal, journal.writing() as connection:
        count = retry_failed(
            connection, event_id=event, endpoint_id=endpoint, now=utc_now(), actor=shell_actor()
        )
    out.print(f"{count} deliver{'y waits' if count == 1 else 'ies wait'} again.")


def _endpoints_table(endpoints: "Sequence[Endpoint]") -> RecordTable:
    table = RecordTable("", ("id", "address", "events", "state"))
    for each in endpoints:
        state = (
            "on" if each.failing_since is None else f"failing since {_minute(each.failing_since)}"
        )
        if each.off_since is not None:
            state = f"off since {_minute(each.off_since)}: {each.off_reason}"
        table.add_row(each.endpoint_id, each.url, ", ".join(each.kinds), state)
    return table


def _deliveries_table(found: "Sequence[Delivery]") -> RecordTable:
    from recommender.journal.webhook_events import WAITING

    headings = ("event", "kind", "happened", "endpoint", "state", "attempts", "outcome", "next")
    table = RecordTable("", headings)
    for each in found:
        outcome = f"{each.outcome or ''} {each.status or ''}".strip()
        due = _minute(each.due_at) if each.state == WAITING else ""
        table.add_row(
            each.event_id,
            each.event.kind,
            _minute(each.recorded_at),
            each.endpoint_id,
            each.state,
            str(each.attempts),
            outcome,
            due,
        )
    return table


def _show_once(secret: str) -> None:
    err.print("which is not shown again:")
    print_secret(secret)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
