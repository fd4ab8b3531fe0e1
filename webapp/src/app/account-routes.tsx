import { useQueryClient } from '@tanstack/react-query';
import { useParams } from 'react-router';
import { AccountLayout } from '@/features/account/account-layout';
import { DataPage } from '@/features/account/data-page';
import { ProfilePage } from '@/features/account/profile-page';
import { meKey, useMe } from '@/features/organizations/api';

export { MailboxPage } from '@/features/account/mailbox-page';
export { SecurityPage } from '@/features/account/security-page';

/** `/o/:organizationId/account`: one's own account, inside the shell of where one is. */
export function AccountRoute() {
  const { organizationId = '' } = useParams();
  return <AccountLayout base={`/o/${organizationId}/account`} />;
}

export function DataRoute() {
  const me = useMe();
  return me.data ? <DataPage email={me.data.email} owned={me.data.organizations.filter(({ role }) => role === 'owner')} /> : null;
}

export function ProfileRoute() {
  const client = useQueryClient();
  return <ProfilePage onChanged={() => void client.invalidateQueries({ queryKey: meKey })} />;
}
