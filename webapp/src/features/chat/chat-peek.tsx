import { ChatCenteredTextIcon } from '@phosphor-icons/react';
import { useStore } from 'zustand';
import { age } from '@/lib/time';
import { chatOf } from '@/realtime/feed';
import type { RoomSession } from '@/realtime/room-session';
import { useNow } from '@/ui/use-now';

/** The newest line of the chat, for panels that hide it. */
export function ChatPeek({ session }: { session: RoomSession }) {
  const newest = useStore(session.store, (state) => state.feed.events.findLast((event) => event.kind === 'chat.posted'));
  const offset = useStore(session.store, (state) => state.clockOffsetMs);
  const now = useNow(10_000) + offset;
  const message = newest ? chatOf(newest) : null;
  if (!message) return null;
  return (
    <p className="flex h-8 flex-none items-center gap-2 border-t border-line px-3 text-xs whitespace-nowrap text-ink-2" data-testid="chat-peek">
      <ChatCenteredTextIcon size={15} className="flex-none" />
      <span className="min-w-0 flex-1 truncate">
        <b className="font-medium text-ink">{message.authorName}</b> {message.text}
      </span>
      <span className="text-ink-3">{age(now - message.at.getTime())}</span>
    </p>
  );
}
