import { describe, expect, it } from 'vitest';
import { rLife, rLine, sharedScale } from './r-line';

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

describe('rLife', () => {
  const long = { side: 'long', entry: '100', stop: '98', targets: ['103', '106'] } as const;
  const filled = { fill: '100', stop: '98', left: 1, targetsHit: [], exits: [], isClosed: false };

  it('is nothing but the first stop while posted', () => {
    expect(rLife(long, { ...filled, fill: null })).toMatchObject({ fill: null, stop: null, stretches: [], exit: null });
  });

  it('places a moved stop beside the first', () => {
    expect(rLife(long, { ...filled, stop: '101' })?.stop).toBe(0.5);
  });

  it('thins from a trim on, towards the last target', () => {
    expect(rLife(long, { ...filled, left: 0.5, exits: [{ price: '103', portion: 0.5 }] })).toMatchObject({
      stretches: [
        { from: 0, to: 1.5, weight: 1, isOpen: false },
        { from: 1.5, to: 3, weight: 0.5, isOpen: true },
      ],
      trims: [1.5],
      exit: null,
    });
  });

  it('ends where it was closed; profit of a short is to the right', () => {
    const life = { ...filled, fill: '402', stop: '406', left: 0, exits: [{ price: '395', portion: 1 }], isClosed: true };

    expect(rLife({ side: 'short', entry: '402', stop: '405.5', targets: [] }, life)).toMatchObject({
      stretches: [{ from: 0, to: 2, weight: 1, isOpen: false }],
      trims: [],
      exit: 2,
    });
  });

  it('shows what was won and what was lost on both sides of the fill', () => {
    const exits = [
      { price: '103', portion: 0.5 },
      { price: '99', portion: 0.5 },
    ];

    expect(rLife(long, { ...filled, left: 0, exits, isClosed: true })?.stretches).toEqual([
      { from: 0, to: 1.5, weight: 0.5, isOpen: false },
      { from: 0, to: -0.5, weight: 0.5, isOpen: false },
    ]);
  });

  it('is none without a stop', () => {
    expect(rLife({ ...long, stop: null }, filled)).toBeNull();
  });
});
