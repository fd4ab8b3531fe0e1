import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { auth } from '@/api/auth';
import { call, download } from '@/api/client';
import type { Organization } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { SettingRow } from '@/ui/page';
import { Panel } from '@/ui/states';

interface DataPageProps {
  email: string;
  /** Organizations that would be left without an owner. */
  owned: Organization[];
}

/** Have one's data, or have it erased. */
export function DataPage({ email, owned }: DataPageProps) {
  const [isAsking, setAsking] = useState(false);
  const take = useMutation({ mutationFn: () => download('/me/export', 'my-data.ndjson') });
  const erase = useMutation({
    mutationFn: () => call('POST', '/me/erasure', { body: { email } }),
    onSuccess: () => void auth.signOut({ scope: 'local' }),
  });
  const isOwner = owned.length > 0;
  return (
    <Panel title="Your data">
      <SettingRow
        label="Take it along"
        hint={take.error ? sentenceOf(take.error, 'It was not made. Try again in a moment.') : 'Everything kept about you, in every organization: one JSON object a line.'}
      >
        <Button size="sm" isBusy={take.isPending} onClick={() => take.mutate()} data-testid="data-export">
          Download
        </Button>
      </SettingRow>
      <SettingRow
        label="Erase your account"
        hint={
          isOwner
            ? `You own ${owned.map(({ name }) => name).join(', ')}. Hand over or delete first, under its settings.`
            : 'Name, address, sign-ins and what you wrote go for good. Alerts and results stay, under "Former member".'
        }
      >
        <Button size="sm" look="danger" disabled={isOwner} onClick={() => setAsking(true)} data-testid="data-erase">
          Erase
        </Button>
      </SettingRow>
      <ConfirmDialog
        isOpen={isAsking}
        onOpenChange={setAsking}
        title="Erase your account"
        description="It can’t be undone, and nobody can sign in with this address until it is used for a new account."
        verb="Erase"
        typed={email}
        isBusy={erase.isPending}
        error={erase.error ? sentenceOf(erase.error, 'Nothing was erased. Try again in a moment.') : null}
        onConfirm={() => erase.mutate()}
      />
    </Panel>
  );
}
