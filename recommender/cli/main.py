"""The command line: assembles the commands. They read the clock, files and settings."""

import typer

from recommender.cli.commands import (
    access,
    backup,
    batch,
    champion,
    console,
    doctor,
    evaluation,
    export,
    identities,
    import_fhir,
    imports,
    matches,
    practice,
    privacy,
    questionnaire,
    service,
    share,
    sync,
    train,
    trial,
    webhooks,
)

app = typer.Typer(
    cls=console.CommandGroup,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Predicts which clinicians a new client is likely to build the strongest early working "
    "alliance with.\n\nIn order: `simulate` (or your own tables) → `check` → `train` → `promote` → "
    "`serve` → `recommend`.\n\nA server that others reach: `keys` for programs, `staff` for "
    "people, `doctor` to check it.",
)
practice.practice_app.command()(questionnaire.questionnaire)
app.add_typer(practice.practice_app, name="practice")
app.add_typer(imports.import_app, name="import")
imports.import_app.command()(import_fhir.fhir)
app.add_typer(share.share_app, name="share")
app.add_typer(trial.trial_app, name="trial")
app.add_typer(sync.sync_app, name="sync")
app.add_typer(access.keys_app, name="keys")
app.add_typer(access.staff_app, name="staff")
access.staff_app.command()(identities.link)
access.staff_app.command()(identities.unlink)
app.add_typer(webhooks.webhooks_app, name="webhooks")
app.add_typer(privacy.subject_app, name="subject")
app.add_typer(privacy.audit_app, name="audit")
for command in (
    trial.shadow,
    practice.check,
    train.train,
    evaluation.evaluate,
    champion.promote,
    champion.rollback,
    champion.history,
    champion.card,
    matches.matches,
    service.serve,
    service.recommend,
    batch.score,
    batch.allocate,
    doctor.doctor,
    export.export,
    backup.backup,
    backup.restore,
    privacy.sweep,
    privacy.privacy_statement,
):
    app.command()(command)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)(service.simulate)

if __name__ == "__main__":
    app()
