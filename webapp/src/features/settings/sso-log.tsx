import { CheckIcon, WarningIcon } from '@phosphor-icons/react';
import type { AuditEntry } from '@/api/types';
import { momentOf } from '@/lib/dates';
import { sentenceOf } from '@/lib/errors';
import { LoadMore } from '@/ui/load-more';
import { Loaded } from '@/ui/query-state';
import { rowsOf } from './api';
import { useSignInLog } from './sso-api';
import { signInSentence } from './sso-words';

interface SignInLogProps {
  organizationId: string;
  connectionId: string;
  /** Name of a member by id, as far as they are known. */
  nameOf: (userId: string) => string | null;
}

/** The newest sign-ins by a provider: who came in, and what went wrong with the others. */
export function SignInLog({ organizationId, connectionId, nameOf }: SignInLogProps) {
  const entries = useSignInLog(organizationId, connectionId);
  const rows = rowsOf(entries);
  return (
    <div className="border-t border-line bg-canvas">
      <Loaded query={entries} failed="Sign-ins did not load" sentence={(error) => sentenceOf(error, 'They are written all the same.')} place="h-10">
        {() =>
          rows.length === 0 ? (
            <p className="px-3.5 py-2.5 text-xs text-ink-2">None yet. Test it: what goes wrong is listed here with its reason.</p>
          ) : (
            <ol>
              {rows.map((entry) => (
                <Row key={entry.id} entry={entry} who={entry.actorId === null ? null : (nameOf(entry.actorId) ?? 'Somebody who is no member')} />
              ))}
            </ol>
          )
        }
      </Loaded>
      <LoadMore query={entries} />
    </div>
  );
}

function Row({ entry, who }: { entry: AuditEntry; who: string | null }) {
  const isBad = entry.action === 'sso_sign_in.failed';
  return (
    <li
      className="grid grid-cols-[auto_minmax(0,1fr)_auto] items-start gap-x-2.5 border-line px-3.5 py-2 text-xs not-last:border-b max-md:grid-cols-[auto_minmax(0,1fr)]"
      data-testid="sso-log-row"
    >
      <span className={isBad ? 'text-warn' : 'text-ink-3'}>{isBad ? <WarningIcon size={16} weight="bold" /> : <CheckIcon size={16} weight="bold" />}</span>
      <span className="min-w-0 wrap-anywhere">
        {who === null ? signInSentence(entry) : <><b className="font-medium">{who}</b> came in.</>}
      </span>
      <time className="narrow whitespace-nowrap text-ink-3 max-md:col-start-2" dateTime={entry.at}>
        {momentOf(entry.at)}
      </time>
    </li>
  );
}
