import type { Session } from '@supabase/auth-js';
import { describe, expect, it } from 'vitest';
import { needsSecondStep } from './second-step';

function session(aal: string | null, factors: { status: 'verified' | 'unverified' }[]): Session {
  const claims = btoa(JSON.stringify(aal === null ? {} : { aal })).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  return { access_token: `x.${claims}.y`, user: { factors } } as unknown as Session;
}

describe('the second step', () => {
  it('is asked for when an authenticator stands and its code was not shown', () => {
    expect(needsSecondStep(session('aal1', [{ status: 'verified' }]))).toBe(true);
  });

  it('is done with a session of the second level', () => {
    expect(needsSecondStep(session('aal2', [{ status: 'verified' }]))).toBe(false);
  });

  it('is not asked of who only began to set one up, or has none', () => {
    expect(needsSecondStep(session('aal1', [{ status: 'unverified' }]))).toBe(false);
    expect(needsSecondStep(session('aal1', []))).toBe(false);
  });

  it('is asked for when the token can not be read', () => {
    expect(needsSecondStep(session(null, [{ status: 'verified' }]))).toBe(true);
  });
});
