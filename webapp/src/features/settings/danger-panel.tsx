import { useState } from 'react';
import { call } from '@/api/client';
import type { Organization } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { Dialog } from '@/ui/dialog';
import { SettingRow } from '@/ui/page';
import { SelectField } from '@/ui/select-field';
import { Panel } from '@/ui/states';
import { rowsOf, useChange, usePages } from './api';

type Question = 'leave' | 'delete' | 'transfer';

interface DangerPanelProps {
  organization: Organization;
  isOwner: boolean;
  onLeft: () => void;
}

/** Handing over, leaving, deleting. An organization always has exactly one owner, so owners hand over before they leave. */
export function DangerPanel({ organization, isOwner, onLeft }: DangerPanelProps) {
  const [question, setQuestion] = useState<Question | null>(null);
  const leave = useChange(organization.id, (_: null, path) => call('POST', '/organizations/{organization_id}/leave', { params: { path } }));
  const remove = useChange(organization.id, (name: string, path) =>
    call('POST', '/organizations/{organization_id}/deletion', { params: { path }, body: { name } }),
  );
  const close = (): void => setQuestion(null);
  return (
    <Panel title={isOwner ? 'Hand over or delete' : 'Leave'}>
      {isOwner ? (
        <>
          <SettingRow label="Hand over" hint="An admin becomes the owner, you become an admin. At once.">
            <Button size="sm" onClick={() => setQuestion('transfer')} data-testid="transfer-open">
              Hand over
            </Button>
          </SettingRow>
          {organization.deletesAt === null && (
            <SettingRow label="Delete the organization" hint="Rooms, chat, alerts and files go after 30 days; until then you can keep it.">
              <Button size="sm" look="danger" onClick={() => setQuestion('delete')} data-testid="delete-open">
                Delete
              </Button>
            </SettingRow>
          )}
        </>
      ) : (
        <SettingRow label="Leave" hint="You lose access at once. Coming back takes an invitation.">
          <Button size="sm" look="danger" onClick={() => setQuestion('leave')} data-testid="leave-organization">
            Leave
          </Button>
        </SettingRow>
      )}
      <ConfirmDialog
        isOpen={question === 'leave'}
        onOpenChange={close}
        title={`Leave ${organization.name}`}
        description="You lose access at once, in live rooms too."
        verb="Leave"
        isBusy={leave.isPending}
        error={leave.error ? sentenceOf(leave.error, 'You are still a member. Try again in a moment.') : null}
        onConfirm={() => leave.mutate(null, { onSuccess: onLeft })}
      />
      <ConfirmDialog
        isOpen={question === 'delete'}
        onOpenChange={close}
        title={`Delete ${organization.name}`}
        description="It works for 30 more days, then rooms, chat, alerts and files are gone for good."
        verb="Delete"
        typed={organization.name}
        isBusy={remove.isPending}
        error={remove.error ? sentenceOf(remove.error, 'Nothing was deleted.') : null}
        onConfirm={() => remove.mutate(organization.name, { onSuccess: close })}
      />
      {question === 'transfer' && <TransferDialog organization={organization} onClose={close} />}
    </Panel>
  );
}

function TransferDialog({ organization, onClose }: { organization: Organization; onClose: () => void }) {
  const admins = usePages(organization.id, 'members', { role: 'admin' });
  const [userId, setUserId] = useState('');
  const transfer = useChange(organization.id, (chosen: string, path) =>
    call('POST', '/organizations/{organization_id}/transfer', { params: { path }, body: { userId: chosen } }),
  );
  const rows = rowsOf(admins);
  // Nobody is chosen beforehand: one press must not give an organization away.
  const chosen = userId;
  return (
    <Dialog
      isOpen
      onOpenChange={onClose}
      title={`Hand over ${organization.name}`}
      description="The new owner pays for the plan and alone can hand over or delete. You become an admin."
      footer={
        <>
          <Button look="quiet" onClick={onClose}>
            Not now
          </Button>
          <Button
            look="danger-solid"
            disabled={chosen === ''}
            isBusy={transfer.isPending}
            onClick={() => transfer.mutate(chosen, { onSuccess: onClose })}
            data-testid="confirm"
          >
            Hand over
          </Button>
        </>
      }
    >
      {admins.isSuccess && rows.length === 0 ? (
        <p className="text-ink-2">There is no admin yet. Make the one who takes over an admin first, under Members.</p>
      ) : (
        <SelectField
          label="New owner"
          value={chosen}
          options={[
            { value: '', label: 'Choose an admin' },
            ...rows.map((member) => ({ value: member.userId, label: `${member.displayName}, ${member.email}` })),
          ]}
          onChange={(event) => setUserId(event.target.value)}
        />
      )}
      {transfer.error && (
        <p className="mt-2 text-xs text-live" role="alert">
          {sentenceOf(transfer.error, 'You are still the owner.')}
        </p>
      )}
    </Dialog>
  );
}
