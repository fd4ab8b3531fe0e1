import { describe, expect, it } from 'vitest';
import type { FeedEvent, Notification, ParticipantView } from '@/api/generated/signaling';
import { applyEvent, applyFeedPage, applyWelcome } from './apply-event';
import { makeWelcome } from './fake-server';
import { FIRST_STATE, type RoomState } from './room-store';

const NOW = Date.parse('2026-11-24T14:59:58Z');
const entry = (seq: number): FeedEvent => ({
  seq,
  kind: 'chat.posted',
  subjectId: `message-${seq}`,
  authorId: 'dana',
  authorName: 'Dana Okafor',
  at: '2026-11-24T15:00:00Z',
  body: { text: `line ${seq}` },
});
const dana: ParticipantView = {
  id: 'p-dana',
  userId: 'dana',
  displayName: 'Dana Okafor',
  role: 'host',
  producers: [{ id: 'screen', kind: 'video', source: 'screen' }],
};
const live = (over: Partial<ReturnType<typeof makeWelcome>> = {}): RoomState =>
  applyWelcome(FIRST_STATE, { ...makeWelcome(), participants: [dana], feed: [entry(4), entry(5)], lastSeq: 5, ...over }, NOW);
const appended = (seq: number): Notification => ({ method: 'feed.appended', event: entry(seq) });
const seqs = (state: RoomState): number[] => state.feed.events.map(({ seq }) => seq);

describe('applyEvent', () => {
  it('appends what follows', () => {
    expect(seqs(applyEvent(live(), appended(6)))).toEqual([4, 5, 6]);
  });

  it('ignores what is there already', () => {
    const state = live();

    expect(applyEvent(state, appended(5))).toBe(state);
  });

  it('shows nothing behind a hole, and knows that there is one', () => {
    const state = applyEvent(live(), appended(8));

    expect(seqs(state)).toEqual([4, 5]);
    expect(state.feed).toMatchObject({ lastSeq: 5, knownSeq: 8 });
  });

  it('closes a hole with what was read', () => {
    const state = applyFeedPage(applyEvent(live(), appended(8)), [entry(6), entry(7), entry(8)], 8);

    expect(seqs(state)).toEqual([4, 5, 6, 7, 8]);
    expect(state.feed).toMatchObject({ lastSeq: 8, knownSeq: 8 });
  });

  it('learns of a lost push by the ping', () => {
    expect(applyEvent(live(), { method: 'ping', lastSeq: 6, serverTime: '' }).feed).toMatchObject({ lastSeq: 5, knownSeq: 6 });
  });

  it('keeps what is told of connections until people leave', () => {
    const told: Notification = { method: 'participant.quality', participants: [{ participantId: 'p-dana', level: 'poor' }] };
    const state = applyEvent(live(), told);

    expect(state.qualities['p-dana']?.level).toBe('poor');
    expect(applyEvent(state, { method: 'participant.left', participantId: 'p-dana', reason: 'left' }).qualities).toEqual({});
  });

  it('replaces a participant who is told again', () => {
    const state = applyEvent(live(), { method: 'participant.joined', participant: { ...dana, isConnected: false } });

    expect(state.participants).toEqual([{ ...dana, isConnected: false }]);
  });

  it('keeps one producer per id, follows its mute, and drops it', () => {
    const mic = { id: 'mic', kind: 'audio', source: 'microphone' } as const;
    const opened: Notification = { method: 'producer.opened', participantId: 'p-dana', producer: mic };
    const twice = applyEvent(applyEvent(live(), opened), opened);
    const muted = applyEvent(twice, { method: 'producer.pausedChanged', participantId: 'p-dana', producerId: 'mic', paused: true });
    const closed = applyEvent(muted, { method: 'producer.closed', participantId: 'p-dana', producerId: 'screen' });

    expect(twice.participants[0]?.producers).toHaveLength(2);
    expect(closed.participants[0]?.producers).toEqual([{ ...mic, paused: true }]);
  });

  it('forgets producers that did not survive a media reset', () => {
    const state = applyEvent(live(), { method: 'media.reset', epoch: 2, reason: 'worker_died' });

    expect(state.participants[0]?.producers).toEqual([]);
    expect(state.facts?.epoch).toBe(2);
  });

  it('takes an outgoing line away when it stands in the feed', () => {
    const outgoing = [{ id: 'message-6', kind: 'chat' as const, text: 'line 6', hasFailed: false }];

    expect(applyEvent({ ...live(), outgoing }, appended(6)).outgoing).toEqual([]);
  });
});

describe('applyWelcome', () => {
  it('starts with the newest entries and sets the clock', () => {
    const state = live();

    expect(seqs(state)).toEqual([4, 5]);
    expect(state.feed.knownSeq).toBe(5);
    expect(state.clockOffsetMs).toBe(2_000);
  });

  it('continues the feed after an interruption and says how long it took', () => {
    const lost: RoomState = { ...live(), phase: 'reconnecting', lostAt: NOW - 9_000 };
    const state = applyWelcome(lost, { ...makeWelcome(), feed: [entry(6)], lastSeq: 6 }, NOW);

    expect(seqs(state)).toEqual([4, 5, 6]);
    expect(state).toMatchObject({ phase: 'live', lostAt: null, backAfterMs: 9_000 });
  });

  it('sees that more than one page was missed', () => {
    const state = applyWelcome(live(), { ...makeWelcome(), feed: [entry(300)], lastSeq: 300 }, NOW);

    expect(state.feed).toMatchObject({ lastSeq: 5, knownSeq: 300 });
  });
});
