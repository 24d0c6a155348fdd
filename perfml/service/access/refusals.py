"""Why a request is not admitted. Unknown and not permitted are answered alike, so that nobody learns which it was."""

from __future__ import annotations

from perfml.access.principals import SERVED
from perfml.messages import Message
from perfml.service.problems import NotFound, Refusal

PURPOSE_HEADER = "X-Purpose"


class NotSignedIn(Refusal):
    """Without a token or a session that is valid."""

    status = 401
    description = "without a valid token or session."


class PurposeRefused(Refusal):
    """Without a purpose, or for one that nothing serves."""

    status = 403
    description = "without a purpose, or for one that is refused to everyone."


class OtherOrigin(Refusal):
    """A page of another site tries to write with the session of somebody who is signed in."""

    status = 403
    description = "a page of another site may not write."


class TooManyWrong(Refusal):
    """After many wrong secrets of one client."""

    status = 429
    description = "after many wrong secrets; wait a minute."


def not_signed_in() -> NotSignedIn:
    """Nobody, or a secret that opens nothing."""
    return NotSignedIn(Message.of("access_not_signed_in"), where="Authorization", remedy=Message.of("access_sign_in"))


def purpose_refused() -> PurposeRefused:
    """A purpose that is missing or is not served."""
    allowed = ", ".join(purpose.value for purpose in SERVED)
    return PurposeRefused(
        Message.of("access_purpose_refused"),
        where=PURPOSE_HEADER,
        remedy=Message.of("access_state_purpose", purposes=allowed),
    )


def other_origin(where: str) -> OtherOrigin:
    """A write that no page of this service sent; ``where`` shows it."""
    return OtherOrigin(Message.of("access_other_origin"), where=where, remedy=Message.of("access_other_origin_remedy"))


def too_many_wrong() -> TooManyWrong:
    """Somebody who guesses."""
    return TooManyWrong(Message.of("access_too_many"), where="Authorization", remedy=Message.of("access_wait_a_minute"))


def not_for_you() -> NotFound:
    """Unknown, or not permitted."""
    return NotFound(Message.of("access_not_for_you"), where="address", remedy=Message.of("access_check_grants"))
