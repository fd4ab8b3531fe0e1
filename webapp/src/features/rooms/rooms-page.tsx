import { DoorIcon, DoorOpenIcon, PlugsIcon, PlusIcon, UserPlusIcon } from '@phosphor-icons/react';
import { useState, type ReactNode } from 'react';
import type { Room } from '@/api/types';
import { ApiProblem } from '@/api/problem';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Scroller } from '@/ui/scroller';
import { Blank, Panel, Skeleton } from '@/ui/states';
import { useRooms } from './api';
import { CreateRoomDialog } from './create-room-dialog';
import { useTitle } from '@/ui/use-title';
import { useLatest } from './latest';
import { LiveCard } from './live-card';
import { RecentAlerts } from './recent-alerts';
import { RoomCard } from './room-card';

interface RoomsPageProps {
  organizationId: string;
  canManageRooms: boolean;
  canRun: boolean;
  /** Opens the invitation dialog, which is another feature's; null when they may not. */
  onInvite: (() => void) | null;
  /** Someone points at a room: fetch the room's code before the click. */
  onIntent: () => void;
  /** Panels of other features under the recent alerts. */
  side: ReactNode;
}

/** The rooms of an organization: the live one large, the others as rows; beside them what was last posted. */
export function RoomsPage({ organizationId, canManageRooms, canRun, onInvite, onIntent, side }: RoomsPageProps) {
  useTitle('Rooms');
  const rooms = useRooms(organizationId);
  const [isCreating, setCreating] = useState(false);
  const items = rooms.data?.items ?? [];
  const live = items.filter(({ state }) => state === 'live');
  const idle = items.filter(({ state }) => state !== 'live');
  const latest = useLatest(organizationId, [...live, ...idle]);
  const [leading, ...others] = live;
  const verb = (room: Room): string => (room.state === 'live' ? 'Join' : canRun ? 'Start' : 'Open');
  const card = (room: Room): ReactNode => <RoomCard key={room.id} room={room} verb={verb(room)} onIntent={onIntent} />;

  return (
    <>
      <header className="flex h-14 flex-none items-center gap-2 px-4">
        <h1 className="flex-1 text-xl font-semibold">Rooms</h1>
        {onInvite && (
          <Button onClick={onInvite} data-testid="invite-open">
            <UserPlusIcon size={16} /> Invite
          </Button>
        )}
        {canManageRooms && (
          <Button look="primary" onClick={() => setCreating(true)} data-testid="create-room">
            <PlusIcon size={16} weight="bold" /> New room
          </Button>
        )}
      </header>
      <Scroller label="Rooms" className="min-h-0 flex-1 overflow-y-auto px-4 pb-6">
        <div className="grid items-start gap-3 xl:grid-cols-[minmax(0,1fr)_340px]">
          <div className="grid min-w-0 gap-3">
            {rooms.isPending && <Waiting />}
            {rooms.error && !rooms.data && <Failed error={rooms.error} onRetry={() => void rooms.refetch()} />}
            {leading && (
              <Panel title="Live now" count={live.length}>
                <ul>
                  <LiveCard
                    room={leading}
                    alerts={latest.alerts.filter(({ roomId }) => roomId === leading.id)}
                    lines={latest.lines.get(leading.id) ?? []}
                    onIntent={onIntent}
                  />
                  {others.map(card)}
                </ul>
              </Panel>
            )}
            {!leading && idle.length > 0 && (
              <Framed>
                <Blank icon={<DoorOpenIcon size={28} />} title="Nobody is live">
                  {canRun ? 'Start a room below. Members see it here at once.' : 'A session shows here by itself when it starts.'}
                </Blank>
              </Framed>
            )}
            {idle.length > 0 && (
              <Panel title={leading ? 'Other rooms' : 'All rooms'} count={idle.length}>
                <ul>{idle.map(card)}</ul>
              </Panel>
            )}
            {rooms.data && items.length === 0 && (
              <Framed>
                <Blank
                  icon={<DoorIcon size={28} />}
                  title="No rooms yet"
                  action={
                    canManageRooms && (
                      <Button look="primary" onClick={() => setCreating(true)}>
                        New room
                      </Button>
                    )
                  }
                >
                  {canManageRooms
                    ? 'A room is where your sessions happen. It keeps its alerts and chat between them.'
                    : 'The owner has not opened one. It will show here by itself.'}
                </Blank>
              </Framed>
            )}
          </div>
          <div className="grid min-w-0 gap-3 md:max-xl:grid-cols-2 md:max-xl:items-start">
            {items.length > 0 && <RecentAlerts alerts={latest.alerts} isPending={latest.isPending} />}
            {side}
          </div>
        </div>
      </Scroller>
      <CreateRoomDialog organizationId={organizationId} isOpen={isCreating} onOpenChange={setCreating} />
    </>
  );
}

function Framed({ children }: { children: ReactNode }) {
  return <div className="grid place-items-center rounded-3 border border-line bg-surface py-10">{children}</div>;
}

function Waiting() {
  return (
    <div className="late overflow-hidden rounded-3 border border-line bg-surface" aria-busy="true" aria-label="Loading rooms">
      <Skeleton className="m-3.5 h-4 w-24" />
      {[0, 1, 2].map((row) => (
        <div key={row} className="flex items-center gap-3.5 border-t border-line px-3.5 py-2.5">
          <Skeleton className="size-11 rounded-2" />
          <div className="grid flex-1 gap-2">
            <Skeleton className="h-4 w-40" />
            <Skeleton className="h-3 w-24" />
          </div>
          <Skeleton className="h-8 w-16" />
        </div>
      ))}
    </div>
  );
}

function Failed({ error, onRetry }: { error: Error; onRetry: () => void }) {
  return (
    <Framed>
      <Blank
        icon={<PlugsIcon size={28} />}
        title="Rooms did not load"
        requestId={error instanceof ApiProblem ? error.requestId : null}
        action={<Button onClick={onRetry}>Try now</Button>}
      >
        {sentenceOf(error, 'We try again in 5 s.')}
      </Blank>
    </Framed>
  );
}
