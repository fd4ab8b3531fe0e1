import { WarningCircleIcon } from '@phosphor-icons/react';
import { useRef, useState, type SubmitEvent, type KeyboardEvent } from 'react';
import { useStore } from 'zustand';
import { sentenceOf } from '@/lib/errors';
import { rLine, sharedScale } from '@/lib/r-line';
import type { RoomSession } from '@/realtime/room-session';
import { Button } from '@/ui/button';
import { cn } from '@/ui/cn';
import { Tag } from '@/ui/marks';
import { parseAlertLine, type ParsedAlert, type Piece } from './parse-alert-line';
import { Prices } from './prices';
import { RLineView } from './r-line-view';
import { SideChip } from './side-chip';

/** One line at the foot of the rail; above it the card members will get. */
export function AlertComposer({ session }: { session: RoomSession }) {
  const [line, setLine] = useState('');
  const [isPosting, setPosting] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isAsked, setAsked] = useState(false);
  const others = useStore(session.store, (state) => Math.max(0, state.participants.length - 1));
  const input = useRef<HTMLInputElement>(null);
  const parsed = parseAlertLine(line);
  // While one is still typing, what is missing is no mistake yet.
  const isContradiction = parsed.problem?.field === 'stop' || parsed.problem?.field === 'targets';
  const problem = refusal ?? (parsed.problem && (isAsked || isContradiction) ? parsed.problem.sentence : null);

  function change(next: string): void {
    setLine(next);
    setRefusal(null);
    setAsked(false);
  }

  async function post(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (isPosting || line.trim() === '') return;
    const { side, symbol, entry, stop, targets, note, isComplete } = parsed;
    if (!isComplete || side === null || entry === null) {
      setAsked(true);
      return;
    }
    setPosting(true);
    try {
      await session.postAlert({ side, symbol, entry, stop, targets, note });
      change('');
    } catch (error) {
      setRefusal(sentenceOf(error, 'It was not posted. Try again in a moment.'));
    }
    setPosting(false);
    input.current?.focus();
  }

  function key(event: KeyboardEvent): void {
    if (event.key === 'Escape' && line !== '') {
      event.stopPropagation();
      change('');
    }
  }

  return (
    <form
      onSubmit={post}
      aria-label="Post an alert"
      className="flex-none border-t border-line-strong bg-canvas px-2.5 pt-2.5 pb-2"
      data-testid="alert-composer"
    >
      {parsed.side !== null && <Draft parsed={parsed} problem={problem} />}
      <div
        className={cn(
          'flex h-9.5 items-center gap-2 rounded-2 border bg-surface pr-1 pl-2.5 max-md:h-12',
          'has-[input:focus-visible]:border-ink has-[input:focus-visible]:ring-1 has-[input:focus-visible]:ring-ink',
          problem ? 'border-live' : 'border-line-input',
        )}
      >
        <span className="relative h-full min-w-0 flex-1 overflow-hidden">
          <Coloured pieces={parsed.pieces} input={input} />
          <input
            ref={input}
            value={line}
            onChange={(event) => change(event.target.value)}
            onKeyDown={key}
            placeholder="long NVDA 187.20 stop 185.90 tp 190"
            aria-label="Alert line: side, symbol, entry, stop, targets, note"
            aria-invalid={problem ? true : undefined}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            maxLength={700}
            data-testid="alert-input"
            className="text-input absolute inset-0 size-full bg-transparent text-transparent caret-ink outline-none! shadow-none!"
          />
        </span>
        <Button type="submit" look="primary" size="sm" isBusy={isPosting} disabled={line.trim() === '' || isContradiction} data-testid="alert-post" className="max-md:h-10">
          {isPosting ? 'Posting' : 'Post'}
        </Button>
      </div>
      {problem && parsed.side === null && <Problem sentence={problem} />}
      <p className="mt-1.75 flex gap-3 text-2xs whitespace-nowrap text-ink-3 max-md:hidden">
        <span>
          <Key word="↵" /> post to {others}
        </span>
        <span>
          <Key word="Esc" /> discard
        </span>
      </p>
    </form>
  );
}

function Key({ word }: { word: string }) {
  return (
    <kbd className="mr-1 inline-block min-w-4.5 rounded-[3px] border border-b-2 border-line-strong bg-surface px-1 text-center font-mono text-2xs font-medium text-ink-2">
      {word}
    </kbd>
  );
}

function Problem({ sentence }: { sentence: string }) {
  return (
    <p role="alert" className="mt-1 flex items-center gap-1.5 text-xs text-live" data-testid="alert-problem">
      <WarningCircleIcon size={14} weight="fill" className="flex-none" />
      {sentence}
    </p>
  );
}

function Draft({ parsed, problem }: { parsed: ParsedAlert; problem: string | null }) {
  const { side, symbol, entry, stop, targets, note } = parsed;
  if (side === null) return null;
  const line = entry !== null && !parsed.problem ? rLine({ side, entry, stop, targets }) : null;
  return (
    <div
      data-testid="alert-draft"
      className={cn('mb-2 rounded-3 border border-dashed bg-surface px-2.5 py-2', problem ? 'border-live' : 'border-line-input')}
    >
      <header className="flex h-5 items-center gap-1.75">
        <SideChip side={side} />
        <b className="truncate text-lg leading-5 font-semibold">{symbol || '…'}</b>
        {entry !== null && stop === null && <Tag>No stop</Tag>}
        <span className="flex-1" />
        <span className="text-2xs text-ink-3">Draft</span>
      </header>
      {entry !== null && <Prices alert={{ entry, stop, targets }} line={line} {...(parsed.problem && { bad: parsed.problem.field })} />}
      {line && <RLineView line={line} scale={sharedScale([line])} />}
      {note !== '' && <p className="truncate text-xs text-ink-2">{note}</p>}
      {problem && <Problem sentence={problem} />}
    </div>
  );
}

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
function Coloured({ pieces, input }: { pieces: Piece[]; input: { current: HTMLInputElement | null } }) {
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
