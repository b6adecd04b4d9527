"""The base of the domain's values."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """Base of the domain's values: immutable, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
