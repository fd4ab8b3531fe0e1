import { EnvelopeSimpleOpenIcon } from '@phosphor-icons/react';
import { sentenceOf } from '@/lib/errors';
import { Page } from '@/ui/page';
import { Loaded } from '@/ui/query-state';
import { Blank, Panel } from '@/ui/states';
import { useOwnInvitations } from './api';
import { OwnInvitations } from './own-invitations';

interface InvitationsPageProps {
  /** The address they are for. */
  email: string;
  onAccepted: (organizationId: string) => void;
}

/** Organizations that invite me. */
export function InvitationsPage({ email, onAccepted }: InvitationsPageProps) {
  const invitations = useOwnInvitations();
  return (
    <Page title="Invitations" lead={`To ${email}`}>
      <div className="max-w-180">
        <Panel title="Open" {...(invitations.data && { count: invitations.data.items.length })}>
          <Loaded query={invitations} failed="Invitations did not load" sentence={(error) => sentenceOf(error, 'Links in mails still work.')} place="h-14">
            {({ items }) =>
              items.length === 0 ? (
                <div className="grid place-items-center py-3">
                  <Blank icon={<EnvelopeSimpleOpenIcon size={26} />} title="No invitations" testId="own-invitations-empty">
                    Invitations to your address show here and on the rooms page until you answer them or they end.
                  </Blank>
                </div>
              ) : (
                <OwnInvitations invitations={items} onAccepted={onAccepted} />
              )
            }
          </Loaded>
        </Panel>
      </div>
    </Page>
  );
}
