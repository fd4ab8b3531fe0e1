import { describe, expect, it } from 'vitest';
import { parseCallback } from './callback';

describe('the address a mail leads to', () => {
  it('carries a session in its fragment', () => {
    expect(parseCallback('#access_token=a.b.c&refresh_token=r&type=signup', '')).toEqual({
      kind: 'session',
      accessToken: 'a.b.c',
      refreshToken: 'r',
    });
  });

  it('carries a refusal in fragment or query, which wins over tokens', () => {
    expect(parseCallback('#error=access_denied&error_code=otp_expired', '')).toEqual({ kind: 'failed', code: 'otp_expired' });
    expect(parseCallback('#access_token=a&refresh_token=r', '?error=access_denied')).toEqual({ kind: 'failed', code: 'access_denied' });
  });

  it('says only that something was confirmed, for the first of two mails', () => {
    expect(parseCallback('#message=Confirmation+link+accepted', '')).toEqual({ kind: 'done' });
  });

  it('carries a code of single sign-on in its query, unless it was refused', () => {
    expect(parseCallback('', '?by=sso&next=%2F&code=abc')).toEqual({ kind: 'code', code: 'abc' });
    expect(parseCallback('', '?code=abc&error=access_denied&error_code=sso_failed')).toEqual({ kind: 'failed', code: 'sso_failed' });
  });

  it('without anything is a link that does not work', () => {
    expect(parseCallback('', '')).toEqual({ kind: 'failed', code: 'missing' });
  });
});
