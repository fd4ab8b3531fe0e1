"""Scalability modes: how many spatial and temporal layers one encoding carries."""

import re

import msgspec

_LAYERS = re.compile(r"[LS]([1-9][0-9]?)T([1-9][0-9]?)(_KEY)?")
_WHOLE = re.compile(r"[LS][1-9][0-9]?T[1-9][0-9]?h?(_KEY(_SHIFT)?)?")


class ScalabilityMode(msgspec.Struct, frozen=True, rename="camel"):
    """Layers of an encoding; one of each when it has no scalability."""

    spatial_layers: int = 1
    temporal_layers: int = 1
    ksvc: bool = False  # Spatial layers depend on each other at key frames only.


_NO_LAYERS = ScalabilityMode()


def is_scalability_mode(text: str) -> bool:
    """Whether the text is written as the modes are: `L1T3`, `S2T1h`, `L3T3_KEY_SHIFT`.

    Source: W3C "Scalable Video Coding (SVC) Extension for WebRTC", section 6.
    """
    return _WHOLE.fullmatch(text) is not None


def parse_scalability_mode(mode: str | None) -> ScalabilityMode:
    """Read a mode by its beginning, as the worker does; what cannot be read has one layer of each.

    Args:
        mode: such as "L3T3_KEY"; None or anything unreadable gives one spatial and one temporal layer.
    Source: mediasoup 3.27.1, node/lib/scalabilityModesUtils.js.
    """
    found = _LAYERS.match(mode) if mode else None
    if found is None:
        return _NO_LAYERS
    return ScalabilityMode(int(found[1]), int(found[2]), found[3] is not None)
