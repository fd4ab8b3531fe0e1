"""What a page's peer connections send and receive, by their statistics (W3C webrtc-stats)."""

from __future__ import annotations

import msgspec
from playwright.async_api import BrowserContext, Page

_KEEP = """(() => {
  const made = [];
  window.peerConnections = made;
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) { super(...args); made.push(this); }
  };
})()"""

_STREAMS = """async (type) => {
  const found = [];
  for (const peer of window.peerConnections) {
    if (peer.connectionState === 'closed') continue;
    for (const one of (await peer.getStats()).values()) {
      if (one.type !== type) continue;
      found.push({ kind: one.kind, rid: one.rid ?? '', frames: one.framesEncoded ?? one.framesDecoded ?? 0,
                   packets: one.packetsSent ?? one.packetsReceived ?? 0, height: one.frameHeight ?? 0 });
    }
  }
  return found;
}"""


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One RTP stream at one moment.

    rid: names a layer of a simulcast sender, empty otherwise. frames: encoded or decoded so far. packets: so far.
    height: of the last frame, pixels; 0 before the first.
    """

    kind: str
    rid: str
    frames: int
    packets: int
    height: int


async def keep_streams(context: BrowserContext) -> None:
    """Remember the peer connections of pages opened from now on."""
    await context.add_init_script(_KEEP)


async def sent_layers(page: Page) -> dict[str, Stream]:
    """Layers of the simulcast camera a page sends, by rid, lowest first."""
    streams = msgspec.convert(await page.evaluate(_STREAMS, "outbound-rtp"), list[Stream])
    return {one.rid: one for one in sorted(streams, key=lambda one: one.rid) if one.rid}


async def frames_decoded(page: Page) -> int:
    """Pictures a page has decoded so far. Packets would say less: the worker probes the line with empty ones."""
    return sum(one.frames for one in await _received(page) if one.kind == "video")


async def voice_packets(page: Page) -> int:
    """Packets of voices a page has received so far."""
    return sum(one.packets for one in await _received(page) if one.kind == "audio")


async def _received(page: Page) -> list[Stream]:
    return msgspec.convert(await page.evaluate(_STREAMS, "inbound-rtp"), list[Stream])
