import { useQuery } from '@tanstack/react-query';
import { call } from '@/api/client';
import { useChange, usePages } from './api';

const key = (organizationId: string, what: string) => ['organizations', organizationId, 'sso', what] as const;

/** Identity providers, oldest first: all of them. */
export function useConnections(organizationId: string) {
  return useQuery({
    queryKey: key(organizationId, 'connections'),
    queryFn: () => call('GET', '/organizations/{organization_id}/sso/connections', { params: { path: { organization_id: organizationId } } }),
  });
}

/** Mail domains, oldest first: all of them. */
export function useDomains(organizationId: string) {
  return useQuery({
    queryKey: key(organizationId, 'domains'),
    queryFn: () => call('GET', '/organizations/{organization_id}/sso/domains', { params: { path: { organization_id: organizationId } } }),
  });
}

/** Plans that hold single sign-on, as people read them: `Business and Enterprise`; empty while not known. */
export function useSsoPlans(): string {
  const plans = useQuery({ queryKey: ['plans'], queryFn: () => call('GET', '/subscriptions/plans'), staleTime: Infinity });
  const names = plans.data?.items.filter(({ hasSso }) => hasSso).map(({ tier }) => tier.charAt(0).toUpperCase() + tier.slice(1)) ?? [];
  return names.join(' and ');
}

/** Begin a sign-in that only proves the connection; the answer says where to send the browser. */
export function useConnectionTest(organizationId: string, connectionId: string) {
  return useChange(organizationId, (redirectTo: string, place) =>
    call('POST', '/organizations/{organization_id}/sso/connections/{connection_id}/test', {
      params: { path: { ...place, connection_id: connectionId } },
      body: { redirectTo },
    }),
  );
}

/** Whom a provider is linked to, in the order of their first coming. */
export function useLinkedPeople(organizationId: string, connectionId: string) {
  return usePages(organizationId, 'sso/connections/{connection_id}/people', { limit: 20 }, { connection_id: connectionId });
}

export function useUnlink(organizationId: string, connectionId: string) {
  return useChange(organizationId, (id: string, place) =>
    call('DELETE', '/organizations/{organization_id}/sso/connections/{connection_id}/people/{identity_id}', {
      params: { path: { ...place, connection_id: connectionId, identity_id: id } },
    }),
  );
}

/** Sign-ins by a provider, the ones that failed too, newest first: entries of the audit log. */
export function useSignInLog(organizationId: string, connectionId: string) {
  return usePages(organizationId, 'audit-log', { action: 'sso_sign_in', subjectId: connectionId, limit: 10 });
}

/** Read a SAML provider's metadata again, now. */
export function useMetadataReading(organizationId: string, connectionId: string) {
  return useChange(organizationId, (_: null, place) =>
    call('POST', '/organizations/{organization_id}/sso/connections/{connection_id}/read-metadata', {
      params: { path: { ...place, connection_id: connectionId } },
    }),
  );
}

export function useDomainChange(organizationId: string) {
  return {
    add: useChange(organizationId, (domain: string, path) =>
      call('POST', '/organizations/{organization_id}/sso/domains', { params: { path }, body: { domain } }),
    ),
    verify: useChange(organizationId, (id: string, place) =>
      call('POST', '/organizations/{organization_id}/sso/domains/{domain_id}/verify', { params: { path: { ...place, domain_id: id } } }),
    ),
    remove: useChange(organizationId, (id: string, place) =>
      call('DELETE', '/organizations/{organization_id}/sso/domains/{domain_id}', { params: { path: { ...place, domain_id: id } } }),
    ),
  };
}
