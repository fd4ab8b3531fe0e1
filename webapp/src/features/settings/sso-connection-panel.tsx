import { useState } from 'react';
import { call } from '@/api/client';
import type { Role, SsoConnection, SsoConnectionChanges } from '@/api/types';
import { momentOf } from '@/lib/dates';
import { roleName } from '@/lib/roles';
import { Button } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { Tag } from '@/ui/marks';
import { SettingRow } from '@/ui/page';
import { SelectField } from '@/ui/select-field';
import { Panel } from '@/ui/states';
import { Switch } from '@/ui/switch';
import { useChange } from './api';
import { useConnectionEdit } from './edits';
import { useConnectionTest } from './sso-api';
import { ConnectionDialog } from './sso-connection-dialog';
import { ConnectionFacts } from './sso-connection-facts';
import { SignInLog } from './sso-log';
import { LinkedPeople } from './sso-people';
import { reasonSentence, ssoProblem } from './sso-words';

const JOINING = ['viewer', 'moderator', 'co_host', 'host'] as const satisfies readonly Role[];

interface ConnectionPanelProps {
  organizationId: string;
  connection: SsoConnection;
  canChange: boolean;
  /** Also without the plan they may delete it. */
  isOwner: boolean;
  /** A mail domain is proven: without one nobody can come in. */
  hasDomain: boolean;
  /** Name of a member by id, as far as they are known. */
  nameOf: (userId: string) => string | null;
}

/** One identity provider: what it needs to know of us, whether it works, who comes in by it, and whether they must. */
export function ConnectionPanel({ organizationId, connection, canChange, isOwner, hasDomain, nameOf }: ConnectionPanelProps) {
  const [shown, setShown] = useState<'people' | 'log' | null>(null);
  const [question, setQuestion] = useState<'edit' | 'enforce' | 'delete' | null>(null);
  const change = useConnectionEdit(organizationId, connection.id);
  const make = (changes: SsoConnectionChanges, then?: { onSuccess: () => void }): void => change.mutate({ seen: connection, changes }, then);
  const test = useConnectionTest(organizationId, connection.id);
  const remove = useChange(organizationId, (_: null, place) =>
    call('DELETE', '/organizations/{organization_id}/sso/connections/{connection_id}', {
      params: { path: { ...place, connection_id: connection.id } },
    }),
  );
  const close = (): void => {
    setQuestion(null);
    change.reset();
  };
  const problem = question === null ? (change.error ?? test.error) : null;
  const canEnforce = connection.isEnabled && connection.workedAt !== null;
  return (
    <Panel
      title={connection.name}
      actions={
        <>
          <Tag>{connection.kind === 'oidc' ? 'OpenID Connect' : 'SAML'}</Tag>
          {connection.isEnforced && <Tag>Only way in</Tag>}
          {canChange && (
            <Button size="sm" look="quiet" onClick={() => setQuestion('edit')} data-testid="sso-edit">
              Change
            </Button>
          )}
          {isOwner && (
            <Button size="sm" look="quiet" onClick={() => setQuestion('delete')} data-testid="sso-delete">
              Delete
            </Button>
          )}
        </>
      }
    >
      <div data-testid="sso-connection" data-state={stateOf(connection)}>
        <ConnectionFacts organizationId={organizationId} connection={connection} canChange={canChange} />
        <SettingRow label="Test sign-in" hint={<Health connection={connection} />}>
          {canChange && (
            <Button
              size="sm"
              isBusy={test.isPending || test.isSuccess}
              onClick={() => test.mutate(location.href.split(/[?#]/)[0] ?? '', { onSuccess: ({ url }) => location.assign(url) })}
              data-testid="sso-test"
            >
              Test it
            </Button>
          )}
        </SettingRow>
        <Switch
          label="People sign in by it"
          hint={hasDomain ? 'Those of your mail domains. Off, sign-ins that came by it end.' : 'Nobody can yet: no mail domain is shown to be yours.'}
          isOn={connection.isEnabled}
          isBusy={change.isPending}
          disabled={!canChange}
          onChange={(isEnabled) => make({ isEnabled })}
          testId="sso-enabled"
        />
        <Switch
          label="Newcomers become members"
          hint="Who signs in for the first time comes in without an invitation. Who was removed does not come back by it."
          isOn={connection.joinsMembers}
          isBusy={change.isPending}
          disabled={!canChange}
          onChange={(joinsMembers) => make({ joinsMembers })}
          testId="sso-joins"
        />
        {connection.joinsMembers && (
          <div className="border-b border-line px-3.5 py-2.5">
            <div className="md:w-64">
              <SelectField
                label="Their role"
                value={connection.defaultRole}
                disabled={!canChange || change.isPending}
                options={JOINING.map((role) => ({ value: role, label: roleName(role) }))}
                onChange={(event) => make({ defaultRole: event.target.value as (typeof JOINING)[number] })}
                data-testid="sso-role"
              />
            </div>
          </div>
        )}
        <Switch
          label="The only way in"
          hint={
            canEnforce
              ? 'Members of your mail domains come in by this provider only. You, the owner, keep your password as a way in.'
              : 'Turn it on and test it first: nobody may be made to use what has not worked.'
          }
          isOn={connection.isEnforced}
          isBusy={change.isPending}
          disabled={!canChange || (!canEnforce && !connection.isEnforced)}
          onChange={(isEnforced) => (isEnforced ? setQuestion('enforce') : make({ isEnforced }))}
          testId="sso-enforced"
        />
        {problem && (
          <p className="border-t border-line px-3.5 py-2 text-xs text-live" role="alert" data-testid="sso-problem">
            {ssoProblem(problem, 'Nothing was changed. Try again in a moment.')}
          </p>
        )}
        <div className="flex flex-wrap gap-2 px-2 py-1.5">
          <Button size="sm" look="quiet" aria-expanded={shown === 'log'} onClick={() => setShown(shown === 'log' ? null : 'log')} data-testid="sso-log">
            Recent sign-ins
          </Button>
          <Button size="sm" look="quiet" aria-expanded={shown === 'people'} onClick={() => setShown(shown === 'people' ? null : 'people')} data-testid="sso-people">
            Linked people
          </Button>
        </div>
        {shown === 'log' && <SignInLog organizationId={organizationId} connectionId={connection.id} nameOf={nameOf} />}
        {shown === 'people' && <LinkedPeople organizationId={organizationId} connection={connection} isOwner={isOwner} />}
      </div>
      {question === 'edit' && (
        <ConnectionDialog organizationId={organizationId} kind={connection.kind} connection={connection} onClose={close} />
      )}
      <ConfirmDialog
        isOpen={question === 'enforce'}
        onOpenChange={close}
        title="Make it the only way in"
        description="Members whose address is of your mail domains are locked out at once, in live rooms too, unless they came by this provider: password, mailed links and other providers no longer do. Members of other domains and API tokens are not affected. You, the owner, keep your own way in, in case the provider fails."
        verb="Make it the only way in"
        isBusy={change.isPending}
        error={change.error ? ssoProblem(change.error, 'Nothing was changed. Try again in a moment.') : null}
        onConfirm={() => make({ isEnforced: true }, { onSuccess: close })}
      />
      <ConfirmDialog
        isOpen={question === 'delete'}
        onOpenChange={close}
        title={`Delete ${connection.name}`}
        description="Sign-ins that came by it end at once. Accounts and memberships stay; people come in by password or mailed link."
        verb="Delete"
        isBusy={remove.isPending}
        error={remove.error ? ssoProblem(remove.error, 'It was not deleted. Try again in a moment.') : null}
        onConfirm={() => remove.mutate(null, { onSuccess: close })}
      />
    </Panel>
  );
}

function stateOf({ isEnabled, isEnforced }: SsoConnection): string {
  return isEnforced ? 'enforced' : isEnabled ? 'on' : 'off';
}

function Health({ connection: { workedAt, lastError } }: { connection: SsoConnection }) {
  if (lastError !== null) return <span className="text-warn" data-testid="sso-last-error">Failed last. {reasonSentence(lastError)}</span>;
  return <>{workedAt === null ? 'Not tried yet. It signs nobody in, it only shows whether it works.' : `Worked ${momentOf(workedAt)}.`}</>;
}
