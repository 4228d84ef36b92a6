"""A secret by reference: the site file says where it is, and never holds it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from backout.model import Frozen


class SecretRef(Frozen):
    """Where a secret is; never the secret itself."""

    env: str | None = None
    """The name of an environment variable."""
    file: str | None = None
    """The path of a file that holds it, such as a mounted secret."""

    @model_validator(mode="after")
    def _one_place(self) -> SecretRef:
        if (self.env is None) == (self.file is None):
            msg = "a secret is named by exactly one of 'env' and 'file'"
            raise ValueError(msg)
        return self

    @property
    def place(self) -> str:
        """The place in words, for errors."""
        return f"in environment variable {self.env}" if self.env else f"in file {self.file}"


class BasicAuth(Frozen):
    """A user name and a password, sent with every request."""

    user: Annotated[str, Field(min_length=1, pattern=r"^[^:]*$")]
    """A colon would end it: the password begins there."""
    password: SecretRef
