import { formatR } from '@/lib/prices';
import type { LiveAlert } from '@/realtime/alerts';

const MINUS = '\u2212';

/** The result of a closed alert, with its sign: in R, or in percent where there was no stop. */
export function resultOf({ life }: LiveAlert): { words: string; isLoss: boolean } | null {
  const { resultR, resultPercent } = life;
  if (resultR !== null) return { words: formatR(resultR), isLoss: resultR < 0 };
  if (resultPercent === null) return null;
  const sign = resultPercent < 0 ? MINUS : '+';
  return { words: `${sign}${Math.abs(resultPercent).toFixed(2)} %`, isLoss: resultPercent < 0 };
}

/** Where an alert stands, in a few words. */
export function stateWords(alert: LiveAlert): string {
  const { last } = alert.life;
  switch (last?.kind) {
    case undefined:
      return 'Posted';
    case 'filled':
      return 'Filled';
    case 'stop_moved':
      return 'Stop moved';
    case 'trimmed':
      return `Trimmed ${percent(last.fraction ?? 0)}`;
    case 'target_hit':
      return `Target ${last.target ?? 1} hit`;
    case 'closed':
      return `Closed ${resultOf(alert)?.words ?? ''}`.trim();
    case 'cancelled':
      return 'Cancelled';
  }
}

/** 0.3333 as `33 %`. */
export function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`;
}

/** Whether it was closed where its stop stood, or beyond, and lost. */
export function isStoppedOut(alert: LiveAlert): boolean {
  const { last, stop } = alert.life;
  if (last?.kind !== 'closed' || last.price === null || stop === null || resultOf(alert)?.isLoss !== true) return false;
  const beyond = Number(last.price) - Number(stop);
  return alert.side === 'long' ? beyond <= 0 : beyond >= 0;
}
