import type { FeedEvent } from '@/api/generated/signaling';

/** A chat line of the feed. */
export interface ChatMessage {
  id: string;
  seq: number;
  authorId: string;
  authorName: string;
  at: Date;
  text: string;
}

/** A trade idea of the feed; prices are decimal strings, as posted. */
export interface Alert {
  id: string;
  seq: number;
  authorId: string;
  authorName: string;
  at: Date;
  symbol: string;
  side: 'long' | 'short';
  entry: string;
  stop: string | null;
  targets: string[];
  note: string;
}

/**
 * The room's feed as far as it is known here. `events` are in order and without holes; `lastSeq` is the newest of them and
 * `knownSeq` the newest anybody told of: when it is ahead, the feed must be read.
 */
export interface Feed {
  events: readonly FeedEvent[];
  lastSeq: number;
  knownSeq: number;
}

export const EMPTY_FEED: Feed = { events: [], lastSeq: 0, knownSeq: 0 };

/** Add entries that follow what is there; repeats are ignored, and what lies behind a hole only raises `knownSeq`. */
export function appendToFeed(feed: Feed, entries: readonly FeedEvent[], knownSeq = 0): Feed {
  let { lastSeq } = feed;
  const added: FeedEvent[] = [];
  for (const entry of entries) {
    if (entry.seq !== lastSeq + 1) continue;
    added.push(entry);
    lastSeq = entry.seq;
  }
  const known = Math.max(feed.knownSeq, knownSeq, lastSeq, entries.at(-1)?.seq ?? 0);
  if (added.length === 0 && known === feed.knownSeq) return feed;
  return { events: added.length > 0 ? [...feed.events, ...added] : feed.events, lastSeq, knownSeq: known };
}

/** The feed of a first welcome: the newest entries, whatever number they begin with. */
export function startFeed(entries: readonly FeedEvent[], lastSeq: number): Feed {
  const first = entries[0];
  // Nothing told: either nothing was ever said, or all of it must be read.
  const before = first ? first.seq - 1 : lastSeq;
  return appendToFeed({ events: [], lastSeq: before, knownSeq: before }, entries, lastSeq);
}

export function chatOf(event: FeedEvent): ChatMessage | null {
  if (event.kind !== 'chat.posted' || !isRecord(event.body)) return null;
  const { text } = event.body;
  return typeof text === 'string' ? { ...headOf(event), text } : null;
}

export function alertOf(event: FeedEvent): Alert | null {
  if (event.kind !== 'alert.posted' || !isRecord(event.body)) return null;
  const { symbol, side, entry, stop, targets, note } = event.body;
  if (typeof symbol !== 'string' || typeof entry !== 'string' || (side !== 'long' && side !== 'short')) return null;
  return {
    ...headOf(event),
    symbol,
    side,
    entry,
    stop: typeof stop === 'string' ? stop : null,
    targets: Array.isArray(targets) ? targets.filter((target) => typeof target === 'string') : [],
    note: typeof note === 'string' ? note : '',
  };
}

function headOf({ subjectId, seq, authorId, authorName, at }: FeedEvent): Omit<ChatMessage, 'text'> {
  return { id: subjectId, seq, authorId, authorName, at: new Date(at) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
