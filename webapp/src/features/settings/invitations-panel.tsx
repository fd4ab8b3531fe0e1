import { EnvelopeSimpleIcon, LinkSimpleIcon } from '@phosphor-icons/react';
import { call } from '@/api/client';
import type { Invitation } from '@/api/types';
import { dayOf } from '@/lib/dates';
import { sentenceOf } from '@/lib/errors';
import { roleName } from '@/lib/roles';
import { Button } from '@/ui/button';
import { LoadMore } from '@/ui/load-more';
import { Tag } from '@/ui/marks';
import { useNow } from '@/ui/use-now';
import { Loaded } from '@/ui/query-state';
import { Panel } from '@/ui/states';
import { rowsOf, useChange, usePages } from './api';

/** Links and mails that let people in. */
export function InvitationsPanel({ organizationId }: { organizationId: string }) {
  const invitations = usePages(organizationId, 'invitations');
  const revoke = useChange(organizationId, (id: string, place) =>
    call('DELETE', '/organizations/{organization_id}/invitations/{invitation_id}', { params: { path: { ...place, invitation_id: id } } }),
  );
  const resend = useChange(organizationId, (id: string, place) =>
    call('POST', '/organizations/{organization_id}/invitations/{invitation_id}/resend', { params: { path: { ...place, invitation_id: id } } }),
  );
  const now = useNow(60_000);
  const rows = rowsOf(invitations).filter((one) => isOpen(one, now));
  const problem = revoke.error ?? resend.error;
  return (
    <Panel title="Open invitations" {...(invitations.isSuccess && { count: rows.length })}>
      <Loaded query={invitations} failed="Invitations did not load" sentence={(error) => sentenceOf(error, 'Links that are out still work.')}>
        {() =>
          rows.length === 0 ? (
            <p className="px-3.5 py-3 text-ink-2">None. Each carries a role, ends by itself, and can be taken back here.</p>
          ) : (
            <ul>
              {rows.map((one) => (
                <li key={one.id} className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 border-line px-3.5 py-1.5 not-last:border-b" data-testid="invitation-row">
                  {one.email === null ? <LinkSimpleIcon size={18} className="text-ink-3" /> : <EnvelopeSimpleIcon size={18} className="text-ink-3" />}
                  <span className="min-w-40 flex-1">
                    <span className="block truncate font-medium">{one.email ?? 'Whoever has the link'}</span>
                    <span className="block text-xs text-ink-3">
                      until {dayOf(one.expiresAt)}, used {one.usedCount} {one.maxUses === null ? 'times' : `of ${one.maxUses}`}
                      {one.declinedAt !== null && ', declined'}
                    </span>
                  </span>
                  <Tag>{roleName(one.role)}</Tag>
                  {one.email !== null && one.declinedAt === null && (
                    <Button size="sm" look="quiet" disabled={resend.isPending} onClick={() => resend.mutate(one.id)}>
                      {resend.isSuccess && resend.variables === one.id ? 'Sent again' : 'Send again'}
                    </Button>
                  )}
                  <Button size="sm" look="quiet" disabled={revoke.isPending} onClick={() => revoke.mutate(one.id)} data-testid="invitation-revoke">
                    Revoke
                  </Button>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      <LoadMore query={invitations} />
      {problem && (
        <p className="border-t border-line px-3.5 py-2 text-xs text-live" role="alert">
          {sentenceOf(problem, 'The invitation stays as it was.')}
        </p>
      )}
    </Panel>
  );
}

/** Whether somebody can still come in by it. */
function isOpen(one: Invitation, now: number): boolean {
  return new Date(one.expiresAt).getTime() > now && (one.maxUses === null || one.usedCount < one.maxUses);
}
