"""Everything that can be refused, as business words.

    DomainError                       code                    HTTP (rest/problems.py)
    |- NotFound                       not_found               404
    |  `- SsoProviderNotFound         sso_provider_not_found
    |- Conflict                       conflict                409
    |  |- RoomAlreadyLive             room_already_live
    |  |- RoomNotLive                 room_not_live
    |  |- AlertOver                   alert_over
    |  |- AlertNotFilled              alert_not_filled
    |  |- AlertAlreadyFilled          alert_already_filled
    |  |- TargetAlreadyHit            target_already_hit
    |  |- AlreadyLeft                 already_left            (signaling only)
    |  |- SsoNotProven                sso_not_proven
    |  `- RequestInFlight             request_in_flight
    |- PreconditionFailed             precondition_failed     412
    |- Forbidden                      forbidden               403
    |  |- SsoRequired                 sso_required
    |  `- SsoDomainUnverified         sso_domain_unverified
    |- Unauthenticated                unauthenticated         401
    |- LimitExceeded                  plan_limit_reached      402
    |  `- FeatureNotInPlan            feature_not_in_plan
    |- InvalidInput                   invalid_input           422
    |  |- KeyReused                   idempotency_key_reused
    |  `- SsoFailed                   sso_failed
    |- RateLimited                    rate_limited            429
    `- Unavailable                    unavailable             503
       `- NoMediaNode                 no_media_node

Codes are stable; the domain knows no HTTP status. Facts are JSON-ready and never name another tenant.
"""

from __future__ import annotations

from typing import Any, ClassVar


class DomainError(Exception):
    """Base of everything a door can answer with.

    Args:
        message: one sentence for people.
        facts: details a program may act on.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class NotFound(DomainError):
    """It does not exist, or belongs to another tenant: the answer is the same."""

    code = "not_found"


class SsoProviderNotFound(NotFound):
    """No identity provider answers for this domain, or under this id."""

    code = "sso_provider_not_found"


class Conflict(DomainError):
    """The thing is not in a state that allows this, or the name is taken."""

    code = "conflict"


class RoomAlreadyLive(Conflict):
    """A live session runs in this room already."""

    code = "room_already_live"


class RoomNotLive(Conflict):
    """No live session runs in this room."""

    code = "room_not_live"


class AlertOver(Conflict):
    """The alert is closed or cancelled: nothing follows. Facts: phase."""

    code = "alert_over"


class AlertNotFilled(Conflict):
    """The alert is not in the market yet."""

    code = "alert_not_filled"


class AlertAlreadyFilled(Conflict):
    """The alert is in the market: it can't be filled again, nor cancelled."""

    code = "alert_already_filled"


class TargetAlreadyHit(Conflict):
    """This target was hit before. Facts: target."""

    code = "target_already_hit"


class AlreadyLeft(Conflict):
    """They said goodbye on this socket: whoever wants more joins again."""

    code = "already_left"


class SsoNotProven(Conflict):
    """Nobody may be made to use a connection that its owner has not come in by."""

    code = "sso_not_proven"


class RequestInFlight(Conflict):
    """The first request with this Idempotency-Key is still being carried out. Facts: retry_after_s."""

    code = "request_in_flight"


class PreconditionFailed(DomainError):
    """The thing changed since the caller read it (If-Match)."""

    code = "precondition_failed"


class Forbidden(DomainError):
    """The role does not carry this permission. Facts: permission."""

    code = "forbidden"


class SsoRequired(Forbidden):
    """The organization lets its people in by its identity provider only. Facts: organization_id, connection_id."""

    code = "sso_required"


class SsoDomainUnverified(Forbidden):
    """The address is not of a domain the organization has proven to be its own."""

    code = "sso_domain_unverified"


class Unauthenticated(DomainError):
    """Nobody knows who is asking."""

    code = "unauthenticated"


class LimitExceeded(DomainError):
    """The plan's limit is reached. Facts: limit (its name), allowed, used."""

    code = "plan_limit_reached"


class FeatureNotInPlan(LimitExceeded):
    """The plan does not hold this. Facts: feature."""

    code = "feature_not_in_plan"


class InvalidInput(DomainError):
    """The input is malformed. Facts: field, where one is to blame."""

    code = "invalid_input"


class KeyReused(InvalidInput):
    """This Idempotency-Key came before, with another request."""

    code = "idempotency_key_reused"


class SsoFailed(InvalidInput):
    """An identity provider, or what came back from it, can't be trusted or understood. Facts: reason."""

    code = "sso_failed"


class RateLimited(DomainError):
    """Too many requests. Facts: retry_after_s."""

    code = "rate_limited"


class Unavailable(DomainError):
    """Something we depend on is away for the moment. Facts: retry_after_s."""

    code = "unavailable"


class NoMediaNode(Unavailable):
    """No media node can take this live session now."""

    code = "no_media_node"
