import { ApiProblem } from './problem';
import { WORDS } from './words';

/** A thing as a GET answered it, and its tag. */
export interface Tagged<Thing> {
  data: Thing;
  etag: string | null;
}

const TRIES = 3;

/**
 * Change fields of a thing only if they still are as they were seen: looks at what is there now, and writes on the condition that
 * nothing came between. Other fields may have changed: a room's last message is no reason to ask twice.
 *
 * @param seen the thing as the person saw it.
 * @param changes what they make of it; fields that `seen` has not (secrets) are not compared.
 * @throws ApiProblem `precondition_failed` when another has changed one of these fields to something else: `newerOf` has what is there now.
 */
export async function changeSeen<Thing extends object, Changes extends object, Answer>(
  seen: Thing,
  changes: Changes,
  read: () => Promise<Tagged<Thing>>,
  write: (changes: Changes, header: { 'If-Match'?: string }) => Promise<Answer>,
): Promise<Answer> {
  for (let left = TRIES; ; left--) {
    const { data: now, etag } = await read();
    const fields = Object.entries(changes)
      .filter(([field, wanted]) => field in seen && !isSame(at(now, field), at(seen, field)) && !isSame(at(now, field), wanted))
      .map(([field]) => field);
    if (fields.length > 0) throw new ApiProblem('precondition_failed', WORDS.precondition_failed, 412, { now, fields });
    try {
      return await write(changes, etag === null ? {} : { 'If-Match': etag });
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.code !== 'precondition_failed' || left === 1) throw error;
    }
  }
}

/** Of a refused `changeSeen`: what is there now, and which fields another changed; null for any other refusal. */
export function newerOf<Thing extends object>(error: unknown): { now: Thing; fields: (keyof Thing)[] } | null {
  if (!(error instanceof ApiProblem) || error.code !== 'precondition_failed') return null;
  const { now, fields } = error.facts;
  // Both were put there by `changeSeen`.
  return typeof now === 'object' && Array.isArray(fields) ? { now: now as Thing, fields: fields as (keyof Thing)[] } : null;
}

/** The fields of a draft that differ from what it was begun with. */
export function changesOf<Draft extends object>(opened: object, draft: Draft): Partial<Draft> {
  return Object.fromEntries(Object.entries(draft).filter(([field, value]) => !isSame(at(opened, field), value))) as Partial<Draft>;
}

function at(thing: object, field: string): unknown {
  return (thing as Record<string, unknown>)[field];
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || isSameMoment(one, other) || (Array.isArray(one) && Array.isArray(other) && JSON.stringify(one) === JSON.stringify(other));
}

const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/;

/** The server writes `…:00Z` where a browser writes `…:00.000Z`. */
function isSameMoment(one: unknown, other: unknown): boolean {
  return typeof one === 'string' && typeof other === 'string' && MOMENT.test(one) && MOMENT.test(other) && Date.parse(one) === Date.parse(other);
}
