import { CheckIcon } from '@phosphor-icons/react';
import type { Role } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { roleName } from '@/lib/roles';
import { Loaded } from '@/ui/query-state';
import { Scroller } from '@/ui/scroller';
import { Panel } from '@/ui/states';
import { useMedia } from '@/ui/use-media';
import { usePermissions } from './api';
import { holdersOf, holds, RIGHT_WORDS, shownRights } from './rights';

const PHONE = '(max-width: 767px)';

/** The one table of roles, as the server holds it. */
export function RolesPage() {
  return (
    <RightsPanel title="What each role may do" note="A member can be more or less in one room than in the organization. Viewers take a seat of the plan; the others do not." />
  );
}

interface RightsPanelProps {
  title: string;
  /** Under the table. */
  note: string;
  /** Columns; all when not given. */
  only?: readonly Role[];
}

/** Roles side by side with their rights. */
export function RightsPanel({ title, note, only }: RightsPanelProps) {
  const table = usePermissions();
  // Six columns do not fit a phone, and what lies outside is not guessed.
  const isPhone = useMedia(PHONE);
  return (
    <Panel title={title}>
      <Loaded query={table} failed="The roles did not load" sentence={(error) => sentenceOf(error, 'Nothing else is affected.')} place="h-80">
        {({ items }) => {
          // Lowest role first: each holds what the one before it holds.
          const roles = items.filter(({ role }) => only?.includes(role) ?? true).reverse();
          const rights = shownRights(roles);
          if (isPhone) {
            return (
              <>
                <dl>
                  {rights.map((right) => (
                    <div key={right} className="flex min-h-11 items-center gap-3 border-b border-line px-3.5 py-1.5">
                      <dt className="min-w-0 flex-1">{RIGHT_WORDS[right]}</dt>
                      <dd className="flex-none text-right text-ink-2">{holdersOf(roles, right)}</dd>
                    </div>
                  ))}
                </dl>
                <p className="px-3.5 py-2.5 text-xs text-ink-2">{note}</p>
              </>
            );
          }
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
                        {RIGHT_WORDS[right]}
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
              <p className="border-t border-line px-3.5 py-2.5 text-xs text-ink-2">{note}</p>
            </Scroller>
          );
        }}
      </Loaded>
    </Panel>
  );
}
