import { DotsThreeIcon, WarningIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import { call } from '@/api/client';
import type { Webhook } from '@/api/types';
import { momentOf } from '@/lib/dates';
import { sentenceOf } from '@/lib/errors';
import { Button, IconButton } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { Menu, MenuItem, MenuLine } from '@/ui/menu';
import { useChange } from './api';
import { Deliveries } from './deliveries';
import { useWebhookEdit } from './edits';
import { SecretDialog } from './secret-dialog';

interface WebhookRowProps {
  organizationId: string;
  webhook: Webhook;
  onEdit: () => void;
}

/** One endpoint: where, what, how it goes, and its history on demand. */
export function WebhookRow({ organizationId, webhook, onEdit }: WebhookRowProps) {
  const [isOpen, setOpen] = useState(false);
  const [isDeleting, setDeleting] = useState(false);
  const here = { webhook_id: webhook.id };
  const change = useWebhookEdit(organizationId, webhook.id);
  const ping = useChange(organizationId, (_: null, place) =>
    call('POST', '/organizations/{organization_id}/webhooks/{webhook_id}/ping', { params: { path: { ...place, ...here } } }),
  );
  const rotate = useChange(organizationId, (_: null, place) =>
    call('POST', '/organizations/{organization_id}/webhooks/{webhook_id}/rotate-secret', { params: { path: { ...place, ...here } } }),
  );
  const remove = useChange(organizationId, (_: null, place) =>
    call('DELETE', '/organizations/{organization_id}/webhooks/{webhook_id}', { params: { path: { ...place, ...here } } }),
  );
  const problem = change.error ?? ping.error ?? rotate.error;
  return (
    <li className="border-line not-last:border-b" data-testid="webhook-row">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3.5 py-2">
        <div className="min-w-50 flex-1">
          <div className="truncate font-medium">{webhook.description === '' ? webhook.url : webhook.description}</div>
          <div className="truncate text-xs text-ink-3">
            {webhook.description !== '' && `${webhook.url}, `}
            {webhook.events.includes('*') ? 'everything' : `${webhook.events.length} ${webhook.events.length === 1 ? 'event' : 'events'}`}
          </div>
          <State webhook={webhook} />
        </div>
        <Button size="sm" look="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)} data-testid="webhook-history">
          History
        </Button>
        <Menu
          trigger={
            <IconButton label="Change the webhook" data-testid="webhook-menu">
              <DotsThreeIcon size={18} weight="bold" />
            </IconButton>
          }
        >
          <MenuItem
            onSelect={() => ping.mutate(null, { onSuccess: () => setOpen(true) })}
            testId="webhook-ping"
          >
            Send a test
          </MenuItem>
          <MenuItem onSelect={onEdit}>Change</MenuItem>
          <MenuItem onSelect={() => rotate.mutate(null)}>New secret</MenuItem>
          <MenuItem onSelect={() => change.mutate({ seen: webhook, changes: { isEnabled: !webhook.isEnabled } })} testId="webhook-switch">
            {webhook.isEnabled ? 'Switch off' : 'Switch on'}
          </MenuItem>
          <MenuLine />
          <MenuItem isDanger onSelect={() => setDeleting(true)}>
            Delete
          </MenuItem>
        </Menu>
      </div>
      {problem && (
        <p className="px-3.5 pb-2 text-xs text-live" role="alert">
          {sentenceOf(problem, 'This did not work. Try again in a moment.')}
        </p>
      )}
      {isOpen && <Deliveries organizationId={organizationId} webhookId={webhook.id} />}
      {rotate.data && <SecretDialog secret={rotate.data.secret} onClose={() => rotate.reset()} />}
      <ConfirmDialog
        isOpen={isDeleting}
        onOpenChange={setDeleting}
        title="Delete the webhook"
        description="Its history goes with it; what still waits is not sent."
        verb="Delete"
        isBusy={remove.isPending}
        error={remove.error ? sentenceOf(remove.error, 'It was not deleted.') : null}
        onConfirm={() => remove.mutate(null, { onSuccess: () => setDeleting(false) })}
      />
    </li>
  );
}

const WHY = {
  by_hand: 'by hand',
  failing: 'because nothing was taken for days',
  gone: 'because the address answered that it is gone',
  maker_gone: 'because whoever set it up may no longer manage the organization',
};

/** Trouble only: good is quiet. */
function State({ webhook }: { webhook: Webhook }) {
  if (webhook.disabledAt !== null) {
    const why = WHY[webhook.disabledReason ?? 'by_hand'];
    return (
      <p className="text-xs text-warn">
        Switched off {why}, {momentOf(webhook.disabledAt)}
      </p>
    );
  }
  if (webhook.failingSince === null) return null;
  return (
    <p className="flex items-center gap-1 text-xs text-warn">
      <WarningIcon size={14} weight="bold" /> Nothing was taken since {momentOf(webhook.failingSince)}
    </p>
  );
}
