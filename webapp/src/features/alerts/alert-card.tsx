import { CheckIcon, CopyIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import { decimalsOf, formatPrice, formatR } from '@/lib/prices';
import { rLine } from '@/lib/r-line';
import { clockTime } from '@/lib/time';
import type { Alert } from '@/realtime/feed';
import { Button } from '@/ui/button';
import { cn } from '@/ui/cn';
import { Tag } from '@/ui/marks';
import { Prices } from './prices';
import { RLineView } from './r-line-view';
import { SideChip } from './side-chip';

const NEW_MS = 60_000;

interface AlertCardProps {
  alert: Alert;
  scale: number;
  /** Full: labelled prices and actions. Short: one row of prices. */
  isFull: boolean;
  isSelected: boolean;
  onSelect: () => void;
  /** Server's now, ms. */
  now: number;
}

/** A trade idea: side, symbol, who and when; its prices; its R-line; the note. */
export function AlertCard({ alert, scale, isFull, isSelected, onSelect, now }: AlertCardProps) {
  const line = rLine(alert);
  const age = now - alert.at.getTime();
  const isNew = age < NEW_MS;
  const last = line?.targets.at(-1);
  return (
    <article
      data-testid="alert-card"
      data-alert={alert.id}
      data-side={alert.side}
      tabIndex={0}
      aria-current={isSelected || undefined}
      onClick={onSelect}
      onFocus={onSelect}
      className={cn(
        'relative border-b border-line py-2.25 pr-3 pl-3.5 focus-visible:-outline-offset-2',
        isSelected ? 'bg-picked' : 'bg-surface',
      )}
    >
      <span className={cn('absolute inset-y-0 left-0 w-0.75', alert.side === 'long' ? 'bg-long' : 'bg-short')} />
      {age < 5_000 && (
        <span
          className={cn('arriving pointer-events-none absolute inset-y-0 left-0 w-2.5', alert.side === 'long' ? 'bg-long' : 'bg-short')}
        />
      )}
      <header className="flex h-5 items-center gap-1.75">
        <SideChip side={alert.side} />
        <b className="truncate text-lg leading-5 font-semibold">{alert.symbol}</b>
        {line === null && <Tag>No stop</Tag>}
        <span className="min-w-0 truncate text-xs text-ink-3">{alert.authorName}</span>
        <span className="flex-1" />
        {isNew ? (
          <span className="h-4.5 flex-none rounded-1 bg-solid px-1.5 text-2xs leading-4.5 font-semibold text-on-solid">New</span>
        ) : (
          <span className="flex-none text-xs font-medium">Posted</span>
        )}
        <time dateTime={alert.at.toISOString()} className="narrow flex-none text-xs text-ink-3">
          {clockTime(alert.at)}
        </time>
      </header>
      {isFull ? <Prices alert={alert} line={line} /> : <ShortPrices alert={alert} />}
      {line && (
        <div className="my-0.5 flex h-6 items-center gap-3">
          <RLineView line={line} scale={scale} />
          {last !== undefined && (
            <span className="flex-none text-right text-xs text-ink-3" title="Result at the last target">
              to <b className="text-ink-2">{formatR(last)}</b>
            </span>
          )}
        </div>
      )}
      {(alert.note !== '' || isFull) && (
        <footer className="flex items-start gap-2 text-xs text-ink-2">
          <p className={cn('min-w-0 flex-1 leading-5', isFull ? 'break-words' : 'truncate')}>{alert.note}</p>
          {isFull && <CopyButton alert={alert} />}
        </footer>
      )}
    </article>
  );
}

function ShortPrices({ alert }: { alert: Alert }) {
  const decimals = decimalsOf([alert.entry, alert.stop, ...alert.targets]);
  const targets = alert.targets.length === 1 ? [['T', alert.targets[0] ?? '']] : alert.targets.map((price, index) => [`T${index + 1}`, price]);
  const all = [['Entry', alert.entry], ...(alert.stop !== null ? [['Stop', alert.stop]] : []), ...targets];
  return (
    <p className="mt-1.25 flex flex-wrap gap-x-3 text-xs whitespace-nowrap">
      {all.map(([label = '', price = '']) => (
        <span key={label}>
          <span className="mr-1 text-ink-3">{label}</span>
          {formatPrice(price, decimals)}
        </span>
      ))}
    </p>
  );
}

function CopyButton({ alert }: { alert: Alert }) {
  const [isCopied, setCopied] = useState(false);
  async function copy(): Promise<void> {
    const parts = [alert.side, alert.symbol, alert.entry, alert.stop && `stop ${alert.stop}`];
    const text = [...parts, alert.targets.length > 0 && `tp ${alert.targets.join(' ')}`].filter(Boolean).join(' ');
    await navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => undefined,
    );
  }
  return (
    <Button size="xs" onClick={copy} data-testid="alert-copy">
      {isCopied ? <CheckIcon size={13} weight="bold" /> : <CopyIcon size={13} />}
      {isCopied ? 'Copied' : 'Copy'}
    </Button>
  );
}
