import type { QualityView } from '@/api/generated/signaling';
import { levelOf, worse, type Level } from '@/realtime/quality';
import type { Quality } from '@/realtime/room-store';

/** A connection as it is shown: the server's view of someone, or our own. */
export type Line = Omit<QualityView, 'participantId'>;

/** Bars: 4 good, 3 good enough, 2 fair, 1 poor, 0 not known. */
export function barsOf({ level, rttMs, sendLoss, receiveLoss }: Line): 0 | 1 | 2 | 3 | 4 {
  if (level === 'none') return 0;
  if (level === 'poor') return 1;
  if (level === 'fair') return 2;
  return (rttMs ?? 0) > 150 || Math.max(sendLoss ?? 0, receiveLoss ?? 0) > 0.01 ? 3 : 4;
}

const WORDS: Record<Level, string> = {
  good: 'Good connection',
  fair: 'Fair connection',
  poor: 'Poor connection',
  none: 'Connection not measured',
};

export function wordsOf({ level }: Line): string {
  return WORDS[level];
}

/** Whether a connection is worth a mark: a good one is quiet. */
export function isTrouble(line: Line | undefined): line is Line {
  return line?.level === 'fair' || line?.level === 'poor';
}

/** Our own: round trip and loss as this browser sees them, what we send as the server sees it. Unmeasured counts as good. */
export function ownLine(quality: Quality, told: QualityView | undefined): Line {
  const own = levelOf({ rttMs: quality.rttMs, loss: quality.lossPercent === null ? null : quality.lossPercent / 100 });
  return {
    ...told,
    level: worse(own === 'none' ? 'good' : own, told?.level ?? 'none'),
    rttMs: quality.rttMs ?? told?.rttMs ?? null,
    receiveLoss: quality.lossPercent === null ? (told?.receiveLoss ?? null) : quality.lossPercent / 100,
  };
}

/** What is known, in words and figures. */
export function detailsOf(line: Line): { name: string; value: string }[] {
  const rows: [string, string | null][] = [
    ['Round trip', line.rttMs == null ? null : `${Math.max(1, Math.round(line.rttMs))} ms`],
    ['Jitter', line.jitterMs == null ? null : `${Math.round(line.jitterMs)} ms`],
    ['Lost on the way in', percent(line.receiveLoss)],
    ['Lost on the way out', percent(line.sendLoss)],
    ['Receiving', bitrate(line.receiveBps)],
    ['Sending', bitrate(line.sendBps)],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
}

function percent(share: number | null | undefined): string | null {
  return share == null ? null : `${(share * 100).toFixed(1)} %`;
}

function bitrate(bps: number | null | undefined): string | null {
  if (bps == null) return null;
  return bps >= 1_000_000 ? `${(bps / 1_000_000).toFixed(1)} Mbit/s` : `${Math.round(bps / 1000)} kbit/s`;
}
