import { formatR } from '@/lib/prices';
import type { RLine } from '@/lib/r-line';

interface RLineViewProps {
  line: RLine;
  /** The furthest R on the scale; the cards of one list share it. */
  scale: number;
  /** Grid lines at whole R, for boards. */
  hasGrid?: boolean;
}

/** Where R lies, in percent of the width. -1R to `scale`, with a margin for the marks at the ends. */
export function placeR(r: number, scale: number): number {
  return 2.5 + ((Math.min(r, scale) + 1) / (scale + 1)) * 95;
}

/** x = result in R. Stop: bar. Entry: ring. Targets: diamonds. Profit is to the right, for shorts too. */
export function RLineView({ line, scale, hasGrid = false }: RLineViewProps) {
  const at = (r: number): string => `${placeR(r, scale)}%`;
  const last = Math.max(0, ...line.targets);
  const words = line.targets.length > 0 ? `targets at ${line.targets.map(formatR).join(' and ')}` : 'no target';
  return (
    <svg width="100%" height="22" className="block min-w-0 overflow-visible" role="img" aria-label={`Stop at ${formatR(-1)}, ${words}`}>
      {hasGrid &&
        Array.from({ length: Math.floor(scale) + 2 }, (_, index) => index - 1).map((r) => (
          <line key={r} x1={at(r)} x2={at(r)} y1="0" y2="22" className={r === 0 ? 'stroke-line-strong' : 'stroke-line'} />
        ))}
      <line x1={at(-1)} x2={at(last)} y1="11" y2="11" strokeWidth="2" className="stroke-line-strong" />
      <line x1={at(-1)} x2={at(-1)} y1="5" y2="17" strokeWidth="2" className="stroke-ink-2" />
      {line.targets.map((r, index) => (
        <svg key={index} x={at(r)} y="11" className="overflow-visible">
          <path d="M0-4.5 4.5 0 0 4.5-4.5 0z" strokeWidth="1.5" className="fill-surface stroke-ink-3" />
        </svg>
      ))}
      <circle cx={at(0)} cy="11" r="3.5" strokeWidth="1.5" className="fill-surface stroke-ink" />
    </svg>
  );
}
