import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from 'react-router';
import { AccountLayout } from '@/features/account/account-layout';
import { DataPage } from '@/features/account/data-page';
import { ProfilePage } from '@/features/account/profile-page';
import { meKey, useMe } from '@/features/organizations/api';
import { Button } from '@/ui/button';

export { MailboxPage } from '@/features/account/mailbox-page';
export { SecurityPage } from '@/features/account/security-page';

/** `/o/:organizationId/account`: one's own account, inside the shell of where one is. */
export function AccountRoute() {
  const { organizationId = '' } = useParams();
  return <AccountLayout base={`/o/${organizationId}/account`} />;
}

/** `/account`: the same by itself. Letters lead here: to whoever is in no organization, or is kept out of theirs, too. */
export function OwnAccountRoute() {
  const navigate = useNavigate();
  return (
    <main className="flex h-dvh flex-col">
      <AccountLayout
        base="/account"
        actions={
          <Button size="sm" look="quiet" onClick={() => void navigate('/')}>
            Go to my rooms
          </Button>
        }
      />
    </main>
  );
}

export function DataRoute() {
  const me = useMe();
  return me.data ? <DataPage email={me.data.email} owned={me.data.organizations.filter(({ role }) => role === 'owner')} /> : null;
}

export function ProfileRoute() {
  const client = useQueryClient();
  return <ProfilePage onChanged={() => void client.invalidateQueries({ queryKey: meKey })} />;
}
