const GROUP = 4;

/** A recovery code in groups of four, as one reads it from paper: `abcd-efgh-ijkl-mnop`. The server takes it either way. */
export function groupedCode(code: string): string {
  return (code.match(new RegExp(`.{1,${GROUP}}`, 'g')) ?? []).join('-');
}

/** The text to print or keep: what it is, whose, since when, and the codes, one a line. */
export function recoveryText(codes: readonly string[], email: string, origin: string, day: string): string {
  const head = [`Recovery codes for ${email} at ${origin}`, `Made on ${day}. Each works once, in place of the authenticator's code.`];
  return [...head, '', ...codes.map(groupedCode), ''].join('\n');
}
