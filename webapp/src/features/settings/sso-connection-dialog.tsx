import { useState, type ChangeEvent, type SubmitEvent } from 'react';
import { call } from '@/api/client';
import { changesOf, newerOf } from '@/api/edit';
import type { NewSsoConnection, SsoConnection, SsoConnectionChanges } from '@/api/types';
import { Button } from '@/ui/button';
import { CopyField } from '@/ui/copy-field';
import { Dialog } from '@/ui/dialog';
import { TextField } from '@/ui/text-field';
import { useChange } from './api';
import { EditProblem, type FieldWords } from './edit-problem';
import { useConnectionEdit } from './edits';
import { ssoProblem } from './sso-words';

/** Characters of metadata the server takes. */
const MAX_XML = 60_000;

const WORDS: FieldWords<SsoConnection> = {
  name: { label: 'Name', say: (now) => now.name },
  issuer: { label: 'Issuer', say: (now) => now.issuer ?? '' },
  clientId: { label: 'Client id', say: (now) => now.clientId ?? '' },
};

interface ConnectionDialogProps {
  organizationId: string;
  kind: SsoConnection['kind'];
  /** The one to change; null: a new one. */
  connection: SsoConnection | null;
  onClose: () => void;
}

/** Set an identity provider up, or change it. The server reads its documents at once and says what is wrong with them. */
export function ConnectionDialog({ organizationId, kind, connection, onClose }: ConnectionDialogProps) {
  const [name, setName] = useState(connection?.name ?? '');
  const [issuer, setIssuer] = useState(connection?.issuer ?? '');
  const [clientId, setClientId] = useState(connection?.clientId ?? '');
  const [secret, setSecret] = useState('');
  const [metadataUrl, setMetadataUrl] = useState(connection?.idpMetadataUrl ?? '');
  const [xml, setXml] = useState<{ name: string; text: string } | null>(null);
  const [isTooLong, setTooLong] = useState(false);
  // What the person has before them: the provider as they opened it, or as another made it meanwhile.
  const [opened] = useState(connection);
  const [seen, setSeen] = useState(connection);
  const add = useChange(organizationId, (body: NewSsoConnection, path) =>
    call('POST', '/organizations/{organization_id}/sso/connections', { params: { path }, body }),
  );
  const edit = useConnectionEdit(organizationId, connection?.id ?? '');
  const save = connection ? edit : add;
  const isOidc = kind === 'oidc';
  const isNew = opened === null;
  // The server forgets it with the issuer it was for.
  const keepsSecret = opened?.hasClientSecret === true && issuer.trim() === opened.issuer;
  const isWhole = name.trim() !== '' && (isOidc ? issuer.trim() !== '' && clientId.trim() !== '' : !isNew || metadataUrl.trim() !== '' || xml !== null);

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const provider: SsoConnectionChanges = isOidc
      ? {
          // Named again, the discovery is read again and what worked stays proven: only a change is sent.
          ...(issuer.trim() !== opened?.issuer && { issuer: issuer.trim() }),
          ...(clientId.trim() !== opened?.clientId && { clientId: clientId.trim() }),
          ...(secret !== '' && { clientSecret: secret }),
        }
      : xml
        ? { metadataXml: xml.text }
        : metadataUrl.trim() === '' || metadataUrl.trim() === opened?.idpMetadataUrl
          ? {}
          : { metadataUrl: metadataUrl.trim() };
    if (seen === null || opened === null) {
      add.mutate({ kind, name: name.trim(), ...provider }, { onSuccess: onClose });
      return;
    }
    const changes = { ...changesOf<SsoConnectionChanges>(opened, { name: name.trim() }), ...provider };
    if (Object.keys(changes).length === 0) onClose();
    else edit.mutate({ seen, changes }, { onSuccess: onClose, onError: (error) => setSeen(newerOf<SsoConnection>(error)?.now ?? seen) });
  }

  async function read(event: ChangeEvent<HTMLInputElement>): Promise<void> {
    const file = event.target.files?.[0];
    setTooLong((file?.size ?? 0) > MAX_XML);
    setXml(file && file.size <= MAX_XML ? { name: file.name, text: await file.text() } : null);
  }

  const what = isOidc ? 'OpenID Connect' : 'SAML';
  const id = `sso-${kind}-form`;
  return (
    <Dialog
      isOpen
      onOpenChange={onClose}
      title={isNew ? `Add ${what}` : `Change ${opened.name}`}
      description={
        isOidc
          ? isNew
            ? 'Make a web client at the provider, and take its issuer, id and secret here. Its redirect URI is shown once this is saved.'
            : 'The web client at the provider needs this redirect URI. Another issuer is another provider: it has to be tested anew.'
          : 'Take the provider’s metadata, by its address or as a file. Our own is shown once this is saved.'
      }
      footer={
        <>
          <Button look="quiet" onClick={onClose}>
            Not now
          </Button>
          <Button type="submit" form={id} look="primary" disabled={!isWhole} isBusy={save.isPending} data-testid="sso-save">
            {isNew ? 'Add' : 'Save'}
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="grid gap-3.5" noValidate>
        <TextField label="Name" placeholder="Okta" maxLength={80} value={name} onChange={(event) => setName(event.target.value)} data-testid="sso-name" />
        {isOidc ? (
          <>
            {opened && <CopyField label="Redirect URI, for the provider" value={opened.redirectUri} isMono />}
            <TextField
              label="Issuer"
              type="url"
              placeholder="https://northgate.okta.com"
              value={issuer}
              onChange={(event) => setIssuer(event.target.value)}
              data-testid="sso-issuer"
            />
            <TextField
              label="Client id"
              autoComplete="off"
              spellCheck={false}
              value={clientId}
              onChange={(event) => setClientId(event.target.value)}
              data-testid="sso-client-id"
            />
            <TextField
              label="Client secret"
              type="password"
              autoComplete="off"
              hint={keepsSecret ? 'One is kept, and never shown again. Empty leaves it.' : 'Empty for a public client.'}
              value={secret}
              onChange={(event) => setSecret(event.target.value)}
              data-testid="sso-client-secret"
            />
          </>
        ) : (
          <>
            <TextField
              label="Address of the metadata"
              type="url"
              placeholder="https://login.northgate.example/metadata"
              hint={opened?.idpMetadataUrl ? 'Read again every day. Empty leaves the provider as it is.' : isNew ? 'Read now, and again every day.' : 'Empty leaves the provider as it is.'}
              disabled={xml !== null}
              value={metadataUrl}
              onChange={(event) => setMetadataUrl(event.target.value)}
              data-testid="sso-metadata-url"
            />
            <label className="grid gap-1 text-xs font-medium text-ink-2">
              Or the metadata as a file
              <input
                type="file"
                accept=".xml,application/xml,text/xml,application/samlmetadata+xml"
                onChange={read}
                className="text-input w-full rounded-2 border border-line-input bg-surface p-1.5 text-ink file:mr-2 file:rounded-2 file:border-0 file:bg-active file:px-2 file:py-1 file:text-ink"
                data-testid="sso-metadata-file"
              />
              {isTooLong && <span className="text-live">This file is longer than {MAX_XML / 1000} kB. Take the metadata of one provider.</span>}
            </label>
          </>
        )}
        {save.error && (
          <div data-testid="sso-save-problem">
            <EditProblem error={save.error} sentence={ssoProblem(save.error, 'Nothing was saved. Try again in a moment.')} words={WORDS} />
          </div>
        )}
      </form>
    </Dialog>
  );
}
