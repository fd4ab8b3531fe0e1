import { ChatCircleIcon, ListChecksIcon, UsersIcon } from '@phosphor-icons/react';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { Room } from '@/api/types';
import { formatPrice } from '@/lib/prices';
import { age, runningTime } from '@/lib/time';
import type { Alert, ChatMessage } from '@/realtime/feed';
import { cn } from '@/ui/cn';
import { Face } from '@/ui/face';
import { LiveBadge, Triangle } from '@/ui/marks';
import { useNow } from '@/ui/use-now';

const LINES = 3;

interface LiveCardProps {
  room: Room;
  /** Newest first. */
  alerts: readonly Alert[];
  /** Newest last. */
  lines: readonly ChatMessage[];
  onIntent: () => void;
}

/** The room one most likely came for: since when, who watches, what was last posted and said, and the way in. */
export function LiveCard({ room, alerts, lines, onIntent }: LiveCardProps) {
  const now = useNow(1_000);
  const live = room.liveSession;
  const last = alerts[0];
  if (!live) return null;
  return (
    <li
      className="grid border-b border-line last:border-0 md:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]"
      data-testid="room-card"
      data-state={room.state}
    >
      <div className="flex flex-col items-start gap-1.5 p-4">
        <LiveBadge time={runningTime(now - Date.parse(live.startedAt))} />
        <h3 className="mt-1 max-w-full truncate text-xl font-semibold">{room.name}</h3>
        <Fact icon={<UsersIcon size={16} />}>
          <b className="font-medium text-ink">{live.watching}</b> watching
        </Fact>
        <Fact icon={<ListChecksIcon size={16} />}>
          {last ? (
            <>
              Last alert {age(now - last.at.getTime()) === 'now' ? 'just now' : `${age(now - last.at.getTime())} ago`}
              <span className="ml-1.5 inline-flex items-center gap-1 text-ink">
                <SideMark side={last.side} /> <b>{last.symbol}</b> {formatPrice(last.entry)}
              </span>
            </>
          ) : (
            'No alerts yet'
          )}
        </Fact>
        <Link
          to={`/o/${room.organizationId}/rooms/${room.id}`}
          onPointerEnter={onIntent}
          onFocus={onIntent}
          aria-label={`Join ${room.name}`}
          data-testid="join-room"
          className="mt-2.5 inline-flex h-9 items-center rounded-2 bg-solid px-5 font-semibold text-on-solid hover:bg-solid-hover max-md:h-11 max-md:w-full max-md:justify-center"
        >
          Join
        </Link>
      </div>
      <div className="min-w-0 border-line p-4 max-md:border-t md:border-l">
        <h4 className="mb-2 flex items-center gap-1.5 text-xs font-medium text-ink-2">
          <ChatCircleIcon size={14} /> Last said
        </h4>
        {lines.length === 0 ? (
          <p className="text-xs text-ink-3">Nobody wrote anything yet.</p>
        ) : (
          <ul className="grid gap-2.5">
            {lines.slice(-LINES).map((line) => (
              <li key={line.id} className="flex gap-2.5">
                <Face name={line.authorName} size={24} />
                <span className="min-w-0 flex-1">
                  <span className="flex items-baseline gap-2 text-xs">
                    <b className="truncate font-medium">{line.authorName}</b>
                    <span className="flex-none text-ink-3">{age(now - line.at.getTime())}</span>
                  </span>
                  <span className="line-clamp-2 break-words text-ink-2">{line.text}</span>
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </li>
  );
}

function Fact({ icon, children }: { icon: ReactNode; children: ReactNode }) {
  return (
    <p className="flex min-w-0 items-center gap-2 text-ink-2">
      <span className="flex-none text-ink-3">{icon}</span>
      <span className="min-w-0">{children}</span>
    </p>
  );
}

/** The triangle in its colour, and the word for who does not see it. */
export function SideMark({ side }: { side: 'long' | 'short' }) {
  return (
    <span className={cn('flex-none', side === 'long' ? 'text-long' : 'text-short')}>
      <Triangle side={side} size={9} />
      <span className="sr-only">{side}</span>
    </span>
  );
}
