import { useState } from 'react';
import type { OwnInvitation } from '@/api/types';
import { dayOf } from '@/lib/dates';
import { sentenceOf } from '@/lib/errors';
import { roleName } from '@/lib/roles';
import { Button } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { useAcceptOwnInvitation, useDeclineOwnInvitation } from './api';

interface OwnInvitationsProps {
  invitations: readonly OwnInvitation[];
  /** Told where one is a member now. */
  onAccepted: (organizationId: string) => void;
}

/** Invitations to my address, as rows: who invites me as what, and yes or no. */
export function OwnInvitations({ invitations, onAccepted }: OwnInvitationsProps) {
  const accept = useAcceptOwnInvitation();
  const decline = useDeclineOwnInvitation();
  const [declining, setDeclining] = useState<OwnInvitation | null>(null);
  return (
    <>
      <ul>
        {invitations.map((one) => (
          <li
            key={one.id}
            className="flex min-h-14 flex-wrap items-center gap-x-3 gap-y-2 border-line px-3.5 py-2.5 not-last:border-b"
            data-testid="own-invitation"
          >
            <span className="min-w-32 flex-1">
              <span className="block wrap-anywhere">
                <b className="font-semibold">{one.organizationName}</b> invites you
              </span>
              <span className="block text-xs text-ink-2">
                as {roleName(one.role)}, until {dayOf(one.expiresAt)}
              </span>
            </span>
            <span className="flex gap-2">
              <Button
                look="quiet"
                aria-label={`Decline the invitation of ${one.organizationName}`}
                onClick={() => setDeclining(one)}
                data-testid="own-invitation-decline"
              >
                Decline
              </Button>
              <Button
                look="primary"
                aria-label={`Accept the invitation of ${one.organizationName}`}
                disabled={accept.isPending}
                isBusy={accept.isPending && accept.variables === one.id}
                onClick={() => accept.mutate(one.id, { onSuccess: ({ organization }) => onAccepted(organization.id) })}
                data-testid="own-invitation-accept"
              >
                Accept
              </Button>
            </span>
            {accept.error && accept.variables === one.id && (
              <p className="w-full text-xs text-live" role="alert">
                {sentenceOf(accept.error, 'You are not in yet. Try again in a moment.')}
              </p>
            )}
          </li>
        ))}
      </ul>
      <ConfirmDialog
        isOpen={declining !== null}
        onOpenChange={() => {
          setDeclining(null);
          decline.reset();
        }}
        title={`Decline ${declining?.organizationName ?? ''}`}
        description="Whoever invited you sees that you said no. To come in later you need a new invitation."
        verb="Decline"
        isBusy={decline.isPending}
        error={decline.error ? sentenceOf(decline.error, 'The invitation still stands. Try again in a moment.') : null}
        onConfirm={() => declining && decline.mutate(declining.id, { onSuccess: () => setDeclining(null) })}
      />
    </>
  );
}
