import type { FeedEvent, StepKind } from '@/api/generated/signaling';
import { alertOf, type Alert } from './feed';

export type AlertPhase = 'posted' | 'filled' | 'closed' | 'cancelled';

/** A part that came off; `portion` of the first size, 0-1. */
export interface AlertExit {
  price: string;
  portion: number;
}

/** What happened last. `from`: where the stop stood before it moved. */
export interface LastStep {
  kind: StepKind;
  price: string | null;
  fraction: number | null;
  target: number | null;
  from: string | null;
  at: Date;
  authorName: string;
}

/** Where an alert stands, as the server folded it. Prices are decimal strings; `targetsHit` counts from 1. */
export interface AlertLife {
  phase: AlertPhase;
  fill: string | null;
  filledAt: Date | null;
  stop: string | null;
  left: number;
  targetsHit: number[];
  exits: AlertExit[];
  closedAt: Date | null;
  resultR: number | null;
  resultPercent: number | null;
  last: LastStep | null;
}

export interface LiveAlert extends Alert {
  life: AlertLife;
}

const KINDS: readonly StepKind[] = ['filled', 'stop_moved', 'trimmed', 'target_hit', 'closed', 'cancelled'];
const PHASES: readonly AlertPhase[] = ['posted', 'filled', 'closed', 'cancelled'];

export function isOver({ phase }: AlertLife): boolean {
  return phase === 'closed' || phase === 'cancelled';
}

/**
 * Every alert the feed tells of, newest first, where each stands now. A step changes its card in place; a step whose alert was
 * posted before the entries known here brings the alert along, so that late joiners see it too.
 */
export function alertsOf(events: readonly FeedEvent[]): LiveAlert[] {
  const known = new Map<string, LiveAlert>();
  for (const event of events) {
    const posted = alertOf(event);
    if (posted) known.set(posted.id, { ...posted, life: beginLife(posted) });
    const stepped = stepOf(event);
    if (stepped) known.set(stepped.id, stepped);
  }
  return [...known.values()].sort((one, other) => other.seq - one.seq);
}

export function beginLife({ stop }: Pick<Alert, 'stop'>): AlertLife {
  return {
    ...{ phase: 'posted', fill: null, filledAt: null, stop, left: 1, targetsHit: [], exits: [], closedAt: null },
    ...{ resultR: null, resultPercent: null, last: null },
  };
}

/** The alert a step belongs to, with its state after it. */
function stepOf(event: FeedEvent): LiveAlert | null {
  if (event.kind !== 'alert.stepped' || !isRecord(event.body)) return null;
  const { alertId, alert, step, state } = event.body;
  if (typeof alertId !== 'string' || !isRecord(alert) || !isRecord(step) || !isRecord(state)) return null;
  const { seq, authorId, authorName, at } = alert;
  if (typeof seq !== 'number' || typeof authorId !== 'string' || typeof authorName !== 'string' || typeof at !== 'string') return null;
  const posted = alertOf({ kind: 'alert.posted', subjectId: alertId, seq, authorId, authorName, at, body: alert });
  const phase = PHASES.find((one) => one === state.phase);
  const kind = KINDS.find((one) => one === step.kind);
  if (!posted || !phase || !kind) return null;
  const last: LastStep = {
    ...{ kind, price: text(step.price), fraction: number(step.fraction), target: number(step.target), from: text(step.from) },
    ...{ at: new Date(event.at), authorName: event.authorName },
  };
  return { ...posted, life: { ...readLife(state), phase, last } };
}

function readLife(state: Record<string, unknown>): Omit<AlertLife, 'phase' | 'last'> {
  const exits = Array.isArray(state.exits) ? state.exits.filter(isRecord) : [];
  return {
    fill: text(state.fill),
    filledAt: date(state.filledAt),
    stop: text(state.stop),
    left: number(state.left) ?? 0,
    targetsHit: Array.isArray(state.targetsHit) ? state.targetsHit.filter((one) => typeof one === 'number') : [],
    exits: exits.map(({ price, portion }) => ({ price: text(price) ?? '', portion: number(portion) ?? 0 })),
    closedAt: date(state.closedAt),
    resultR: number(state.resultR),
    resultPercent: number(state.resultPercent),
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Measured numbers come as strings, counts as numbers. */
function number(value: unknown): number | null {
  return typeof value === 'number' ? value : typeof value === 'string' && value !== '' ? Number(value) : null;
}

function date(value: unknown): Date | null {
  return typeof value === 'string' ? new Date(value) : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
