import type { Quality } from './room-store';

/** Round trip of the chosen path and loss over everything received, from a transport's statistics (W3C webrtc-stats). */
export function readQuality(report: RTCStatsReport): Quality {
  let rttMs: number | null = null;
  let lost = 0;
  let received = 0;
  for (const entry of report.values() as Iterable<Record<string, unknown>>) {
    if (entry.type === 'candidate-pair' && entry.nominated === true) {
      const seconds = entry.currentRoundTripTime;
      if (typeof seconds === 'number') rttMs = Math.round(seconds * 1000);
    }
    if (entry.type === 'inbound-rtp') {
      lost += Math.max(0, Number(entry.packetsLost ?? 0));
      received += Number(entry.packetsReceived ?? 0);
    }
  }
  return { rttMs, lossPercent: received > 0 ? (100 * lost) / (lost + received) : null };
}
