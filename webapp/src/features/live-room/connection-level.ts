import type { Quality } from '@/realtime/room-store';

/** Bars for a connection: 4 good, 3 good enough, 2 fair, 1 poor. Unmeasured counts as good. */
export function levelOf({ rttMs, lossPercent }: Quality): 1 | 2 | 3 | 4 {
  const rtt = rttMs ?? 0;
  const loss = lossPercent ?? 0;
  if (rtt > 400 || loss > 6) return 1;
  if (rtt > 250 || loss > 3) return 2;
  return rtt > 150 || loss > 1 ? 3 : 4;
}
