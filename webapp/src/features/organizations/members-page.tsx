import { UserPlusIcon, UsersIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import { useParams } from 'react-router';
import { sentenceOf } from '@/lib/errors';
import { roleName } from '@/lib/roles';
import { Button } from '@/ui/button';
import { Face } from '@/ui/face';
import { Tag } from '@/ui/marks';
import { Blank, Panel, Skeleton } from '@/ui/states';
import { may, organizationIn, useMe, useMembers } from './api';
import { InviteDialog } from './invite-dialog';

/** Everyone in the organization, and the way to invite more. */
export function MembersPage() {
  const { organizationId = '' } = useParams();
  const me = useMe();
  const members = useMembers(organizationId);
  const [isInviting, setInviting] = useState(false);
  const canInvite = may(organizationIn(me.data, organizationId)?.role, 'members.manage');
  const items = members.data?.items ?? [];
  return (
    <>
      <header className="flex h-14 flex-none items-center gap-2 px-4">
        <h1 className="flex-1 text-xl font-semibold">Members</h1>
        {canInvite && (
          <Button look="primary" onClick={() => setInviting(true)} data-testid="invite-open">
            <UserPlusIcon size={16} /> Invite
          </Button>
        )}
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto px-4 pb-6">
        <div className="max-w-180">
          <Panel title="In this organization" {...(members.data && { count: items.length })}>
            {members.isPending && <Skeleton className="m-3.5 h-24" />}
            {members.error && (
              <div className="grid place-items-center">
                <Blank
                  icon={<UsersIcon size={26} />}
                  title="Members did not load"
                  action={<Button onClick={() => members.refetch()}>Try now</Button>}
                >
                  {sentenceOf(members.error, 'Rooms are not affected.')}
                </Blank>
              </div>
            )}
            <ul className="py-1">
              {items.map((member) => (
                <li key={member.userId} className="flex items-center gap-3 px-3.5 py-1.5">
                  <Face name={member.displayName} />
                  <span className="min-w-0 flex-1">
                    <span className="block truncate font-medium">{member.displayName}</span>
                    <span className="block truncate text-xs text-ink-3">{member.email}</span>
                  </span>
                  <Tag>{roleName(member.role)}</Tag>
                </li>
              ))}
            </ul>
          </Panel>
        </div>
      </div>
      <InviteDialog organizationId={organizationId} isOpen={isInviting} onOpenChange={setInviting} />
    </>
  );
}
