import { useQueryClient } from '@tanstack/react-query';
import { useParams } from 'react-router';
import { AccountLayout } from '@/features/account/account-layout';
import { ProfilePage } from '@/features/account/profile-page';
import { meKey } from '@/features/organizations/api';

export { SecurityPage } from '@/features/account/security-page';

/** `/o/:organizationId/account`: one's own account, inside the shell of where one is. */
export function AccountRoute() {
  const { organizationId = '' } = useParams();
  return <AccountLayout base={`/o/${organizationId}/account`} />;
}

export function ProfileRoute() {
  const client = useQueryClient();
  return <ProfilePage onChanged={() => void client.invalidateQueries({ queryKey: meKey })} />;
}
