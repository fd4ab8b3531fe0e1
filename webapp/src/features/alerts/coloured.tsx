import { cn } from '@/ui/cn';
import type { Piece } from './parse-alert-line';

const COLOURS: Record<Piece['kind'], string> = {
  space: '',
  long: 'font-medium text-long',
  short: 'font-medium text-short',
  symbol: 'font-medium text-ink',
  price: 'font-medium text-ink',
  word: 'text-ink-3',
  note: 'text-ink-2',
  bad: 'font-medium text-live underline decoration-wavy underline-offset-3',
};

/** The typed words, coloured as understood, exactly under the input's own transparent ones. */
export function Coloured({ pieces, input }: { pieces: Piece[]; input: { current: HTMLInputElement | null } }) {
  const isScrolled = (input.current?.scrollWidth ?? 0) > (input.current?.clientWidth ?? 0);
  return (
    <span
      aria-hidden="true"
      className={cn(
        'text-input pointer-events-none absolute inset-0 flex items-center whitespace-pre',
        // A long line scrolls in its input, to the end while typing: keep the end in sight here too.
        isScrolled && 'justify-end',
      )}
    >
      <span>
        {pieces.map(({ text, kind }, index) => (
          <span key={index} className={COLOURS[kind].replace('font-medium ', '')}>
            {text}
          </span>
        ))}
      </span>
    </span>
  );
}
