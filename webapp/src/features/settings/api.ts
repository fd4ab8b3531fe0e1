import {
  useInfiniteQuery, useMutation, useQuery, useQueryClient, type InfiniteData, type UseInfiniteQueryResult,
} from '@tanstack/react-query';
import { call, type Method } from '@/api/client';
import { read, type AnswerOf, type Places, type ReadPath } from '@/api/read';
import type { ApiTokenWithText, Organization, Page } from '@/api/types';
import { fill } from '@/lib/fill';

const organizationKey = (id: string, ...rest: string[]) => ['organizations', id, ...rest] as const;

type Below = '/organizations/{organization_id}/';
type Inside<Path> = Path extends `${Below}${infer Rest}` ? Rest : never;
/** Lists below an organization, as the OpenAPI document writes them. */
type ListPath = { [Path in ReadPath]: AnswerOf<Path> extends { items: unknown[]; nextCursor?: string | null } ? Inside<Path> : never }[ReadPath];
type RowOf<Path extends ListPath> = AnswerOf<`${Below}${Path}`> extends { items: (infer Row)[] } ? Row : never;

/** Pages of a list, the next one on demand. `query`: filters, without what is empty; `places`: for names in the path. */
export function usePages<Path extends ListPath>(
  organizationId: string, path: Path, query: Record<string, string> = {}, ...[places]: Places<Path> extends Record<string, never> ? [] : [Places<Path>]
) {
  const filters = Object.entries(query).filter(([, value]) => value !== '');
  const address = fill(path, places ?? {});
  return useInfiniteQuery({
    queryKey: organizationKey(organizationId, address, new URLSearchParams(filters).toString()),
    initialPageParam: '',
    queryFn: ({ pageParam }) => {
      const parameters = new URLSearchParams(pageParam === '' ? filters : [...filters, ['cursor', pageParam]]);
      const text = parameters.toString();
      // A row's type is known by the path; each list has its own filters, which are text here.
      return call<Page<RowOf<Path>>>('GET', `/organizations/${organizationId}/${address}${text === '' ? '' : `?${text}`}`);
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
    queryFn: () => read('/organizations/{organization_id}/usage', { organization_id: organizationId }),
  });
}

/** The table of roles: it changes with a release. */
export function usePermissions() {
  return useQuery({ queryKey: ['permissions'], queryFn: () => read('/permissions', {}), staleTime: Infinity });
}

/** What webhooks and tokens may ask for: it changes with a release. */
export function useCatalogue() {
  return useQuery({ queryKey: ['catalogue'], queryFn: () => read('/catalogue', {}), staleTime: Infinity });
}

export const useWebhooks = (organizationId: string) => usePages(organizationId, 'webhooks');
export const useDeliveries = (organizationId: string, webhookId: string) =>
  usePages(organizationId, 'webhooks/{webhook_id}/deliveries', {}, { webhook_id: webhookId });
export const useWorkspaces = (organizationId: string) => usePages(organizationId, 'workspaces');
export const useApiTokens = (organizationId: string) => usePages(organizationId, 'api-tokens');
export const useAudit = (organizationId: string, query: Record<string, string>) =>
  usePages(organizationId, 'audit-log', query);

export function useOrganizationChange(organizationId: string) {
  return useChange<Partial<Pick<Organization, 'name' | 'slug' | 'chatRetentionDays' | 'auditRetentionDays'>>>(
    organizationId, 'PATCH', () => '',
  );
}

export function useRoom(organizationId: string, roomId: string) {
  return useQuery({
    queryKey: organizationKey(organizationId, 'rooms', roomId),
    queryFn: () => read('/organizations/{organization_id}/rooms/{room_id}', { organization_id: organizationId, room_id: roomId }),
  });
}

/** Members with a role of their own in a room: all of them. */
export function useRoomRoles(organizationId: string, roomId: string) {
  return useQuery({
    queryKey: organizationKey(organizationId, 'rooms', roomId, 'roles'),
    queryFn: () => read('/organizations/{organization_id}/rooms/{room_id}/roles', { organization_id: organizationId, room_id: roomId }),
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
