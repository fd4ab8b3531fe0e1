import { call } from '@/api/client';
import type { Member, PermissionTable, Role } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { roleName } from '@/lib/roles';
import { Face } from '@/ui/face';
import { Tag } from '@/ui/marks';
import { useChange } from './api';
import { differenceOf, RIGHT_WORDS } from './rights';

/** Roles that are given per room, highest first; the server holds the rule. */
export const GIVEN: readonly Role[] = ['host', 'co_host', 'moderator', 'viewer'];

interface RoomRoleRowProps {
  organizationId: string;
  roomId: string;
  /** role: in the organization. isHost: counts as a host of the plan; null: not known here. */
  member: Pick<Member, 'userId' | 'displayName' | 'role'> & { isHost: boolean | null; email?: string };
  /** The role in this room; null: as in the organization. */
  role: Role | null;
  table: PermissionTable['items'];
}

/** One member: what they are in the organization, what here, and what that changes. */
export function RoomRoleRow({ organizationId, roomId, member, role, table }: RoomRoleRowProps) {
  const here = { room_id: roomId, user_id: member.userId };
  const give = useChange(organizationId, (one: Role, place) =>
    call('PUT', '/organizations/{organization_id}/rooms/{room_id}/roles/{user_id}', { params: { path: { ...place, ...here } }, body: { role: one } }),
  );
  const withdraw = useChange(organizationId, (_: null, place) =>
    call('DELETE', '/organizations/{organization_id}/rooms/{room_id}/roles/{user_id}', { params: { path: { ...place, ...here } } }),
  );
  const isFixed = !GIVEN.includes(member.role);
  const problem = give.error ?? withdraw.error;
  const isBusy = give.isPending || withdraw.isPending;
  // Host stays choosable where it stands already, or where it is not known: the server says why not.
  const choices = GIVEN.filter((one) => one !== member.role && (one !== 'host' || member.isHost !== false || role === 'host'));

  function choose(value: string): void {
    give.reset();
    withdraw.reset();
    const chosen = choices.find((one) => one === value);
    if (chosen) give.mutate(chosen);
    else withdraw.mutate(null);
  }

  return (
    <li className="border-line px-3.5 py-1.5 not-last:border-b" data-testid="room-role-row">
      <div className="flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1.5">
        <Face name={member.displayName} />
        <span className="min-w-40 flex-1">
          <span className="block truncate font-medium">{member.displayName}</span>
          <span className="block truncate text-xs text-ink-3">
            {role === null ? (member.email ?? roleName(member.role)) : `${roleName(member.role)} in the organization`}
          </span>
        </span>
        {isFixed ? (
          <Tag>{roleName(member.role)} everywhere</Tag>
        ) : (
          <select
            aria-label={`Role of ${member.displayName} in this room`}
            aria-busy={isBusy || undefined}
            disabled={isBusy}
            value={role ?? ''}
            onChange={(event) => choose(event.target.value)}
            className="text-input h-8 w-52 rounded-2 border border-line-input bg-surface px-2 text-ink max-md:h-11 max-md:w-full"
            data-testid="room-role"
          >
            <option value="">{roleName(member.role)}, as everywhere</option>
            {choices.map((one) => (
              <option key={one} value={one}>
                {roleName(one)} here
              </option>
            ))}
          </select>
        )}
      </div>
      {role !== null && <Difference table={table} from={member.role} to={role} />}
      {problem && (
        <p className="pb-1 text-xs text-live" role="alert">
          {sentenceOf(problem, 'The role was not changed.')}
        </p>
      )}
    </li>
  );
}

function Difference({ table, from, to }: { table: PermissionTable['items']; from: Role; to: Role }) {
  const { more, less } = differenceOf(table, from, to);
  const words = (rights: string[]): string => rights.map((right) => RIGHT_WORDS[right] ?? right).join(' · ');
  return (
    <dl className="grid gap-0.5 pb-1 pl-10 text-xs text-ink-2 max-md:pt-1.5 max-md:pl-0" data-testid="room-role-difference">
      {more.length > 0 && (
        <div>
          <dt className="inline font-medium text-ink">Also here: </dt>
          <dd className="inline">{words(more)}</dd>
        </div>
      )}
      {less.length > 0 && (
        <div>
          <dt className="inline font-medium text-ink">Not here: </dt>
          <dd className="inline">{words(less)}</dd>
        </div>
      )}
    </dl>
  );
}
