"""The commands `share`: contribute to other practices' models, and combine what they contribute."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recommender.cli import render
from recommender.cli.commands.console import (
    AsJson,
    Data,
    Definition,
    Seed,
    StoreUrl,
    definition,
    err,
    exit_on_error,
    out,
    print_json,
    print_warning,
    reads_tables,
    uses_extras,
)
from recommender.errors import RecommenderError
from recommender.practice.definition import Practice
from recommender.values.table_format import TableFormat

if TYPE_CHECKING:
    from recommender.pooling.heterogeneity import ContributionFinding
    from recommender.pooling.pool import Pool
    from recommender.pooling.practice_contribution import PracticeContribution

share_app = typer.Typer(
    no_args_is_help=True,
    help="Learn from other practices without moving a client's data.\n\nEach practice: `export`, "
    "`inspect` what it sends. Who combines: `combine`. Then `recommender train "
    "FOLDER --learned-from POOL`.",
)
STATE = Path("var/share")
State = Annotated[
    Path,
    typer.Option(
        help="Folder with the practice's signing key and the record of its contributions. Back it "
        "up."
    ),
]
PoolFile = Annotated[
    Path | None,
    typer.Option(
        "--learned-from",
        help="A pool of other practices' contributions to start from; see `recommender share`.",
        show_default=False,
    ),
]
OwnState = Annotated[
    Path, typer.Option(help="Folder of `share export`: one's own contribution is left out.")
]


@share_app.command()
@uses_extras("train")
@reads_tables
def export(
    data: Data,
    name: Annotated[str, typer.Option("--as", help="The name that others will read.")],
    out_: Annotated[Path, typer.Option("--out", help="File to write.")],
    practice: Definition = "psychology",
    sizes: Annotated[
        bool,
        typer.Option("--sizes", help="Only a table of sizes and standard errors."),
    ] = False,
    epsilon: Annotated[
        float | None,
        typer.Option(
            help="Add noise for this privacy budget, from 3 to 10: less leaves nothing to learn."
        ),
    ] = None,
    delta: Annotated[float, typer.Option(help="The other half of the budget.")] = 1e-5,
    state: State = STATE,
    seed: Seed = 0,
    store: StoreUrl = None,
    *,
    written: TableFormat,
) -> None:
    """Write what this practice's ratings say of its matches, signed; nobody's row or record.

    Refused below 300 rated pairings, and with fewer than 50 new clients since the last time.

    Example: `recommender share export practice/ --as "Practice by the river" --out ours.json`
    """
    from recommender.cli.commands.export import learned_from, record_learned
    from recommender.pooling.earlier_exports import (
        EarlierExport,
        earlier_exports,
        refuse_few_new_clients,
        remember_export,
    )
    from recommender.pooling.files import check_writable, write_object
    from recommender.pooling.practice_contribution import MATCHES, SIZES
    from recommender.pooling.signature import signing_key
    from recommender.tables.loader import read_tables
    from recommender.training.contribution import (
        SharingSettings,
        contribution_of,
        first_days,
        last_started,
    )
    from recommender.training.dataset import dataset_of
    from recommender.training.tree_fitting import FitSettings

    now = datetime.now(UTC)
    with exit_on_error(), render.progress_bar(err) as progress:
        learned = learned_from(data, store)
        declared = definition(practice)
        day = declared.day_at(now)
        check_writable(out_)
        progress("reading tables", 0.0)
        dataset = dataset_of(read_tables(data, declared, day, written, print_warning), declared)
        refuse_few_new_clients(first_days(dataset), earlier_exports(state), state)
        sharing = SharingSettings(
            name, SIZES if sizes else MATCHES, day.isoformat(), epsilon, delta
        )
        contribution = contribution_of(
            dataset, sharing, signing_key(state), FitSettings(seed=seed), progress
        )
        # A copy and the record first: what was sent is always there to be sent again.
        write_object(state / f"{contribution.digest[:16]}.json", contribution.to_json())
        remember_export(
            state,
            EarlierExport(
                sharing.exported_on, last_started(dataset), len(dataset), contribution.digest
            ),
        )
        write_object(out_, contribution.to_json())
        record_learned(learned, contribution.digest)
    _print_contribution(contribution)
    out.print(f"Written to {out_}. Read it: recommender share inspect {out_}", soft_wrap=True)


@share_app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A contribution or a pool.")], as_json: AsJson = False
) -> None:
    """Say in words what a file holds and what it does not.

    Example: `recommender share inspect ours.json`
    """
    from recommender.pooling.files import read_received

    with exit_on_error(as_json=as_json):
        received = read_received([file])
    if as_json:
        print_json({"contributions": [_facts(each) for each in received.contributions]})
        return
    for withdrawal in received.withdrawals:
        text = f"{withdrawal.contributor} withdrew contribution {withdrawal.digest[:16]} on"
        out.print(f"{text} {withdrawal.withdrawn_on}.", markup=False)
    for contribution in received.contributions:
        _print_contribution(contribution)


@share_app.command()
def combine(
    files: Annotated[
        list[Path], typer.Argument(help="Contributions, pools and withdrawals of other practices.")
    ],
    out_: Annotated[Path, typer.Option("--out", help="File to write.")],
    leave_out: Annotated[
        list[str] | None,
        typer.Option(help="A contributor to leave out, by name or key; repeat for more."),
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(help="A contributor to use although it differs from the others."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Combine contributions into a pool, and name those that differ from the others.

    Refused while one differs by more than chance, until it is left out or accepted.

    Example: `recommender share combine a.json b.json c.json --out pool.json`
    """
    from recommender.cli.sharing_tables import (
        HOW_TO_READ,
        contributions_table,
        difference_sentence,
    )
    from recommender.pooling.files import read_received, write_pool
    from recommender.pooling.heterogeneity import findings_of
    from recommender.pooling.pool import Pool

    with exit_on_error(as_json=as_json):
        received = read_received(files)
        gone = {each.digest: "withdrawn" for each in received.withdrawn}
        for contribution in received.superseded:
            gone.setdefault(contribution.digest, "an earlier one of the same practice")
        for contribution in named(received.contributions, leave_out or [], "leave-out"):
            gone.setdefault(contribution.digest, "left out")
        accepted = {each.key for each in named(received.contributions, accept or [], "accept")}
        used = tuple(each for each in received.contributions if each.digest not in gone)
        pool = Pool(used)
        findings = findings_of(pool)
    left = [(each, gone[each.digest]) for each in received.contributions if each.digest in gone]
    if not as_json:
        out.print(contributions_table(pool.contributions, findings))
        out.print(HOW_TO_READ, style="dim", soft_wrap=True, highlight=False)
        for contribution, why in left:
            out.print(f"Not used: {contribution.contributor}, {why}.", markup=False)
        out.print(difference_sentence(pool), markup=False, soft_wrap=True)
    with exit_on_error(as_json=as_json):
        _refuse_deviant(findings, accepted)
        write_pool(out_, pool.contributions)
    if as_json:
        print_json(
            {
                "contributions": [asdict(each) for each in findings],
                "not_used": {each.contributor: why for each, why in left},
                "sd_between": pool.tau2**0.5,
            }
        )
        return
    out.print(f"Written to {out_}. Next: recommender train FOLDER --learned-from {out_}",
              soft_wrap=True)  # fmt: skip


@share_app.command()
def withdraw(
    file: Annotated[Path, typer.Argument(help="A contribution of this practice.")],
    out_: Annotated[Path, typer.Option("--out", help="File to write, to send to all who have it.")],
    state: State = STATE,
) -> None:
    """Withdraw a contribution: it is left out where it is combined together with this file.

    Models that have learned from it do not change; they are trained again.

    Example: `recommender share withdraw ours.json --out withdrawn.json`
    """
    from recommender.pooling.files import read_received, withdrawal_of, write_object
    from recommender.pooling.signature import signing_key

    with exit_on_error():
        own = read_received([file]).contributions
        if len(own) != 1:
            raise RecommenderError(str(file), "is not one contribution", "name the file exported")
        today = datetime.now(UTC).date().isoformat()
        write_object(out_, withdrawal_of(own[0], signing_key(state), today))
    out.print(f"Written to {out_}: send it to everybody who has {file}.", soft_wrap=True)


def pool_for_training(path: Path | None, state: Path, practice: Practice) -> "Pool | None":
    """The pool of a file, without this practice's own contribution, which its ratings repeat.

    None without a file.

    Raises
    ------
    RecommenderError
        When it cannot be read, has no other contribution, or says nothing of the definition.
    """
    if path is None:
        return None
    from recommender.pooling.files import read_pool
    from recommender.pooling.pooled_slopes import check_pool
    from recommender.pooling.signature import KEY_FILE, public_text, signing_key

    pool = read_pool(path)
    if (state / KEY_FILE).exists():
        own = public_text(signing_key(state))
        if own in {each.key for each in pool.contributions}:
            err.print("Left out of the pool: this practice's own contribution.")
        pool = pool.without(frozenset({own}))
    check_pool(pool, practice)
    return pool


def named(
    contributions: "tuple[PracticeContribution, ...]", wanted: list[str], option: str
) -> "list[PracticeContribution]":
    """The contributions of these names, or keys as `inspect` prints them.

    Raises
    ------
    RecommenderError
        For a name that nobody has, or that two keys have.
    """
    from recommender.pooling.signature import fingerprint

    found = []
    for each in wanted:
        some = [c for c in contributions if each in (c.contributor, fingerprint(c.key))]
        if not some:
            known = ", ".join(c.contributor for c in contributions)
            raise RecommenderError(f"--{option}", f"{each!r} is nobody's name", f"known: {known}")
        if len({c.key for c in some}) > 1:
            keys = ", ".join(sorted({fingerprint(c.key) for c in some}))
            problem = f"{each!r} is the name of several contributors"
            raise RecommenderError(f"--{option}", problem, f"give a key: {keys}")
        found += some
    return found


def _refuse_deviant(findings: "tuple[ContributionFinding, ...]", accepted: set[str]) -> None:
    deviant = [each.contributor for each in findings if each.deviates and each.key not in accepted]
    if deviant:
        names = " ".join(f'--leave-out "{name}"' for name in deviant)
        problem = f"{', '.join(deviant)}: differs from the others by more than chance"
        remedy = f"ask why, then run again with {names}, or --accept to use it all the same"
        raise RecommenderError("contributions", problem, remedy)


def _print_contribution(contribution: "PracticeContribution") -> None:
    from recommender.cli.sharing_tables import contribution_view

    out.print(contribution_view(contribution))


def _facts(contribution: "PracticeContribution") -> dict[str, Any]:
    from recommender.pooling.signature import fingerprint

    facts = contribution.to_json()
    return {"digest": contribution.digest, "fingerprint": fingerprint(contribution.key), **facts}
