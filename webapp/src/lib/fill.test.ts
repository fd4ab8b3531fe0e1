import { describe, expect, it } from 'vitest';
import { fill } from './fill';

describe('fill', () => {
  it('puts each value in its place', () => {
    expect(fill('/organizations/{organization_id}/rooms/{room_id}', { organization_id: 'o', room_id: 'r' })).toBe('/organizations/o/rooms/r');
  });

  it('lets no value leave its place', () => {
    expect(fill('/rooms/{room_id}', { room_id: '../me?x=1' })).toBe('/rooms/..%2Fme%3Fx%3D1');
  });
});
