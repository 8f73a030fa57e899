"""Checks resources against FHIR with the models of the library `fhir.resources`.

The library has no models of R4 (4.0.1) itself. Those of R4B (4.3.0) accept every element of R4 in
the kinds of resource that are read here: R4B changed medicinal products, evidence and
subscriptions only. `docs/fhir.md` has the figures of the published examples.
"""

import re
from collections.abc import Mapping
from typing import Any

MAX_PLACES = 3
"""Places named for one resource; further ones are counted."""
_PLAIN_NAME = re.compile(r"_?[A-Za-z]{1,40}")


def problem_of(body: Mapping[str, Any]) -> str | None:
    """What is wrong with a resource by its FHIR model; None for a valid one.

    The text names elements, never their content.
    """
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    try:
        get_fhir_model_class(str(body.get("resourceType"))).model_validate(dict(body))
    except ValidationError as error:
        places = [_place(each["loc"]) for each in error.errors(include_input=False)]
        return _sentence(list(dict.fromkeys(places)))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        # Models of the library raise these for JSON of a shape they do not expect.
        return "is not valid FHIR R4"
    return None


def _place(location: tuple[int | str, ...]) -> str:
    """An element's path without list positions; a key that is no element's name is not repeated."""
    names = [part for part in location if isinstance(part, str)]
    shown = [name for name in names if _PLAIN_NAME.fullmatch(name)]
    return ".".join(shown) if shown and shown == names else "an element with another name"


def _sentence(places: list[str]) -> str:
    named = ", ".join(places[:MAX_PLACES])
    more = f" and {len(places) - MAX_PLACES} more" if len(places) > MAX_PLACES else ""
    return f"is not valid FHIR R4: {named}{more}"
