import { CheckIcon, MinusIcon } from '@phosphor-icons/react';
import type { Organization } from '@/api/types';
import { bytesOf, dayOf } from '@/lib/dates';
import { sentenceOf } from '@/lib/errors';
import { Meter } from '@/ui/meter';
import { Loaded } from '@/ui/query-state';
import { Panel } from '@/ui/states';
import { useUsage } from './api';
import { FORM } from './settings-layout';

const NAMES: Record<string, string> = {
  workspaces: 'Workspaces',
  rooms: 'Rooms',
  hosts: 'Hosts',
  viewers_per_room: 'Viewers, fullest room now',
  storage_bytes: 'Storage',
};
const FEATURES: [string, string][] = [
  ['recording', 'Recording'],
  ['api_access', 'API access'],
  ['sso', 'Single sign-on'],
];

/** What the plan allows, and how much of it is in use. */
export function UsagePage({ organization }: { organization: Organization }) {
  const usage = useUsage(organization.id);
  return (
    <div className={FORM}>
      <Panel title="Usage" actions={<span className="pr-1.5 capitalize">{organization.planTier}</span>}>
        <Loaded query={usage} failed="Usage did not load" sentence={(error) => sentenceOf(error, 'The limits hold all the same.')} place="h-40">
          {({ limits }) => (
            <dl className="grid gap-3.5 p-3.5">
              {limits.map(({ limit, used, allowed }) => {
                const write = limit === 'storage_bytes' ? bytesOf : (value: number) => value.toLocaleString('en-GB');
                return (
                  <Meter
                    key={limit}
                    name={NAMES[limit] ?? limit}
                    used={used === null ? 'none yet' : write(used)}
                    allowed={allowed === null ? null : write(allowed)}
                    share={allowed === null || used === null ? null : used / Math.max(1, allowed)}
                    isQuiet={allowed === 1}
                  />
                );
              })}
            </dl>
          )}
        </Loaded>
        {organization.trialEndsAt !== null && (
          <p className="border-t border-line px-3.5 py-2.5 text-xs text-ink-2">The trial ends on {dayOf(organization.trialEndsAt)}.</p>
        )}
      </Panel>
      <Panel title="In this plan">
        <Loaded query={usage} failed="The plan did not load" sentence={(error) => sentenceOf(error, 'Try again in a moment.')} place="h-20">
          {({ features }) => (
            <ul className="py-1">
              {FEATURES.map(([key, name]) => {
                const isIn = features.includes(key);
                return (
                  <li key={key} className="flex h-9 items-center gap-2.5 px-3.5">
                    {isIn ? <CheckIcon size={16} /> : <MinusIcon size={16} className="text-ink-3" />}
                    <span className={isIn ? '' : 'text-ink-2'}>{name}</span>
                    {!isIn && <span className="text-xs text-ink-3">not in this plan</span>}
                  </li>
                );
              })}
            </ul>
          )}
        </Loaded>
      </Panel>
    </div>
  );
}
