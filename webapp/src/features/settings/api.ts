import {
  useInfiniteQuery, useMutation, useQuery, useQueryClient, type InfiniteData, type UseInfiniteQueryResult,
} from '@tanstack/react-query';
import { call, type Method } from '@/api/client';
import type {
  ApiToken, ApiTokenWithText, AuditEntry, Catalogue, Organization, Page, PermissionTable, Room, RoomRoleList, Usage, Webhook, WebhookDelivery, Workspace,
} from '@/api/types';

const organizationKey = (id: string, ...rest: string[]) => ['organizations', id, ...rest] as const;

/** Pages of a list, the next one on demand. `query`: filters, without what is empty. */
export function usePages<T>(organizationId: string, path: string, query: Record<string, string> = {}) {
  const filters = Object.entries(query).filter(([, value]) => value !== '');
  return useInfiniteQuery({
    queryKey: organizationKey(organizationId, path, new URLSearchParams(filters).toString()),
    initialPageParam: '',
    queryFn: ({ pageParam }) => {
      const parameters = new URLSearchParams(pageParam === '' ? filters : [...filters, ['cursor', pageParam]]);
      const text = parameters.toString();
      return call<Page<T>>('GET', `/organizations/${organizationId}/${path}${text === '' ? '' : `?${text}`}`);
    },
    getNextPageParam: (page) => page.nextCursor ?? null,
  });
}

/** All rows that were read, in order. */
export function rowsOf<T>(query: UseInfiniteQueryResult<InfiniteData<Page<T>>>): T[] {
  return query.data?.pages.flatMap(({ items }) => items) ?? [];
}

/** Change something below the organization, and read anew what it may have touched. */
export function useChange<Body, Answer = unknown>(
  organizationId: string,
  method: Method,
  pathOf: (body: Body) => string,
  bodyOf: (body: Body) => unknown = (body) => body,
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Body) => call<Answer>(method, `/organizations/${organizationId}${pathOf(body)}`, bodyOf(body)),
    onSuccess: () => Promise.all([
      client.invalidateQueries({ queryKey: organizationKey(organizationId) }),
      client.invalidateQueries({ queryKey: ['me'] }),
    ]),
  });
}

export function useUsage(organizationId: string) {
  return useQuery({
    queryKey: organizationKey(organizationId, 'usage'),
    queryFn: () => call<Usage>('GET', `/organizations/${organizationId}/usage`),
  });
}

/** The table of roles: it changes with a release. */
export function usePermissions() {
  return useQuery({ queryKey: ['permissions'], queryFn: () => call<PermissionTable>('GET', '/permissions'), staleTime: Infinity });
}

/** What webhooks and tokens may ask for: it changes with a release. */
export function useCatalogue() {
  return useQuery({ queryKey: ['catalogue'], queryFn: () => call<Catalogue>('GET', '/catalogue'), staleTime: Infinity });
}

export const useWebhooks = (organizationId: string) => usePages<Webhook>(organizationId, 'webhooks');
export const useDeliveries = (organizationId: string, webhookId: string) =>
  usePages<WebhookDelivery>(organizationId, `webhooks/${webhookId}/deliveries`);
export const useWorkspaces = (organizationId: string) => usePages<Workspace>(organizationId, 'workspaces');
export const useApiTokens = (organizationId: string) => usePages<ApiToken>(organizationId, 'api-tokens');
export const useAudit = (organizationId: string, query: Record<string, string>) =>
  usePages<AuditEntry>(organizationId, 'audit-log', query);

export function useOrganizationChange(organizationId: string) {
  return useChange<Partial<Pick<Organization, 'name' | 'slug' | 'chatRetentionDays' | 'auditRetentionDays'>>>(
    organizationId, 'PATCH', () => '',
  );
}

export function useRoom(organizationId: string, roomId: string) {
  return useQuery({
    queryKey: organizationKey(organizationId, 'rooms', roomId),
    queryFn: () => call<Room>('GET', `/organizations/${organizationId}/rooms/${roomId}`),
  });
}

/** Members with a role of their own in a room: all of them. */
export function useRoomRoles(organizationId: string, roomId: string) {
  return useQuery({
    queryKey: organizationKey(organizationId, 'rooms', roomId, 'roles'),
    queryFn: () => call<RoomRoleList>('GET', `/organizations/${organizationId}/rooms/${roomId}/roles`),
  });
}

export interface TokenDraft {
  name: string;
  abilities: string[];
  expiresAt: string | null;
}

export function useCreateToken(organizationId: string) {
  return useChange<TokenDraft, ApiTokenWithText>(organizationId, 'POST', () => '/api-tokens');
}
