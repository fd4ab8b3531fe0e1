import { useState } from 'react';
import { call } from '@/api/client';
import { changesOf, newerOf } from '@/api/edit';
import type { NewWebhook, Webhook, WebhookChanges } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Checkbox } from '@/ui/checkbox';
import { Dialog } from '@/ui/dialog';
import { TextField } from '@/ui/text-field';
import { useCatalogue, useChange } from './api';
import { ChoiceList } from './choice-list';
import { EditProblem, type FieldWords } from './edit-problem';
import { useWebhookEdit } from './edits';
import { SecretDialog } from './secret-dialog';

const ALL = '*';

interface WebhookDialogProps {
  organizationId: string;
  webhook: Webhook | null;
  onClose: () => void;
}

/** Where to and what; a new one then shows its secret, this once. */
export function WebhookDialog({ organizationId, webhook, onClose }: WebhookDialogProps) {
  return webhook ? (
    <ChangeWebhook organizationId={organizationId} webhook={webhook} onClose={onClose} />
  ) : (
    <NewWebhookDialog organizationId={organizationId} onClose={onClose} />
  );
}

function NewWebhookDialog({ organizationId, onClose }: { organizationId: string; onClose: () => void }) {
  const make = useChange(organizationId, (body: NewWebhook, path) =>
    call('POST', '/organizations/{organization_id}/webhooks', { params: { path }, body }),
  );
  if (make.data) return <SecretDialog secret={make.data.secret} onClose={onClose} />;
  return <WebhookForm title="New webhook" verb="Make webhook" webhook={null} isBusy={make.isPending} error={make.error} onDraft={(draft) => make.mutate(draft)} onClose={onClose} />;
}

function ChangeWebhook({ organizationId, webhook, onClose }: { organizationId: string; webhook: Webhook; onClose: () => void }) {
  const [opened] = useState(webhook);
  const [seen, setSeen] = useState(webhook);
  const save = useWebhookEdit(organizationId, webhook.id);
  return (
    <WebhookForm
      title="Change the webhook"
      verb="Save"
      webhook={webhook}
      isBusy={save.isPending}
      error={save.error}
      onDraft={({ url, description, events }) => {
        const changes = changesOf<WebhookChanges>(opened, { url, description, events });
        if (Object.keys(changes).length === 0) onClose();
        else save.mutate({ seen, changes }, { onSuccess: onClose, onError: (error) => setSeen(newerOf<Webhook>(error)?.now ?? seen) });
      }}
      onClose={onClose}
    />
  );
}

const WORDS: FieldWords<Webhook> = {
  url: { label: 'Address', say: ({ url }) => url },
  description: { label: 'What it is for', say: ({ description }) => description },
  events: { label: 'Events', say: ({ events }) => events.join(', ') },
};

interface WebhookFormProps {
  title: string;
  verb: string;
  webhook: Webhook | null;
  isBusy: boolean;
  error: Error | null;
  onDraft: (draft: Required<Pick<NewWebhook, 'url' | 'description' | 'events'>>) => void;
  onClose: () => void;
}

function WebhookForm({ title, verb, webhook, isBusy, error, onDraft, onClose }: WebhookFormProps) {
  const [url, setUrl] = useState(webhook?.url ?? 'https://');
  const [description, setDescription] = useState(webhook?.description ?? '');
  const [events, setEvents] = useState<readonly string[]>(webhook?.events ?? [ALL]);
  const catalogue = useCatalogue();
  const isAll = events.includes(ALL);
  return (
    <Dialog
      isOpen
      onOpenChange={onClose}
      title={title}
      footer={
        <>
          <Button look="quiet" onClick={onClose}>
            Not now
          </Button>
          <Button
            look="primary"
            disabled={events.length === 0 || url.trim().length < 10}
            isBusy={isBusy}
            onClick={() => onDraft({ url: url.trim(), description: description.trim(), events: [...events] })}
            data-testid="webhook-save"
          >
            {verb}
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
        {error && <EditProblem error={error} sentence={sentenceOf(error, 'It was not saved. Try again in a moment.')} words={WORDS} />}
      </div>
    </Dialog>
  );
}
