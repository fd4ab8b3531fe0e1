import {
  useInfiniteQuery, useMutation, useQuery, useQueryClient, type InfiniteData, type UseInfiniteQueryResult,
} from '@tanstack/react-query';
import { call, type AnswerOf, type GivenTo, type PathOf, type QueryOf } from '@/api/client';
import { changeSeen, type Tagged } from '@/api/edit';
import type { Page } from '@/api/types';
import { fill } from '@/lib/fill';

const organizationKey = (id: string, ...rest: string[]) => ['organizations', id, ...rest] as const;

type Below = '/organizations/{organization_id}/';
type Inside<Path> = Path extends `${Below}${infer Rest}` ? Rest : never;
type Whole<Path extends string> = Extract<PathOf<'GET'>, `${Below}${Path}`>;
/** Lists below an organization, as the OpenAPI document writes them. */
type ListPath = { [Path in PathOf<'GET'>]: AnswerOf<'GET', Path> extends Page<unknown> ? Inside<Path> : never }[PathOf<'GET'>];
type RowOf<Path extends ListPath> = AnswerOf<'GET', Whole<Path>> extends { items: (infer Row)[] } ? Row : never;
/** Values for the names in a path, but for the organization's. */
type Places<Path extends ListPath> = GivenTo<'GET', Whole<Path>> extends { params: { path: infer Names } } ? Omit<Names, 'organization_id'> : never;
/** What a list may be asked for; what is empty is not asked. */
type Filters<Path extends ListPath> = { [Name in keyof QueryOf<Whole<Path>>]?: QueryOf<Whole<Path>>[Name] | '' };

/** Pages of a list, the next one on demand. `places`: for names in the path. */
export function usePages<Path extends ListPath>(
  organizationId: string, path: Path, filters: Filters<Path> = {}, ...[places]: Partial<Places<Path>> extends Places<Path> ? [] : [Places<Path>]
) {
  const asked = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== ''));
  return useInfiniteQuery({
    queryKey: [...organizationKey(organizationId, fill(path, places ?? {})), asked],
    initialPageParam: '',
    queryFn: ({ pageParam }) => {
      const query = pageParam === '' ? asked : { ...asked, cursor: pageParam };
      // Path, places and filters were checked where they were named; here the path is only known to be one of them.
      const list = call as unknown as (method: 'GET', path: string, given: object) => Promise<Page<RowOf<Path>>>;
      return list('GET', `/organizations/{organization_id}/${path}`, { params: { path: { organization_id: organizationId, ...places }, query } });
    },
    getNextPageParam: (page) => page.nextCursor,
  });
}

/** All rows that were read, in order. */
export function rowsOf<T>(query: UseInfiniteQueryResult<InfiniteData<Page<T>>>): T[] {
  return query.data?.pages.flatMap(({ items }) => items) ?? [];
}

/** The organization's place in a path. */
interface InOrganization {
  organization_id: string;
}

/** Change something below the organization, and read anew what it may have touched. */
export function useChange<Body, Answer>(organizationId: string, change: (body: Body, place: InOrganization) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Body) => change(body, { organization_id: organizationId }),
    onSuccess: () => Promise.all([
      client.invalidateQueries({ queryKey: organizationKey(organizationId) }),
      client.invalidateQueries({ queryKey: ['me'] }),
    ]),
  });
}

/** An edit of what was seen: the thing, and what is made of it. */
export interface Edit<Thing, Changes> {
  seen: Thing;
  changes: Changes;
}

/**
 * Change fields of a thing that several people may have open: never over another's change unseen. Refused for that, what is there
 * now is read anew, and `newerOf` the error has it.
 */
export function useEdit<Thing extends object, Changes extends object, Answer>(
  organizationId: string,
  read: (place: InOrganization) => Promise<Tagged<Thing>>,
  write: (changes: Changes, header: { 'If-Match'?: string }, place: InOrganization) => Promise<Answer>,
) {
  const client = useQueryClient();
  const place = { organization_id: organizationId };
  return useMutation({
    mutationFn: ({ seen, changes }: Edit<Thing, Changes>) =>
      changeSeen(seen, changes, () => read(place), (some, header) => write(some, header, place)),
    onSettled: () => Promise.all([
      client.invalidateQueries({ queryKey: organizationKey(organizationId) }),
      client.invalidateQueries({ queryKey: ['me'] }),
    ]),
  });
}

export function useUsage(organizationId: string) {
  return useQuery({
    queryKey: organizationKey(organizationId, 'usage'),
    queryFn: () => call('GET', '/organizations/{organization_id}/usage', { params: { path: { organization_id: organizationId } } }),
  });
}

/** The table of roles: it changes with a release. */
export function usePermissions() {
  return useQuery({ queryKey: ['permissions'], queryFn: () => call('GET', '/permissions'), staleTime: Infinity });
}

/** What webhooks and tokens may ask for: it changes with a release. */
export function useCatalogue() {
  return useQuery({ queryKey: ['catalogue'], queryFn: () => call('GET', '/catalogue'), staleTime: Infinity });
}

export const useWebhooks = (organizationId: string) => usePages(organizationId, 'webhooks');
export const useDeliveries = (organizationId: string, webhookId: string) =>
  usePages(organizationId, 'webhooks/{webhook_id}/deliveries', {}, { webhook_id: webhookId });
export const useWorkspaces = (organizationId: string) => usePages(organizationId, 'workspaces');
export const useApiTokens = (organizationId: string) => usePages(organizationId, 'api-tokens');

export function useRoom(organizationId: string, roomId: string) {
  const path = { organization_id: organizationId, room_id: roomId };
  return useQuery({
    queryKey: organizationKey(organizationId, 'rooms', roomId),
    queryFn: () => call('GET', '/organizations/{organization_id}/rooms/{room_id}', { params: { path } }),
  });
}

/** Members with a role of their own in a room: all of them. */
export function useRoomRoles(organizationId: string, roomId: string) {
  const path = { organization_id: organizationId, room_id: roomId };
  return useQuery({
    queryKey: organizationKey(organizationId, 'rooms', roomId, 'roles'),
    queryFn: () => call('GET', '/organizations/{organization_id}/rooms/{room_id}/roles', { params: { path } }),
  });
}
