import { CaretLeftIcon, UsersIcon } from '@phosphor-icons/react';
import { useDeferredValue, useState } from 'react';
import { Link } from 'react-router';
import type { Member, Role } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { LoadMore } from '@/ui/load-more';
import { Loaded } from '@/ui/query-state';
import { Blank, Panel } from '@/ui/states';
import { TextField } from '@/ui/text-field';
import { rowsOf, usePages, usePermissions, useRoom, useRoomRoles } from './api';
import { RightsPanel } from './roles-page';
import { GIVEN, RoomRoleRow } from './room-role-row';

interface RoomRolesPageProps {
  organizationId: string;
  roomId: string;
  /** Where the rooms are. */
  back: string;
}

/** Who is more, or less, in one room than in the organization. */
export function RoomRolesPage({ organizationId, roomId, back }: RoomRolesPageProps) {
  const [text, setText] = useState('');
  const room = useRoom(organizationId, roomId);
  const own = useRoomRoles(organizationId, roomId);
  const members = usePages(organizationId, 'members', { q: useDeferredValue(text.trim()) });
  const table = usePermissions().data?.items ?? [];
  const roles = new Map(own.data?.items.map(({ userId, role }) => [userId, role]));
  const row = (member: Pick<Member, 'userId' | 'displayName' | 'role'> & { isHost: boolean | null; email?: string }) => (
    <RoomRoleRow
      key={member.userId}
      organizationId={organizationId}
      roomId={roomId}
      member={member}
      role={roles.get(member.userId) ?? null}
      table={table}
    />
  );
  const found = rowsOf(members);
  const hostsOf = new Map(found.map(({ userId, isHost }) => [userId, isHost]));
  return (
    <div className="grid max-w-240 gap-3">
      <div>
        <Link to={back} className="touchable inline-flex items-center gap-1 rounded-1 text-xs font-medium text-ink-2 hover:text-ink">
          <CaretLeftIcon size={12} weight="bold" /> Workspaces and rooms
        </Link>
        <h2 className="mt-1 text-lg font-semibold">Roles in {room.data?.name ?? 'this room'}</h2>
        <p className="text-ink-2">Somebody may run one room and only watch in the others. What is said here counts in this room alone, at once.</p>
      </div>
      <Panel title="With a role of their own here" {...(own.data && { count: own.data.items.length })}>
        <Loaded query={own} failed="The roles did not load" sentence={(error) => sentenceOf(error, 'The room goes on as it was.')} place="h-11">
          {({ items }) =>
            items.length === 0 ? (
              <p className="px-3.5 py-3 text-ink-2" data-testid="room-roles-empty">
                Nobody. Everyone has the role they have in the organization; choose another below.
              </p>
            ) : (
              <ul data-testid="room-roles">
                {items.map(({ userId, displayName, organizationRole }) =>
                  row({ userId, displayName, role: organizationRole, isHost: hostsOf.get(userId) ?? null }),
                )}
              </ul>
            )
          }
        </Loaded>
      </Panel>
      <Panel title="Everyone else">
        <div className="border-b border-line px-3.5 py-2.5">
          <TextField
            label="Find"
            type="search"
            placeholder="Name or e-mail"
            value={text}
            onChange={(event) => setText(event.target.value)}
            data-testid="room-role-search"
          />
        </div>
        <Loaded query={members} failed="Members did not load" sentence={(error) => sentenceOf(error, 'Rooms are not affected.')}>
          {() => {
            const others = found.filter(({ userId }) => !roles.has(userId));
            return others.length === 0 ? (
              <div className="grid place-items-center py-3">
                <Blank icon={<UsersIcon size={26} />} title={text.trim() === '' ? 'Nobody else' : 'Nobody matches'}>
                  {text.trim() === '' ? 'All members have a role of their own in this room.' : 'Try a part of the name.'}
                </Blank>
              </div>
            ) : (
              <ul data-testid="room-others">{others.map(row)}</ul>
            );
          }}
        </Loaded>
        <LoadMore query={members} />
      </Panel>
      <RightsPanel
        title="What each role may do in a room"
        only={GIVEN satisfies readonly Role[]}
        note="Owners and admins have their role in every room. Host is for members who count as hosts of the plan."
      />
    </div>
  );
}
