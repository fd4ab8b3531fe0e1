import { useState } from 'react';
import { Navigate, Outlet, useOutletContext, useParams } from 'react-router';
import { auth } from '@/api/auth';
import { ApiProblem } from '@/api/problem';
import type { Me, Organization } from '@/api/types';
import { may, organizationIn, useMe } from '@/features/organizations/api';
import { CreateOrganizationPage } from '@/features/organizations/create-organization-page';
import { InviteDialog } from '@/features/organizations/invite-dialog';
import { MembersPanel, PlanPanel } from '@/features/organizations/side-panels';
import { useRooms } from '@/features/rooms/api';
import { RoomsPage } from '@/features/rooms/rooms-page';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Spinner } from '@/ui/spinner';
import { Blank } from '@/ui/states';
import { prefetchRoom } from './lazy-room';
import { Shell } from './shell';

const LAST_ORGANIZATION = 'last-organization';

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
  if (!me.data) return <Waiting error={me.error} onRetry={() => void me.refetch()} />;
  const organization = organizationIn(me.data, organizationId);
  if (!organization) return <Navigate to="/" replace />;
  localStorage.setItem(LAST_ORGANIZATION, organizationId);
  return (
    <Shell
      me={me.data}
      organization={organization}
      canSeeMembers={may(organization.role, 'members.manage')}
      canSeeSettings={may(organization.role, 'organization.manage')}
      onSignOut={signOut}
    >
      <Outlet context={{ me: me.data, organization } satisfies OrganizationContext} />
    </Shell>
  );
}

export function RoomsRoute() {
  const { organization } = useOutletContext<OrganizationContext>();
  const [isInviting, setInviting] = useState(false);
  const { id, role } = organization;
  const canInvite = may(role, 'members.manage');
  const invite = (): void => setInviting(true);
  const roomCount = useRooms(id).data?.items.length ?? null;
  return (
    <>
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

function Waiting({ error, onRetry }: { error: Error | null; onRetry: () => void }) {
  return (
    <main className="grid h-full place-items-center bg-canvas text-ink-2">
      {error ? (
        <Blank
          isPage
          title="Your account did not load"
          requestId={error instanceof ApiProblem ? error.requestId : null}
          action={<Button onClick={onRetry}>Try now</Button>}
        >
          {sentenceOf(error, 'Try again in a moment.')}
        </Blank>
      ) : (
        <span className="late">
          <Spinner size={20} />
        </span>
      )}
    </main>
  );
}
