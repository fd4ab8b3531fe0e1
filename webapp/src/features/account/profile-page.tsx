import { useState, type SubmitEvent } from 'react';
import { auth } from '@/api/auth';
import { Button } from '@/ui/button';
import { Loaded } from '@/ui/query-state';
import { Panel } from '@/ui/states';
import { TextField } from '@/ui/text-field';
import { accountSentence } from './account-sentence';
import { useAccount, useAccountChange } from './api';

const MAX_NAME = 80;

interface ProfilePageProps {
  /** Called when the name changed: others show it. */
  onChanged: () => void;
}

/** Name and address. */
export function ProfilePage({ onChanged }: ProfilePageProps) {
  const account = useAccount();
  return (
    <>
      <Panel title="Name">
        <Loaded query={account} failed="Your account did not load" sentence={accountSentence} place="h-12">
          {(user) => <NameForm initial={nameOf(user.user_metadata)} onChanged={onChanged} />}
        </Loaded>
      </Panel>
      <Panel title="E-mail">
        <Loaded query={account} failed="Your account did not load" sentence={accountSentence} place="h-12">
          {(user) => <EmailForm initial={user.email ?? ''} waiting={user.new_email ?? null} />}
        </Loaded>
      </Panel>
    </>
  );
}

function NameForm({ initial, onChanged }: { initial: string; onChanged: () => void }) {
  const [name, setName] = useState(initial);
  const change = useAccountChange((value: string) => auth.updateUser({ data: { display_name: value } }));
  const isSame = name.trim() === initial || name.trim() === '';
  return (
    <form onSubmit={save} className="flex flex-wrap items-end gap-2 p-3.5">
      <TextField
        className="min-w-60 flex-1"
        label="Others see this in rooms"
        maxLength={MAX_NAME}
        value={name}
        error={change.error ? accountSentence(change.error) : null}
        onChange={(event) => setName(event.target.value)}
        data-testid="profile-name"
      />
      <Button type="submit" size="lg" disabled={isSame} isBusy={change.isPending} data-testid="profile-name-save">
        {isSame && change.isSuccess ? 'Saved' : 'Save'}
      </Button>
    </form>
  );

  function save(event: SubmitEvent): void {
    event.preventDefault();
    change.mutate(name.trim(), { onSuccess: onChanged });
  }
}

function EmailForm({ initial, waiting }: { initial: string; waiting: string | null }) {
  const [email, setEmail] = useState(initial);
  const change = useAccountChange((value: string) =>
    auth.updateUser({ email: value }, { emailRedirectTo: `${location.origin}/sign-in/callback` }),
  );
  const isSame = email.trim().toLowerCase() === initial.toLowerCase() || email.trim() === '';
  return (
    <form onSubmit={save} className="grid gap-2 p-3.5">
      <div className="flex flex-wrap items-end gap-2">
        <TextField
          className="min-w-60 flex-1"
          label="You sign in with this"
          type="email"
          autoComplete="username"
          value={email}
          error={change.error ? accountSentence(change.error) : null}
          onChange={(event) => setEmail(event.target.value)}
          data-testid="profile-email"
        />
        <Button type="submit" size="lg" disabled={isSame} isBusy={change.isPending}>
          Change
        </Button>
      </div>
      {(waiting !== null || change.isSuccess) && (
        <p className="text-xs text-ink-2" role="status">
          {waiting ?? email} takes its place once the links in the mails to both addresses were opened.
        </p>
      )}
    </form>
  );

  function save(event: SubmitEvent): void {
    event.preventDefault();
    change.mutate(email.trim());
  }
}

function nameOf(metadata: Record<string, unknown>): string {
  const name = metadata.display_name ?? metadata.displayName ?? metadata.name;
  return typeof name === 'string' ? name : '';
}
