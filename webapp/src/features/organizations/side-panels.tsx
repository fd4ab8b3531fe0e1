import { UserPlusIcon } from '@phosphor-icons/react';
import { Link } from 'react-router';
import type { Organization } from '@/api/types';
import { roleName } from '@/lib/roles';
import { Button } from '@/ui/button';
import { Face } from '@/ui/face';
import { Meter } from '@/ui/meter';
import { Panel, Skeleton } from '@/ui/states';
import { useMembers, usePlans, useUsageOf } from './api';

const FACES = 6;

/** Who is here, and the way to more: for those who may invite. */
export function MembersPanel({ organization, onInvite }: { organization: Organization; onInvite: () => void }) {
  const members = useMembers(organization.id);
  const items = members.data?.items ?? [];
  const hasMore = typeof members.data?.nextCursor === 'string';
  const isAlone = members.data !== undefined && items.length === 1;
  return (
    <Panel
      title="Members"
      {...(members.data && { count: hasMore ? `${items.length}+` : items.length })}
      actions={
        <Link to={`/o/${organization.id}/members`} className="touchable rounded-2 px-1.5 py-1 font-medium hover:text-ink">
          All
        </Link>
      }
    >
      {members.isPending ? (
        <Skeleton className="m-3.5 h-16" />
      ) : members.data === undefined ? (
        <p className="px-3.5 py-3 text-ink-2">They did not load. Rooms are not affected.</p>
      ) : isAlone ? (
        <p className="px-3.5 pt-3 text-ink-2">Only you so far. A link lets members in; each link carries a role.</p>
      ) : (
        <ul className="py-1.5">
          {items.slice(0, FACES).map((member) => (
            <li key={member.userId} className="flex h-9 items-center gap-2.5 px-3.5">
              <Face name={member.displayName} size={24} />
              <span className="min-w-0 flex-1 truncate">{member.displayName}</span>
              <span className="text-xs text-ink-3">{roleName(member.role)}</span>
            </li>
          ))}
          {items.length > FACES && <li className="px-3.5 py-1 pl-12 text-xs text-ink-3">{hasMore ? 'and many more' : `and ${items.length - FACES} more`}</li>}
        </ul>
      )}
      {isAlone && (
        <div className="p-3.5 pt-2.5">
          <Button onClick={onInvite} className="w-full" data-testid="invite-aside">
            <UserPlusIcon size={16} /> Invite people
          </Button>
        </div>
      )}
    </Panel>
  );
}

/** What of the plan is in use; only what is known to be counted. */
export function PlanPanel({ organization, roomCount }: { organization: Organization; roomCount: number | null }) {
  const plans = usePlans();
  const usage = useUsageOf(organization.id);
  const plan = plans.data?.items.find(({ tier }) => tier === organization.planTier);
  const hosts = usage.data?.limits.find(({ limit }) => limit === 'hosts')?.used ?? null;
  if (!plan) return null;
  return (
    <Panel title="Plan" actions={<span className="pr-1.5 capitalize">{plan.tier}</span>}>
      <dl className="grid gap-2.5 p-3.5">
        {roomCount !== null && <Use name="Rooms" used={roomCount} limit={plan.maxRooms} />}
        {hosts !== null && <Use name="Hosts" used={hosts} limit={plan.maxHosts} />}
        <div className="flex justify-between gap-2">
          <dt className="text-ink-2">Viewers in one room</dt>
          <dd className="text-ink-2">{plan.maxViewersPerRoom === null ? 'no limit' : `up to ${plan.maxViewersPerRoom}`}</dd>
        </div>
      </dl>
    </Panel>
  );
}

/** A count beside its limit; null: no limit. */
function Use({ name, used, limit }: { name: string; used: number; limit: number | null }) {
  const allowed = limit === null ? null : String(limit);
  const share = limit === null ? null : used / Math.max(1, limit);
  return <Meter name={name} used={String(used)} allowed={allowed} share={share} isQuiet={limit === 1} />;
}
