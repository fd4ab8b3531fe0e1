import type { ReactNode } from 'react';
import { decimalsOf, formatPrice, formatR } from '@/lib/prices';
import type { RLine } from '@/lib/r-line';
import { cn } from '@/ui/cn';

interface PricesProps {
  alert: { entry: string | null; stop: string | null; targets: readonly string[] };
  line: RLine | null;
  /** Where the stop stands now, when that is known. */
  stopNow?: string | null;
  /** The field that is wrong in a draft. */
  bad?: string;
}

/** Labelled prices in columns, with what each means in R below. */
export function Prices({ alert, line, stopNow = null, bad }: PricesProps) {
  const decimals = decimalsOf([alert.entry, alert.stop, stopNow, ...alert.targets]);
  const cells: { label: string; price: string; sub: ReactNode; isBad: boolean }[] = [];
  if (alert.entry !== null) cells.push({ label: 'Entry', price: alert.entry, sub: null, isBad: bad === 'entry' });
  const stop = stopNow ?? alert.stop;
  if (stop !== null && Number(stop) !== Number(alert.stop)) {
    const was = alert.stop !== null && <s>{formatPrice(alert.stop, decimals)}</s>;
    cells.push({ label: 'Stop', price: stop, sub: was, isBad: false });
  } else if (alert.stop !== null) {
    cells.push({ label: 'Stop', price: alert.stop, sub: line && `1R = ${line.risk.toFixed(decimals)}`, isBad: bad === 'stop' });
  }
  alert.targets.forEach((price, index) => {
    const label = alert.targets.length > 1 ? `Target ${index + 1}` : 'Target';
    const r = line?.targets[index];
    cells.push({ label, price, sub: r === undefined ? null : formatR(r), isBad: bad === 'targets' });
  });
  return (
    <dl className="mt-2 mb-1 grid auto-cols-fr grid-flow-col gap-x-2 max-[360px]:grid-flow-row max-[360px]:grid-cols-2">
      {cells.map(({ label, price, sub, isBad }) => (
        <div key={label} className="min-w-0">
          <dt className="truncate text-2xs text-ink-3">{label}</dt>
          <dd className={cn('text-md leading-[18px] font-medium', isBad && 'text-live')}>{formatPrice(price, decimals)}</dd>
          {sub && <dd className="text-2xs text-ink-3">{sub}</dd>}
        </div>
      ))}
    </dl>
  );
}
