import { Authenticators } from './authenticators';
import { PasswordPanel } from './password-panel';
import { RecoveryCodes } from './recovery-codes';
import { SessionsPanel } from './sessions-panel';
import { SignInMethods } from './sign-in-methods';

/** By what one signs in, password, authenticators and their recovery codes, and where one is signed in. */
export function SecurityPage() {
  return (
    <>
      <SignInMethods />
      <PasswordPanel />
      <Authenticators />
      <RecoveryCodes />
      <SessionsPanel />
    </>
  );
}
