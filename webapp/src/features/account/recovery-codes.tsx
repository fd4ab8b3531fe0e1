import { KeyIcon, WarningIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import { Button } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { SettingRow } from '@/ui/page';
import { Loaded } from '@/ui/query-state';
import { Panel } from '@/ui/states';
import { accountSentence } from './account-sentence';
import { useFactors, useNewRecoveryCodes, useRecoveryStatus } from './api';
import { RecoveryDialog } from './recovery-dialog';

/** So few are left that one should make new ones. */
const FEW = 3;

/** Codes for when the phone is lost. Without an authenticator there is nothing to recover. */
export function RecoveryCodes() {
  const factors = useFactors();
  const hasFactor = (factors.data ?? []).length > 0;
  const status = useRecoveryStatus(hasFactor);
  const make = useNewRecoveryCodes();
  const [codes, setCodes] = useState<string[] | null>(null);
  const [isAsking, setAsking] = useState(false);
  if (!hasFactor) return null;

  function begin(isFirst: boolean): void {
    make.mutate(isFirst, {
      onSuccess: (made) => {
        setAsking(false);
        setCodes(made);
      },
    });
  }

  return (
    <Panel title="Recovery codes">
      <Loaded query={status} failed="Recovery codes did not load" sentence={accountSentence} place="h-10">
        {(set) => (
          <SettingRow
            label={
              <span className="flex items-center gap-2" data-testid="recovery-left">
                {set !== null && set.remaining > FEW ? <KeyIcon size={16} /> : <WarningIcon size={16} weight="fill" className="text-warn" />}
                {set === null ? 'No codes yet' : `${set.remaining} of ${set.total} left`}
              </span>
            }
            hint={
              set === null
                ? 'Without them, losing the phone means losing the account. Each works once in place of the authenticator’s code.'
                : set.remaining > FEW
                  ? 'Each works once in place of the authenticator’s code.'
                  : 'Few are left. Make new ones before they run out; the old ones stop working then.'
            }
          >
            <Button
              size="sm"
              isBusy={make.isPending && !isAsking}
              onClick={() => (set === null ? begin(true) : setAsking(true))}
              data-testid="recovery-make"
            >
              {set === null ? 'Make codes' : 'Make new ones'}
            </Button>
          </SettingRow>
        )}
      </Loaded>
      {make.error && !isAsking && (
        <p className="border-t border-line px-3.5 py-2 text-xs text-live" role="alert">
          {accountSentence(make.error)}
        </p>
      )}
      <ConfirmDialog
        isOpen={isAsking}
        onOpenChange={() => {
          setAsking(false);
          make.reset();
        }}
        title="Make new recovery codes"
        description="The codes you have now stop working, also those on paper."
        verb="Make new ones"
        isDanger={false}
        isBusy={make.isPending}
        error={make.error ? accountSentence(make.error) : null}
        onConfirm={() => begin(false)}
      />
      {codes && <RecoveryDialog codes={codes} onClose={() => setCodes(null)} />}
    </Panel>
  );
}
