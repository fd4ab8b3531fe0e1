import type { UserIdentity } from '@supabase/auth-js';
import { describe, expect, it } from 'vitest';
import { methodOf } from './sign-in-method';

const identity = (provider: string, identity_data: Record<string, unknown>): UserIdentity => ({
  id: 'x', user_id: 'x', identity_id: 'x', provider, identity_data,
});

describe('methodOf', () => {
  it('names the address', () => {
    expect(methodOf(identity('email', { email: 'ana@northgate.example' }))).toEqual({
      isProvider: false, name: 'E-mail', detail: 'ana@northgate.example, by password or mailed link',
    });
  });

  it('names a provider by its organization and its own name', () => {
    const data = { sub: '42', email: 'ana@northgate.example', organization_name: 'Northgate', connection_name: 'Okta' };
    expect(methodOf(identity('sso:1', data))).toEqual({ isProvider: true, name: 'Northgate, by Okta', detail: 'As ana@northgate.example' });
  });

  it('makes do with what another issuer tells', () => {
    expect(methodOf(identity('sso:1', { sub: '42' }))).toEqual({ isProvider: true, name: 'Single sign-on', detail: 'As 42' });
  });
});
