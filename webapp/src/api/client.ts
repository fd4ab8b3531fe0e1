import createClient, { type ParamsOption, type RequestBodyOption } from 'openapi-fetch';
import type { paths } from './generated/rest';
import { ApiProblem, problemFrom } from './problem';
import { send } from './sending';

/** The addresses of the API, as its OpenAPI document writes them, without what all begin with. */
export type ApiPaths = { [Path in keyof paths as Path extends `/api/v1${infer Rest}` ? Rest : never]: paths[Path] };
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
/** Addresses that take a method. */
export type PathOf<M extends Method> = {
  [Path in keyof ApiPaths]: ApiPaths[Path] extends Record<Lowercase<M>, unknown> ? Path : never;
}[keyof ApiPaths];
type Operation<M extends Method, Path extends keyof ApiPaths> = ApiPaths[Path][Lowercase<M> & keyof ApiPaths[Path]];

/** What an operation takes: `params` (`path`, `query`, `header`) and `body`. */
export type GivenTo<M extends Method, Path extends PathOf<M>> = ParamsOption<Operation<M, Path>> & RequestBodyOption<Operation<M, Path>>;
type MaybeGiven<Given> = Partial<Given> extends Given ? [given?: Given] : [given: Given];
type Good = 200 | 201 | 202 | 204;
type ContentOf<Response> = Response extends { content: infer Forms } ? Forms[keyof Forms] : undefined;
/** What an operation answers when all is well; undefined where there is nothing to say (204). */
export type AnswerOf<M extends Method, Path extends PathOf<M>> = Operation<M, Path> extends { responses: infer Responses }
  ? ContentOf<Responses[keyof Responses & Good]>
  : never;
/** The filters of a list. */
export type QueryOf<Path extends PathOf<'GET'>> = Operation<'GET', Path> extends { parameters: { query?: infer Query } } ? NonNullable<Query> : never;

/** What the library does, without its signatures: those let fields pass that the document does not know. */
interface Client {
  request: (method: Lowercase<Method>, path: string, given?: object) => Promise<{ data?: unknown; error?: unknown; response: Response }>;
}
const client = createClient<ApiPaths>({ baseUrl: `${location.origin}/api/v1`, fetch: send }) as unknown as Client;

/**
 * One call of the API. Path, places, query, headers, body and answer are those of the server's OpenAPI document, so that a change
 * there that matters here does not compile.
 *
 * @throws ApiProblem with the server's code and facts, or `offline` when nothing answered in 15 s.
 */
export async function call<M extends Method, Path extends PathOf<M>>(
  method: M, path: Path, ...[given]: MaybeGiven<GivenTo<M, Path>>
): Promise<AnswerOf<M, Path>> {
  return (await ask(method, path, given)).data as AnswerOf<M, Path>;
}

/**
 * A GET with the ETag of what it answered, for `If-Match`.
 *
 * @throws ApiProblem as `call`.
 */
export async function readTagged<Path extends PathOf<'GET'>>(
  path: Path, ...[given]: MaybeGiven<GivenTo<'GET', Path>>
): Promise<{ data: AnswerOf<'GET', Path>; etag: string | null }> {
  const { data, response } = await ask('GET', path, given);
  return { data: data as AnswerOf<'GET', Path>, etag: response.headers.get('etag') };
}

/**
 * Save what a GET answers as a file.
 *
 * @throws ApiProblem as `call`.
 */
export async function download<Path extends PathOf<'GET'>>(
  path: Path, name: string, ...[given]: MaybeGiven<GivenTo<'GET', Path>>
): Promise<void> {
  const { data } = await ask('GET', path, { ...given, parseAs: 'blob' });
  const url = URL.createObjectURL(data as Blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

async function ask(method: Method, path: string, given: object | undefined): Promise<{ data?: unknown; response: Response }> {
  const answer = await client.request(method.toLowerCase() as Lowercase<Method>, path, given).catch((error: unknown) => {
    throw error instanceof ApiProblem ? error : problemFrom(200, null, null);
  });
  const { response } = answer;
  if (response.ok) return answer;
  const problem = problemFrom(response.status, answer.error, response.headers.get('x-request-id'));
  for (const watcher of watchers) watcher(problem);
  throw problem;
}

const watchers = new Set<(problem: ApiProblem) => void>();

/** Be told of every refusal of a `call`, before whoever called: for what concerns more than one page. */
export function watchRefusals(watcher: (problem: ApiProblem) => void): void {
  watchers.add(watcher);
}
