import type { SsoConnection } from '@/api/types';
import { dayOf, momentOf } from '@/lib/dates';
import { Button } from '@/ui/button';
import { CopyField } from '@/ui/copy-field';
import { SettingRow } from '@/ui/page';
import { useNow } from '@/ui/use-now';
import { useMetadataReading } from './sso-api';
import { reasonSentence, ssoProblem } from './sso-words';

const SOON_MS = 30 * 86_400_000;

interface FactsProps {
  organizationId: string;
  connection: SsoConnection;
  canChange: boolean;
}

/** What the provider asks about us, and what we know of it. */
export function ConnectionFacts({ organizationId, connection, canChange }: FactsProps) {
  return (
    <>
      <div className="grid gap-2.5 border-b border-line px-3.5 py-3 md:grid-cols-2">
        {connection.kind === 'oidc' ? <OidcFacts connection={connection} /> : <SamlFacts connection={connection} />}
      </div>
      {connection.idpMetadataUrl !== null && <Metadata organizationId={organizationId} connection={connection} canChange={canChange} />}
    </>
  );
}

function OidcFacts({ connection }: { connection: SsoConnection }) {
  return (
    <>
      <div className="grid gap-1.5 md:col-span-2">
        <CopyField label="Redirect URI, for the provider" value={connection.redirectUri} isMono testId="sso-redirect-uri" />
        <p className="text-xs text-ink-2">
          {connection.workedAt === null ? 'Put it into the client at the provider before the first test. ' : ''}
          It is this connection’s alone, and has to be there to the letter.
        </p>
      </div>
      <CopyField label="Issuer" value={connection.issuer ?? ''} isMono />
    </>
  );
}

function SamlFacts({ connection }: { connection: SsoConnection }) {
  const now = useNow(60_000);
  const expiry = connection.certificateExpiresAt;
  const isSoon = expiry !== null && new Date(expiry).getTime() - now < SOON_MS;
  const count = connection.certificates.length;
  return (
    <>
      <CopyField label="Entity id, for the provider" value={connection.spEntityId} isMono testId="sso-entity-id" />
      <CopyField label="ACS URL, for the provider" value={connection.acsUrl} isMono testId="sso-acs-url" />
      <p className="text-xs text-ink-2 md:col-span-2">
        Or let it read{' '}
        <a href={connection.metadataUrl} className="underline decoration-ink-3 underline-offset-2">
          our metadata
        </a>
        . Signs in at <span className="font-mono wrap-anywhere">{connection.idpSsoUrl}</span>
        {expiry !== null && (
          <>
            ; {count === 1 ? 'its certificate ends on' : `it may sign with ${count} certificates, the last of which ends on`}{' '}
            <span className={isSoon ? 'text-warn' : ''}>{dayOf(expiry)}</span>
          </>
        )}
        .
      </p>
    </>
  );
}

/** Where the provider's metadata is read again, and what came of the newest try. */
function Metadata({ organizationId, connection, canChange }: FactsProps) {
  const read = useMetadataReading(organizationId, connection.id);
  const { metadataError, metadataReadAt } = connection;
  const problem = read.error ? ssoProblem(read.error, 'It was not read. Try again in a moment.') : null;
  return (
    <SettingRow
      label="Its metadata"
      hint={
        <span data-testid="sso-metadata">
          Read every day from <span className="font-mono wrap-anywhere">{connection.idpMetadataUrl}</span>
          {metadataReadAt !== null && `, last ${momentOf(metadataReadAt)}`}.{' '}
          {(problem ?? metadataError) !== null && (
            <span className="text-warn" role="status">
              {problem ?? `Nothing changed by it: ${reasonSentence(metadataError ?? '')}`}
            </span>
          )}
        </span>
      }
    >
      {canChange && (
        <Button size="sm" isBusy={read.isPending} onClick={() => read.mutate(null)} data-testid="sso-read-metadata">
          Read it now
        </Button>
      )}
    </SettingRow>
  );
}
