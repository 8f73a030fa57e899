"""A warning of a recommendation: what it is about, and what a client may read of it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

from recommender.serving.schemas.required_scope import is_unknown

WarningCode = Literal[
    "unknown_ids",
    "similar_client_id",
    "evidence_prior",
    "pooled_prior",
    "no_consent",
    "order_withdrawn",
    "nobody_eligible",
    "answer_needed",
    "triage",
    "stale_availability",
]

ORDER_WITHDRAWN: WarningCode = "order_withdrawn"


class RecommendationWarning(BaseModel):
    """One entry of `warnings`, for programs."""

    # Whatever has a default is sent all the same.
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    code: Annotated[
        WarningCode,
        Setting(
            description="`unknown_ids`, `similar_client_id`: see `reference_warnings`; "
            "`evidence_prior`, `pooled_prior`: the model was not trained on ratings of this "
            "practice; "
            "`no_consent`: no personalised order was agreed to; `order_withdrawn`: after a trial "
            "that ended for harm nothing is predicted; `nobody_eligible`: the shortlist is empty; "
            "`answer_needed`: because a question is open, see `fields`; `triage`: because the "
            "request needs a person; `stale_availability`: times may have changed."
        ),
    ]
    fields: Annotated[
        tuple[str, ...],
        Setting(description="Questions it is about, by field name.", examples=[["funding"]]),
    ] = ()
    message: Annotated[
        str,
        Setting(
            description="The sentence in `warnings`, for staff and for the developer of a form; it "
            "may name fields of the request or the response."
        ),
    ]
    message_to_client: Annotated[
        str | None,
        Setting(
            description="What a form shows to a client; absent where it shows nothing.",
            examples=["Nobody fits everything yet."],
            exclude_if=is_unknown,
        ),
    ] = None
