import { ChatCenteredTextIcon } from '@phosphor-icons/react';
import { useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useStore } from 'zustand';
import type { RoomSession } from '@/realtime/room-session';
import { Button } from '@/ui/button';
import { Scroller } from '@/ui/scroller';
import { Blank, Skeleton } from '@/ui/states';
import { chatLines } from './chat-lines';
import { ChatComposer } from './chat-composer';
import { MessageRow, OutgoingRow, SessionRow } from './message-row';

const AT_BOTTOM_PX = 48;

/** What is said, oldest first, and the line to say more. Stays at the newest unless one reads further up. */
export function ChatPanel({ session }: { session: RoomSession }) {
  const events = useStore(session.store, (state) => state.feed.events);
  const outgoing = useStore(session.store, (state) => state.outgoing);
  const participants = useStore(session.store, (state) => state.participants);
  const phase = useStore(session.store, (state) => state.phase);
  const canPost = useStore(session.store, (state) => state.facts?.grant.canPostChat ?? false);
  const lines = useMemo(() => chatLines(events), [events]);
  const roles = useMemo(() => new Map(participants.map(({ userId, role }) => [userId, role])), [participants]);
  const list = useRef<HTMLDivElement>(null);
  const isAtBottom = useRef(true);
  const [hasMore, setHasMore] = useState(false);
  const myLines = outgoing.filter(({ kind }) => kind === 'chat');
  const newest = lines.at(-1)?.key;

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    if (isAtBottom.current) element.scrollTop = element.scrollHeight;
    else setHasMore(true);
  }, [newest, myLines.length]);

  function scrolled(): void {
    const element = list.current;
    if (!element) return;
    isAtBottom.current = element.scrollHeight - element.scrollTop - element.clientHeight < AT_BOTTOM_PX;
    if (isAtBottom.current) setHasMore(false);
  }

  function toNewest(): void {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }

  return (
    <>
      <div className="relative min-h-0 flex-1">
        <Scroller ref={list} label="Chat" role="log" onScroll={scrolled} className="flex h-full flex-col overflow-y-auto" data-testid="chat">
          <div className="flex-1" />
          {phase === 'joining' && lines.length === 0 && <Waiting />}
          {phase !== 'joining' && lines.every(({ kind }) => kind === 'session') && myLines.length === 0 && (
            <div className="grid flex-1 place-items-center">
              <Blank icon={<ChatCenteredTextIcon size={26} />} title="Nothing said yet" testId="chat-empty">
                What is written here stays in the room. Late joiners see it too.
              </Blank>
            </div>
          )}
          <div className="py-1.5">
            {lines.map((line) =>
              line.kind === 'session' ? (
                <SessionRow key={line.key} line={line} />
              ) : (
                <MessageRow key={line.key} line={line} role={roles.get(line.message.authorId) ?? null} />
              ),
            )}
            {myLines.map((line) => (
              <OutgoingRow key={line.id} line={line} onAgain={() => void session.sayAgain(line.id).catch(() => undefined)} />
            ))}
          </div>
        </Scroller>
        {hasMore && (
          <div className="absolute bottom-2 left-1/2 -translate-x-1/2">
            <Button size="sm" look="primary" onClick={toNewest}>
              To the newest
            </Button>
          </div>
        )}
      </div>
      {canPost && <ChatComposer session={session} onSent={toNewest} />}
    </>
  );
}

function Waiting() {
  return (
    <div className="grid gap-3 p-3" aria-hidden="true">
      {[44, 60, 36].map((width) => (
        <div key={width} className="flex gap-2.5">
          <Skeleton className="size-7 rounded-full" />
          <div className="grid flex-1 gap-1.5">
            <Skeleton className="h-3 w-20" />
            <Skeleton className={width === 44 ? 'h-4 w-44' : width === 60 ? 'h-4 w-60' : 'h-4 w-36'} />
          </div>
        </div>
      ))}
    </div>
  );
}
