import { useQuery } from '@tanstack/react-query';
import { read } from '@/api/read';
import type { SsoConnection, SsoDomain } from '@/api/types';
import { useChange } from './api';

const key = (organizationId: string, what: string) => ['organizations', organizationId, 'sso', what] as const;

/** Identity providers, oldest first: all of them. */
export function useConnections(organizationId: string) {
  return useQuery({
    queryKey: key(organizationId, 'connections'),
    queryFn: () => read('/organizations/{organization_id}/sso/connections', { organization_id: organizationId }),
  });
}

/** Mail domains, oldest first: all of them. */
export function useDomains(organizationId: string) {
  return useQuery({
    queryKey: key(organizationId, 'domains'),
    queryFn: () => read('/organizations/{organization_id}/sso/domains', { organization_id: organizationId }),
  });
}

/** Plans that hold single sign-on, as people read them: `Business and Enterprise`; empty while not known. */
export function useSsoPlans(): string {
  const plans = useQuery({ queryKey: ['plans'], queryFn: () => read('/subscriptions/plans', {}), staleTime: Infinity });
  const names = plans.data?.items.filter(({ hasSso }) => hasSso).map(({ tier }) => tier.charAt(0).toUpperCase() + tier.slice(1)) ?? [];
  return names.join(' and ');
}

/** What is said of a provider; fields that are not given stay as they are. */
export type ConnectionDraft = Partial<
  Pick<SsoConnection, 'kind' | 'name' | 'issuer' | 'clientId' | 'defaultRole' | 'joinsMembers' | 'isEnabled' | 'isEnforced'>
> & { clientSecret?: string; metadataUrl?: string; metadataXml?: string };

export function useConnectionChange(organizationId: string, connectionId: string) {
  return useChange<ConnectionDraft, SsoConnection>(organizationId, 'PATCH', () => `/sso/connections/${connectionId}`);
}

/** Begin a sign-in that only proves the connection; the answer says where to send the browser. */
export function useConnectionTest(organizationId: string, connectionId: string) {
  return useChange<string, { url: string }>(organizationId, 'POST', () => `/sso/connections/${connectionId}/test`, (redirectTo) => ({ redirectTo }));
}

export function useDomainChange(organizationId: string) {
  return {
    add: useChange<string, SsoDomain>(organizationId, 'POST', () => '/sso/domains', (domain) => ({ domain })),
    verify: useChange<string, SsoDomain>(organizationId, 'POST', (id) => `/sso/domains/${id}/verify`, () => undefined),
    remove: useChange<string>(organizationId, 'DELETE', (id) => `/sso/domains/${id}`, () => undefined),
  };
}
