import { cn } from '@/ui/cn';
import { Triangle } from '@/ui/marks';

/** LONG or SHORT: the word, the triangle, then the colour. */
export function SideChip({ side }: { side: 'long' | 'short' }) {
  return (
    <span
      className={cn(
        'narrow inline-flex h-4.5 flex-none items-center gap-1 rounded-1 pr-1.5 pl-1.25 text-2xs font-semibold tracking-[.03em]',
        side === 'long' ? 'bg-long text-on-long' : 'bg-short text-on-short',
      )}
    >
      <Triangle side={side} />
      {side === 'long' ? 'LONG' : 'SHORT'}
    </span>
  );
}
