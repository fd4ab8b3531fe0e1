import { useState } from 'react';
import { call } from '@/api/client';
import type { NewApiToken } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { CopyField } from '@/ui/copy-field';
import { Dialog } from '@/ui/dialog';
import { SelectField } from '@/ui/select-field';
import { TextField } from '@/ui/text-field';
import { ChoiceList } from './choice-list';
import { useCatalogue, useChange } from './api';

const LIVES = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
  { value: '', label: 'No end' },
];
const DAY_MS = 86_400_000;
const MAX_NAME = 80;

interface NewTokenDialogProps {
  organizationId: string;
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
}

/** Name, abilities, life; then the token, this once. */
export function NewTokenDialog({ isOpen, ...rest }: NewTokenDialogProps) {
  return isOpen ? <NewToken {...rest} /> : null;
}

function NewToken({ organizationId, onOpenChange }: Omit<NewTokenDialogProps, 'isOpen'>) {
  const [name, setName] = useState('');
  const [abilities, setAbilities] = useState<readonly string[]>(['rooms:read']);
  const [days, setDays] = useState('90');
  const catalogue = useCatalogue();
  const create = useChange(organizationId, (body: NewApiToken, path) =>
    call('POST', '/organizations/{organization_id}/api-tokens', { params: { path }, body }),
  );
  const made = create.data;

  function make(): void {
    const expiresAt = days === '' ? null : new Date(Date.now() + Number(days) * DAY_MS).toISOString();
    create.mutate({ name: name.trim(), abilities: [...abilities], expiresAt });
  }

  if (made) {
    return (
      <Dialog
        isOpen
        onOpenChange={onOpenChange}
        title="Copy it now"
        description="The token is shown this once. We keep only what is needed to check it."
        footer={
          <Button look="primary" onClick={() => onOpenChange(false)} data-testid="token-done">
            Done
          </Button>
        }
      >
        <CopyField label={made.name} value={made.token} isMono testId="token-text" />
      </Dialog>
    );
  }
  return (
    <Dialog
      isOpen
      onOpenChange={onOpenChange}
      title="New token"
      description="It acts as you, and never can more than you can."
      footer={
        <>
          <Button look="quiet" onClick={() => onOpenChange(false)}>
            Not now
          </Button>
          <Button
            look="primary"
            disabled={name.trim() === '' || abilities.length === 0}
            isBusy={create.isPending}
            onClick={make}
            data-testid="token-make"
          >
            Make token
          </Button>
        </>
      }
    >
      <div className="grid gap-3.5">
        <TextField
          label="Name"
          hint="What uses it."
          autoFocus
          maxLength={MAX_NAME}
          value={name}
          onChange={(event) => setName(event.target.value)}
          data-testid="token-name"
        />
        <ChoiceList legend="Abilities" choices={catalogue.data?.abilities ?? []} chosen={abilities} onChange={setAbilities} />
        <SelectField label="Good for" value={days} options={LIVES} onChange={(event) => setDays(event.target.value)} />
        {create.error && (
          <p className="text-xs text-live" role="alert">
            {sentenceOf(create.error, 'No token was made. Try again in a moment.')}
          </p>
        )}
      </div>
    </Dialog>
  );
}
