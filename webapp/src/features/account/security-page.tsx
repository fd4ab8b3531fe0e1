import { Authenticators } from './authenticators';
import { PasswordPanel } from './password-panel';

/** Password and authenticators. */
export function SecurityPage() {
  return (
    <>
      <PasswordPanel />
      <Authenticators />
    </>
  );
}
