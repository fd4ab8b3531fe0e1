import type { Level } from '@/api/generated/signaling';
import type { Quality } from './room-store';

export type { Level };

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

/** Above these a connection is fair, and poor: round trip in ms, loss as a share. The server's limits (`domain/quality.py`). */
const FAIR = { rttMs: 250, loss: 0.03 };
const POOR = { rttMs: 400, loss: 0.06 };

/** How good a connection is, in one word; null: not known. */
export function levelOf({ rttMs, loss }: { rttMs: number | null; loss: number | null }): Level {
  if (rttMs === null && loss === null) return 'none';
  if ((rttMs ?? 0) > POOR.rttMs || (loss ?? 0) > POOR.loss) return 'poor';
  return (rttMs ?? 0) > FAIR.rttMs || (loss ?? 0) > FAIR.loss ? 'fair' : 'good';
}

const BADNESS: Record<Level, number> = { none: 0, good: 1, fair: 2, poor: 3 };

/** The worse of two; what is not known says nothing. */
export function worse(one: Level, other: Level): Level {
  return BADNESS[one] >= BADNESS[other] ? one : other;
}
