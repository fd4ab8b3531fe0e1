import { useState, type SubmitEvent } from 'react';
import { call } from '@/api/client';
import { newerOf } from '@/api/edit';
import type { Organization } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { dayOf } from '@/lib/dates';
import { Button } from '@/ui/button';
import { CopyField } from '@/ui/copy-field';
import { Banner, Panel } from '@/ui/states';
import { SelectField } from '@/ui/select-field';
import { TextField } from '@/ui/text-field';
import { WarningIcon } from '@phosphor-icons/react';
import { useChange } from './api';
import { DangerPanel } from './danger-panel';
import { EditProblem, type FieldWords } from './edit-problem';
import { useOrganizationEdit } from './edits';
import { FORM } from './settings-layout';

const MAX_NAME = 80;
const NAME_WORDS: FieldWords<Organization> = { name: { label: 'Name', say: (now) => now.name } };
const CHAT_DAYS = ['', '30', '90', '365', '1095', '2555'];
const AUDIT_DAYS = ['', '365', '1095', '2555'];

interface GeneralPageProps {
  organization: Organization;
  isOwner: boolean;
  /** Called when one is a member no more. */
  onLeft: () => void;
}

/** Name, address, how long things are kept, and the end. */
export function GeneralPage({ organization, isOwner, onLeft }: GeneralPageProps) {
  return (
    <div className={FORM}>
      {organization.deletesAt !== null && <DeletionBanner organization={organization} isOwner={isOwner} />}
      <Panel title="Organization">
        <div className="grid gap-3.5 p-3.5">
          <NameForm organization={organization} />
          <CopyField label="Id, for the API" value={organization.id} isMono />
        </div>
      </Panel>
      <Panel title="How long things are kept">
        <RetentionForm organization={organization} />
      </Panel>
      <DangerPanel organization={organization} isOwner={isOwner} onLeft={onLeft} />
    </div>
  );
}

function NameForm({ organization }: { organization: Organization }) {
  const [name, setName] = useState(organization.name);
  // What the person began with, and what they have before them: the same, or what another made of it meanwhile.
  const [opened, setOpened] = useState(organization);
  const [seen, setSeen] = useState(organization);
  const [row, setRow] = useState(organization);
  const change = useOrganizationEdit(organization.id);
  const isUntouched = name.trim() === opened.name;
  const isSame = isUntouched || name.trim() === '';

  function begin(now: Organization): void {
    setOpened(now);
    setSeen(now);
  }

  if (row !== organization) {
    setRow(organization);
    // Untouched, it follows the row. What is being typed is saved over what it was typed over, or refused.
    if (isUntouched) {
      begin(organization);
      setName(organization.name);
    }
  }

  function save(event: SubmitEvent): void {
    event.preventDefault();
    change.mutate({ seen, changes: { name: name.trim() } }, { onSuccess: begin, onError: (error) => setSeen(newerOf<Organization>(error)?.now ?? seen) });
  }

  return (
    <form onSubmit={save} className="flex flex-wrap items-end gap-2">
      <TextField
        className="min-w-60 flex-1"
        label="Name"
        maxLength={MAX_NAME}
        value={name}
        onChange={(event) => setName(event.target.value)}
        data-testid="organization-name"
      />
      <Button type="submit" size="lg" disabled={isSame} isBusy={change.isPending} data-testid="organization-name-save">
        {isSame && change.isSuccess ? 'Saved' : 'Save'}
      </Button>
      {change.error && (
        <div className="basis-full">
          <EditProblem error={change.error} sentence={sentenceOf(change.error, 'The name was not saved.')} words={NAME_WORDS} />
        </div>
      )}
    </form>
  );
}

function RetentionForm({ organization }: { organization: Organization }) {
  const change = useOrganizationEdit(organization.id);
  const chat = organization.chatRetentionDays;
  const audit = organization.auditRetentionDays;
  return (
    <div className="grid gap-3.5 p-3.5 md:grid-cols-2">
      <SelectField
        label="Chat"
        value={chat === null ? '' : String(chat)}
        options={optionsOf(CHAT_DAYS, chat)}
        onChange={(event) => change.mutate({ seen: organization, changes: { chatRetentionDays: numberOf(event.target.value) } })}
        data-testid="retention-chat"
      />
      <SelectField
        label="Audit log"
        value={audit === null ? '' : String(audit)}
        options={optionsOf(AUDIT_DAYS, audit)}
        onChange={(event) => change.mutate({ seen: organization, changes: { auditRetentionDays: numberOf(event.target.value) } })}
        data-testid="retention-audit"
      />
      <p className="text-xs text-ink-2 md:col-span-2">
        Alerts stay as long as the organization: results must add up. Older chat goes at night, for good.
      </p>
      {change.error && (
        <p className="text-xs text-live md:col-span-2" role="alert">
          {sentenceOf(change.error, 'This was not saved.')}
        </p>
      )}
    </div>
  );
}

function DeletionBanner({ organization, isOwner }: { organization: Organization; isOwner: boolean }) {
  const restore = useChange(organization.id, (_: null, path) => call('DELETE', '/organizations/{organization_id}/deletion', { params: { path } }));
  return (
    <div className="overflow-hidden rounded-3 border border-warn-line">
      <Banner
        tone="warn"
        icon={<WarningIcon size={18} weight="fill" />}
        action={
          isOwner && (
            <Button size="sm" isBusy={restore.isPending} onClick={() => restore.mutate(null)} data-testid="keep-organization">
              Keep it
            </Button>
          )
        }
      >
        This organization is deleted on {dayOf(organization.deletesAt ?? '')}. Until then everything works, and its owner can keep it.
      </Banner>
    </div>
  );
}

function numberOf(value: string): number | null {
  return value === '' ? null : Number(value);
}

function optionsOf(days: string[], current: number | null): { value: string; label: string }[] {
  const known = current === null || days.includes(String(current)) ? days : [...days, String(current)];
  return known.map((value) => ({ value, label: value === '' ? 'For good' : labelOf(Number(value)) }));
}

function labelOf(days: number): string {
  const years = days / 365;
  if (Number.isInteger(years)) return years === 1 ? '1 year' : `${years} years`;
  return `${days} days`;
}
