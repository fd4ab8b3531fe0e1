import { describe, expect, it } from 'vitest';
import { changedFields, sentenceFor, subjectOf } from './audit-words';

describe('an audit entry', () => {
  it('is told in words', () => {
    expect(sentenceFor('room.created')).toBe('made a room');
    expect(sentenceFor('member.joined')).toBe('joined');
    expect(sentenceFor('member.removed')).toBe('removed a member');
  });

  it('of an unknown kind is shown as it is', () => {
    expect(sentenceFor('plan.overridden')).toBe('plan.overridden');
  });

  it('names what it was done to where it can', () => {
    expect(subjectOf(null, { name: 'Opening Drive' })).toBe('Opening Drive');
    expect(subjectOf({ email: 'nora@example.com' }, null)).toBe('nora@example.com');
    expect(subjectOf(null, { role: 'viewer' })).toBe('');
  });

  it('lists only what differs, and what was not there as a dash', () => {
    expect(changedFields({ name: 'A', slug: 'a' }, { name: 'B', slug: 'a', limit: 3 })).toEqual([
      { field: 'name', before: 'A', after: 'B' },
      { field: 'limit', before: '–', after: '3' },
    ]);
    expect(changedFields(null, null)).toEqual([]);
  });
});
