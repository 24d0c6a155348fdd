"""Names of those who act, in bodies: once somebody is administrator the account is recorded, and no other name is taken."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError, PydanticKnownError

from perfml.store.audit.acting import acting

ANOTHER = "signed_by_another"
"""The kind of error for a name that is not the asker's."""


def _account(value: object) -> object:
    """The account; before there are accounts the name that is stated, which is required."""
    if not acting().admitted and value in (None, ""):
        raise PydanticKnownError("missing")
    return _own(value, acting().name)


def _person(value: object) -> object:
    """The employee whom the account belongs to, as rules about lines of reporting look at people; the account without one."""
    if not acting().admitted and value in (None, ""):
        raise PydanticKnownError("missing")
    return _own(value, acting().employee_id or acting().name)


def _own(value: object, own: str) -> object:
    if not acting().admitted:
        return value
    if value not in (None, "", own):
        raise PydanticCustomError(ANOTHER, "leave it out: the account is recorded")
    return own


_NAME = Field(min_length=1, max_length=2_000, pattern=r"\S", validate_default=True)
SignedByAccount = Annotated[str, BeforeValidator(_account), _NAME]
"""Who signs, decides or acknowledges: the account's name, which may be left out; required before there are accounts."""
SignedByPerson = Annotated[str, BeforeValidator(_person), _NAME]
"""Like :data:`SignedByAccount`, by employee id."""
EnteredBy = Annotated[
    str, BeforeValidator(lambda value: _own(value, acting().name)), Field(max_length=200, validate_default=True)
]
"""Like :data:`SignedByAccount`, and may be left out before as well."""
