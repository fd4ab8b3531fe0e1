import { describe, expect, it } from 'vitest';
import type { FeedEvent } from '@/api/generated/signaling';
import { chatLines } from './chat-lines';

const event = (seq: number, authorId: string, minute: number, kind: FeedEvent['kind'] = 'chat.posted'): FeedEvent => ({
  seq,
  kind,
  subjectId: `id-${seq}`,
  authorId,
  authorName: authorId,
  at: `2026-11-24T15:${String(minute).padStart(2, '0')}:00Z`,
  body: kind === 'chat.posted' ? { text: 'hello' } : {},
});

describe('chatLines', () => {
  it('joins what one person says within five minutes', () => {
    const lines = chatLines([event(1, 'dana', 0), event(2, 'dana', 2), event(3, 'dana', 9), event(4, 'luis', 9)]);

    expect(lines.map((line) => line.kind === 'message' && line.isFirstOfRun)).toEqual([true, false, true, true]);
  });

  it('shows where a session began, and begins a new run there', () => {
    const lines = chatLines([event(1, 'dana', 0), event(2, 'dana', 1, 'session.started'), event(3, 'dana', 1)]);

    expect(lines.map(({ kind }) => kind)).toEqual(['message', 'session', 'message']);
    expect(lines[2]).toMatchObject({ isFirstOfRun: true });
  });

  it('leaves alerts to their own panel', () => {
    expect(chatLines([event(1, 'dana', 0, 'alert.posted')])).toEqual([]);
  });
});
