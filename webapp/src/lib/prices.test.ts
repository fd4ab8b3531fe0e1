import { describe, expect, it } from 'vitest';
import { decimalsOf, formatPrice, formatR, parsePrice } from './prices';

describe('prices', () => {
  it.each([
    ['6742.25', 0, '6,742.25'],
    ['155', 2, '155.00'],
    ['1234567', 0, '1,234,567'],
    ['0.00012345', 2, '0.00012345'],
  ])('writes %s with at least %i decimals as %s', (price, decimals, written) => {
    expect(formatPrice(price, decimals)).toBe(written);
  });

  it('shows all prices of one idea with the decimals of its most exact one', () => {
    expect(decimalsOf(['158.4', null, '155', '160.125'])).toBe(3);
  });

  it.each([
    ['1,234.5', '1234.5'],
    ['$187.20', '187.20'],
    ['.5', '0.5'],
    ['0', null],
    ['-3', null],
    ['1e5', null],
    ['12,34', null],
    ['1.123456789', null],
  ])('reads %s as %s', (typed, price) => {
    expect(parsePrice(typed)).toBe(price);
  });

  it('always signs a result, with a true minus', () => {
    expect([formatR(1.857), formatR(-0.3), formatR(0)]).toEqual(['+1.86R', '\u22120.30R', '+0.00R']);
  });
});
