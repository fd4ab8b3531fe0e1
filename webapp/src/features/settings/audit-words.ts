type Fields = Record<string, unknown> | null;

const VERBS: Record<string, string> = {
  created: 'made', changed: 'changed', deleted: 'deleted', removed: 'removed', joined: 'joined', left: 'left',
  revoked: 'revoked', accepted: 'accepted', declined: 'declined', archived: 'archived', restored: 'restored',
  started: 'started', ended: 'ended', transferred: 'handed over', resent: 'sent again', renamed: 'renamed',
  added: 'added', verified: 'proved', linked: 'linked', unlinked: 'unlinked', cleared: 'emptied for', lost: 'lost',
  read: 'read the metadata of',
};
const NOUNS: Record<string, string> = {
  organization: 'the organization', workspace: 'a workspace', room: 'a room', member: 'a member', invitation: 'an invitation',
  sso_connection: 'an identity provider', sso_domain: 'a mail domain', sso_identity: 'a sign-in by an identity provider',
  api_token: 'an API token', webhook: 'a webhook', session: 'a session', room_role: 'a role in a room',
};

const WHOLE: Record<string, string> = {
  'sso_sign_in.succeeded': 'signed in by an identity provider',
  'sso_sign_in.failed': 'refused a sign-in by an identity provider',
  'sso_sign_in.tested': 'saw a test of an identity provider work',
};

/** `room.created` as people say it: `made a room`. An action we have no words for is shown as it is. */
export function sentenceFor(action: string): string {
  const [noun = '', verb = ''] = action.split('.');
  const whole = WHOLE[action];
  if (whole !== undefined) return whole;
  const words = VERBS[verb];
  if (words === undefined) return action;
  return noun === 'member' && (verb === 'joined' || verb === 'left') ? words : `${words} ${NOUNS[noun] ?? noun}`;
}

/** What it was done to, by name or address, where the entry tells; otherwise nothing. */
export function subjectOf(before: Fields, after: Fields): string {
  for (const name of ['name', 'displayName', 'display_name', 'email', 'url']) {
    const found = after?.[name] ?? before?.[name];
    if (typeof found === 'string' && found !== '') return found;
  }
  return '';
}

/** Fields that differ, as text; a field that was not there is a dash. */
export function changedFields(before: Fields, after: Fields): { field: string; before: string; after: string }[] {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...names]
    .map((field) => ({ field, before: textOf(before?.[field]), after: textOf(after?.[field]) }))
    .filter((change) => change.before !== change.after);
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
