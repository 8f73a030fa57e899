"""What a person shows to open a session. Imported by `serving.sessions` and `serving.openapi`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic import Field as Setting


class Credentials(BaseModel):
    """What opens a session."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"name": "intake", "password": "four words without tune"}]},
    )

    name: Annotated[str, Setting(max_length=64)]
    password: Annotated[SecretStr, Setting(max_length=256)]
