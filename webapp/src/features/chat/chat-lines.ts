import type { FeedEvent } from '@/api/generated/signaling';
import { chatOf, type ChatMessage } from '@/realtime/feed';

/** One thing in the chat's list: a message, or a line about the session. */
export type ChatLine =
  | { kind: 'message'; key: string; message: ChatMessage; isFirstOfRun: boolean }
  | { kind: 'session'; key: string; at: Date; hasStarted: boolean };

/** Messages of one author closer than this are one run: face and name stand once. */
const RUN_MS = 5 * 60_000;

/** The feed as the chat shows it, oldest first. */
export function chatLines(events: readonly FeedEvent[]): ChatLine[] {
  const lines: ChatLine[] = [];
  let last: ChatMessage | null = null;
  for (const event of events) {
    if (event.kind === 'session.started' || event.kind === 'session.ended') {
      lines.push({ kind: 'session', key: String(event.seq), at: new Date(event.at), hasStarted: event.kind === 'session.started' });
      last = null;
      continue;
    }
    const message = chatOf(event);
    if (!message) continue;
    const isRun: boolean =
      last !== null && last.authorId === message.authorId && message.at.getTime() - last.at.getTime() < RUN_MS;
    lines.push({ kind: 'message', key: message.id, message, isFirstOfRun: !isRun });
    last = message;
  }
  return lines;
}
