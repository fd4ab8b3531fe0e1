"""DTLS parameters from browsers."""

from __future__ import annotations

import msgspec
import pytest

from media_plane.agent.sealed import decode_dtls_parameters
from media_plane.contract.errors import LinkError, LinkErrorCode

SHA256 = ":".join(["ab"] * 32)


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def test_fingerprints_come_out_in_upper_case_and_unknown_keys_are_ignored() -> None:
    parameters = decode_dtls_parameters(
        raw({"role": "client", "fingerprints": [{"algorithm": "sha-256", "value": SHA256, "x": 1}]})
    )

    assert parameters.role == "client"
    assert parameters.fingerprints[0].value == SHA256.upper()


@pytest.mark.parametrize(
    "bad",
    [
        raw(None),
        raw([]),
        raw({}),
        raw({"fingerprints": []}),
        raw({"fingerprints": [{"algorithm": "sha-256", "value": SHA256}] * 17}),
        raw({"fingerprints": [{"algorithm": "md5", "value": SHA256}]}),
        raw({"fingerprints": [{"algorithm": "sha-1", "value": SHA256}]}),
        raw({"fingerprints": [{"algorithm": "sha-256", "value": SHA256.replace("a", "g")}]}),
        raw({"fingerprints": [{"algorithm": "sha-256", "value": SHA256[:-1] + "\n"}]}),
        raw({"fingerprints": [{"algorithm": "sha-256"}]}),
        raw({"role": "boss", "fingerprints": [{"algorithm": "sha-256", "value": SHA256}]}),
        msgspec.Raw(b"\xff"),
        msgspec.Raw(b"[" * 50_000),
    ],
)
def test_dtls_parameters_that_make_no_sense_are_malformed(bad: msgspec.Raw) -> None:
    with pytest.raises(LinkError) as refused:
        decode_dtls_parameters(bad)

    assert refused.value.code is LinkErrorCode.MALFORMED
