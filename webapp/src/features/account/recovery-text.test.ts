import { describe, expect, it } from 'vitest';
import { groupedCode, recoveryText } from './recovery-text';

describe('recovery codes', () => {
  it('are grouped by four, the rest last', () => {
    expect(groupedCode('abcdefghijklmnop')).toBe('abcd-efgh-ijkl-mnop');
    expect(groupedCode('abcdef')).toBe('abcd-ef');
    expect(groupedCode('')).toBe('');
  });

  it('say on paper whose they are and what they do', () => {
    const text = recoveryText(['aaaabbbb', 'ccccdddd'], 'me@example.com', 'https://rooms.example', '23 Nov 2026');

    expect(text.split('\n')).toEqual([
      'Recovery codes for me@example.com at https://rooms.example',
      "Made on 23 Nov 2026. Each works once, in place of the authenticator's code.",
      '',
      'aaaa-bbbb',
      'cccc-dddd',
      '',
    ]);
  });
});
