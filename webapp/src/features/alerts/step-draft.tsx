import { WarningCircleIcon } from '@phosphor-icons/react';
import type { StepKind } from '@/api/generated/signaling';
import { formatPrice } from '@/lib/prices';
import { cn } from '@/ui/cn';
import type { ParsedStep } from './parse-step-line';
import { SideChip } from './side-chip';

/** The word on the button. */
export const STEP_VERBS: Record<StepKind, string> = {
  ...{ filled: 'Filled', cancelled: 'Cancel it', trimmed: 'Trim', stop_moved: 'Move', target_hit: 'Hit', closed: 'Close' },
};

/** What will happen to an alert, above the line that says so. */
export function StepDraft({ step, problem }: { step: ParsedStep; problem: string | null }) {
  const { alert } = step;
  return (
    <div
      data-testid="step-draft"
      className={cn('mb-2 rounded-3 border border-dashed bg-surface px-2.5 py-2', problem ? 'border-live' : 'border-line-input')}
    >
      {alert && (
        <p className="flex h-5 items-center gap-1.75">
          <SideChip side={alert.side} />
          <b className="truncate font-semibold">{alert.symbol}</b>
          <span className="min-w-0 truncate text-xs text-ink-2">{sentence(step)}</span>
        </p>
      )}
      {problem && <Problem sentence={problem} />}
    </div>
  );
}

function sentence({ kind, alert, price, fraction, target }: ParsedStep): string {
  const at = price === null ? '' : ` at ${formatPrice(price)}`;
  switch (kind) {
    case 'filled':
      return `Filled${at || ` at ${formatPrice(alert?.entry ?? '')}`}`;
    case 'cancelled':
      return 'Cancelled, never filled';
    case 'trimmed':
      return fraction === null ? 'Trim' : `${Math.round(Number(fraction) * 1000) / 10} % of what is left off${at}`;
    case 'stop_moved':
      return price === null ? 'Move the stop' : `Stop to ${formatPrice(price)}`;
    case 'target_hit':
      return target === null ? 'Target hit' : `Target ${target} hit${at}`;
    case 'closed':
      return `Close all that is left${at}`;
  }
}

export function Problem({ sentence }: { sentence: string }) {
  return (
    <p role="alert" className="mt-1 flex items-center gap-1.5 text-xs text-live" data-testid="alert-problem">
      <WarningCircleIcon size={14} weight="fill" className="flex-none" />
      {sentence}
    </p>
  );
}
