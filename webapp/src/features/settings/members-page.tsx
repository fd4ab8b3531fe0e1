import { UserPlusIcon, UsersIcon } from '@phosphor-icons/react';
import { useDeferredValue, useState } from 'react';
import type { Role } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { roleName } from '@/lib/roles';
import { Button } from '@/ui/button';
import { LoadMore } from '@/ui/load-more';
import { Page } from '@/ui/page';
import { Loaded } from '@/ui/query-state';
import { SelectField } from '@/ui/select-field';
import { Blank, Panel } from '@/ui/states';
import { TextField } from '@/ui/text-field';
import { InvitationsPanel } from './invitations-panel';
import { MemberRow } from './member-row';
import { rowsOf, usePages } from './api';

const ROLES: Role[] = ['owner', 'admin', 'host', 'co_host', 'moderator', 'viewer'];

interface MembersPageProps {
  organizationId: string;
  myId: string;
  myRole: Role;
  onInvite: () => void;
}

/** Everyone in the organization, and the invitations that are out. */
export function MembersPage({ organizationId, myId, myRole, onInvite }: MembersPageProps) {
  const [text, setText] = useState('');
  const [role, setRole] = useState<Role | null>(null);
  // Typing asks again only when it pauses.
  const members = usePages(organizationId, 'members', { q: useDeferredValue(text.trim()), role });
  const rows = rowsOf(members);
  const isFiltered = text.trim() !== '' || role !== null;
  return (
    <Page
      title="Members"
      actions={
        <Button look="primary" onClick={onInvite} data-testid="invite-open">
          <UserPlusIcon size={16} /> Invite
        </Button>
      }
    >
      <div className="grid max-w-240 gap-3">
        <Panel title="In this organization">
          <div className="flex flex-wrap gap-3 border-b border-line px-3.5 py-2.5">
            <TextField
              className="min-w-50 flex-1"
              label="Find"
              type="search"
              placeholder="Name or e-mail"
              value={text}
              onChange={(event) => setText(event.target.value)}
              data-testid="member-search"
            />
            <div className="w-44">
              <SelectField
                label="Role"
                value={role ?? ''}
                options={[{ value: '', label: 'Every role' }, ...ROLES.map((one) => ({ value: one, label: roleName(one) }))]}
                onChange={(event) => setRole(ROLES.find((one) => one === event.target.value) ?? null)}
                data-testid="member-role-filter"
              />
            </div>
          </div>
          <Loaded query={members} failed="Members did not load" sentence={(error) => sentenceOf(error, 'Rooms are not affected.')}>
            {() =>
              rows.length === 0 ? (
                <div className="grid place-items-center py-3">
                  <Blank icon={<UsersIcon size={26} />} title={isFiltered ? 'Nobody matches' : 'Nobody yet'}>
                    {isFiltered ? 'Try a part of the name, or every role.' : 'Invite people by link or by e-mail.'}
                  </Blank>
                </div>
              ) : (
                <ul>
                  {rows.map((member) => (
                    <MemberRow
                      key={member.userId}
                      organizationId={organizationId}
                      member={member}
                      isMe={member.userId === myId}
                      canChange={outranks(myRole, member.role) && member.userId !== myId}
                      roles={ROLES.filter((one) => outranks(myRole, one))}
                    />
                  ))}
                </ul>
              )
            }
          </Loaded>
          <LoadMore query={members} />
        </Panel>
        <InvitationsPanel organizationId={organizationId} />
      </div>
    </Page>
  );
}

/** Whether a role stands above another; the server decides, this only offers. */
function outranks(mine: Role, other: Role): boolean {
  return ROLES.indexOf(mine) < ROLES.indexOf(other);
}
