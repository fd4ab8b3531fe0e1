import { cn } from '@/ui/cn';
import { Triangle } from '@/ui/marks';

/** LONG or SHORT: the word, the triangle, then the colour. Soft once it is over. */
export function SideChip({ side, isSoft = false }: { side: 'long' | 'short'; isSoft?: boolean }) {
  return (
    <span
      className={cn(
        'narrow inline-flex h-4.5 flex-none items-center gap-1 rounded-1 pr-1.5 pl-1.25 text-2xs font-semibold tracking-[.03em]',
        isSoft && (side === 'long' ? 'bg-long-soft text-long' : 'bg-short-soft text-short'),
        !isSoft && (side === 'long' ? 'bg-long text-on-long' : 'bg-short text-on-short'),
      )}
    >
      <Triangle side={side} />
      {side === 'long' ? 'LONG' : 'SHORT'}
    </span>
  );
}
