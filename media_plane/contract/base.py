"""Node link: what every message is made of. The messages are in `messages`, `pipes` and `delivery`."""

from __future__ import annotations

from typing import Literal

import msgspec

CONTRACT_VERSION = 2
"""Raised whenever a field changes meaning; the hello of another version is refused with `version_mismatch`."""
MAX_MESSAGE_BYTES = 256 * 1024
"""Largest frame in either direction, bytes."""
REQUEST_TIMEOUT_S = 5.0
"""How long the control plane waits for any response, seconds."""
ORPHAN_GRACE_S = 30.0
"""How long a participant without a link keeps its transports, seconds."""
LOAD_INTERVAL_S = 2.0
"""How often a node tells its load, seconds."""

MediaKind = Literal["audio", "video"]
Source = Literal["microphone", "camera", "screen"]
"""What a producer carries. `screen` video goes first when bits are short."""
Direction = Literal["send", "recv"]
"""As the browser sees it: it sends on `send`, receives on `recv`."""


class Wire(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """Base of everything on the link: camelCase JSON, unset defaults left out."""


class RequestBase(Wire, tag_field="method"):
    """A request: `id` is chosen by the caller, unique on this link while unanswered."""

    id: int


class ParticipantRequest(RequestBase):
    """Base of requests that name a participant, and so adopt it to this link."""

    live_session_id: str
    epoch: int
    participant_id: str


class NotificationBase(Wire, tag_field="method"):
    """Something happened on the node; nobody answers."""


class ParticipantNotification(NotificationBase):
    """Base of notifications about one participant's media; sent to the link that adopted it."""

    live_session_id: str
    participant_id: str


class ProducerFacts(Wire):
    """A live producer, as the control plane shows it."""

    producer_id: str
    participant_id: str
    kind: MediaKind
    source: Source
    paused: bool = False
