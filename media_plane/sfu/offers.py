"""What endpoints alike are offered of a producer: negotiated once, then only numbered anew.

Joins are bursts of browsers of a few kinds, so a handful of offers serves thousands of viewers. Endpoints are alike when
their capabilities are equal, byte by byte; those were checked when the offer was made.
"""

from dataclasses import dataclass

import msgspec

from media_plane.channel.codec.consumer import ConsumeTemplates
from media_plane.ortc import consuming, validate
from media_plane.ortc.rtp import RtpCapabilities, RtpParameters

MOST_OFFERS = 32
"""Of one producer; when there are more, all are made anew. Browsers of a room are of a few kinds."""
LONGEST_KEPT_BYTES = 16_384
"""Longer capabilities are no browser's: Chromium's are 3 KiB in this form."""
_encode = msgspec.msgpack.Encoder().encode


@dataclass(slots=True, frozen=True)
class Offer:
    """What endpoints alike are sent, and requests for it.

    Attributes:
        rtp_parameters: under some SSRCs, which must be renewed; without a mid.
        templates: requests to consume it.
    """

    rtp_parameters: RtpParameters
    templates: ConsumeTemplates


class Offers:
    """The offers of one producer."""

    __slots__ = ("_consumable", "_made")

    def __init__(self, consumable: RtpParameters) -> None:
        self._consumable = consumable
        self._made: dict[tuple[bytes, bool, bool], Offer] = {}

    def find(self, capabilities: RtpCapabilities, *, pipe: bool, enable_rtx: bool) -> Offer:
        """The offer for an endpoint.

        Args:
            capabilities: of the endpoint.
            pipe: all streams instead of one with layers.
            enable_rtx: resend lost packets on request.

        Raises:
            NegotiationError: the capabilities make no sense, or the endpoint can't receive the producer.
        """
        try:
            encoded = _encode(capabilities)
        except (TypeError, OverflowError, UnicodeEncodeError):
            # Something that no browser can have sent; the checks say what.
            encoded = b""
        key = (encoded, pipe, enable_rtx)
        known = self._made.get(key)
        if known is not None:
            return known
        offer = self._make(capabilities, pipe=pipe, enable_rtx=enable_rtx)
        if 0 < len(encoded) <= LONGEST_KEPT_BYTES:
            if len(self._made) >= MOST_OFFERS:
                self._made.clear()
            self._made[key] = offer
        return offer

    def _make(self, capabilities: RtpCapabilities, *, pipe: bool, enable_rtx: bool) -> Offer:
        validate.validate_rtp_capabilities(capabilities)
        params = consuming.get_consumer_rtp_parameters(
            consumable_rtp_parameters=self._consumable,
            remote_rtp_capabilities=capabilities,
            pipe=pipe,
            enable_rtx=enable_rtx,
        )
        return Offer(params, ConsumeTemplates())
