import { describe, expect, it } from 'vitest';
import { deviceOf } from './device';

describe('a device', () => {
  it('is browser and system', () => {
    const agent = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36';
    expect(deviceOf(agent)).toEqual({ name: 'Chrome on Windows', isPhone: false });
    expect(deviceOf('Mozilla/5.0 (iPhone; CPU iPhone OS 20_0 like Mac OS X) Version/20.0 Mobile Safari/604.1')).toEqual({
      name: 'Safari on iOS',
      isPhone: true,
    });
  });

  it('that says nothing is a program', () => {
    expect(deviceOf('')).toEqual({ name: 'A program', isPhone: false });
  });
});
