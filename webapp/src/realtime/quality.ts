import type { Quality } from './room-store';

/** What of a transport's statistics (W3C webrtc-stats) quality is made from; packets are counted from its beginning. */
export interface Counts {
  rttMs: number | null;
  lost: number;
  received: number;
}

/** Round trip of the chosen path, and packets over everything received. */
export function countsOf(report: RTCStatsReport): Counts {
  const counts: Counts = { rttMs: null, lost: 0, received: 0 };
  for (const entry of report.values() as Iterable<Record<string, unknown>>) {
    if (entry.type === 'candidate-pair' && entry.nominated === true && typeof entry.currentRoundTripTime === 'number') {
      counts.rttMs = Math.max(1, Math.round(entry.currentRoundTripTime * 1000));
    }
    if (entry.type === 'inbound-rtp') {
      counts.lost += Number(entry.packetsLost ?? 0);
      counts.received += Number(entry.packetsReceived ?? 0);
    }
  }
  return counts;
}

/** The quality since the last look: what was lost long ago is no trouble now. Late packets may make a loss negative: none. */
export function qualityOf(before: Counts | null, now: Counts): Quality {
  const lost = Math.max(0, now.lost - (before?.lost ?? 0));
  const received = now.received - (before?.received ?? 0);
  return { rttMs: now.rttMs, lossPercent: received > 0 ? (100 * lost) / (lost + received) : null };
}
