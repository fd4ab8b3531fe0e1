import type { ReactNode } from 'react';
import { cn } from './cn';

/** The product's mark: two candles. */
export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" className="flex-none text-ink" aria-hidden="true">
      <rect x=".75" y=".75" width="22.5" height="22.5" rx="5" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M8.5 5v3m0 6v4.5M15.5 5.5V9m0 6v3.5" stroke="currentColor" strokeWidth="1.6" />
      <rect x="6.75" y="8" width="3.5" height="6" fill="currentColor" />
      <rect x="13.75" y="9" width="3.5" height="6" fill="currentColor" />
    </svg>
  );
}

/** LIVE, with the running time where there is room for it. */
export function LiveBadge({ time, isSmall = false }: { time?: string; isSmall?: boolean }) {
  return (
    <span
      className={cn(
        'inline-flex items-center gap-1.5 rounded-2 bg-live-fill font-semibold tracking-[.02em] text-on-live',
        isSmall ? 'h-4.5 px-1.5 text-2xs' : 'h-5.5 px-2 text-xs',
      )}
    >
      <span className="size-1.75 rounded-full bg-current" />
      LIVE{time && <span className="tabular-nums">{time}</span>}
    </span>
  );
}

/** A small framed word. */
export function Tag({ children }: { children: ReactNode }) {
  return (
    <span className="narrow inline-flex h-4.5 items-center gap-1 rounded-1 border border-line-strong px-1.5 text-2xs whitespace-nowrap text-ink-2">
      {children}
    </span>
  );
}

/** A number in a pill: hot asks for attention, cold only counts. */
export function Count({ value, isHot = false }: { value: number; isHot?: boolean }) {
  return (
    <span
      className={cn(
        'min-w-4.5 rounded-full px-1.25 text-center text-2xs leading-4 font-semibold',
        isHot ? 'bg-solid text-on-solid' : 'bg-active text-ink',
      )}
    >
      {value > 99 ? '99+' : value}
    </span>
  );
}

/** Four bars; `level` of them are lit. Trouble (one bar) is the only time they get colour. */
export function SignalBars({ level }: { level: 0 | 1 | 2 | 3 | 4 }) {
  return (
    <span className="inline-flex h-3 items-end gap-0.5" aria-hidden="true">
      {[4, 7, 10, 12].map((height, index) => (
        <i
          key={height}
          style={{ height }}
          className={cn('w-0.75 rounded-[.5px]', index >= level ? 'bg-line-strong' : level <= 1 ? 'bg-warn' : 'bg-ink')}
        />
      ))}
    </span>
  );
}

/** Long points up, short points down: the second of a side's three marks. */
export function Triangle({ side, size = 8 }: { side: 'long' | 'short'; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 8 8" className="flex-none" aria-hidden="true">
      <path d={side === 'long' ? 'M4 .8 7.8 7.2H.2z' : 'M4 7.2.2.8h7.6z'} fill="currentColor" />
    </svg>
  );
}
