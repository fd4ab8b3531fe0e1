import { Suspense, useEffect, type ReactNode } from 'react';
import { createBrowserRouter, Navigate, Outlet, useLocation, type RouteObject } from 'react-router';
import { AcceptInvitePage } from '@/features/organizations/accept-invite-page';
import { CreateOrganizationPage } from '@/features/organizations/create-organization-page';
import { CallbackPage } from '@/features/auth/callback-page';
import { MailLinkPage } from '@/features/auth/mail-link-page';
import { NewPasswordPage } from '@/features/auth/new-password-page';
import { SecondStepPage } from '@/features/auth/second-step-page';
import { SignInPage } from '@/features/auth/sign-in-page';
import { useSession } from '@/features/auth/session';
import { SsoPage } from '@/features/auth/sso-page';
import { FailurePage, NoSuchPage } from './failure-page';
import { HomeRoute, InvitationsRoute, OrganizationRoute, RoomsRoute } from './home-routes';
import { LazyRoomRoute } from './lazy-room';
import { queryClient } from './query-client';
import { SsoGate } from './sso-gate';

/** Behind this one must be signed in; afterwards one comes back to where one wanted to go. */
function SignedIn({ children }: { children: ReactNode }) {
  const session = useSession();
  const location = useLocation();
  const isOut = session.status === 'out';
  useEffect(() => {
    // The next person at this machine must not see the last one's rows.
    if (isOut) queryClient.clear();
  }, [isOut]);
  if (session.status === 'unknown') return null;
  if (isOut) return <Navigate to="/sign-in" replace state={{ from: location.pathname }} />;
  if (session.status === 'half') return <Navigate to="/sign-in/code" replace state={{ from: location.pathname }} />;
  return children;
}

const ACCOUNT: RouteObject[] = [
  { index: true, lazy: async () => ({ Component: (await import('./account-routes')).ProfileRoute }) },
  { path: 'security', lazy: async () => ({ Component: (await import('./account-routes')).SecurityPage }) },
  { path: 'data', lazy: async () => ({ Component: (await import('./account-routes')).DataRoute }) },
];

export const router = createBrowserRouter([
  {
    errorElement: <FailurePage />,
    children: [
      { path: '/sign-in', element: <SignInPage mode="sign-in" /> },
      { path: '/sign-up', element: <SignInPage mode="sign-up" /> },
      { path: '/sign-in/code', element: <SecondStepPage /> },
      { path: '/sign-in/sso', element: <SsoPage /> },
      { path: '/sign-in/forgot', element: <MailLinkPage kind="recovery" /> },
      { path: '/sign-in/link', element: <MailLinkPage kind="magic" /> },
      { path: '/mailbox', lazy: async () => ({ Component: (await import('./account-routes')).MailboxPage }) },
      { path: '/sign-in/callback', element: <CallbackPage /> },
      { path: '/sign-in/new-password', element: <NewPasswordPage /> },
      { path: '/', element: <SignedIn><HomeRoute /></SignedIn> },
      { path: '/new-organization', element: <SignedIn><CreateOrganizationPage isFirst={false} /></SignedIn> },
      { path: '/invite/:code', element: <SignedIn><AcceptInvitePage /></SignedIn> },
      {
        element: <SignedIn><Outlet /></SignedIn>,
        children: [
          { path: '/account', lazy: async () => ({ Component: (await import('./account-routes')).OwnAccountRoute }), children: ACCOUNT },
        ],
      },
      {
        path: '/o/:organizationId',
        element: <SignedIn><SsoGate><OrganizationRoute /></SsoGate></SignedIn>,
        children: [
          { index: true, element: <RoomsRoute /> },
          { path: 'invitations', element: <InvitationsRoute /> },
          { path: 'members', lazy: async () => ({ Component: (await import('./settings-routes')).MembersRoute }) },
          {
            path: 'settings',
            lazy: async () => ({ Component: (await import('./settings-routes')).SettingsRoute }),
            children: [
              { index: true, lazy: async () => ({ Component: (await import('./settings-routes')).GeneralRoute }) },
              { path: 'workspaces', lazy: async () => ({ Component: (await import('./settings-routes')).WorkspacesRoute }) },
              { path: 'workspaces/rooms/:roomId', lazy: async () => ({ Component: (await import('./settings-routes')).RoomRolesRoute }) },
              { path: 'roles', lazy: async () => ({ Component: (await import('./settings-routes')).RolesPage }) },
              { path: 'usage', lazy: async () => ({ Component: (await import('./settings-routes')).UsageRoute }) },
              { path: 'tokens', lazy: async () => ({ Component: (await import('./settings-routes')).TokensRoute }) },
              { path: 'webhooks', lazy: async () => ({ Component: (await import('./settings-routes')).WebhooksRoute }) },
              { path: 'single-sign-on', lazy: async () => ({ Component: (await import('./settings-routes')).SsoRoute }) },
              { path: 'audit-log', lazy: async () => ({ Component: (await import('./settings-routes')).AuditRoute }) },
            ],
          },
          {
            path: 'account',
            // A chunk of its own: the first page stays small.
            lazy: async () => ({ Component: (await import('./account-routes')).AccountRoute }),
            children: ACCOUNT,
          },
        ],
      },
      {
        path: '/o/:organizationId/rooms/:roomId',
        element: <SignedIn><SsoGate><Suspense fallback={null}><LazyRoomRoute /></Suspense></SsoGate></SignedIn>,
      },
      { path: '*', element: <NoSuchPage /> },
    ],
  },
]);
