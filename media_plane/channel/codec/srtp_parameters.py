"""SRTP keys of a plain transport. Schema: srtpParameters.fbs."""

from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.tables import Offset, TableWriter, name_of, number_of, read_text, write_text
from media_plane.channel.fbs.FBS.SrtpParameters import SrtpParameters as SrtpParametersModule
from media_plane.channel.fbs.FBS.SrtpParameters.SrtpCryptoSuite import SrtpCryptoSuite as FbsSuite
from media_plane.channel.values.transport import SrtpCryptoSuite, SrtpParameters

SUITES: dict[SrtpCryptoSuite, int] = {
    "AEAD_AES_256_GCM": FbsSuite.AEAD_AES_256_GCM,
    "AEAD_AES_128_GCM": FbsSuite.AEAD_AES_128_GCM,
    "AES_CM_128_HMAC_SHA1_80": FbsSuite.AES_CM_128_HMAC_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": FbsSuite.AES_CM_128_HMAC_SHA1_32,
}
_SUITE_NAMES: dict[int, SrtpCryptoSuite] = {number: name for name, number in SUITES.items()}
_write_srtp_parameters = TableWriter(SrtpParametersModule)


def write_srtp_parameters(builder: Builder, parameters: SrtpParameters | None) -> Offset | None:
    """Write keys, or nothing for None."""
    if parameters is None:
        return None
    return _write_srtp_parameters(
        builder,
        crypto_suite=number_of(SUITES, parameters.crypto_suite, "SRTP crypto suite"),
        key_base64=write_text(builder, parameters.key_base64),
    )


def read_srtp_parameters(table: Any) -> SrtpParameters | None:
    """Read keys, None when absent."""
    if table is None:
        return None
    return SrtpParameters(
        crypto_suite=name_of(_SUITE_NAMES, table.CryptoSuite(), "SRTP crypto suite"),
        key_base64=read_text(table.KeyBase64()),
    )
