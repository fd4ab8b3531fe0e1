import { CheckIcon, CopyIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import type { LiveAlert } from '@/realtime/alerts';
import { Button } from '@/ui/button';
import { cn } from '@/ui/cn';
import { actionsOf, nextTarget, type StepAction } from './step-lines';

const WORDS: Record<StepAction, string> = {
  ...{ filled: 'Filled', cancel: 'Cancel', target: 'Target', trim: 'Trim', entry: 'Stop to entry', stop: 'Move stop', close: 'Close' },
};
const KEYS: Partial<Record<StepAction, string>> = { trim: 'T', stop: 'E', close: 'X' };

/** What one can do with a card: its author's side opens the line filled in, everyone may copy it. */
export function CardActions({ alert, onAction }: { alert: LiveAlert; onAction: ((action: StepAction) => void) | null }) {
  const actions = onAction ? actionsOf(alert) : [];
  return (
    <footer className={cn('flex flex-wrap items-center gap-1.5', onAction ? 'mt-1.25' : 'flex-none')}>
      {actions.map((action) => (
        <Button
          key={action}
          size="xs"
          className="max-md:h-9"
          data-testid={`step-${action}`}
          title={KEYS[action] && `Key: ${KEYS[action]}`}
          onClick={() => onAction?.(action)}
        >
          {action === 'target' && alert.targets.length > 1 ? `Target ${nextTarget(alert)}` : WORDS[action]}
        </Button>
      ))}
      {onAction && <span className="flex-1" />}
      <CopyButton alert={alert} />
    </footer>
  );
}

function CopyButton({ alert }: { alert: LiveAlert }) {
  const [isCopied, setCopied] = useState(false);
  async function copy(): Promise<void> {
    const parts = [alert.side, alert.symbol, alert.entry, alert.life.stop && `stop ${alert.life.stop}`];
    const text = [...parts, alert.targets.length > 0 && `tp ${alert.targets.join(' ')}`].filter(Boolean).join(' ');
    await navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => undefined,
    );
  }
  return (
    <Button size="xs" className="max-md:h-9" onClick={copy} data-testid="alert-copy">
      {isCopied ? <CheckIcon size={13} weight="bold" /> : <CopyIcon size={13} />}
      {isCopied ? 'Copied' : 'Copy'}
    </Button>
  );
}
