import { describe, expect, it } from 'vitest';
import { FIRST_STATE, type RoomState } from '@/realtime/room-store';
import { picturesOf } from './pictures';

// Only its identity matters here; Node has no MediaStreamTrack.
const track = {} as MediaStreamTrack;
const remote = (producerId: string, source: 'camera' | 'screen') =>
  ({ consumerId: `c-${producerId}`, producerId, participantId: 'dana', kind: 'video', source, track }) as const;

const state: RoomState = {
  ...FIRST_STATE,
  facts: {
    ...{ roomId: 'r', roomName: 'R', organizationId: 'o', liveSessionId: 'l', participantId: 'me', role: 'host', epoch: 1 },
    grant: { canPublish: true, canPostChat: true, canPostAlert: true, canModerate: true, canEnd: true, takesSeat: false },
    startedAt: new Date(0),
  },
  participants: [
    { id: 'me', userId: 'u1', displayName: 'Me', role: 'host' },
    { id: 'dana', userId: 'u2', displayName: 'Dana', role: 'co_host' },
  ],
};

describe('picturesOf', () => {
  it('puts screens and cameras of others before our own', () => {
    const local = { ...FIRST_STATE.local, screen: { status: 'on' as const, track, problem: null } };
    const { screens, cameras } = picturesOf({ ...state, local, tracks: [remote('s', 'screen'), remote('c', 'camera')] });

    expect(screens.map(({ key }) => key)).toEqual(['s', 'mine-screen']);
    expect(cameras.map(({ name }) => name)).toEqual(['Dana']);
  });

  it('leaves out a camera that is paused', () => {
    const [me, dana] = state.participants;
    if (!me || !dana) throw new Error('two people');
    const producers = [{ id: 'c', kind: 'video' as const, source: 'camera' as const, paused: true }];

    expect(picturesOf({ ...state, participants: [me, { ...dana, producers }], tracks: [remote('c', 'camera')] }).cameras).toEqual([]);
  });
});
