import { describe, expect, it } from 'vitest';
import { countsOf, qualityOf } from './quality';

const report = (lost: number, received: number): RTCStatsReport =>
  new Map<string, unknown>([
    ['pair', { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.0924 }],
    ['idle', { type: 'candidate-pair', nominated: false, currentRoundTripTime: 3 }],
    ['video', { type: 'inbound-rtp', packetsLost: lost, packetsReceived: received }],
  ]);

describe('qualityOf', () => {
  it('tells the round trip of the path in use', () => {
    expect(qualityOf(null, countsOf(report(0, 100))).rttMs).toBe(92);
  });

  it('forgets what was lost before the last look', () => {
    const before = countsOf(report(50, 100));

    expect(qualityOf(before, countsOf(report(51, 199))).lossPercent).toBe(1);
  });

  it('takes packets that came late for no loss, and silence for no figure', () => {
    const before = countsOf(report(5, 100));

    expect(qualityOf(before, countsOf(report(3, 150))).lossPercent).toBe(0);
    expect(qualityOf(before, countsOf(report(5, 100))).lossPercent).toBeNull();
  });
});
