import { cn } from './cn';

const WARN_FROM = 0.8;

interface MeterProps {
  name: string;
  /** What is in use and what is allowed, as text; allowed null: no limit. */
  used: string;
  allowed: string | null;
  /** Share in use, 0-1; null without a limit. */
  share: number | null;
  /** A limit of one is used by being there: that is no news. */
  isQuiet?: boolean;
}

/** One line of usage: name, figures, and a bar that turns `warn` from 80 %. */
export function Meter({ name, used, allowed, share, isQuiet = false }: MeterProps) {
  const isNearlyFull = !isQuiet && share !== null && share >= WARN_FROM;
  return (
    <div className="grid grid-cols-[1fr_auto] gap-x-2">
      <dt className="text-ink-2">{name}</dt>
      <dd>
        <b className="font-medium">{used}</b> <span className="text-ink-3">{allowed === null ? 'no limit' : `of ${allowed}`}</span>
      </dd>
      {share !== null && (
        <dd className="col-span-full mt-1 h-1 rounded-full bg-active" aria-hidden="true">
          <span
            style={{ width: `${Math.min(1, share) * 100}%` }}
            className={cn('block h-full rounded-full', isNearlyFull ? 'bg-warn' : 'bg-ink-2')}
          />
        </dd>
      )}
    </div>
  );
}
