import { describe, expect, it } from 'vitest';
import { ApiProblem } from '@/api/problem';
import { domainSentence, reasonSentence, signInSentence, ssoProblem, testOutcome } from './sso-words';

const problem = (code: string, facts: Record<string, unknown> = {}) => new ApiProblem(code, 'As the server says it.', 422, facts);

describe('words of single sign-on', () => {
  it('tell what is wrong by the reason', () => {
    expect(ssoProblem(problem('sso_failed', { reason: 'unreachable' }), 'x')).toContain('can’t be reached');
    expect(ssoProblem(problem('conflict', { reason: 'other_enforced' }), 'x')).toContain('Another connection is enforced');
    expect(ssoProblem(problem('sso_not_proven'), 'x')).toContain('Test it first');
  });

  it('leave everything else to the server', () => {
    expect(ssoProblem(problem('forbidden'), 'x')).toBe('As the server says it.');
    expect(ssoProblem(problem('conflict', { reason: 'something_new' }), 'x')).toBe('As the server says it.');
    expect(ssoProblem(new Error('of the browser'), 'Nothing was saved.')).toBe('Nothing was saved.');
  });

  it('name a reason they do not know', () => {
    expect(reasonSentence('id_token_azp')).toContain('id_token_azp');
  });

  it('tell what to do with a record that was not looked for', () => {
    expect(domainSentence(null)).toContain('Put this record');
    expect(domainSentence('other_record')).toContain('something else');
  });

  it('tell why somebody did not come in, and of which domain they were', () => {
    const entry = { action: 'sso_sign_in.failed', after: { reason: 'sso_domain_unverified', isTest: true, domain: 'other.example' } };
    expect(signInSentence(entry)).toBe('Test: The address is not of a domain that was proven above. (other.example)');
    expect(signInSentence({ action: 'sso_sign_in.failed', after: { reason: 'signature', isTest: false } })).toBe(reasonSentence('signature'));
    expect(signInSentence({ action: 'sso_sign_in.succeeded', after: null })).toBe('Came in.');
  });

  it('read the return of a test from the address', () => {
    expect(testOutcome('?sso=worked')).toEqual({ isWorking: true, words: 'The test sign-in worked.' });
    expect(testOutcome('?sso=failed&code=sso_failed&reason=audience')?.words).toContain('entity id');
    expect(testOutcome('?tab=1')).toBeNull();
  });
});
