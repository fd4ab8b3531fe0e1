import { describe, expect, it } from 'vitest';
import { barsOf, detailsOf, isTrouble, ownLine } from './connection-level';

describe('barsOf', () => {
  it.each([
    [{ level: 'good' as const, rttMs: 20 }, 4],
    [{ level: 'good' as const, rttMs: 200 }, 3],
    [{ level: 'good' as const, receiveLoss: 0.02 }, 3],
    [{ level: 'fair' as const }, 2],
    [{ level: 'poor' as const }, 1],
    [{ level: 'none' as const }, 0],
  ])('shows %j as %d bars', (line, bars) => {
    expect(barsOf(line)).toBe(bars);
  });
});

describe('ownLine', () => {
  const unmeasured = { rttMs: null, lossPercent: null };

  it('counts an unmeasured connection as good', () => {
    expect(ownLine(unmeasured, undefined).level).toBe('good');
  });

  it('is as bad as the worse of what we see and what the server sees of us', () => {
    const told = { participantId: 'me', level: 'poor' as const, sendLoss: 0.2 };

    expect(ownLine({ rttMs: 20, lossPercent: 0 }, told)).toMatchObject({ level: 'poor', rttMs: 20, sendLoss: 0.2 });
    expect(ownLine({ rttMs: 300, lossPercent: 0 }, { participantId: 'me', level: 'good' }).level).toBe('fair');
  });
});

describe('detailsOf', () => {
  it('names what is known with its unit, and nothing else', () => {
    expect(detailsOf({ level: 'fair', rttMs: 92.4, receiveLoss: 0.031, sendBps: 1_240_000, receiveBps: 64_000 })).toEqual([
      { name: 'Round trip', value: '92 ms' },
      { name: 'Lost on the way in', value: '3.1 %' },
      { name: 'Receiving', value: '64 kbit/s' },
      { name: 'Sending', value: '1.2 Mbit/s' },
    ]);
  });
});

describe('isTrouble', () => {
  it('leaves good and unknown connections unmarked', () => {
    const levels = ['good', 'fair', 'poor', 'none'] as const;

    expect(levels.filter((level) => isTrouble({ level }))).toEqual(['fair', 'poor']);
    expect(isTrouble(undefined)).toBe(false);
  });
});
