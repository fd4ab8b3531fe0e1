import { DoorOpenIcon, UsersIcon } from '@phosphor-icons/react';
import { Link } from 'react-router';
import type { Room } from '@/api/types';
import { runningTime } from '@/lib/time';
import { cn } from '@/ui/cn';
import { LiveBadge } from '@/ui/marks';
import { useNow } from '@/ui/use-now';

interface RoomCardProps {
  room: Room;
  /** What the button-like word at the end says: it depends on what the member may do. */
  verb: string;
  onIntent: () => void;
}

/** One room: a row that leads to its door. Live ones say since when and how many watch. */
export function RoomCard({ room, verb, onIntent }: RoomCardProps) {
  const now = useNow(1_000);
  const live = room.liveSession;
  return (
    <li className="border-b border-line last:border-0">
      <Link
        to={`/o/${room.organizationId}/rooms/${room.id}`}
        className="group flex min-h-16 items-center gap-3.5 px-3.5 py-2.5 hover:bg-hover focus-visible:-outline-offset-2"
        onPointerEnter={onIntent}
        onFocus={onIntent}
        data-testid="room-card"
        data-state={room.state}
      >
        <span
          className={cn(
            'grid size-11 flex-none place-items-center rounded-2 border border-line bg-well',
            live ? 'text-ink' : 'text-ink-3',
          )}
        >
          <DoorOpenIcon size={20} />
        </span>
        <span className="min-w-0 flex-1">
          <span className="flex items-center gap-2">
            <span className="truncate text-lg font-semibold">{room.name}</span>
            {live && <LiveBadge isSmall time={runningTime(now - Date.parse(live.startedAt))} />}
          </span>
          <span className="mt-0.5 flex items-center gap-1.5 text-xs text-ink-2">
            {live ? (
              <>
                <UsersIcon size={14} className="text-ink-3" />
                <b className="font-medium text-ink">{live.watching}</b> watching
              </>
            ) : (
              <span className="text-ink-3">Not live</span>
            )}
          </span>
        </span>
        <span
          className={cn(
            'inline-flex h-8 flex-none items-center rounded-2 border px-3 max-md:h-11',
            live
              ? 'border-solid bg-solid font-semibold text-on-solid group-hover:bg-solid-hover'
              : 'border-line-strong bg-raised font-medium group-hover:bg-active',
          )}
        >
          {verb}
        </span>
      </Link>
    </li>
  );
}
