"""Warnings about ids in a request that name nobody: as members of a response and as sentences."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

from recommender.practice.columns import Columns
from recommender.security.scopes import Scope
from recommender.serving.schemas.required_scope import RequiredScope
from recommender.tables.references import UnresolvedReferences
from recommender.values.ids import did_you_mean

MAX_WARNINGS = 100
"""Reference warnings of one response; sentences count the ids of every client."""
NOBODY = "is nobody on the roster and has no effect"
NOBODY_WISHED = "No clinician on the roster is asked for by name, so nobody meets this wish."
SIMILAR = (
    "A list of the roster has a client code that differs from this one only in case, leading "
    "zeros, separators or a trailing .0. If it is the same client, write the code as it is listed."
)


class ReferenceWarning(BaseModel):
    """An id of the request that names nobody, with whom it may mean."""

    # Whatever has a default is sent all the same.
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    pointer: Annotated[str, Setting(description="JSON pointer (RFC 6901) into the request.")]
    code: Annotated[
        Literal["unknown_id", "names_nobody", "similar_client_id"],
        Setting(
            description="`unknown_id`: nobody on the roster has the id, so it has no effect; "
            "`names_nobody`: none of the clinicians asked for by name is on the roster; "
            "`similar_client_id`: the id of a client is nearly that of a client on a list of the "
            "roster, or of a client who is recorded."
        ),
    ]
    message: Annotated[str, Setting(description="Never contains a submitted value.")]
    did_you_mean: Annotated[
        tuple[str, ...], Setting(description="Clinicians the id may mean, at most three.")
    ] = ()
    listed_as: Annotated[
        tuple[str, ...],
        RequiredScope(Scope.ROSTER_READ),
        Setting(description="The nearly equal client ids on lists of the roster."),
    ] = ()


def similar_client(pointer: str, recorded: tuple[str, ...]) -> ReferenceWarning:
    """The warning about the id of a client who is not recorded, while a nearly equal id is."""
    return ReferenceWarning(
        pointer=pointer,
        code="similar_client_id",
        message=f"is not recorded; {did_you_mean(recorded)}",
        listed_as=recorded,
    )


def unknown_clinician(pointer: str, suggestions: tuple[str, ...]) -> ReferenceWarning:
    """The warning about the id of a clinician who is not on the present roster."""
    message = "; ".join(filter(None, ("is not on the roster", did_you_mean(suggestions))))
    return ReferenceWarning(
        pointer=pointer, code="unknown_id", message=message, did_you_mean=suggestions
    )


def reference_warnings(
    found: Iterable[UnresolvedReferences], client: Columns, at: str = ""
) -> list[ReferenceWarning]:
    """The warnings about one client.

    Parameters
    ----------
    found
        Unresolved ids of the client's answers, and near misses of the client on the roster's lists.
    client
        The client's answers, one row.
    at
        JSON pointer of the object with the client's `answers` and `client_id`.
    """
    warnings: list[ReferenceWarning] = []
    for each in found:
        if each.field.side == "clinician":
            listed_as = tuple(one.text for one in each.ids)
            pointer = f"{at}/client_id"
            warnings.append(
                ReferenceWarning(
                    pointer=pointer, code="similar_client_id", message=SIMILAR, listed_as=listed_as
                )
            )
            continue
        pointer = f"{at}/answers/{each.field.name}"
        order = client[each.field.name][0].index
        warnings += [
            ReferenceWarning(
                pointer=f"{pointer}/{order(one.text)}",
                code="unknown_id",
                message="; ".join(filter(None, (NOBODY, did_you_mean(one.suggestions)))),
                did_you_mean=one.suggestions,
            )
            for one in sorted(each.ids, key=lambda one: order(one.text))
        ]
        if each.only_nobody:
            warnings.append(
                ReferenceWarning(pointer=pointer, code="names_nobody", message=NOBODY_WISHED)
            )
    return warnings


def reference_sentence(each: UnresolvedReferences) -> str:
    """The same about one field for people to read, a sentence or two."""
    if each.field.side == "clinician":
        return SIMILAR
    phrase = f"{each.field.phrase[:1].upper()}{each.field.phrase[1:]}"
    effect = NOBODY if len(each.ids) == 1 else "are nobody on the roster and have no effect"
    wish = f" {NOBODY_WISHED}" if each.only_nobody else ""
    return f"{phrase}: {each.listed} {effect}.{wish}"
