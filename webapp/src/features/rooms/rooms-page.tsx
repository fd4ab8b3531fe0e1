import { DoorIcon, PlugsIcon, PlusIcon, UserPlusIcon } from '@phosphor-icons/react';
import { useState, type ReactNode } from 'react';
import type { Room } from '@/api/types';
import { ApiProblem } from '@/api/problem';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Blank, Panel, Skeleton } from '@/ui/states';
import { useRooms } from './api';
import { CreateRoomDialog } from './create-room-dialog';
import { RoomCard } from './room-card';

interface RoomsPageProps {
  organizationId: string;
  canManageRooms: boolean;
  canRun: boolean;
  /** Opens the invitation dialog, which is another feature's; null when they may not. */
  onInvite: (() => void) | null;
  /** Someone points at a room: fetch the room's code before the click. */
  onIntent: () => void;
}

/** The rooms of an organization: live ones first. */
export function RoomsPage({ organizationId, canManageRooms, canRun, onInvite, onIntent }: RoomsPageProps) {
  const rooms = useRooms(organizationId);
  const [isCreating, setCreating] = useState(false);
  const items = rooms.data?.items ?? [];
  const live = items.filter(({ state }) => state === 'live');
  const idle = items.filter(({ state }) => state !== 'live');
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
      <div className="min-h-0 flex-1 overflow-y-auto px-4 pb-6">
        <div className="grid max-w-220 gap-3">
          {rooms.isPending && <Waiting />}
          {rooms.error && !rooms.data && <Failed error={rooms.error} onRetry={() => void rooms.refetch()} />}
          {live.length > 0 && (
            <Panel title="Live now" count={live.length}>
              <ul>{live.map(card)}</ul>
            </Panel>
          )}
          {idle.length > 0 && (
            <Panel title={live.length > 0 ? 'Other rooms' : 'All rooms'} count={idle.length}>
              <ul>{idle.map(card)}</ul>
            </Panel>
          )}
          {rooms.data && items.length === 0 && (
            <div className="grid place-items-center rounded-3 border border-line bg-surface py-10">
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
            </div>
          )}
        </div>
      </div>
      <CreateRoomDialog organizationId={organizationId} isOpen={isCreating} onOpenChange={setCreating} />
    </>
  );
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
    <div className="grid place-items-center rounded-3 border border-line bg-surface py-8">
      <Blank
        icon={<PlugsIcon size={28} />}
        title="Rooms did not load"
        requestId={error instanceof ApiProblem ? error.requestId : null}
        action={<Button onClick={onRetry}>Try now</Button>}
      >
        {sentenceOf(error, 'We try again in 5 s.')}
      </Blank>
    </div>
  );
}
