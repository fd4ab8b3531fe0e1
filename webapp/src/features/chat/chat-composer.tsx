import { PaperPlaneRightIcon } from '@phosphor-icons/react';
import { useRef, useState, type SubmitEvent, type KeyboardEvent } from 'react';
import type { RoomSession } from '@/realtime/room-session';
import { IconButton } from '@/ui/button';

const MAX = 2_000;

/** The line to write on. Enter sends, Shift and Enter begins a new line. */
export function ChatComposer({ session, onSent }: { session: RoomSession; onSent: () => void }) {
  const [text, setText] = useState('');
  const area = useRef<HTMLTextAreaElement>(null);

  function send(event?: SubmitEvent): void {
    event?.preventDefault();
    const said = text.trim();
    if (said === '') return;
    setText('');
    // A refusal stays visible on the line itself.
    void session.say(said).catch(() => undefined);
    area.current?.focus();
    requestAnimationFrame(onSent);
  }

  function key(event: KeyboardEvent): void {
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    }
    if (event.key === 'Escape') area.current?.blur();
  }

  return (
    <form onSubmit={send} className="flex-none border-t border-line bg-surface px-2.5 py-2" aria-label="Write a message">
      <div className="flex items-center gap-1 rounded-2 border border-line-input bg-surface py-1 pr-1 pl-2.5 has-[textarea:focus-visible]:border-ink has-[textarea:focus-visible]:ring-1 has-[textarea:focus-visible]:ring-ink">
        <textarea
          ref={area}
          rows={1}
          value={text}
          maxLength={MAX}
          placeholder="Message"
          aria-label="Message"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={key}
          data-testid="chat-input"
          className="text-input field-sizing-content max-h-30 min-w-0 flex-1 resize-none bg-transparent py-1 outline-none! shadow-none! placeholder:text-ink-3"
        />
        <IconButton type="submit" label="Send" size="sm" disabled={text.trim() === ''} data-testid="chat-send" className="max-md:size-10">
          <PaperPlaneRightIcon size={16} />
        </IconButton>
      </div>
    </form>
  );
}
