import { Authenticators } from './authenticators';
import { PasswordPanel } from './password-panel';
import { RecoveryCodes } from './recovery-codes';
import { SessionsPanel } from './sessions-panel';

/** Password, authenticators and their recovery codes, and where one is signed in. */
export function SecurityPage() {
  return (
    <>
      <PasswordPanel />
      <Authenticators />
      <RecoveryCodes />
      <SessionsPanel />
    </>
  );
}
