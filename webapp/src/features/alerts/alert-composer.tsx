import { useState, type KeyboardEvent, type RefObject, type SubmitEvent } from 'react';
import { useStore } from 'zustand';
import { sentenceOf } from '@/lib/errors';
import { rLine, sharedScale } from '@/lib/r-line';
import type { LiveAlert } from '@/realtime/alerts';
import type { RoomSession } from '@/realtime/room-session';
import { Button } from '@/ui/button';
import { cn } from '@/ui/cn';
import { Tag } from '@/ui/marks';
import { Coloured } from './coloured';
import { parseAlertLine, type ParsedAlert } from './parse-alert-line';
import { parseStepLine, type ParsedStep } from './parse-step-line';
import { Prices } from './prices';
import { RLineView } from './r-line-view';
import { SideChip } from './side-chip';
import { Problem, STEP_VERBS, StepDraft } from './step-draft';

interface AlertComposerProps {
  session: RoomSession;
  alerts: readonly LiveAlert[];
  /** The alert whose button opened the line; of two with one symbol it is meant. */
  pinnedId: string | null;
  line: string;
  onLine: (line: string) => void;
  input: RefObject<HTMLInputElement | null>;
}

/** One line at the foot of the rail; above it the card members will get, or what will happen to one. */
export function AlertComposer({ session, alerts, pinnedId, line, onLine, input }: AlertComposerProps) {
  const [isPosting, setPosting] = useState(false);
  const [refused, setRefused] = useState<{ line: string; sentence: string } | null>(null);
  const [askedLine, setAskedLine] = useState<string | null>(null);
  const others = useStore(session.store, (state) => Math.max(0, state.participants.length - 1));
  const step = parseStepLine(line, alerts, pinnedId);
  const parsed = parseAlertLine(step ? '' : line);
  // While one is still typing, what is missing is no mistake yet.
  const isContradiction = parsed.problem?.field === 'stop' || parsed.problem?.field === 'targets';
  const sentence = step ? step.problem : (parsed.problem?.sentence ?? null);
  const refusal = refused?.line === line ? refused.sentence : null;
  const problem = refusal ?? (askedLine === line || isContradiction ? sentence : null);

  async function post(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (isPosting || line.trim() === '') return;
    const sending = step ? stepSending(session, step) : alertSending(session, parsed);
    if (!sending) {
      setAskedLine(line);
      return;
    }
    setPosting(true);
    try {
      await sending();
      onLine('');
    } catch (error) {
      setRefused({ line, sentence: sentenceOf(error, 'It was not posted. Try again in a moment.') });
    }
    setPosting(false);
    input.current?.focus();
  }

  function key(event: KeyboardEvent): void {
    if (event.key === 'Escape' && line !== '') {
      event.stopPropagation();
      onLine('');
    }
  }

  return (
    <form
      onSubmit={post}
      aria-label="Post an alert"
      className="flex-none border-t border-line-strong bg-canvas px-2.5 pt-2.5 pb-2"
      data-testid="alert-composer"
    >
      {step && <StepDraft step={step} problem={problem} />}
      {parsed.side !== null && <Draft parsed={parsed} problem={problem} />}
      <div
        className={cn(
          'flex h-9.5 items-center gap-2 rounded-2 border bg-surface pr-1 pl-2.5 max-md:h-12',
          'has-[input:focus-visible]:border-ink has-[input:focus-visible]:ring-1 has-[input:focus-visible]:ring-ink',
          problem ? 'border-live' : 'border-line-input',
        )}
      >
        <span className="relative h-full min-w-0 flex-1 overflow-hidden">
          <Coloured pieces={step?.pieces ?? parsed.pieces} input={input} />
          <input
            ref={input}
            value={line}
            onChange={(event) => onLine(event.target.value)}
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
          {isPosting ? 'Posting' : step ? STEP_VERBS[step.kind] : 'Post'}
        </Button>
      </div>
      {problem && parsed.side === null && !step && <Problem sentence={problem} />}
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

/** What posting does; null while something is missing. */
function alertSending(session: RoomSession, parsed: ParsedAlert): (() => Promise<void>) | null {
  const { side, symbol, entry, stop, targets, note, isComplete } = parsed;
  if (!isComplete || side === null || entry === null) return null;
  return () => session.postAlert({ side, symbol, entry, stop, targets, note });
}

function stepSending(session: RoomSession, { alert, kind, price, fraction, target, problem }: ParsedStep): (() => Promise<void>) | null {
  if (!alert || problem !== null) return null;
  return () => session.stepAlert({ alertId: alert.id, kind, price, fraction, target });
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
