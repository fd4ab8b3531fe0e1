import { KeyIcon, PlusIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import { call } from '@/api/client';
import type { ApiToken } from '@/api/types';
import { dayOf } from '@/lib/dates';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { LoadMore } from '@/ui/load-more';
import { Tag } from '@/ui/marks';
import { Loaded } from '@/ui/query-state';
import { Blank, Panel } from '@/ui/states';
import { Table, type Column } from '@/ui/table';
import { rowsOf, useApiTokens, useChange, useUsage } from './api';
import { NewTokenDialog } from './new-token-dialog';

/** Keys for programs. */
export function TokensPage({ organizationId, now }: { organizationId: string; now: number }) {
  const tokens = useApiTokens(organizationId);
  const usage = useUsage(organizationId);
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<ApiToken | null>(null);
  const revoke = useChange(organizationId, (id: string, place) =>
    call('DELETE', '/organizations/{organization_id}/api-tokens/{token_id}', { params: { path: { ...place, token_id: id } } }),
  );
  const hasAccess = usage.data?.features.includes('api_access') ?? true;
  return (
    <Panel
      title="API tokens"
      actions={
        <Button size="sm" disabled={!hasAccess} onClick={() => setMaking(true)} data-testid="token-new">
          <PlusIcon size={14} /> New token
        </Button>
      }
    >
      {!hasAccess && (
        <p className="border-b border-line px-3.5 py-2.5 text-ink-2">
          API access is part of Professional and above. Tokens made earlier rest until the plan holds it again.
        </p>
      )}
      <Loaded query={tokens} failed="Tokens did not load" sentence={(error) => sentenceOf(error, 'Tokens in use still work.')}>
        {() => {
          const rows = rowsOf(tokens);
          if (rows.length === 0) {
            return (
              <div className="grid place-items-center py-3">
                <Blank icon={<KeyIcon size={26} />} title="No tokens">
                  A program with a token acts as you, with the abilities you choose: post alerts, read rooms, export the log.
                </Blank>
              </div>
            );
          }
          return <Table label="API tokens" columns={columns(now, setRevoking)} rows={rows} keyOf={({ id }) => id} rowTestId="token-row" />;
        }}
      </Loaded>
      <LoadMore query={tokens} />
      <NewTokenDialog organizationId={organizationId} isOpen={isMaking} onOpenChange={setMaking} />
      <ConfirmDialog
        isOpen={revoking !== null}
        onOpenChange={() => setRevoking(null)}
        title={`Revoke ${revoking?.name ?? ''}`}
        description="Programs that use it are refused from the next request on. It can’t be undone; make a new one instead."
        verb="Revoke"
        isBusy={revoke.isPending}
        error={revoke.error ? sentenceOf(revoke.error, 'The token still works. Try again in a moment.') : null}
        onConfirm={() => revoking && revoke.mutate(revoking.id, { onSuccess: () => setRevoking(null) })}
      />
    </Panel>
  );
}

function columns(now: number, onRevoke: (token: ApiToken) => void): Column<ApiToken>[] {
  return [
    { key: 'name', head: 'Name', cell: ({ name }) => <b className="font-medium">{name}</b> },
    { key: 'hint', head: 'Ends with', cell: ({ hint }) => <span className="font-mono text-xs">…{hint}</span> },
    {
      key: 'abilities',
      head: 'Abilities',
      cell: ({ abilities }) => (
        <span className="flex flex-wrap gap-1">
          {abilities.map((ability) => (
            <Tag key={ability}>{ability}</Tag>
          ))}
        </span>
      ),
    },
    { key: 'used', head: 'Last used', cell: ({ lastUsedAt }) => (lastUsedAt === null ? <Never /> : dayOf(lastUsedAt)) },
    { key: 'expires', head: 'Expires', cell: ({ expiresAt }) => expiryOf(expiresAt, now) },
    {
      key: 'actions',
      head: 'Actions',
      isActions: true,
      cell: (token) => (
        <Button size="sm" look="quiet" onClick={() => onRevoke(token)}>
          Revoke
        </Button>
      ),
    },
  ];
}

function Never() {
  return <span className="text-ink-3">never</span>;
}

function expiryOf(expiresAt: string | null, now: number) {
  if (expiresAt === null) return <Never />;
  return new Date(expiresAt).getTime() <= now ? <span className="text-warn">expired</span> : dayOf(expiresAt);
}
