import { useState } from 'react';
import { Link } from 'react-router';
import { call } from '@/api/client';
import type { Room } from '@/api/types';
import { momentOf } from '@/lib/dates';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { LiveBadge } from '@/ui/marks';
import { Table, type Column } from '@/ui/table';
import { useChange } from './api';

interface RoomRowsProps {
  organizationId: string;
  rooms: Room[];
  onEdit: (room: Room) => void;
}

/** Rooms with what can be done to them. */
export function RoomRows({ organizationId, rooms, onEdit }: RoomRowsProps) {
  const [deleting, setDeleting] = useState<Room | null>(null);
  const archive = useChange(organizationId, ({ id, archivedAt }: Room, place) => {
    const given = { params: { path: { ...place, room_id: id } } };
    return archivedAt === null
      ? call('POST', '/organizations/{organization_id}/rooms/{room_id}/archive', given)
      : call('POST', '/organizations/{organization_id}/rooms/{room_id}/restore', given);
  });
  const remove = useChange(organizationId, (id: string, place) =>
    call('DELETE', '/organizations/{organization_id}/rooms/{room_id}', { params: { path: { ...place, room_id: id } } }),
  );
  const columns: Column<Room>[] = [
    {
      key: 'name',
      head: 'Room',
      cell: (room) => (
        <span className="flex items-center gap-2">
          <b className="min-w-20 font-medium wrap-anywhere">{room.name}</b>
          {room.liveSession && <LiveBadge isSmall />}
        </span>
      ),
    },
    { key: 'next', head: 'Next session', cell: ({ nextSessionAt }) => (nextSessionAt === null ? <Dash /> : momentOf(nextSessionAt)) },
    { key: 'chat', head: 'Chat', cell: ({ whoMayChat }) => CHAT[whoMayChat] ?? whoMayChat },
    {
      key: 'actions',
      head: 'Actions',
      isActions: true,
      cell: (room) => (
        <>
          {room.archivedAt === null && (
            <Link
              to={`/o/${organizationId}/settings/workspaces/rooms/${room.id}`}
              className="touchable inline-flex h-7 items-center max-md:h-9 rounded-2 px-2.5 text-xs font-medium text-ink-2 hover:bg-hover hover:text-ink"
              aria-label={`Roles in ${room.name}`}
              data-testid="room-roles-open"
            >
              Roles
            </Link>
          )}
          {room.archivedAt === null && (
            <Button size="sm" look="quiet" onClick={() => onEdit(room)} data-testid="room-edit">
              Settings
            </Button>
          )}
          <Button
            size="sm"
            look="quiet"
            disabled={room.liveSession !== null || archive.isPending}
            onClick={() => archive.mutate(room)}
            data-testid="room-archive"
          >
            {room.archivedAt === null ? 'Archive' : 'Restore'}
          </Button>
          {room.archivedAt !== null && (
            <Button size="sm" look="quiet" onClick={() => setDeleting(room)}>
              Delete
            </Button>
          )}
        </>
      ),
    },
  ];
  return (
    <>
      <Table label="Rooms" columns={columns} rows={rooms} keyOf={({ id }) => id} rowTestId="settings-room" />
      {archive.error && (
        <p className="border-t border-line px-3.5 py-2 text-xs text-live" role="alert">
          {sentenceOf(archive.error, 'The room stays as it was.')}
        </p>
      )}
      <ConfirmDialog
        isOpen={deleting !== null}
        onOpenChange={() => setDeleting(null)}
        title={`Delete ${deleting?.name ?? ''}`}
        description="Its chat, alerts and history go for good."
        verb="Delete"
        typed={deleting?.name ?? ''}
        isBusy={remove.isPending}
        error={remove.error ? sentenceOf(remove.error, 'The room was not deleted.') : null}
        onConfirm={() => deleting && remove.mutate(deleting.id, { onSuccess: () => setDeleting(null) })}
      />
    </>
  );
}

const CHAT: Record<string, string> = { everyone: 'Everyone', speakers: 'Who presents', moderators: 'Moderators and up' };

function Dash() {
  return <span className="text-ink-3">–</span>;
}
