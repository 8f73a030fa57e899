"""The command `practice questionnaire`."""

import json
from typing import Annotated

import typer

from recommender.cli.commands.console import definition, exit_on_error
from recommender.practice.forms import Audience


def questionnaire(
    file: Annotated[str, typer.Argument(help="A TOML file, or `psychology`.")] = "psychology",
    form: Annotated[Audience, typer.Option(help="Which form of the definition.")] = "client",
    url: Annotated[
        str | None,
        typer.Option(
            help="Canonical address at which the practice publishes it; a mapping of `import fhir` "
            "names it in [mapping] forms.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print a form of a definition as a FHIR R4 Questionnaire.

    A server or a form tool of FHIR shows it to clients; `recommender import fhir` reads the
    responses.

    Example: `recommender practice questionnaire > intake-questionnaire.json`
    """
    from recommender.importing.fhir.questionnaire import form_questionnaire

    with exit_on_error():
        printed = form_questionnaire(definition(file), form, url)
    typer.echo(json.dumps(printed, indent=1, ensure_ascii=False))
