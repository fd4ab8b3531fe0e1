import { useState, type SubmitEvent } from 'react';
import { useNavigate } from 'react-router';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Mark } from '@/ui/marks';
import { Panel } from '@/ui/states';
import { TextField } from '@/ui/text-field';
import { useTitle } from '@/ui/use-title';
import { useCreateOrganization, useOwnInvitations } from './api';
import { OwnInvitations } from './own-invitations';

/** Invitations to my address, before I begin something of my own. */
function Invited({ onAccepted }: { onAccepted: (organizationId: string) => void }) {
  const items = useOwnInvitations().data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <div className="w-full max-w-100">
      <Panel title="You are invited" count={items.length}>
        <OwnInvitations invitations={items} onAccepted={onAccepted} />
      </Panel>
    </div>
  );
}

/** The first page of someone who is a member nowhere yet, and the way to one more organization. */
export function CreateOrganizationPage({ isFirst, onSignOut }: { isFirst: boolean; onSignOut?: () => void }) {
  useTitle(isFirst ? 'Name your organization' : 'New organization');
  const [name, setName] = useState('');
  const create = useCreateOrganization();
  const navigate = useNavigate();

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const organization = await create.mutateAsync(name.trim()).catch(() => null);
    if (organization) await navigate(`/o/${organization.id}`, { replace: true });
  }

  return (
    <main className="flex min-h-full flex-col items-center justify-center gap-3 bg-canvas p-4">
      {isFirst && <Invited onAccepted={(id) => void navigate(`/o/${id}`, { replace: true })} />}
      <section className="w-full max-w-100 rounded-3 border border-line bg-surface p-5">
        <div className="mb-4 flex items-center gap-2.5">
          <Mark size={24} />
          <span className="flex-1 font-semibold">Trading room</span>
          {onSignOut && (
            <Button look="quiet" size="sm" onClick={onSignOut}>
              Sign out
            </Button>
          )}
        </div>
        <h1 className="text-xl font-semibold">{isFirst ? 'Name your organization' : 'One more organization'}</h1>
        <p className="mt-1 mb-4 text-ink-2">
          It holds your rooms and members. {isFirst && 'If you were sent a link to one, open it instead.'}
        </p>
        <form onSubmit={submit} className="grid gap-3.5">
          <TextField
            label="Organization"
            placeholder="Northgate Trading"
            required
            autoFocus
            maxLength={80}
            value={name}
            error={create.error ? sentenceOf(create.error, 'It was not created. Try again in a moment.') : null}
            onChange={(event) => setName(event.target.value)}
            data-testid="organization-name"
          />
          <Button type="submit" look="primary" size="lg" isBusy={create.isPending} data-testid="create-organization">
            Create
          </Button>
          {!isFirst && (
            <Button look="quiet" size="lg" onClick={() => void navigate(-1)}>
              Not now
            </Button>
          )}
        </form>
      </section>
    </main>
  );
}
