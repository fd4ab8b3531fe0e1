import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useLocation, useNavigate, useParams } from 'react-router';
import { auth } from '@/api/auth';
import { organizationIn, useMe } from '@/features/organizations/api';
import { SsoRequiredPage } from '@/features/auth/sso-required-page';
import { requiredKey } from './query-client';

/**
 * What is of an organization, unless it lets its people in by its identity provider only and this sign-in came another
 * way: whatever call was refused for that, one page says so (`query-client.ts` keeps it).
 */
export function SsoGate({ children }: { children: ReactNode }) {
  const { organizationId = '' } = useParams();
  const required = useQuery<string | null>({ queryKey: requiredKey(organizationId), enabled: false, initialData: null });
  const me = useMe();
  const location = useLocation();
  const navigate = useNavigate();
  if (required.data === null) return children;
  const others = me.data?.organizations.filter(({ id }) => id !== organizationId) ?? [];
  const [other] = others;
  return (
    <SsoRequiredPage
      organizationName={organizationIn(me.data, organizationId)?.name ?? 'This organization'}
      connectionId={required.data}
      next={location.pathname}
      onElsewhere={other ? () => void navigate(`/o/${other.id}`) : null}
      onSignOut={() => void auth.signOut({ scope: 'local' })}
    />
  );
}
