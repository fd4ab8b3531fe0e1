import { ClockCounterClockwiseIcon, DownloadSimpleIcon } from '@phosphor-icons/react';
import { useDeferredValue, useState } from 'react';
import { download } from '@/api/client';
import type { AuditEntry } from '@/api/types';
import { momentOf } from '@/lib/dates';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { LoadMore } from '@/ui/load-more';
import { Loaded } from '@/ui/query-state';
import { SelectField } from '@/ui/select-field';
import { Blank, Panel } from '@/ui/states';
import { TextField } from '@/ui/text-field';
import { changedFields, sentenceFor, subjectOf } from './audit-words';
import { rowsOf, usePages } from './api';

const KINDS = [
  { value: '', label: 'Everything' },
  { value: 'organization', label: 'Organization' },
  { value: 'member', label: 'Members' },
  { value: 'invitation', label: 'Invitations' },
  { value: 'workspace', label: 'Workspaces' },
  { value: 'room', label: 'Rooms' },
  { value: 'session', label: 'Live sessions' },
  { value: 'api_token', label: 'API tokens' },
  { value: 'webhook', label: 'Webhooks' },
  { value: 'sso_connection', label: 'Identity providers' },
  { value: 'sso_sign_in', label: 'Single sign-on' },
];

interface AuditPageProps {
  organizationId: string;
  /** Name of a member by id, or what stands for it where it is not known. */
  nameOf: (userId: string) => string;
}

/** Who changed what, when, and from where. */
export function AuditPage({ organizationId, nameOf }: AuditPageProps) {
  const [action, setAction] = useState('');
  const [since, setSince] = useState('');
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const filter = { action, since: since === '' ? '' : new Date(since).toISOString() };
  const entries = usePages(organizationId, 'audit-log', { ...filter, q: useDeferredValue(text.trim()) });
  const rows = rowsOf(entries);

  async function take(form: 'csv' | 'ndjson'): Promise<void> {
    setProblem(null);
    const query = { action: filter.action || null, since: filter.since || null, format: form };
    const given = { params: { path: { organization_id: organizationId }, query } };
    await download('/organizations/{organization_id}/audit-log/export', `audit-log.${form}`, given).catch((error: unknown) =>
      setProblem(sentenceOf(error, 'The log was not exported.')),
    );
  }

  return (
    <Panel
      title="Audit log"
      actions={
        <>
          <Button size="sm" look="quiet" onClick={() => void take('csv')} data-testid="audit-csv">
            <DownloadSimpleIcon size={14} /> CSV
          </Button>
          <Button size="sm" look="quiet" onClick={() => void take('ndjson')}>
            JSON
          </Button>
        </>
      }
    >
      <div className="flex flex-wrap gap-3 border-b border-line px-3.5 py-2.5">
        <TextField
          className="w-48"
          label="Find"
          type="search"
          placeholder="Name, action or value"
          maxLength={100}
          value={text}
          onChange={(event) => setText(event.target.value)}
          data-testid="audit-search"
        />
        <div className="w-48">
          <SelectField label="About" value={action} options={KINDS} onChange={(event) => setAction(event.target.value)} data-testid="audit-kind" />
        </div>
        <TextField className="w-48" label="Since" type="date" value={since} onChange={(event) => setSince(event.target.value)} />
        {problem !== null && (
          <p className="self-end text-xs text-live" role="alert">
            {problem}
          </p>
        )}
      </div>
      <Loaded query={entries} failed="The log did not load" sentence={(error) => sentenceOf(error, 'It is written all the same.')} place="h-60">
        {() =>
          rows.length === 0 ? (
            <div className="grid place-items-center py-3">
              <Blank icon={<ClockCounterClockwiseIcon size={26} />} title="Nothing here">
                {entries.hasNextPage
                  ? 'None of the newest entries holds this. Older ones are looked through with “Show more”.'
                  : 'Every change of settings, members, rooms and keys is written here, with who made it and from where.'}
              </Blank>
            </div>
          ) : (
            <ol>
              {rows.map((entry) => (
                <Entry key={entry.id} entry={entry} nameOf={nameOf} />
              ))}
            </ol>
          )
        }
      </Loaded>
      <LoadMore query={entries} />
    </Panel>
  );
}

function Entry({ entry, nameOf }: { entry: AuditEntry; nameOf: AuditPageProps['nameOf'] }) {
  const actor = entry.actorId === null ? 'The platform' : nameOf(entry.actorId);
  const changes = changedFields(entry.before, entry.after);
  return (
    <li className="border-line not-last:border-b" data-testid="audit-row">
      <details className="group">
        <summary className="grid min-h-11 cursor-pointer grid-cols-[minmax(0,1fr)_auto] items-center gap-x-3 px-3.5 py-1.5 hover:bg-hover max-md:grid-cols-1 max-md:gap-y-0.5 max-md:py-2">
          <span className="min-w-0 wrap-anywhere max-md:line-clamp-3 md:truncate">
            <b className="font-medium">{actor}</b> {sentenceFor(entry.action)} {subjectOf(entry.before, entry.after)}
            {entry.tokenId !== null && <span className="text-ink-3"> by API token</span>}
          </span>
          <time className="narrow text-xs whitespace-nowrap text-ink-3" dateTime={entry.at}>
            {momentOf(entry.at)}
          </time>
        </summary>
        <div className="grid gap-2 bg-canvas px-3.5 py-2.5 text-xs">
          {changes.length > 0 && (
            <table className="w-full text-left" aria-label="What changed">
              <thead>
                <tr className="text-ink-3">
                  <th scope="col" className="w-1/4 font-medium">What</th>
                  <th scope="col" className="pr-2 font-medium">Before</th>
                  <th scope="col" className="font-medium">After</th>
                </tr>
              </thead>
              <tbody>
                {changes.map(({ field, before, after }) => (
                  <tr key={field} className="align-top">
                    <th scope="row" className="pr-2 font-normal text-ink-2">{field}</th>
                    <td className="pr-2 wrap-anywhere text-ink-2">{before}</td>
                    <td className="wrap-anywhere">{after}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          <p className="text-ink-3">
            {[entry.ip && `from ${entry.ip}`, entry.userAgent, entry.requestId && `request ${entry.requestId}`].filter(Boolean).join(' · ')}
          </p>
        </div>
      </details>
    </li>
  );
}
