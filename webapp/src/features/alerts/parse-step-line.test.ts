import { describe, expect, it } from 'vitest';
import { beginLife, type LiveAlert } from '@/realtime/alerts';
import { parseStepLine } from './parse-step-line';
import { lineFor } from './step-lines';

const make = (id: string, symbol: string, over: Partial<LiveAlert['life']> = {}): LiveAlert => ({
  ...{ id, seq: 1, symbol, side: 'long', entry: '187.20', stop: '185.90', targets: ['190', '193'], note: '' },
  ...{ authorId: 'dana', authorName: 'Dana', at: new Date(0) },
  life: { ...beginLife({ stop: '185.90' }), phase: 'filled', fill: '187.20', ...over },
});
const nvda = make('nvda', 'NVDA');
const option = make('option', 'SPY 670C');
const fresh = make('fresh', 'AMD', { phase: 'posted', fill: null });
const all = [nvda, option, fresh];

describe('parseStepLine', () => {
  it.each([
    ['trim nvda half 186.40', { kind: 'trimmed', fraction: '0.5', price: '186.40', alert: nvda }],
    ['trim NVDA 25% at 186.4', { kind: 'trimmed', fraction: '0.25', price: '186.4' }],
    ['trim nvda 1/3 186', { fraction: '0.3333' }],
    ['stop nvda to 181.20', { kind: 'stop_moved', price: '181.20' }],
    ['close spy 670c 4.20', { kind: 'closed', price: '4.20', alert: option }],
    ['target nvda 2', { kind: 'target_hit', target: 2, price: null }],
    ['target nvda 1 190', { kind: 'target_hit', target: 1, price: '190' }],
    ['filled amd', { kind: 'filled', price: null, alert: fresh }],
    ['cancel amd', { kind: 'cancelled', price: null }],
  ])('reads %s', (line, read) => {
    expect(parseStepLine(line, all, null)).toMatchObject({ ...read, problem: null });
  });

  it.each([
    ['trim', 'Which alert? Open: NVDA, SPY 670C, AMD.'],
    ['trim nvda 186', 'How much? half, third, 25%.'],
    ['trim nvda half', 'At which price?'],
    ['close amd 187', 'AMD is not filled yet.'],
    ['filled nvda', 'NVDA is filled already.'],
    ['stop nvda soon', 'One word here is not understood.'],
    ['target nvda 3', 'NVDA has no target 3.'],
  ])('says what is missing in %s', (line, problem) => {
    expect(parseStepLine(line, all, null)?.problem).toBe(problem);
  });

  it.each(['long nvda 187', '', 'nvda trim'])('leaves "%s" to others', (line) => {
    expect(parseStepLine(line, all, null)).toBeNull();
  });

  it('means the alert whose button was pressed, of two with one symbol', () => {
    const other = make('other', 'NVDA');

    expect(parseStepLine('close nvda 190', [nvda, other], 'other')?.alert?.id).toBe('other');
    expect(parseStepLine('close nvda 190', [nvda, other], null)?.alert?.id).toBe('nvda');
  });

  it('passes over what is closed', () => {
    expect(parseStepLine('close nvda 190', [make('old', 'NVDA', { phase: 'closed' })], 'old')).toMatchObject({
      alert: null,
      problem: 'No alert is open.',
    });
  });

  it('keeps every character', () => {
    const line = ' trim  nvda half  at 186.40 ';

    expect(parseStepLine(line, all, null)?.pieces.map(({ text }) => text).join('')).toBe(line);
  });
});

describe('lineFor', () => {
  it.each(['filled', 'cancel'] as const)('is complete for %s of a posted one', (action) => {
    expect(parseStepLine(lineFor(action, fresh), all, 'fresh')).toMatchObject({ problem: null, alert: { id: 'fresh' } });
  });

  it.each(['target', 'entry'] as const)('is complete for %s of a filled one', (action) => {
    expect(parseStepLine(lineFor(action, nvda), all, 'nvda')).toMatchObject({ problem: null, alert: { id: 'nvda' } });
  });

  it.each(['trim', 'stop', 'close'] as const)('leaves only the price of %s to be typed', (action) => {
    expect(parseStepLine(lineFor(action, nvda), all, 'nvda')?.problem).toBe('At which price?');
  });
});
