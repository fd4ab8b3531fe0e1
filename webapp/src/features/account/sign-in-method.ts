import type { UserIdentity } from '@supabase/auth-js';

/** A way to sign in, in words. detail: as whom one signs in by it. */
export interface Method {
  isProvider: boolean;
  name: string;
  detail: string;
}

/** What to call an identity: an organization's provider by both names, where the issuer tells them. */
export function methodOf({ provider, identity_data = {} }: UserIdentity): Method {
  const email = textOf(identity_data.email);
  if (!provider.startsWith('sso:')) {
    return { isProvider: false, name: provider === 'email' ? 'E-mail' : provider, detail: `${email}, by password or mailed link` };
  }
  const organization = textOf(identity_data.organization_name);
  const connection = textOf(identity_data.connection_name);
  const name = [organization, connection].filter(Boolean).join(', by ') || 'Single sign-on';
  return { isProvider: true, name, detail: `As ${email || textOf(identity_data.sub)}` };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
