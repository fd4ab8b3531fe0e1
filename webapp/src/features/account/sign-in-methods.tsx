import { EnvelopeSimpleIcon, FingerprintIcon } from '@phosphor-icons/react';
import type { UserIdentity } from '@supabase/auth-js';
import { useState } from 'react';
import { auth } from '@/api/auth';
import { momentOf } from '@/lib/dates';
import { Button } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { SettingRow } from '@/ui/page';
import { Loaded } from '@/ui/query-state';
import { Panel } from '@/ui/states';
import { accountSentence } from './account-sentence';
import { useAccount, useAccountChange } from './api';
import { methodOf } from './sign-in-method';

/** By what one signs in: the address, and the organizations whose identity provider one is linked to. */
export function SignInMethods() {
  const account = useAccount();
  const [leaving, setLeaving] = useState<UserIdentity | null>(null);
  const unlink = useAccountChange((identity: UserIdentity) => auth.unlinkIdentity(identity));
  return (
    <Panel title="Sign-in methods">
      <Loaded query={account} failed="Sign-in methods did not load" sentence={accountSentence} place="h-10">
        {({ identities = [] }) =>
          identities.map((identity) => (
            <Method
              key={identity.identity_id}
              identity={identity}
              isOnly={identities.length === 1}
              onUnlink={() => setLeaving(identity)}
            />
          ))
        }
      </Loaded>
      <ConfirmDialog
        isOpen={leaving !== null}
        onOpenChange={() => {
          setLeaving(null);
          unlink.reset();
        }}
        title={`Unlink ${leaving ? methodOf(leaving).name : ''}`}
        description="Other browsers that signed in by it are signed out. Signing in there again links it again."
        verb="Unlink"
        isBusy={unlink.isPending}
        error={unlink.error ? accountSentence(unlink.error) : null}
        onConfirm={() => leaving && unlink.mutate(leaving, { onSuccess: () => setLeaving(null) })}
      />
    </Panel>
  );
}

function Method({ identity, isOnly, onUnlink }: { identity: UserIdentity; isOnly: boolean; onUnlink: () => void }) {
  const { isProvider, name, detail } = methodOf(identity);
  const used = isProvider && identity.last_sign_in_at ? `, last ${momentOf(identity.last_sign_in_at)}` : '';
  return (
    <div className="border-line not-last:border-b" data-testid="sign-in-method">
      <SettingRow
        label={
          <span className="flex items-center gap-2">
            {isProvider ? <FingerprintIcon size={16} className="flex-none" /> : <EnvelopeSimpleIcon size={16} className="flex-none" />}
            {name}
          </span>
        }
        hint={isProvider && isOnly ? `${detail}${used}. Your only one: choose a password before you unlink it.` : detail + used}
      >
        {isProvider && !isOnly && (
          <Button size="sm" look="quiet" onClick={onUnlink} data-testid="unlink">
            Unlink
          </Button>
        )}
      </SettingRow>
    </div>
  );
}
