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


class TooMany(Refusal):
    """More requests within a minute than one caller may send, or wrong secrets; ``Retry-After`` says how long to wait."""

    status = 429
    description = "too many requests, or wrong secrets, within a minute; ``Retry-After`` says how long to wait."


class SignInFailed(Refusal):
    """Somebody comes back from the provider without what this service asked it for."""

    status = 400
    description = "the sign-in did not succeed."


class NoProvider(Refusal):
    """The provider of sign-in does not answer as it should."""

    status = 503
    description = "the provider of sign-in cannot be used."


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


def too_many(seconds: int) -> TooMany:
    """Somebody who asks too often, or guesses."""
    refusal = TooMany(Message.of("access_too_many"), where="client", remedy=Message.of("access_wait", seconds=seconds))
    refusal.headers = {"Retry-After": str(seconds)}
    return refusal


def sign_in_failed() -> SignInFailed:
    """An attempt that this browser did not begin, that took too long, or that was used."""
    return SignInFailed(Message.of("access_sign_in_failed"), where="address", remedy=Message.of("access_sign_in_again"))


def no_provider() -> NoProvider:
    """A provider that cannot be used; its answer is not repeated."""
    return NoProvider(Message.of("access_no_provider"), where="provider", remedy=Message.of("access_sign_in_again"))


def not_for_you() -> NotFound:
    """Unknown, or not permitted."""
    return NotFound(Message.of("access_not_for_you"), where="address", remedy=Message.of("access_check_grants"))
