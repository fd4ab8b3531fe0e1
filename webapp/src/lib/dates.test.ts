import { describe, expect, it } from 'vitest';
import { bytesOf } from './dates';

describe('bytes', () => {
  it('are written in the unit that fits', () => {
    expect(bytesOf(0)).toBe('0 B');
    expect(bytesOf(999)).toBe('999 B');
    expect(bytesOf(1_500)).toBe('1.5 kB');
    expect(bytesOf(312_000_000)).toBe('312 MB');
    expect(bytesOf(21_400_000_000)).toBe('21.4 GB');
    expect(bytesOf(1_000_000_000_000)).toBe('1 TB');
  });
});
