import { Authenticators } from './authenticators';
import { PasswordPanel } from './password-panel';
import { SessionsPanel } from './sessions-panel';

/** Password, authenticators, and where one is signed in. */
export function SecurityPage() {
  return (
    <>
      <PasswordPanel />
      <Authenticators />
      <SessionsPanel />
    </>
  );
}
