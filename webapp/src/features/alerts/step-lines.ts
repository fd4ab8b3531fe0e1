import { decimalsOf, formatPrice } from '@/lib/prices';
import { isOver, type LiveAlert } from '@/realtime/alerts';

export type StepAction = 'filled' | 'cancel' | 'target' | 'trim' | 'entry' | 'stop' | 'close';

/** What may be done to an alert now, in the order of its buttons. */
export function actionsOf({ life, targets }: LiveAlert): StepAction[] {
  if (isOver(life)) return [];
  if (life.phase === 'posted') return ['filled', 'cancel'];
  return [...(life.targetsHit.length < targets.length ? ['target' as const] : []), 'trim', 'stop', 'close'];
}

/** The number of the next target, from 1. */
export function nextTarget({ life, targets }: LiveAlert): number {
  return targets.findIndex((_, index) => !life.targetsHit.includes(index + 1)) + 1;
}

/** The composer's line for an action, as far as it is known; what is missing is typed at its end. */
export function lineFor(action: StepAction, alert: LiveAlert): string {
  const { life, entry, stop, targets } = alert;
  const decimals = decimalsOf([entry, stop, ...targets]);
  const show = (price: string): string => formatPrice(price, decimals).replaceAll(',', '');
  const symbol = alert.symbol.toLowerCase();
  // Just at a target: that is most likely the price.
  const here = life.last?.kind === 'target_hit' ? show(life.last.price ?? entry) : '';
  switch (action) {
    case 'filled':
      return `filled ${symbol} ${show(entry)}`;
    case 'cancel':
      return `cancel ${symbol}`;
    case 'target':
      return `target ${symbol} ${nextTarget(alert)} ${show(targets[nextTarget(alert) - 1] ?? entry)}`;
    case 'trim':
      return `trim ${symbol} half ${here}`;
    case 'entry':
      return `stop ${symbol} ${show(life.fill ?? entry)}`;
    case 'stop':
      return `stop ${symbol} `;
    case 'close':
      return `close ${symbol} ${here}`;
  }
}
