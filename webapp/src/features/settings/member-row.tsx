import { DotsThreeIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import { call } from '@/api/client';
import type { Member, Role } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { roleName } from '@/lib/roles';
import { IconButton } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { Face } from '@/ui/face';
import { Tag } from '@/ui/marks';
import { Menu, MenuItem, MenuLabel, MenuLine } from '@/ui/menu';
import { useChange } from './api';
import { useMemberEdit } from './edits';

interface MemberRowProps {
  organizationId: string;
  member: Member;
  isMe: boolean;
  canChange: boolean;
  /** Roles one may give. */
  roles: Role[];
}

/** One member: who, as what, and what may be done. */
export function MemberRow({ organizationId, member, isMe, canChange, roles }: MemberRowProps) {
  const [isRemoving, setRemoving] = useState(false);
  const change = useMemberEdit(organizationId, member.userId);
  const remove = useChange(organizationId, (_: null, place) =>
    call('DELETE', '/organizations/{organization_id}/members/{user_id}', { params: { path: { ...place, user_id: member.userId } } }),
  );
  return (
    <li className="border-line px-3.5 py-1.5 not-last:border-b" data-testid="member-row">
      <div className="flex min-h-9 items-center gap-3">
        <Face name={member.displayName} />
        <span className="min-w-0 flex-1">
          <span className="block truncate font-medium">
            {member.displayName}
            {isMe && <span className="font-normal text-ink-3"> you</span>}
          </span>
          <span className="block truncate text-xs text-ink-3">{member.email}</span>
        </span>
        <span className="flex flex-none items-center gap-3 max-md:flex-col-reverse max-md:items-end max-md:gap-1">
          {member.isHost && member.role !== 'host' && <Tag>Counts as host</Tag>}
          <Tag>{roleName(member.role)}</Tag>
        </span>
        {canChange ? (
          <Menu
            trigger={
              <IconButton label={`Change ${member.displayName}`} data-testid="member-menu">
                <DotsThreeIcon size={18} weight="bold" />
              </IconButton>
            }
          >
            <MenuLabel>Role</MenuLabel>
            {roles.map((role) => (
              <MenuItem key={role} onSelect={() => change.mutate({ seen: member, changes: { role } })} testId={`member-role-${role}`}>
                <span className={role === member.role ? 'font-semibold' : ''}>{roleName(role)}</span>
              </MenuItem>
            ))}
            <MenuLine />
            {member.role === 'admin' && (
              <MenuItem onSelect={() => change.mutate({ seen: member, changes: { isHost: !member.isHost } })}>
                {member.isHost ? 'Does not host' : 'Hosts too'}
              </MenuItem>
            )}
            <MenuItem isDanger onSelect={() => setRemoving(true)} testId="member-remove">
              Remove
            </MenuItem>
          </Menu>
        ) : (
          <span className="w-7.5 max-md:w-9" />
        )}
      </div>
      {change.error && (
        <p className="pb-1 text-xs text-live" role="alert">
          {sentenceOf(change.error, 'The role was not changed.')}
        </p>
      )}
      <ConfirmDialog
        isOpen={isRemoving}
        onOpenChange={setRemoving}
        title={`Remove ${member.displayName}`}
        description="They lose access at once, in live rooms too. What they wrote stays."
        verb="Remove"
        isBusy={remove.isPending}
        error={remove.error ? sentenceOf(remove.error, 'They are still a member. Try again in a moment.') : null}
        onConfirm={() => remove.mutate(null, { onSuccess: () => setRemoving(false) })}
      />
    </li>
  );
}
