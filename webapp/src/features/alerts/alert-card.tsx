import type { KeyboardEvent } from 'react';
import { rLife, rLine, type RLife, type RLine } from '@/lib/r-line';
import { decimalsOf, formatPrice, formatR } from '@/lib/prices';
import { clockTime } from '@/lib/time';
import { isOver, type LiveAlert } from '@/realtime/alerts';
import { cn } from '@/ui/cn';
import { Tag } from '@/ui/marks';
import { CardActions } from './card-actions';
import { LastStepLine, StateMark } from './life';
import { resultOf, stateWords } from './life-words';
import { Prices } from './prices';
import { RLineView } from './r-line-view';
import { SideChip } from './side-chip';
import type { StepAction } from './step-lines';

const NEW_MS = 60_000;
const KEYS: Record<string, StepAction> = { t: 'trim', b: 'entry', e: 'stop', x: 'close' };

interface AlertCardProps {
  alert: LiveAlert;
  scale: number;
  /** Full: labelled prices and actions. Short: one row of prices. What is over folds to two rows until it is selected. */
  isFull: boolean;
  isSelected: boolean;
  onSelect: () => void;
  /** Opens the line for an action; null for who may not. */
  onAction: ((action: StepAction) => void) | null;
  /** Server's now, ms. */
  now: number;
}

/** A trade idea: side, symbol, who and when; its prices; its R-line; what happened last. It stays where it was posted. */
export function AlertCard({ alert, scale, isFull, isSelected, onSelect, onAction, now }: AlertCardProps) {
  const line = rLine(alert);
  const life = rLife(alert, { ...alert.life, isClosed: alert.life.phase === 'closed' });
  const over = isOver(alert.life);
  const isFolded = over && !isSelected;
  const isOpenFull = isFull && !isFolded;

  function key(event: KeyboardEvent): void {
    const action = KEYS[event.key.toLowerCase()];
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && event.target === event.currentTarget;
    if (!action || !isPlain || !onAction || alert.life.phase !== 'filled') return;
    event.preventDefault();
    onAction(action);
  }

  return (
    <article
      data-testid="alert-card"
      data-alert={alert.id}
      data-side={alert.side}
      data-phase={alert.life.phase}
      tabIndex={0}
      aria-current={isSelected || undefined}
      onClick={onSelect}
      onFocus={onSelect}
      onKeyDown={key}
      className={cn(
        'relative border-b border-line py-2.25 pr-3 pl-3.5 focus-visible:-outline-offset-2',
        isSelected ? 'bg-picked' : 'bg-surface',
      )}
    >
      <span className={cn('absolute inset-y-0 left-0 w-0.75', alert.side === 'long' ? 'bg-long' : 'bg-short', over && 'opacity-35')} />
      {now - alert.at.getTime() < 5_000 && (
        <span
          className={cn('arriving pointer-events-none absolute inset-y-0 left-0 w-2.5', alert.side === 'long' ? 'bg-long' : 'bg-short')}
        />
      )}
      <Head alert={alert} hasStop={alert.stop !== null || alert.life.stop !== null} now={now} />
      {!isFolded && (isOpenFull ? <Prices alert={alert} line={line} stopNow={alert.life.stop} /> : <ShortPrices alert={alert} />)}
      {!isFolded && line && alert.life.phase !== 'cancelled' && <Line alert={alert} line={line} life={life} scale={scale} />}
      <div className={cn(onAction === null && 'flex items-start gap-2')}>
        <LastStepLine alert={alert} isShort={!isOpenFull} />
        {isOpenFull && <CardActions alert={alert} onAction={onAction} />}
      </div>
    </article>
  );
}

function Head({ alert, hasStop, now }: { alert: LiveAlert; hasStop: boolean; now: number }) {
  const isNew = alert.life.last === null && now - alert.at.getTime() < NEW_MS;
  return (
    <header className="flex h-5 items-center gap-1.75">
      <SideChip side={alert.side} isSoft={isOver(alert.life)} />
      <b className="truncate text-lg leading-5 font-semibold">{alert.symbol}</b>
      {!hasStop && <Tag>No stop</Tag>}
      <span className="min-w-0 truncate text-xs text-ink-3">{alert.authorName}</span>
      <span className="flex-1" />
      {isNew ? (
        <span className="h-4.5 flex-none rounded-1 bg-solid px-1.5 text-2xs leading-4.5 font-semibold text-on-solid">New</span>
      ) : (
        <span className="inline-flex flex-none items-center gap-1 text-xs font-medium" data-testid="alert-state">
          <StateMark alert={alert} />
          {alert.life.phase === 'closed' ? 'Closed' : stateWords(alert)}
        </span>
      )}
      <Result alert={alert} />
      <time dateTime={alert.at.toISOString()} className="narrow flex-none text-xs text-ink-3">
        {clockTime(alert.at)}
      </time>
    </header>
  );
}

function Result({ alert }: { alert: LiveAlert }) {
  const result = resultOf(alert);
  if (!result) return null;
  return (
    <b className={cn('flex-none text-xs font-semibold', result.isLoss ? 'text-loss' : 'text-gain')} data-testid="alert-result">
      {result.words}
    </b>
  );
}

function Line({ alert, line, life, scale }: { alert: LiveAlert; line: RLine; life: RLife | null; scale: number }) {
  const last = line.targets.at(-1);
  return (
    <div className="my-0.5 flex h-6 items-center gap-3">
      <RLineView line={line} life={life} scale={scale} />
      {last !== undefined && alert.life.phase !== 'closed' && (
        <span className="flex-none text-right text-xs text-ink-3" title="Result at the last target">
          to <b className="text-ink-2">{formatR(last)}</b>
        </span>
      )}
    </div>
  );
}

function ShortPrices({ alert }: { alert: LiveAlert }) {
  const stop = alert.life.stop;
  const decimals = decimalsOf([alert.entry, stop, ...alert.targets]);
  const targets = alert.targets.length === 1 ? [['T', alert.targets[0] ?? '']] : alert.targets.map((price, index) => [`T${index + 1}`, price]);
  const all = [['Entry', alert.life.fill ?? alert.entry], ...(stop !== null ? [['Stop', stop]] : []), ...targets];
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
