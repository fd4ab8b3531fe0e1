import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Viewing, type Tile } from './viewing';

const tile = (over: Partial<Tile> = {}): Tile => ({ producerId: 'camera', visibility: 'shown', height: 160, isLarge: false, ...over });

describe('Viewing', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const isShown = (viewing: Viewing): boolean => viewing.wishOf('camera').isShown;

  it('counts a new video as shown until it has no tile for a while', () => {
    const viewing = new Viewing();
    viewing.begin('camera');

    expect(isShown(viewing)).toBe(true);
    vi.advanceTimersByTime(1_000);
    expect(isShown(viewing)).toBe(false);
  });

  it('does not stop a video that moves from one tile to another', () => {
    const viewing = new Viewing();
    const [small, large] = [{}, {}];
    viewing.put(small, tile());
    viewing.put(small, null);
    vi.advanceTimersByTime(500);

    viewing.put(large, tile());
    vi.advanceTimersByTime(10_000);

    expect(isShown(viewing)).toBe(true);
  });

  it('shows a hidden video again at once', () => {
    const viewing = new Viewing();
    const key = {};
    viewing.put(key, tile({ visibility: 'hidden' }));
    vi.advanceTimersByTime(1_000);
    expect(isShown(viewing)).toBe(false);

    viewing.put(key, tile());

    expect(isShown(viewing)).toBe(true);
  });

  it('waits longer when the whole page is away', () => {
    const viewing = new Viewing();
    viewing.put({}, tile({ visibility: 'away' }));

    vi.advanceTimersByTime(4_900);
    expect(isShown(viewing)).toBe(true);
    vi.advanceTimersByTime(100);
    expect(isShown(viewing)).toBe(false);
  });

  it('wants what the largest of its tiles needs', () => {
    const viewing = new Viewing();
    viewing.put({}, tile({ height: 160 }));
    viewing.put({}, tile({ height: 700, isLarge: true }));

    expect(viewing.wishOf('camera')).toEqual({ isShown: true, height: 700, isLarge: true });
  });

  it('tells when a video is stopped', () => {
    const viewing = new Viewing();
    const told: boolean[] = [];
    viewing.onChange(() => told.push(isShown(viewing)));
    viewing.put({}, tile({ visibility: 'hidden' }));

    vi.advanceTimersByTime(1_000);

    expect(told).toEqual([true, false]);
  });
});
