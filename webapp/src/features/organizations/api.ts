import { useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { call } from '@/api/client';
import { ROLE_PERMISSIONS, type Permission } from '@/api/generated/roles';
import type { Me, MemberList, Organization, OwnInvitation, Page, PlanList, Role } from '@/api/types';

export const meKey = ['me'] as const;

/** Who I am, and where I am a member. */
export function useMe(): UseQueryResult<Me> {
  return useQuery({ queryKey: meKey, queryFn: () => call('GET', '/me') });
}

/** Whether a role carries a right: to offer only what the server would allow. The server decides. */
export function may(role: Role | undefined, permission: Permission): boolean {
  return role !== undefined && (ROLE_PERMISSIONS[role] as readonly Permission[]).includes(permission);
}

/** The organization with my role in it; null when I am no member. */
export function organizationIn(me: Me | undefined, organizationId: string): Organization | null {
  return me?.organizations.find(({ id }) => id === organizationId) ?? null;
}

export function useMembers(organizationId: string): UseQueryResult<MemberList> {
  return useQuery({
    queryKey: ['organizations', organizationId, 'members'],
    queryFn: () => call('GET', '/organizations/{organization_id}/members', { params: { path: { organization_id: organizationId } } }),
  });
}

/** What is in use of the plan, counted by the server. */
export function useUsageOf(organizationId: string) {
  return useQuery({
    queryKey: ['organizations', organizationId, 'usage'],
    queryFn: () => call('GET', '/organizations/{organization_id}/usage', { params: { path: { organization_id: organizationId } } }),
  });
}

/** The price list: it changes with a release. */
export function usePlans(): UseQueryResult<PlanList> {
  return useQuery({ queryKey: ['plans'], queryFn: () => call('GET', '/subscriptions/plans'), staleTime: Infinity });
}

export function useCreateOrganization() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => call('POST', '/organizations', { body: { name } }),
    onSuccess: () => client.invalidateQueries({ queryKey: meKey }),
  });
}

export interface InvitationDraft {
  role: Role;
  /** Sent there and good for that address only; null: a link for whoever has it. */
  email: string | null;
}

export function useInvite(organizationId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: InvitationDraft) =>
      call('POST', '/organizations/{organization_id}/invitations', { params: { path: { organization_id: organizationId } }, body }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['organizations', organizationId, 'invitations'] }),
  });
}

export function useAcceptInvitation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (code: string) => call('POST', '/invitations/accept', { body: { code } }),
    onSuccess: () => client.invalidateQueries({ queryKey: meKey }),
  });
}

/** Invitations to my address that I can take now: all of them, newest first. */
export function useOwnInvitations(): UseQueryResult<Page<OwnInvitation>> {
  return useQuery({
    queryKey: [...meKey, 'invitations'],
    queryFn: () => call('GET', '/me/invitations'),
    refetchOnWindowFocus: true,
  });
}

export function useAcceptOwnInvitation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call('POST', '/me/invitations/{invitation_id}/accept', { params: { path: { invitation_id: id } } }),
    onSuccess: () => client.invalidateQueries({ queryKey: meKey }),
  });
}

export function useDeclineOwnInvitation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call('POST', '/me/invitations/{invitation_id}/decline', { params: { path: { invitation_id: id } } }),
    onSuccess: () => client.invalidateQueries({ queryKey: meKey }),
  });
}
