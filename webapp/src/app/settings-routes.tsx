import { useState } from 'react';
import { Navigate, useNavigate, useOutletContext, useParams } from 'react-router';
import { may } from '@/features/organizations/api';
import { InviteDialog } from '@/features/organizations/invite-dialog';
import { useMemberNames } from '@/features/organizations/member-names';
import { AuditPage } from '@/features/settings/audit-page';
import { GeneralPage } from '@/features/settings/general-page';
import { MembersPage } from '@/features/settings/members-page';
import { RoomRolesPage } from '@/features/settings/room-roles-page';
import { SettingsLayout } from '@/features/settings/settings-layout';
import { SsoPage } from '@/features/settings/sso-page';
import { TokensPage } from '@/features/settings/tokens-page';
import { UsagePage } from '@/features/settings/usage-page';
import { WebhooksPage } from '@/features/settings/webhooks-page';
import { WorkspacesPage } from '@/features/settings/workspaces-page';
import { useNow } from '@/ui/use-now';
import type { OrganizationContext } from './home-routes';

export { RolesPage } from '@/features/settings/roles-page';

/** `/o/:organizationId/settings` and what is below: for those who may change them. */
export function SettingsRoute() {
  const context = useOutletContext<OrganizationContext>();
  const { role, id } = context.organization;
  if (!may(role, 'organization.manage')) return <Navigate to={`/o/${id}`} replace />;
  return <SettingsLayout base={`/o/${id}/settings`} canReadAudit={may(role, 'audit.read')} context={context} />;
}

export function GeneralRoute() {
  const { organization } = useOutletContext<OrganizationContext>();
  const navigate = useNavigate();
  return (
    <GeneralPage
      key={organization.id}
      organization={organization}
      isOwner={organization.role === 'owner'}
      onLeft={() => void navigate('/', { replace: true })}
    />
  );
}

/** `/o/:organizationId/members`. */
export function MembersRoute() {
  const { me, organization } = useOutletContext<OrganizationContext>();
  const [isInviting, setInviting] = useState(false);
  if (!may(organization.role, 'members.manage')) return <Navigate to={`/o/${organization.id}`} replace />;
  return (
    <>
      <MembersPage
        key={organization.id}
        organizationId={organization.id}
        myId={me.id}
        myRole={organization.role}
        onInvite={() => setInviting(true)}
      />
      <InviteDialog organizationId={organization.id} isOpen={isInviting} onOpenChange={setInviting} />
    </>
  );
}

export function WorkspacesRoute() {
  const { organizationId = '' } = useParams();
  return <WorkspacesPage organizationId={organizationId} />;
}

export function RoomRolesRoute() {
  const { organizationId = '', roomId = '' } = useParams();
  const back = `/o/${organizationId}/settings/workspaces`;
  return <RoomRolesPage key={roomId} organizationId={organizationId} roomId={roomId} back={back} />;
}

export function UsageRoute() {
  const { organization } = useOutletContext<OrganizationContext>();
  return <UsagePage organization={organization} />;
}

export function TokensRoute() {
  const { organizationId = '' } = useParams();
  return <TokensPage organizationId={organizationId} now={useNow(60_000)} />;
}

export function WebhooksRoute() {
  const { organizationId = '' } = useParams();
  return <WebhooksPage organizationId={organizationId} />;
}

export function SsoRoute() {
  const { organization } = useOutletContext<OrganizationContext>();
  const known = useMemberNames(organization.id).data;
  return (
    <SsoPage
      key={organization.id}
      organizationId={organization.id}
      isOwner={organization.role === 'owner'}
      nameOf={(userId) => known?.names.get(userId) ?? null}
    />
  );
}

export function AuditRoute() {
  const { organizationId = '' } = useParams();
  const known = useMemberNames(organizationId).data;
  const unknown = known?.isWhole === true ? 'A former member' : 'A member';
  return <AuditPage organizationId={organizationId} nameOf={(userId) => known?.names.get(userId) ?? unknown} />;
}
