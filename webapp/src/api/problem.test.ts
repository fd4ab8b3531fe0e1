import { describe, expect, it } from 'vitest';
import { problemFrom } from './problem';

describe('problemFrom', () => {
  it('carries code, facts and request id', () => {
    const body = { code: 'plan_limit_reached', detail: 'Room limit reached.', facts: { allowed: 3 }, requestId: '7f2a' };

    expect(problemFrom(402, body, null)).toMatchObject({
      code: 'plan_limit_reached',
      message: 'Room limit reached.',
      status: 402,
      facts: { allowed: 3 },
      requestId: '7f2a',
    });
  });

  it.each([[null], ['<html>'], [{ detail: 'no code' }], [[]]])('takes %j for an unreadable answer', (body) => {
    expect(problemFrom(502, body, 'abc')).toMatchObject({ code: 'unreadable', status: 502, requestId: 'abc' });
  });
});
