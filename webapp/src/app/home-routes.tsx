import { DoorIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import { Link, Navigate, Outlet, useNavigate, useOutletContext, useParams } from 'react-router';
import { auth } from '@/api/auth';
import type { Me, Organization } from '@/api/types';
import { may, organizationIn, useMe, useOwnInvitations } from '@/features/organizations/api';
import { CreateOrganizationPage } from '@/features/organizations/create-organization-page';
import { InvitationsPage } from '@/features/organizations/invitations-page';
import { InviteDialog } from '@/features/organizations/invite-dialog';
import { OwnInvitations } from '@/features/organizations/own-invitations';
import { MembersPanel, PlanPanel } from '@/features/organizations/side-panels';
import { useRooms } from '@/features/rooms/api';
import { RoomsPage } from '@/features/rooms/rooms-page';
import { Button } from '@/ui/button';
import { Blank } from '@/ui/states';
import { prefetchRoom } from './lazy-room';
import { queryClient } from './query-client';
import { Shell } from './shell';
import { useReach } from './use-reach';
import { Waiting } from './waiting';

const LAST_ORGANIZATION = 'last-organization';
/** Over the rooms; the others have a page. */
const SHOWN_INVITATIONS = 2;

function signOut(): void {
  void auth.signOut({ scope: 'local' });
}

/** `/`: on to the organization last looked at, or to making the first one. */
export function HomeRoute() {
  const me = useMe();
  if (!me.data) return <Waiting error={me.error} onRetry={() => void me.refetch()} />;
  const last = localStorage.getItem(LAST_ORGANIZATION);
  const known = organizationIn(me.data, last ?? '') ?? me.data.organizations[0];
  if (!known) return <CreateOrganizationPage isFirst onSignOut={signOut} />;
  return <Navigate to={`/o/${known.id}`} replace />;
}

export interface OrganizationContext {
  me: Me;
  organization: Organization;
}

/** Everything under `/o/:organizationId` that has the side bar. */
export function OrganizationRoute() {
  const { organizationId = '' } = useParams();
  const me = useMe();
  const invitations = useOwnInvitations();
  const isReached = useReach(queryClient);
  const [before, setBefore] = useState<Organization | null>(null);
  if (!me.data) return <Waiting error={me.error} onRetry={() => void me.refetch()} />;
  const organization = organizationIn(me.data, organizationId);
  if (!organization) return before?.id === organizationId ? <Removed name={before.name} /> : <Navigate to="/" replace />;
  if (before !== organization) setBefore(organization);
  localStorage.setItem(LAST_ORGANIZATION, organizationId);
  return (
    <Shell
      me={me.data}
      organization={organization}
      invitationCount={invitations.data?.items.length ?? 0}
      canSeeMembers={may(organization.role, 'members.manage')}
      canSeeSettings={may(organization.role, 'organization.manage')}
      onSignOut={signOut}
      isReached={isReached}
    >
      <Outlet context={{ me: me.data, organization } satisfies OrganizationContext} />
    </Shell>
  );
}

/** `/o/:organizationId/invitations`: who invites me elsewhere. */
export function InvitationsRoute() {
  const { me } = useOutletContext<OrganizationContext>();
  const navigate = useNavigate();
  return <InvitationsPage email={me.email} onAccepted={(id) => void navigate(`/o/${id}`)} />;
}

export function RoomsRoute() {
  const { organization } = useOutletContext<OrganizationContext>();
  const invitations = useOwnInvitations().data?.items ?? [];
  const navigate = useNavigate();
  const [isInviting, setInviting] = useState(false);
  const { id, role } = organization;
  const canInvite = may(role, 'members.manage');
  const invite = (): void => setInviting(true);
  const roomCount = useRooms(id).data?.items.length ?? null;
  return (
    <>
      {invitations.length > 0 && (
        <section aria-label="Invitations to you" className="flex-none border-b border-line-strong bg-surface">
          <OwnInvitations invitations={invitations.slice(0, SHOWN_INVITATIONS)} onAccepted={(there) => void navigate(`/o/${there}`)} />
          {invitations.length > SHOWN_INVITATIONS && (
            <Link to={`/o/${id}/invitations`} className="block border-t border-line px-3.5 py-2 text-xs font-medium text-ink-2 hover:text-ink">
              All {invitations.length} invitations
            </Link>
          )}
        </section>
      )}
      <RoomsPage
        organizationId={id}
        canManageRooms={may(role, 'rooms.manage')}
        canRun={may(role, 'session.run')}
        onInvite={canInvite ? invite : null}
        onIntent={prefetchRoom}
        side={
          canInvite && (
            <>
              <MembersPanel organization={organization} onInvite={invite} />
              <PlanPanel organization={organization} roomCount={roomCount} />
            </>
          )
        }
      />
      <InviteDialog organizationId={id} isOpen={isInviting} onOpenChange={setInviting} />
    </>
  );
}

/** They were a member when they came, and are none now. */
function Removed({ name }: { name: string }) {
  const navigate = useNavigate();
  return (
    <main className="grid h-full place-items-center bg-canvas" role="status" data-testid="member-no-more">
      <Blank
        isPage
        icon={<DoorIcon size={28} />}
        title={`You are not in ${name} any more`}
        action={<Button look="primary" onClick={() => void navigate('/', { replace: true })}>Go on</Button>}
      >
        You left, you were removed, or it was deleted. Coming back takes an invitation.
      </Blank>
    </main>
  );
}
