import { useState } from 'react';
import type { Webhook, WebhookWithSecret } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Checkbox } from '@/ui/checkbox';
import { Dialog } from '@/ui/dialog';
import { TextField } from '@/ui/text-field';
import { useCatalogue, useChange } from './api';
import { ChoiceList } from './choice-list';
import { SecretDialog } from './secret-dialog';

const ALL = '*';

interface WebhookDialogProps {
  organizationId: string;
  webhook: Webhook | null;
  onClose: () => void;
}

interface Draft {
  url: string;
  description: string;
  events: readonly string[];
}

/** Where to and what; a new one then shows its secret, this once. */
export function WebhookDialog({ organizationId, webhook, onClose }: WebhookDialogProps) {
  const [url, setUrl] = useState(webhook?.url ?? 'https://');
  const [description, setDescription] = useState(webhook?.description ?? '');
  const [events, setEvents] = useState<readonly string[]>(webhook?.events ?? [ALL]);
  const catalogue = useCatalogue();
  const save = useChange<Draft, WebhookWithSecret>(
    organizationId,
    webhook ? 'PATCH' : 'POST',
    () => (webhook ? `/webhooks/${webhook.id}` : '/webhooks'),
  );
  const isAll = events.includes(ALL);
  if (save.data && !webhook) return <SecretDialog secret={save.data.secret} onClose={onClose} />;
  return (
    <Dialog
      isOpen
      onOpenChange={onClose}
      title={webhook ? 'Change the webhook' : 'New webhook'}
      footer={
        <>
          <Button look="quiet" onClick={onClose}>
            Not now
          </Button>
          <Button
            look="primary"
            disabled={events.length === 0 || url.trim().length < 10}
            isBusy={save.isPending}
            onClick={() => save.mutate({ url: url.trim(), description: description.trim(), events }, { onSuccess: () => webhook && onClose() })}
            data-testid="webhook-save"
          >
            {webhook ? 'Save' : 'Make webhook'}
          </Button>
        </>
      }
    >
      <div className="grid gap-3.5">
        <TextField
          label="Address"
          type="url"
          hint="https, and reachable from the Internet."
          value={url}
          error={save.error ? sentenceOf(save.error, 'It was not saved. Try again in a moment.') : null}
          onChange={(event) => setUrl(event.target.value)}
          data-testid="webhook-url"
        />
        <TextField label="What it is for" maxLength={200} value={description} onChange={(event) => setDescription(event.target.value)} />
        <Checkbox
          label="Everything, also what comes later"
          checked={isAll}
          onChange={(event) => setEvents(event.target.checked ? [ALL] : [])}
          data-testid="webhook-all"
        />
        {!isAll && <ChoiceList legend="Events" choices={catalogue.data?.events ?? []} chosen={events} onChange={setEvents} />}
      </div>
    </Dialog>
  );
}
