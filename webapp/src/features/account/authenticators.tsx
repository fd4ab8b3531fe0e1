import { ShieldCheckIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import { auth } from '@/api/auth';
import { Button } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { SettingRow } from '@/ui/page';
import { Loaded } from '@/ui/query-state';
import { Panel } from '@/ui/states';
import { accountSentence } from './account-sentence';
import { useAccountChange, useFactors } from './api';
import { EnrolDialog } from './enrol-dialog';

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** Let go of an authenticator; before the last one the recovery codes go, which may not be all that is left. */
async function removeAuthenticator(factorId: string): Promise<{ error: Error | null }> {
  const { error } = await auth.mfa.unenroll({ factorId });
  if (error?.code !== 'mfa_recovery_codes_sole_factor') return { error };
  const codes = await auth.mfa.recoveryCodes.unenroll();
  return codes.error ? codes : auth.mfa.unenroll({ factorId });
}

/** Apps that show a code which is asked for after the password. */
export function Authenticators() {
  const factors = useFactors();
  const [isEnrolling, setEnrolling] = useState(false);
  const [removing, setRemoving] = useState<string | null>(null);
  const remove = useAccountChange(removeAuthenticator);
  return (
    <Panel
      title="Authenticator app"
      actions={
        <Button size="sm" onClick={() => setEnrolling(true)} data-testid="enrol-open">
          Set one up
        </Button>
      }
    >
      <Loaded query={factors} failed="Authenticators did not load" sentence={accountSentence} place="h-10">
        {(list) =>
          list.length === 0 ? (
            <p className="px-3.5 py-3 text-ink-2">
              None yet. With one, signing in takes the password and a code from your phone, so a stolen password is not enough.
            </p>
          ) : (
            list.map((factor) => (
              <SettingRow
                key={factor.id}
                label={
                  <span className="flex items-center gap-2">
                    <ShieldCheckIcon size={16} /> {factor.friendly_name ?? 'Authenticator'}
                  </span>
                }
                hint={`Since ${day.format(new Date(factor.created_at))}`}
              >
                <Button size="sm" look="quiet" onClick={() => setRemoving(factor.id)}>
                  Remove
                </Button>
              </SettingRow>
            ))
          )
        }
      </Loaded>
      <EnrolDialog isOpen={isEnrolling} onOpenChange={setEnrolling} />
      <ConfirmDialog
        isOpen={removing !== null}
        onOpenChange={() => {
          setRemoving(null);
          remove.reset();
        }}
        title="Remove this authenticator"
        description="Signing in will take the password alone, and recovery codes are deleted, unless another one is set up."
        verb="Remove"
        isBusy={remove.isPending}
        error={remove.error ? accountSentence(remove.error) : null}
        onConfirm={() => removing !== null && remove.mutate(removing, { onSuccess: () => setRemoving(null) })}
      />
    </Panel>
  );
}
