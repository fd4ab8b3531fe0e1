import { formatR } from '@/lib/prices';
import type { RLife, RLine } from '@/lib/r-line';
import { cn } from '@/ui/cn';

interface RLineViewProps {
  line: RLine;
  /** What happened since it was posted. */
  life?: RLife | null;
  /** The furthest R on the scale; the cards of one list share it. */
  scale: number;
  /** Grid lines at whole R, for boards. */
  hasGrid?: boolean;
}

/** Where R lies, in percent of the width. -1R to `scale`, with a margin for the marks at the ends. */
export function placeR(r: number, scale: number): number {
  return 2.5 + ((Math.max(-1, Math.min(r, scale)) + 1) / (scale + 1)) * 95;
}

/** x = result in R. Stop: bar. Entry: ring, full once filled. Targets: diamonds. Exit: square. Profit is to the right, for shorts too. */
export function RLineView({ line, life = null, scale, hasGrid = false }: RLineViewProps) {
  const at = (r: number): string => `${placeR(r, scale)}%`;
  const last = Math.max(0, ...line.targets);
  const isOver = life !== null && life.exit !== null;
  const hasFill = life !== null && life.fill !== null;
  return (
    <svg width="100%" height="22" className="block min-w-0 overflow-visible" role="img" aria-label={wordsOf(line, life)}>
      {hasGrid &&
        Array.from({ length: Math.floor(scale) + 2 }, (_, index) => index - 1).map((r) => (
          <line key={r} x1={at(r)} x2={at(r)} y1="0" y2="22" className={r === 0 ? 'stroke-line-strong' : 'stroke-line'} />
        ))}
      <line x1={at(-1)} x2={at(last)} y1="11" y2="11" strokeWidth={hasFill ? 1 : 2} className="stroke-line-strong" />
      {life?.stretches.map(({ from, to, weight, isOpen }, index) => (
        <line
          key={index}
          x1={at(from)}
          x2={at(to)}
          y1="11"
          y2="11"
          strokeWidth={1.5 + 3 * weight}
          className={isOpen ? 'stroke-line-strong' : to > from ? 'stroke-gain' : 'stroke-loss'}
        />
      ))}
      <StopBar x={at(-1)} isOld={life !== null && life.stop !== null} />
      {typeof life?.stop === 'number' && <StopBar x={at(life.stop)} isOld={false} isMoved />}
      {life?.trims.map((r, index) => (
        <line key={index} x1={at(r)} x2={at(r)} y1="6" y2="16" strokeWidth="1.5" className="stroke-ink-2" />
      ))}
      {line.targets.map((r, index) => (
        <svg key={index} x={at(r)} y="11" className="overflow-visible">
          <path
            d="M0-4.5 4.5 0 0 4.5-4.5 0z"
            strokeWidth="1.5"
            className={life?.targetsHit.includes(index + 1) ? 'fill-gain stroke-gain' : 'fill-surface stroke-ink-3'}
          />
        </svg>
      ))}
      <circle
        cx={at(life?.fill ?? 0)}
        cy="11"
        r="3.5"
        strokeWidth="1.5"
        className={cn('stroke-ink', hasFill && !isOver ? 'fill-ink' : 'fill-surface')}
      />
      {typeof life?.exit === 'number' && (
        <svg x={at(life.exit)} y="11" className="overflow-visible">
          <rect x="-4.5" y="-4.5" width="9" height="9" rx="1" strokeWidth="1.5" className={cn('stroke-surface', life.exit >= (life.fill ?? 0) ? 'fill-gain' : 'fill-loss')} />
        </svg>
      )}
    </svg>
  );
}

/** A moved one is longer: at the entry it still shows on both sides of the ring. */
function StopBar({ x, isOld, isMoved = false }: { x: string; isOld: boolean; isMoved?: boolean }) {
  return (
    <line
      x1={x}
      x2={x}
      y1={isMoved ? 3 : 5}
      y2={isMoved ? 19 : 17}
      strokeWidth={isOld ? 1.5 : 2}
      className={isOld ? 'stroke-ink-3' : 'stroke-ink-2'}
      {...(isOld && { strokeDasharray: '1.5 2.5' })}
    />
  );
}

/** The line in one sentence. */
function wordsOf(line: RLine, life: RLife | null): string {
  const targets = line.targets.map((r, index) => formatR(r) + (life?.targetsHit.includes(index + 1) ? ' (hit)' : ''));
  const parts = [`Stop at ${formatR(life?.stop ?? -1)}`, targets.length > 0 ? `targets at ${targets.join(' and ')}` : 'no target'];
  if (life !== null && life.exit !== null) parts.push(`closed at ${formatR(life.exit)}`);
  else if (life !== null && life.fill !== null) parts.push('filled');
  return parts.join(', ');
}
