import { CheckCircleIcon, FlagCheckeredIcon, ScissorsIcon, ShieldCheckIcon, TargetIcon, XCircleIcon, type Icon } from '@phosphor-icons/react';
import type { ReactNode } from 'react';
import type { StepKind } from '@/api/generated/signaling';
import { decimalsOf, formatPrice } from '@/lib/prices';
import { age } from '@/lib/time';
import type { LiveAlert } from '@/realtime/alerts';
import { cn } from '@/ui/cn';
import { isStoppedOut, percent } from './life-words';

const ICONS: Record<StepKind, Icon> = {
  filled: CheckCircleIcon,
  stop_moved: ShieldCheckIcon,
  trimmed: ScissorsIcon,
  target_hit: TargetIcon,
  closed: FlagCheckeredIcon,
  cancelled: XCircleIcon,
};

/** The icon of what happened last; none for what was only posted. */
export function StateMark({ alert }: { alert: LiveAlert }) {
  const { last } = alert.life;
  if (!last) return null;
  const Mark = ICONS[last.kind];
  return <Mark size={14} weight="bold" className="flex-none text-ink-2" aria-hidden="true" />;
}

/** What happened last in a sentence, and the note. */
export function LastStepLine({ alert, isShort }: { alert: LiveAlert; isShort: boolean }) {
  const words = lastWords(alert);
  return (
    <p className={cn('min-w-0 flex-1 text-xs leading-5 text-ink-2', isShort ? 'truncate' : 'break-words')}>
      {words && (
        <span className="text-ink" data-testid="alert-last">
          {words}
        </span>
      )}
      {words && !isShort && alert.note !== '' && <br />}
      {(!words || !isShort) && alert.note}
    </p>
  );
}

function lastWords(alert: LiveAlert): ReactNode {
  const { last, left, fill, filledAt, closedAt } = alert.life;
  if (!last) return null;
  const decimals = decimalsOf([alert.entry, alert.stop, ...alert.targets]);
  const show = (price: string | null): string => formatPrice(price ?? '', decimals);
  switch (last.kind) {
    case 'filled':
      return `Filled at ${show(last.price)}`;
    case 'stop_moved':
      return (
        <>
          {Number(last.price) === Number(fill) ? 'Stop to entry' : 'Stop'} {last.from !== null && <s className="text-ink-3">{show(last.from)}</s>}{' '}
          {show(last.price)}
        </>
      );
    case 'trimmed':
      return `${percent(last.fraction ?? 0)} off at ${show(last.price)}, ${percent(left)} left`;
    case 'target_hit':
      return `Target ${last.target ?? 1} hit at ${show(last.price)}`;
    case 'closed': {
      const way = `${show(fill)} to ${show(last.price)}`;
      const held = filledAt && closedAt ? age(closedAt.getTime() - filledAt.getTime()) : 'now';
      return `${isStoppedOut(alert) ? 'Stopped out, ' : ''}${way}, held ${held === 'now' ? 'under 1 min' : held}`;
    }
    case 'cancelled':
      return 'Never filled';
  }
}
