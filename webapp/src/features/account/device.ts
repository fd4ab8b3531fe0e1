const BROWSERS: [RegExp, string][] = [
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/Chrome\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone|iPad/, 'iOS'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
];

/** `Chrome on Windows` of a user agent; coarse on purpose: it is for recognizing one's own. */
export function deviceOf(userAgent: string): { name: string; isPhone: boolean } {
  const find = (table: [RegExp, string][]) => table.find(([pattern]) => pattern.test(userAgent))?.[1];
  const name = [find(BROWSERS) ?? 'A program', find(SYSTEMS)].filter(Boolean).join(' on ');
  return { name, isPhone: /iPhone|Android.*Mobile/.test(userAgent) };
}
