import { CheckIcon } from '@phosphor-icons/react';
import { sentenceOf } from '@/lib/errors';
import { roleName } from '@/lib/roles';
import { Loaded } from '@/ui/query-state';
import { Scroller } from '@/ui/scroller';
import { Panel } from '@/ui/states';
import { usePermissions } from './api';

const WORDS: Record<string, string> = {
  'rooms.view': 'See rooms',
  'session.join': 'Join live sessions',
  'chat.post': 'Write in chat',
  'room.moderate': 'Remove people and messages from a room',
  'media.publish': 'Show screen, camera and voice',
  'alerts.post': 'Post alerts',
  'session.run': 'Start and end sessions',
  'rooms.manage': 'Make, change and archive rooms',
  'members.manage': 'Invite, change and remove members',
  'organization.manage': 'Settings, API tokens, webhooks',
  'audit.read': 'Read the audit log',
  'billing.manage': 'Plan and payment',
  'organization.own': 'Hand over or delete the organization',
};

/** The one table of roles, as the server holds it. */
export function RolesPage() {
  const table = usePermissions();
  return (
    <Panel title="What each role may do">
      <Loaded query={table} failed="The roles did not load" sentence={(error) => sentenceOf(error, 'Nothing else is affected.')} place="h-80">
        {({ items }) => {
          // Lowest role first: each holds what the one before it holds.
          const roles = [...items].reverse();
          const rights = Object.keys(WORDS).filter((right) => roles.some(({ permissions }) => holds(permissions, right)));
          return (
            <Scroller label="Roles and rights" className="overflow-x-auto">
              <table className="w-full border-collapse text-left" aria-label="Roles and rights">
                <thead>
                  <tr className="border-b border-line text-xs text-ink-3">
                    <th scope="col" className="sticky left-0 h-8 bg-surface pr-2 pl-3.5 font-medium">
                      Right
                    </th>
                    {roles.map(({ role }) => (
                      <th key={role} scope="col" className="px-2 text-center font-medium whitespace-nowrap">
                        {roleName(role)}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {rights.map((right) => (
                    <tr key={right} className="border-line not-last:border-b hover:bg-hover">
                      <th scope="row" className="sticky left-0 h-9 min-w-45 bg-surface pr-2 pl-3.5 font-normal">
                        {WORDS[right]}
                      </th>
                      {roles.map(({ role, permissions }) => (
                        <td key={role} className="px-2 text-center">
                          {holds(permissions, right) ? (
                            <>
                              <CheckIcon size={16} className="inline" aria-hidden="true" />
                              <span className="sr-only">yes</span>
                            </>
                          ) : (
                            <span className="text-ink-3">
                              <span aria-hidden="true">–</span>
                              <span className="sr-only">no</span>
                            </span>
                          )}
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
              <p className="border-t border-line px-3.5 py-2.5 text-xs text-ink-2">
                A member can be more or less in one room than in the organization. Viewers take a seat of the plan; the others do not.
              </p>
            </Scroller>
          );
        }}
      </Loaded>
    </Panel>
  );
}

function holds(permissions: readonly string[], right: string): boolean {
  return permissions.includes(right);
}
