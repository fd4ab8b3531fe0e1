"""The sealed values of the contract that the agent itself opens: DTLS parameters. RTP values are opened by `ortc`."""

from __future__ import annotations

import re

import msgspec

from media_plane.channel.values.transport import DtlsFingerprint, DtlsParameters
from media_plane.contract.errors import LinkError, LinkErrorCode

HASH_BYTES = {"sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64}
"""Length of a certificate's hash by algorithm. Source: RFC 8122 section 5."""
MOST_FINGERPRINTS = 16
"""Browsers send one to five."""

_HEX_PAIRS = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*", re.ASCII)
_decoder = msgspec.json.Decoder(DtlsParameters)


def decode_dtls_parameters(raw: msgspec.Raw) -> DtlsParameters:
    """Read a browser's DTLS parameters, fingerprints in upper case.

    Raises:
        LinkError: malformed.
    """
    try:
        parameters = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise LinkError(LinkErrorCode.MALFORMED, "The DTLS parameters cannot be read.") from error
    if not 1 <= len(parameters.fingerprints) <= MOST_FINGERPRINTS:
        raise LinkError(LinkErrorCode.MALFORMED, f"There must be 1 to {MOST_FINGERPRINTS} DTLS fingerprints.")
    fingerprints = [_normal(fingerprint) for fingerprint in parameters.fingerprints]
    return DtlsParameters(role=parameters.role, fingerprints=fingerprints)


def _normal(fingerprint: DtlsFingerprint) -> DtlsFingerprint:
    length = HASH_BYTES[fingerprint.algorithm] * 3 - 1
    if len(fingerprint.value) != length or not _HEX_PAIRS.fullmatch(fingerprint.value):
        raise LinkError(LinkErrorCode.MALFORMED, f"A {fingerprint.algorithm} fingerprint is not one.")
    return DtlsFingerprint(algorithm=fingerprint.algorithm, value=fingerprint.value.upper())


def seal(value: object) -> msgspec.Raw:
    """A value of the media plane as the JSON that crosses the control plane unread."""
    return msgspec.Raw(msgspec.json.encode(value))
