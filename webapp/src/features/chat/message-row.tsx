import { Fragment, type ReactNode } from 'react';
import { feedTime } from '@/lib/time';
import { roleName } from '@/lib/roles';
import type { Outgoing } from '@/realtime/room-store';
import { cn } from '@/ui/cn';
import { Face } from '@/ui/face';
import type { ChatLine } from './chat-lines';

type MessageLine = Extract<ChatLine, { kind: 'message' }>;

/** One message; face, name and time only on the first of a run. */
export function MessageRow({ line, role }: { line: MessageLine; role: string | null }) {
  const { message, isFirstOfRun } = line;
  return (
    <div
      data-testid="chat-message"
      data-message={message.id}
      className={cn('flex gap-2.5 px-3 hover:bg-hover', isFirstOfRun ? 'pt-1.25' : '', 'pb-1')}
    >
      <span className="w-7 flex-none">{isFirstOfRun && <Face name={message.authorName} size={28} />}</span>
      <div className="min-w-0 flex-1">
        {isFirstOfRun && (
          <p className="flex items-baseline gap-1.75 leading-[18px]">
            <b className="truncate">{message.authorName}</b>
            {role !== null && role !== 'viewer' && (
              <span className="flex-none rounded-1 border border-line-strong px-1 text-2xs text-ink-2">{roleName(role)}</span>
            )}
            <time className="flex-none text-2xs text-ink-3" dateTime={message.at.toISOString()}>
              {feedTime(message.at, new Date())}
            </time>
          </p>
        )}
        <p className="text-md break-words whitespace-pre-wrap [unicode-bidi:plaintext]" data-testid="chat-text">
          {withSymbols(message.text)}
        </p>
      </div>
    </div>
  );
}

/** `$NVDA` gets its dotted line. */
function withSymbols(text: string): ReactNode {
  return text.split(/(\$[A-Z][A-Z0-9.]{0,9})\b/).map((part, index) =>
    index % 2 === 1 ? (
      <span key={index} className="border-b border-dotted border-ink-3 font-medium">
        {part}
      </span>
    ) : (
      <Fragment key={index}>{part}</Fragment>
    ),
  );
}

/** Our own line on its way; failed ones offer to try again. */
export function OutgoingRow({ line, onAgain }: { line: Outgoing; onAgain: () => void }) {
  return (
    <div className="flex gap-2.5 px-3 pb-1" data-testid="chat-outgoing">
      <span className="w-7 flex-none" />
      <div className="min-w-0 flex-1">
        <p className="text-md break-words whitespace-pre-wrap text-ink-3 [unicode-bidi:plaintext]">{line.text}</p>
        {line.hasFailed && (
          <p className="text-xs text-live" role="alert">
            Not sent.{' '}
            <button type="button" className="font-medium underline underline-offset-2" onClick={onAgain}>
              Send again
            </button>
          </p>
        )}
      </div>
    </div>
  );
}

export function SessionRow({ line }: { line: Extract<ChatLine, { kind: 'session' }> }) {
  return (
    <p className="flex items-center gap-2 px-3 py-1.5 text-2xs text-ink-3 before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
      Session {line.hasStarted ? 'started' : 'ended'} {feedTime(line.at, new Date())}
    </p>
  );
}
