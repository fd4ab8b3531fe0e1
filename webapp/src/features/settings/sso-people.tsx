import { useState } from 'react';
import type { SsoConnection, SsoPerson } from '@/api/types';
import { momentOf } from '@/lib/dates';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { LoadMore } from '@/ui/load-more';
import { Loaded } from '@/ui/query-state';
import { rowsOf } from './api';
import { useLinkedPeople, useUnlink } from './sso-api';

interface LinkedPeopleProps {
  organizationId: string;
  connection: SsoConnection;
  /** Also without the plan they may unlink. */
  isOwner: boolean;
}

/** Who came by a provider, and when last. Unlinking ends their sign-ins by it. */
export function LinkedPeople({ organizationId, connection, isOwner }: LinkedPeopleProps) {
  const people = useLinkedPeople(organizationId, connection.id);
  const unlink = useUnlink(organizationId, connection.id);
  const [leaving, setLeaving] = useState<SsoPerson | null>(null);
  const rows = rowsOf(people);
  return (
    <div className="border-t border-line bg-canvas">
      <Loaded query={people} failed="Linked people did not load" sentence={(error) => sentenceOf(error, 'Signing in is not affected.')} place="h-10">
        {() =>
          rows.length === 0 ? (
            <p className="px-3.5 py-2.5 text-xs text-ink-2">Nobody yet. Whoever signs in by it is listed here.</p>
          ) : (
            <ul>
              {rows.map((one) => (
                <li key={one.id} className="flex min-h-11 items-center gap-x-3 border-line px-3.5 py-1.5 not-last:border-b" data-testid="sso-person">
                  <div className="min-w-0 flex-1">
                    <div className="truncate font-medium">{one.displayName ?? whoOf(one)}</div>
                    <div className="text-xs wrap-anywhere text-ink-2">
                      {one.displayName !== null && `${whoOf(one)}, `}last {momentOf(one.lastSignInAt)}
                      {one.displayName === null && ', no member'}
                    </div>
                  </div>
                  {isOwner && (
                    <Button size="sm" look="quiet" onClick={() => setLeaving(one)} data-testid="sso-unlink">
                      Unlink
                    </Button>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      <LoadMore query={people} />
      <ConfirmDialog
        isOpen={leaving !== null}
        onOpenChange={() => {
          setLeaving(null);
          unlink.reset();
        }}
        title={`Unlink ${leaving ? (leaving.displayName ?? whoOf(leaving)) : ''}`}
        description={`Their sign-ins by ${connection.name} end at once, and they get a letter. Account and membership stay, and signing in by it again links them again: to keep somebody out, remove the member.`}
        verb="Unlink"
        isBusy={unlink.isPending}
        error={unlink.error ? sentenceOf(unlink.error, 'They are linked still. Try again in a moment.') : null}
        onConfirm={() => leaving && unlink.mutate(leaving.id, { onSuccess: () => setLeaving(null) })}
      />
    </div>
  );
}

function whoOf({ email, subject }: SsoPerson): string {
  return email === '' ? subject : email;
}
