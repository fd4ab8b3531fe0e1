import { CheckIcon, CopyIcon } from '@phosphor-icons/react';
import { useState, type SubmitEvent } from 'react';
import type { Role } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { SelectField } from '@/ui/select-field';
import { TextField } from '@/ui/text-field';
import { useInvite } from './api';

const ROLES: { value: Role; label: string }[] = [
  { value: 'viewer', label: 'Viewer: watches, listens, chats' },
  { value: 'moderator', label: 'Moderator: also removes people' },
  { value: 'co_host', label: 'Co-Host: also shares and posts alerts' },
  { value: 'host', label: 'Host: also starts and ends sessions' },
  { value: 'admin', label: 'Admin: also manages rooms and members' },
];
const FORM = 'invite';

interface InviteDialogProps {
  organizationId: string;
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
}

/** Make a link that lets people in with a role. Every opening begins anew: the last one's link is not the next one's. */
export function InviteDialog({ isOpen, ...rest }: InviteDialogProps) {
  return isOpen ? <OpenInviteDialog {...rest} /> : null;
}

function OpenInviteDialog({ organizationId, onOpenChange }: Omit<InviteDialogProps, 'isOpen'>) {
  const [role, setRole] = useState<Role>('viewer');
  const [email, setEmail] = useState('');
  const [isCopied, setCopied] = useState(false);
  const invite = useInvite(organizationId);
  const sentTo = invite.data?.email ?? null;
  const link = invite.data ? `${location.origin}/invite/${encodeURIComponent(invite.data.code)}` : null;
  const address = email.trim() === '' ? null : email.trim();

  async function copy(): Promise<void> {
    if (link === null) return;
    await navigator.clipboard.writeText(link).then(
      () => setCopied(true),
      () => undefined,
    );
  }

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    invite.mutate({ role, email: address });
  }

  return (
    <Dialog
      isOpen
      onOpenChange={onOpenChange}
      title="Invite people"
      description={
        sentTo === null
          ? 'By e-mail for one person, or by a link for whoever has it. Either lasts 7 days and can be taken back.'
          : `An e-mail is on its way to ${sentTo}. The link below is the same, for that address only.`
      }
      footer={
        <>
          <Button look="quiet" onClick={() => onOpenChange(false)}>
            {link ? 'Done' : 'Not now'}
          </Button>
          {link ? (
            <Button look="primary" onClick={copy}>
              {isCopied ? <CheckIcon size={16} /> : <CopyIcon size={16} />}
              {isCopied ? 'Copied' : 'Copy link'}
            </Button>
          ) : (
            <Button type="submit" form={FORM} look="primary" isBusy={invite.isPending} data-testid="invite-create">
              {address === null ? 'Make a link' : 'Send invitation'}
            </Button>
          )}
        </>
      }
    >
      {link ? (
        <TextField
          label="Link"
          readOnly
          autoFocus
          value={link}
          onFocus={(event) => event.target.select()}
          data-testid="invite-link"
        />
      ) : (
        <form id={FORM} onSubmit={submit} className="grid gap-3.5">
          <SelectField
            label="Role"
            value={role}
            options={ROLES}
            onChange={(event) => setRole(ROLES.find(({ value }) => value === event.target.value)?.value ?? 'viewer')}
            data-testid="invite-role"
          />
          <TextField
            label="E-mail"
            type="email"
            autoComplete="off"
            hint="Leave it empty to make a link."
            value={email}
            error={invite.error ? sentenceOf(invite.error, 'No link was made. Try again in a moment.') : null}
            onChange={(event) => setEmail(event.target.value)}
            data-testid="invite-email"
          />
        </form>
      )}
    </Dialog>
  );
}
