import { expect, it } from 'vitest';
import { problemFrom } from './problem';
import { authWords } from './words';

it('a refusal is told in our words where we have some, else in the server’s', () => {
  const told = (code: string) => problemFrom(409, { code, detail: 'The room is live.' }, null).message;

  expect(told('conflict')).toBe('The room is live.');
  expect(told('request_in_flight')).toMatch(/first try/);
  expect(told('of_a_newer_server')).toBe('The room is live.');
  expect(told('constructor')).toBe('The room is live.');
});

it('an address that an enforcement goes by is said to stay', () => {
  expect(authWords('sso_enforced')).toMatch(/this address stays/);
  expect(authWords('validation_failed')).toBeNull();
  expect(authWords('of_a_newer_server')).toBeNull();
  expect(authWords(null)).toBeNull();
});
