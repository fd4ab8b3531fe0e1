import { fill } from '@/lib/fill';
import { call } from './client';
import type { paths } from './generated/rest';

type Found<Path extends keyof paths> = paths[Path] extends { get: { responses: { 200: { content: { 'application/json': infer Answer } } } } }
  ? Answer
  : never;
type Tail<Path> = Path extends `/api/v1${infer Rest}` ? Rest : never;

/** Addresses of `/api/v1` that answer a GET with JSON, as the OpenAPI document writes them. */
export type ReadPath = { [Path in keyof paths]: [Found<Path>] extends [never] ? never : Tail<Path> }[keyof paths];
/** What a GET of it answers. */
export type AnswerOf<Path extends ReadPath> = `/api/v1${Path}` extends keyof paths ? Found<`/api/v1${Path}`> : never;

type NamesIn<Path> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;
/** A value for each name in braces. */
export type Places<Path> = Record<NamesIn<Path>, string>;
type QueryOf<Path extends ReadPath> = `/api/v1${Path}` extends keyof paths
  ? paths[`/api/v1${Path}`] extends { get: { parameters: { query?: infer Query } } } ? Query : never
  : never;

/**
 * Read one address. Its answer's type, the names in its path and its query come from the server's OpenAPI document, so that a
 * change there that matters here does not compile.
 *
 * @throws ApiProblem as `call`.
 */
export function read<Path extends ReadPath>(path: Path, places: Places<Path>, query?: QueryOf<Path>): Promise<AnswerOf<Path>> {
  return call<AnswerOf<Path>>('GET', fill(path, places) + asText(query ?? {}));
}

function asText(query: object): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`;
}
