"""What negotiation refuses. Both kinds are `ValueError`: the sentence is for people, the code for programs."""

from typing import ClassVar


class NegotiationError(ValueError):
    """RTP capabilities or parameters cannot be used.

    Args:
        message: a sentence that names the wrong field.
        field: path of the wrong field with JSON names, such as `codecs[1].payloadType`; empty for the whole value.
    """

    code: ClassVar[str] = "rtp.refused"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class InvalidParametersError(NegotiationError):
    """Malformed: wrong type, number out of range, a reference to something that is not there, a duplicate."""

    code: ClassVar[str] = "rtp.invalid"


class UnsupportedError(NegotiationError):
    """Well-formed, but the other side cannot do it: an unknown codec, no codec in common."""

    code: ClassVar[str] = "rtp.unsupported"
