import { describe, expect, it } from 'vitest';
import { domainOf } from './work-address';

describe('the domain of a work address', () => {
  it.each([
    ['ana@northgate.example', 'northgate.example'],
    ['  Ana.Ruiz+x@Mail.Northgate.Example ', 'mail.northgate.example'],
    ['ana@northgate', null],
    ['northgate.example', null],
    ['a@b@northgate.example', null],
    ['ana@northgate.', null],
    ['', null],
  ])('of %j is %j', (address, domain) => {
    expect(domainOf(address)).toBe(domain);
  });
});
