"""What all parts of a site file have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of the file: no field beyond those named."""

    model_config = ConfigDict(extra="forbid", frozen=True)
