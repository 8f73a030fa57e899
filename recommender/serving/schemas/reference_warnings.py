"""Warnings about ids in a request that name nobody: as members of a response and as sentences."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

from recommender.practice.columns import Columns
from recommender.security.scopes import Scope
from recommender.serving.schemas.required_scope import RequiredScope
from recommender.tables.references import UnresolvedReferences, effect_of_refusal
from recommender.values.ids import did_you_mean

MAX_WARNINGS = 100
"""Reference warnings of one response; sentences count the ids of every client."""
NOBODY = "is nobody on the roster and has no effect"
NOBODY_WISHED = "This wish names no clinician on the roster, so nobody meets it."
SIMILAR = (
    "A list of the roster has a client code that differs from this one only in case, leading "
    "zeros, separators or a trailing .0. If it is the same client, write the code as it is listed."
)
NOT_EXCLUDED = "As written, the list does not exclude its clinician for this client."


class ReferenceWarning(BaseModel):
    """An id of the request that names nobody, with whom it may mean."""

    # Whatever has a default is sent all the same.
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    pointer: Annotated[str, Setting(description="JSON pointer (RFC 6901) into the request.")]
    code: Annotated[
        Literal["unknown_id", "names_nobody", "similar_client_id"],
        Setting(
            description="`unknown_id`: nobody on the roster has the id, so it has no effect, and a "
            "refusal excludes nobody; "
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


def similar_client(
    pointer: str, recorded: tuple[str, ...], not_excluded: Sequence[str] = ()
) -> ReferenceWarning:
    """The warning about the id of a client who is not recorded, while a nearly equal id is.

    `not_excluded` has those of them whom a list of refusals, as it is written, does not exclude.
    """
    return ReferenceWarning(
        pointer=pointer,
        code="similar_client_id",
        message=_message("is not recorded", not_excluded, recorded),
        listed_as=recorded,
    )


def unknown_clinician(pointer: str, suggestions: tuple[str, ...]) -> ReferenceWarning:
    """The warning about the id of a clinician who is not on the present roster."""
    message = _message("is not on the roster", (), suggestions)
    return ReferenceWarning(
        pointer=pointer, code="unknown_id", message=message, did_you_mean=suggestions
    )


def _message(problem: str, not_excluded: Sequence[str], suggestions: Sequence[str]) -> str:
    """A problem, whom the refusal with this id does not exclude, and whom the id may mean."""
    effect = effect_of_refusal(not_excluded) if not_excluded else ""
    parts = (problem, effect, did_you_mean(suggestions))
    return "; ".join(filter(None, parts))


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
                    pointer=pointer,
                    code="similar_client_id",
                    message=_similar(each),
                    listed_as=listed_as,
                )
            )
            continue
        pointer = f"{at}/answers/{each.field.name}"
        order = client[each.field.name][0].index
        warnings += [
            ReferenceWarning(
                pointer=f"{pointer}/{order(one.text)}",
                code="unknown_id",
                message=_message(
                    NOBODY,
                    [name for name in one.suggestions if name in each.not_excluded],
                    one.suggestions,
                ),
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
        return _similar(each)
    phrase = f"{each.field.phrase[:1].upper()}{each.field.phrase[1:]}"
    effect = NOBODY if len(each.ids) == 1 else "are nobody on the roster and have no effect"
    refusal = each.failed_refusal
    follows = f" {refusal[0].upper()}{refusal[1:]}." if refusal else ""
    wish = f" {NOBODY_WISHED}" if each.only_nobody else ""
    return f"{phrase}: {each.listed} {effect}.{follows}{wish}"


def _similar(each: UnresolvedReferences) -> str:
    """The sentence about lists of the roster that nearly name a client, without their ids."""
    return f"{SIMILAR} {NOT_EXCLUDED}" if each.not_excluded else SIMILAR
