import { describe, expect, it } from 'vitest';
import { rLine, sharedScale } from './r-line';

describe('rLine', () => {
  it.each([
    ['long', '671.30', '669.80', ['674.30'], [2]],
    ['short', '402.5', '406', ['396', '390'], [1.857, 3.571]],
  ] as const)('counts profit of a %s to the right', (side, entry, stop, targets, expected) => {
    const line = rLine({ side, entry, stop, targets });

    expect(line?.targets.map((r) => Math.round(r * 1000) / 1000)).toEqual(expected);
  });

  it('knows no R without a stop, or with one at the entry', () => {
    expect(rLine({ side: 'long', entry: '10', stop: null, targets: [] })).toBeNull();
    expect(rLine({ side: 'long', entry: '10', stop: '10', targets: [] })).toBeNull();
  });

  it('shares a scale of at least three and at most six R', () => {
    expect(sharedScale([])).toBe(3);
    expect(sharedScale([{ risk: 1, targets: [2, 4.2] }])).toBe(5);
    expect(sharedScale([{ risk: 1, targets: [40] }])).toBe(6);
  });
});
