import { CheckIcon } from '@phosphor-icons/react';
import { useState, type SubmitEvent } from 'react';
import type { SsoDomain } from '@/api/types';
import { dayOf, momentOf } from '@/lib/dates';
import { Button } from '@/ui/button';
import { cn } from '@/ui/cn';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { CopyField } from '@/ui/copy-field';
import { Panel } from '@/ui/states';
import { TextField } from '@/ui/text-field';
import { useDomainChange } from './sso-api';
import { domainSentence, ssoProblem } from './sso-words';

interface DomainsPanelProps {
  organizationId: string;
  domains: readonly SsoDomain[];
  canChange: boolean;
  /** Also without the plan they may give a domain up. */
  isOwner: boolean;
}

/** Mail domains, each with the record that proves it. */
export function DomainsPanel({ organizationId, domains, canChange, isOwner }: DomainsPanelProps) {
  const [name, setName] = useState('');
  const [removing, setRemoving] = useState<SsoDomain | null>(null);
  const { add, verify, remove } = useDomainChange(organizationId);

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    add.mutate(name.trim(), { onSuccess: () => setName('') });
  }

  return (
    <Panel title="Mail domains" count={domains.length}>
      {domains.length === 0 && (
        <p className={cn('px-3.5 pt-3 text-ink-2', !canChange && 'pb-3')}>
          None yet. A provider opens only accounts whose address is of a domain you have shown to be yours.
        </p>
      )}
      <ul>
        {domains.map((one) => (
          <li key={one.id} className="border-b border-line px-3.5 py-2.5" data-testid="sso-domain">
            <div className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-1">
              <b className="min-w-32 flex-1 font-semibold wrap-anywhere">{one.domain}</b>
              {one.verifiedAt !== null && (
                <span className="flex items-center gap-1.5 text-xs text-ink-2">
                  <CheckIcon size={14} weight="bold" /> Yours since {dayOf(one.verifiedAt)}
                </span>
              )}
              <span className="flex gap-2">
                {one.verifiedAt === null && canChange && (
                  <Button
                    size="sm"
                    isBusy={verify.isPending && verify.variables === one.id}
                    onClick={() => verify.mutate(one.id)}
                    data-testid="sso-domain-check"
                  >
                    Check now
                  </Button>
                )}
                {isOwner && (
                  <Button size="sm" look="quiet" onClick={() => setRemoving(one)}>
                    Remove
                  </Button>
                )}
              </span>
            </div>
            {one.verifiedAt === null && <Record domain={one} />}
            {verify.error && verify.variables === one.id && (
              <p className="mt-1.5 text-xs text-live" role="alert">
                {ssoProblem(verify.error, 'DNS was not asked. Try again in a moment.')}
              </p>
            )}
          </li>
        ))}
      </ul>
      {canChange && (
        <form onSubmit={submit} className="flex flex-wrap items-end gap-2 p-3.5">
          <TextField
            className="min-w-50 flex-1"
            label="Add a domain"
            placeholder="northgate.example"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={253}
            value={name}
            error={add.error ? ssoProblem(add.error, 'It was not added. Try again in a moment.') : null}
            onChange={(event) => setName(event.target.value)}
            data-testid="sso-domain-name"
          />
          <Button type="submit" size="lg" disabled={name.trim() === ''} isBusy={add.isPending} data-testid="sso-domain-add">
            Add
          </Button>
        </form>
      )}
      <ConfirmDialog
        isOpen={removing !== null}
        onOpenChange={() => setRemoving(null)}
        title={`Remove ${removing?.domain ?? ''}`}
        description="Nobody of this domain comes in by your identity provider any more, and nobody of it has to. Their accounts stay."
        verb="Remove"
        isBusy={remove.isPending}
        error={remove.error ? ssoProblem(remove.error, 'The domain is still yours. Try again in a moment.') : null}
        onConfirm={() => removing && remove.mutate(removing.id, { onSuccess: () => setRemoving(null) })}
      />
    </Panel>
  );
}

/** The TXT record to put into the DNS, and what was found there. */
function Record({ domain }: { domain: SsoDomain }) {
  return (
    <div className="mt-1 grid gap-2">
      <p className={domain.lastError === null ? 'text-xs text-ink-2' : 'text-xs text-warn'} role="status" data-testid="sso-domain-state">
        {domainSentence(domain.lastError)}
        {domain.checkedAt !== null && <span className="text-ink-3"> Looked at {momentOf(domain.checkedAt)}.</span>}
      </p>
      <div className="grid gap-2 md:grid-cols-2">
        <CopyField label="Name of the TXT record" value={domain.recordName} isMono testId="sso-record-name" />
        <CopyField label="What it says" value={domain.recordValue} isMono testId="sso-record-value" />
      </div>
    </div>
  );
}
