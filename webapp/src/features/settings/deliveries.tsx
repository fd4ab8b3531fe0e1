import { call } from '@/api/client';
import type { WebhookDelivery } from '@/api/types';
import { momentOf } from '@/lib/dates';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { LoadMore } from '@/ui/load-more';
import { Loaded } from '@/ui/query-state';
import { Scroller } from '@/ui/scroller';
import { rowsOf, useChange, useDeliveries } from './api';

/** What was sent to an endpoint, newest first, with every attempt. */
export function Deliveries({ organizationId, webhookId }: { organizationId: string; webhookId: string }) {
  const deliveries = useDeliveries(organizationId, webhookId);
  const again = useChange(organizationId, (id: string, place) =>
    call('POST', '/organizations/{organization_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/replay', {
      params: { path: { ...place, webhook_id: webhookId, delivery_id: id } },
    }),
  );
  const rows = rowsOf(deliveries);
  return (
    <div className="border-t border-line bg-canvas">
      <Loaded query={deliveries} failed="The history did not load" sentence={(error) => sentenceOf(error, 'Try again in a moment.')} place="h-10">
        {() =>
          rows.length === 0 ? (
            <p className="px-3.5 py-2.5 text-xs text-ink-2">Nothing was sent yet. A test shows whether your server answers.</p>
          ) : (
            <ol>
              {rows.map((one) => (
                <li key={one.id} className="border-line not-last:border-b" data-testid="delivery-row">
                  <details>
                    <summary className="grid cursor-pointer grid-cols-[minmax(0,1fr)_auto_auto] items-center gap-3 px-3.5 py-1.5 text-xs hover:bg-hover">
                      <span className="truncate font-mono">{one.event}</span>
                      <Outcome delivery={one} />
                      <time className="narrow text-ink-3" dateTime={one.createdAt}>
                        {momentOf(one.createdAt)}
                      </time>
                    </summary>
                    <div className="grid gap-2 px-3.5 pb-2.5 text-xs">
                      {one.attempts.map((attempt) => (
                        <p key={attempt.at} className="text-ink-2">
                          {momentOf(attempt.at)}: {attempt.status === null ? 'no answer' : `answered ${attempt.status}`} after{' '}
                          {attempt.latencyMs} ms {attempt.excerpt !== '' && <span className="font-mono text-ink-3">{attempt.excerpt}</span>}
                        </p>
                      ))}
                      <Scroller label="What was sent" className="max-h-48 overflow-auto rounded-2 bg-well p-2">
                        <pre className="font-mono text-2xs">{JSON.stringify(one.body, null, 2)}</pre>
                      </Scroller>
                      <div>
                        <Button size="sm" isBusy={again.isPending} onClick={() => again.mutate(one.id)}>
                          Send again
                        </Button>
                      </div>
                    </div>
                  </details>
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
      <LoadMore query={deliveries} />
    </div>
  );
}

function Outcome({ delivery }: { delivery: WebhookDelivery }) {
  if (delivery.deliveredAt !== null) return <span className="text-ink-2">{delivery.attempts.at(-1)?.status ?? 'sent'}</span>;
  if (delivery.failedAt !== null) return <span className="text-live">given up</span>;
  return <span className="text-warn">{delivery.attempts.length === 0 ? 'on its way' : 'tried again soon'}</span>;
}
