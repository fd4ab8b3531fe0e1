"""H264 `profile-level-id`: reading it, comparing profiles, answering an offer.

Six hex digits: profile_idc, profile-iop (constraint flags) and level_idc, a byte each (RFC 6184 section 8.1). The same
profile can be written in several ways (table 5 there), so ids are compared by meaning.
"""

import enum
import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

from media_plane.ortc.rtp import CodecParameterValue

_KEY = "profile-level-id"
_SIX_HEX_DIGITS = re.compile(r"[0-9a-fA-F]{6}")
_CONSTRAINT_SET3 = 0x10


class Profile(enum.Enum):
    """What a decoder must be able to do. The value is profile_idc and profile-iop as we write them."""

    CONSTRAINED_BASELINE = "42e0"
    BASELINE = "4200"
    MAIN = "4d00"
    CONSTRAINED_HIGH = "640c"
    HIGH = "6400"
    PREDICTIVE_HIGH_444 = "f400"


class Level(enum.IntEnum):
    """How much a decoder must bear, in order: ten times level_idc, and 1b between 1 and 1.1 (H.264 table A-1)."""

    L1 = 100
    L1_B = 105
    L1_1 = 110
    L1_2 = 120
    L1_3 = 130
    L2 = 200
    L2_1 = 210
    L2_2 = 220
    L3 = 300
    L3_1 = 310
    L3_2 = 320
    L4 = 400
    L4_1 = 410
    L4_2 = 420
    L5 = 500
    L5_1 = 510
    L5_2 = 520


_LEVELS: dict[int, Level] = {level // 10: level for level in Level if level is not Level.L1_B}  # By level_idc.


class ProfileLevel(NamedTuple):
    """A profile and a level."""

    profile: Profile
    level: Level


# WebRTC's reading of a missing id. RFC 6184 would say Baseline level 1, which no browser means.
_DEFAULT = ProfileLevel(Profile.CONSTRAINED_BASELINE, Level.L3_1)

# profile_idc, mask over profile-iop, wanted bits under the mask, profile: RFC 6184 table 5, in the order to try, plus
# High 4:4:4 Predictive, which browsers offer. 0x58 (Extended) with these flags is decodable as the profile named.
_PATTERNS = (
    (0x42, 0b0100_1111, 0b0100_0000, Profile.CONSTRAINED_BASELINE),
    (0x4D, 0b1000_1111, 0b1000_0000, Profile.CONSTRAINED_BASELINE),
    (0x58, 0b1100_1111, 0b1100_0000, Profile.CONSTRAINED_BASELINE),
    (0x42, 0b0100_1111, 0b0000_0000, Profile.BASELINE),
    (0x58, 0b1100_1111, 0b1000_0000, Profile.BASELINE),
    (0x4D, 0b1010_1111, 0b0000_0000, Profile.MAIN),
    (0x64, 0b1111_1111, 0b0000_0000, Profile.HIGH),
    (0x64, 0b1111_1111, 0b0000_1100, Profile.CONSTRAINED_HIGH),
    (0xF4, 0b1111_1111, 0b0000_0000, Profile.PREDICTIVE_HIGH_444),
)

# Level 1b is written as level_idc 11 with constraint_set3 (RFC 6184 section 8.1); the High profiles cannot say it so.
_LEVEL_1B_TEXTS = {
    Profile.CONSTRAINED_BASELINE: "42f00b",
    Profile.BASELINE: "42100b",
    Profile.MAIN: "4d100b",
}


@functools.lru_cache(maxsize=256)
def parse_profile_level_id(text: str) -> ProfileLevel | None:
    """Read six hex digits, in either case; None when they name no profile or level known here."""
    if _SIX_HEX_DIGITS.fullmatch(text) is None:
        return None
    profile_idc, profile_iop, level_idc = bytes.fromhex(text)
    level = _LEVELS.get(level_idc)
    if level is Level.L1_1 and profile_iop & _CONSTRAINT_SET3:
        level = Level.L1_B
    for wanted_idc, mask, bits, profile in _PATTERNS:
        if profile_idc == wanted_idc and profile_iop & mask == bits:
            return None if level is None else ProfileLevel(profile, level)
    return None


def format_profile_level_id(value: ProfileLevel) -> str | None:
    """Write six lower-case hex digits; None for level 1b of a profile that cannot express it."""
    if value.level is Level.L1_B:
        return _LEVEL_1B_TEXTS.get(value.profile)
    return f"{value.profile.value}{value.level // 10:02x}"


def profile_level_of(parameters: Mapping[str, CodecParameterValue]) -> ProfileLevel | None:
    """The profile and level of codec parameters: Constrained Baseline 3.1 when unsaid, None when unreadable.

    A whole number is read by its digits: SDP parsers turn ids without letters, such as 640032, into numbers.
    """
    value = parameters.get(_KEY, "")
    if isinstance(value, str):
        return parse_profile_level_id(value) if value else _DEFAULT
    if isinstance(value, bool | float):
        return None
    return parse_profile_level_id(f"{value:06d}") if 0 <= value <= 999_999 else None


def is_same_profile(one: Mapping[str, CodecParameterValue], other: Mapping[str, CodecParameterValue]) -> bool:
    """Whether both parameters are readable and name the same profile, at whatever level."""
    mine, theirs = profile_level_of(one), profile_level_of(other)
    return mine is not None and theirs is not None and mine.profile is theirs.profile


def answer_profile_level_id(
    local: Mapping[str, CodecParameterValue], offered: Mapping[str, CodecParameterValue]
) -> str | None:
    """The id to put into the answer to an offer of the same profile.

    The local level when both sides allow levels to differ by direction, else the lower of the two: an answer must not
    raise the level (RFC 6184 section 8.2.2).

    Returns:
        Six hex digits; None when neither side named an id, the profiles differ, or the result cannot be written.
    """
    if not local.get(_KEY) and not offered.get(_KEY):
        return None
    mine, theirs = profile_level_of(local), profile_level_of(offered)
    if mine is None or theirs is None or mine.profile is not theirs.profile:
        return None
    both_asymmetric = _allows_level_asymmetry(local) and _allows_level_asymmetry(offered)
    level = mine.level if both_asymmetric else min(mine.level, theirs.level)
    return format_profile_level_id(ProfileLevel(mine.profile, level))


def _allows_level_asymmetry(parameters: Mapping[str, CodecParameterValue]) -> bool:
    return parameters.get("level-asymmetry-allowed") in (1, "1")
