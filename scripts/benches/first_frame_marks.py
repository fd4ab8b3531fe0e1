"""Where a join's time goes: marks in the page, the same ones for any page that speaks WebSocket and WebRTC.

The script wraps what every such page must use, so neither side is told that it is measured, and both pay for it alike.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TypeAlias

Marks: TypeAlias = dict[str, float]
"""Name of a mark -> milliseconds after the click, the first time it came; those that never came are missing."""

SCRIPT = """(() => {
  if (location.protocol === 'about:') return;
  const all = (window.benchMarks = {});
  const mark = (name) => { if (window.benchBegan !== undefined) all[name] ??= performance.now() - window.benchBegan; };
  const ask = window.fetch;
  window.fetch = (...input) => {
    const url = input[0] instanceof Request ? input[0].url : String(input[0]);
    const answer = ask(...input);
    if (url.endsWith('/join')) {
      mark('rest asked');
      answer.then(() => mark('rest answered'), () => undefined);
    }
    return answer;
  };
  class MarkedSocket extends WebSocket {
    constructor(...input) {
      super(...input);
      mark('socket made');
      this.addEventListener('open', () => mark('socket open'));
      this.addEventListener('message', () => mark('first message in'));
    }
    send(data) {
      mark('first message out');
      super.send(data);
    }
  }
  window.WebSocket = MarkedSocket;
  for (const step of ['setRemoteDescription', 'setLocalDescription']) {
    const plain = RTCPeerConnection.prototype[step];
    RTCPeerConnection.prototype[step] = function (...input) {
      mark(`${step} asked`);
      const done = plain.apply(this, input);
      done.then(() => mark(`${step} done`), () => undefined);
      return done;
    };
  }
  const Plain = RTCPeerConnection;
  window.RTCPeerConnection = class extends Plain {
    constructor(...input) {
      super(...input);
      mark('peer connection made');
      this.addEventListener('iceconnectionstatechange', () => {
        if (['connected', 'completed'].includes(this.iceConnectionState)) mark('ice connected');
      });
      this.addEventListener('connectionstatechange', () => {
        if (this.connectionState === 'connected') mark('dtls connected');
      });
      this.addEventListener('track', ({ track }) => {
        if (track.kind === 'video') track.addEventListener('unmute', () => mark('first packet'));
      });
    }
  };
  const source = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'srcObject');
  Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', {
    ...source,
    set(stream) {
      if (this instanceof HTMLVideoElement && stream) mark('video shown');
      source.set.call(this, stream);
    },
  });
})()"""
"""To be run before the page's own scripts. `window.benchBegan` is the click's `performance.now()`."""


def medians(joins: Sequence[Marks]) -> Marks:
    """The median of every mark that at least half of the joins have, by time.

    Args:
        joins: at least one.
    """
    by_name: dict[str, list[float]] = {}
    for marks in joins:
        for name, at_ms in marks.items():
            by_name.setdefault(name, []).append(at_ms)
    usual = {name: statistics.median(times) for name, times in by_name.items() if 2 * len(times) >= len(joins)}
    return {name: round(at_ms, 1) for name, at_ms in sorted(usual.items(), key=lambda mark: mark[1])}
