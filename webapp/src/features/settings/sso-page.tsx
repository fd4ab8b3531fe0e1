import { CheckCircleIcon, FingerprintIcon, WarningIcon, XIcon } from '@phosphor-icons/react';
import { useEffect, useState } from 'react';
import type { SsoConnection } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { Button, IconButton } from '@/ui/button';
import { Loaded } from '@/ui/query-state';
import { Banner, Blank, Panel } from '@/ui/states';
import { useUsage } from './api';
import { FORM } from './settings-layout';
import { useConnections, useDomains, useSsoPlans } from './sso-api';
import { ConnectionDialog } from './sso-connection-dialog';
import { ConnectionPanel } from './sso-connection-panel';
import { DomainsPanel } from './sso-domains';
import { testOutcome } from './sso-words';

interface SsoPageProps {
  organizationId: string;
  isOwner: boolean;
  /** Name of a member by id, as far as they are known. */
  nameOf: (userId: string) => string | null;
}

/** `settings/single-sign-on`: the organization's mail domains, and the identity providers its people sign in at. */
export function SsoPage({ organizationId, isOwner, nameOf }: SsoPageProps) {
  const usage = useUsage(organizationId);
  const domains = useDomains(organizationId);
  const connections = useConnections(organizationId);
  const plans = useSsoPlans();
  const [adding, setAdding] = useState<SsoConnection['kind'] | null>(null);
  const hasPlan = usage.data?.features.includes('sso') ?? true;
  const canChange = isOwner && hasPlan;
  const hasDomain = domains.data?.items.some(({ verifiedAt }) => verifiedAt !== null) ?? false;
  return (
    <div className={FORM}>
      <TestBanner />
      <p className="text-ink-2">
        People of your mail domains sign in at your own identity provider, such as Okta, Entra or Keycloak.
        {!isOwner && hasPlan && ' Only the owner changes this: whoever chooses the provider decides who comes in.'}
      </p>
      {!hasPlan && (
        <div className="overflow-hidden rounded-3 border border-line" data-testid="sso-plan">
          <Banner icon={<FingerprintIcon size={18} />}>
            {plans === '' ? 'This plan holds no single sign-on.' : `Single sign-on is part of ${plans}.`} What was set up earlier rests: nobody
            comes in by it, and nobody has to.
          </Banner>
        </div>
      )}
      <Loaded query={domains} failed="Mail domains did not load" sentence={(error) => sentenceOf(error, 'Signing in is not affected.')}>
        {({ items }) => <DomainsPanel organizationId={organizationId} domains={items} canChange={canChange} isOwner={isOwner} />}
      </Loaded>
      <Loaded query={connections} failed="Identity providers did not load" sentence={(error) => sentenceOf(error, 'Signing in is not affected.')}>
        {({ items }) => (
          <>
            {items.map((connection) => (
              <ConnectionPanel
                key={connection.id}
                organizationId={organizationId}
                connection={connection}
                canChange={canChange}
                isOwner={isOwner}
                hasDomain={hasDomain}
                nameOf={nameOf}
              />
            ))}
            <Panel title={items.length === 0 ? 'Identity provider' : 'Another identity provider'}>
              <div className="grid place-items-center py-2">
                <Blank
                  icon={<FingerprintIcon size={26} />}
                  title={items.length === 0 ? 'No identity provider' : 'One more'}
                  action={
                    <span className="flex flex-wrap justify-center gap-2">
                      <Button disabled={!canChange} onClick={() => setAdding('oidc')} data-testid="sso-add-oidc">
                        Add OpenID Connect
                      </Button>
                      <Button disabled={!canChange} onClick={() => setAdding('saml')} data-testid="sso-add-saml">
                        Add SAML
                      </Button>
                    </span>
                  }
                >
                  A new one is off. Test it, turn it on, and only then, if you want, make it the only way in.
                </Blank>
              </div>
            </Panel>
          </>
        )}
      </Loaded>
      {adding && <ConnectionDialog organizationId={organizationId} kind={adding} connection={null} onClose={() => setAdding(null)} />}
    </div>
  );
}

/** What the test sign-in came back with, once. */
function TestBanner() {
  const [outcome, setOutcome] = useState(() => testOutcome(location.search));
  useEffect(() => {
    // Read anew, the page must not say it again.
    if (outcome) history.replaceState(history.state, '', location.pathname);
  }, [outcome]);
  if (!outcome) return null;
  return (
    <div className="overflow-hidden rounded-3 border border-line" data-testid="sso-test-outcome">
      <Banner
        tone={outcome.isWorking ? 'plain' : 'warn'}
        icon={outcome.isWorking ? <CheckCircleIcon size={18} /> : <WarningIcon size={18} weight="fill" />}
        action={
          <IconButton label="Close" onClick={() => setOutcome(null)}>
            <XIcon size={16} />
          </IconButton>
        }
      >
        {outcome.words}
      </Banner>
    </div>
  );
}
