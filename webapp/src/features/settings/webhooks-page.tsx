import { PlusIcon, WebhooksLogoIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import type { Webhook } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { LoadMore } from '@/ui/load-more';
import { Loaded } from '@/ui/query-state';
import { Blank, Panel } from '@/ui/states';
import { rowsOf, useUsage, useWebhooks } from './api';
import { WebhookDialog } from './webhook-dialog';
import { WebhookRow } from './webhook-row';

/** Addresses of other servers that are told what happens here. */
export function WebhooksPage({ organizationId }: { organizationId: string }) {
  const webhooks = useWebhooks(organizationId);
  const usage = useUsage(organizationId);
  const [editing, setEditing] = useState<Webhook | 'new' | null>(null);
  const hasAccess = usage.data?.features.includes('api_access') ?? true;
  const rows = rowsOf(webhooks);
  return (
    <Panel
      title="Webhooks"
      actions={
        <Button size="sm" disabled={!hasAccess} onClick={() => setEditing('new')} data-testid="webhook-new">
          <PlusIcon size={14} /> New webhook
        </Button>
      }
    >
      {!hasAccess && (
        <p className="border-b border-line px-3.5 py-2.5 text-ink-2">
          API access is part of Professional and above. Webhooks made earlier rest until the plan holds it again.
        </p>
      )}
      <Loaded query={webhooks} failed="Webhooks did not load" sentence={(error) => sentenceOf(error, 'Events are sent all the same.')}>
        {() =>
          rows.length === 0 ? (
            <div className="grid place-items-center py-3">
              <Blank icon={<WebhooksLogoIcon size={26} />} title="No webhooks">
                A server of yours hears of sessions, alerts and members as they happen: signed, in order, tried for a day.
              </Blank>
            </div>
          ) : (
            <ul>
              {rows.map((webhook) => (
                <WebhookRow key={webhook.id} organizationId={organizationId} webhook={webhook} onEdit={() => setEditing(webhook)} />
              ))}
            </ul>
          )
        }
      </Loaded>
      <LoadMore query={webhooks} />
      {editing !== null && (
        <WebhookDialog organizationId={organizationId} webhook={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />
      )}
    </Panel>
  );
}
