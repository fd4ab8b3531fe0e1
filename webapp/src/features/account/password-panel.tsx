import { useState, type SubmitEvent } from 'react';
import { auth } from '@/api/auth';
import { MIN_PASSWORD } from '@/lib/passwords';
import { Button } from '@/ui/button';
import { Panel } from '@/ui/states';
import { TextField } from '@/ui/text-field';
import { accountSentence } from './account-sentence';
import { useAccountChange } from './api';


/** Choose another password; every other session ends with the old one. */
export function PasswordPanel() {
  const [password, setPassword] = useState('');
  const [isShort, setShort] = useState(false);
  const change = useAccountChange((value: string) => auth.updateUser({ password: value }));
  const problem = isShort ? `Use at least ${MIN_PASSWORD} characters.` : change.error ? accountSentence(change.error) : null;

  function save(event: SubmitEvent): void {
    event.preventDefault();
    setShort(password.length < MIN_PASSWORD);
    if (password.length >= MIN_PASSWORD) change.mutate(password, { onSuccess: () => setPassword('') });
  }

  return (
    <Panel title="Password">
      <form onSubmit={save} className="flex flex-wrap items-end gap-2 p-3.5">
        <TextField
          className="min-w-60 flex-1"
          label="New password"
          type="password"
          autoComplete="new-password"
          value={password}
          error={problem}
          {...(change.isSuccess && password === '' && { hint: 'Saved. Your other sessions were signed out.' })}
          onChange={(event) => setPassword(event.target.value)}
          data-testid="security-password"
        />
        <Button type="submit" size="lg" disabled={password === ''} isBusy={change.isPending}>
          Change
        </Button>
      </form>
    </Panel>
  );
}
