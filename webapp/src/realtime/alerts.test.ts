import { describe, expect, it } from 'vitest';
import type { FeedEvent } from '@/api/generated/signaling';
import { alertsOf } from './alerts';
import { applyEvent, applyWelcome } from './apply-event';
import { makeWelcome } from './fake-server';
import { FIRST_STATE } from './room-store';

const POSTED = { symbol: 'NVDA', side: 'long', entry: '187.20', stop: '185.90', targets: ['190'], note: 'at the open' };
const STATE = {
  ...{ phase: 'filled', fill: '187.20', filledAt: '2026-11-24T15:01:00Z', stop: '185.90', left: '1', targetsHit: [], exits: [] },
  ...{ closedAt: null, resultR: null, resultPercent: null },
};
const head = (seq: number, at = '2026-11-24T15:00:00Z') => ({ seq, authorId: 'dana', authorName: 'Dana Okafor', at });
const posted = (seq: number, id = `alert-${seq}`): FeedEvent => ({ ...head(seq), kind: 'alert.posted', subjectId: id, body: POSTED });
const stepped = (seq: number, alertSeq: number, step: object, state: object = {}): FeedEvent => ({
  ...head(seq, '2026-11-24T15:01:00Z'),
  ...{ kind: 'alert.stepped', subjectId: `step-${seq}` },
  body: {
    alertId: `alert-${alertSeq}`,
    alert: { ...head(alertSeq), ...POSTED },
    step: { price: null, fraction: null, target: null, from: null, ...step },
    state: { ...STATE, ...state },
  },
});

describe('alertsOf', () => {
  it('begins as posted, with the first stop', () => {
    expect(alertsOf([posted(1)])[0]?.life).toMatchObject({ phase: 'posted', stop: '185.90', left: 1, last: null });
  });

  it('changes a card in place: no second one, and it stays where it was posted', () => {
    const alerts = alertsOf([posted(1), posted(2), stepped(3, 1, { kind: 'filled', price: '187.20' })]);

    expect(alerts.map(({ id, life }) => [id, life.phase])).toEqual([
      ['alert-2', 'posted'],
      ['alert-1', 'filled'],
    ]);
    expect(alerts[1]).toMatchObject({ seq: 1, note: 'at the open', life: { last: { kind: 'filled', price: '187.20' } } });
  });

  it('believes the newest step', () => {
    const closed = { phase: 'closed', left: '0', exits: [{ price: '190', portion: '1' }], closedAt: '2026-11-24T15:09:00Z', resultR: '2.15' };
    const [alert] = alertsOf([
      posted(1),
      stepped(2, 1, { kind: 'filled', price: '187.20' }),
      stepped(3, 1, { kind: 'closed', price: '190' }, closed),
    ]);

    expect(alert?.life).toMatchObject({ phase: 'closed', resultR: 2.15, exits: [{ price: '190', portion: 1 }] });
  });

  it('shows a late joiner an alert that was posted before all that is known here', () => {
    const alerts = alertsOf([posted(8), stepped(9, 3, { kind: 'stop_moved', price: '187', from: '185.90' }, { stop: '187' })]);

    expect(alerts.map(({ seq }) => seq)).toEqual([8, 3]);
    expect(alerts[1]).toMatchObject({ symbol: 'NVDA', authorName: 'Dana Okafor', life: { stop: '187', last: { from: '185.90' } } });
  });

  it.each([null, {}, { alertId: 'alert-1' }, { alertId: 'alert-1', alert: POSTED, step: { kind: 'filled' }, state: STATE }])(
    'passes over a step it does not understand: %j',
    (body) => {
      expect(alertsOf([posted(1), { ...stepped(2, 1, {}), body }])[0]?.life.phase).toBe('posted');
    },
  );

  it('follows what applyEvent was told', () => {
    const live = applyWelcome(FIRST_STATE, { ...makeWelcome(), feed: [posted(4)], lastSeq: 4 }, 0);

    const after = applyEvent(live, { method: 'feed.appended', event: stepped(5, 4, { kind: 'filled', price: '187.20' }) });

    expect(alertsOf(after.feed.events).map(({ id, life }) => [id, life.phase])).toEqual([['alert-4', 'filled']]);
  });
});
