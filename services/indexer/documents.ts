/**
 * Which document of the index a record of the bus is.
 *
 * Pure. What the stages wrote is parsed once more, so that nothing stands in the index that the console can't read.
 * Synthetic events are documents like any other, marked `warden.synthetic` (signals and incidents: `synthetic`): they prove
 * that the pipeline works; the console leaves them out unless asked.
 */
import type { z } from 'zod'
import { Action } from '../../core/action.ts'
import { DeadLetter, type DeadLetterCode } from '../../core/dead-letter.ts'
import { Decision } from '../../core/decision.ts'
import { Deed } from '../../core/deed.ts'
import { isEvent } from '../../core/event.ts'
import { complaintText } from '../../core/form-words.ts'
import { Incident } from '../../core/incident.ts'
import { parseJson } from '../../core/json.ts'
import { Leak } from '../../core/leak.ts'
import { LicenseRecord } from '../../core/license.ts'
import type { BusRecord } from '../../core/ports/bus.ts'
import type { PutDocument } from '../../core/ports/search-index.ts'
import { Signal } from '../../core/signal.ts'
import { topics } from '../../core/topics.ts'
import { UsageRecord } from '../../core/usage.ts'

export type Indexable =
  | { readonly puts: readonly PutDocument[] }
  /** Not for the index; `reason` is bounded. */
  | { readonly skipped: 'relayed' | 'not-an-action' }
  | { readonly code: DeadLetterCode; readonly message: string }

export function documentOf(record: BusRecord): Indexable {
  const parsed = parseJson(record.value ?? new Uint8Array())
  if (!parsed.ok) return { code: parsed.code, message: parsed.message }
  const value = parsed.value
  switch (record.topic) {
    case topics.events:
      return eventDocument(value)
    case topics.signals:
      // Decisions are relayed into this log; they are indexed from their own.
      if (kindOf(value) === 'decision') return { skipped: 'relayed' }
      return checked(Signal, value, 'NOT_A_SIGNAL', (signal) => [
        {
          collection: 'signals',
          id: signal.id,
          version: signal.version,
          timeMs: at(signal['@timestamp']),
          document: signal,
        },
      ])
    case topics.incidents:
      return checked(Incident, value, 'NOT_AN_INCIDENT', (incident) => [
        {
          collection: 'incidents',
          id: incident.id,
          version: incident.version,
          timeMs: at(incident.openedAt),
          document: incident,
        },
      ])
    case topics.incidentHistory:
      return checked(Incident, value, 'NOT_AN_INCIDENT', (incident) => [
        {
          collection: 'incident-history',
          id: `${incident.id}/${incident.version}`,
          timeMs: at(incident.updatedAt),
          document: incident,
        },
      ])
    case topics.effects:
      return effectDocument(value)
    case topics.decisions:
      return checked(Decision, value, 'NOT_A_DECISION', (decision) => [
        { collection: 'decisions', id: decision.id, timeMs: at(decision.at), document: decision },
      ])
    case topics.deeds:
      return checked(Deed, value, 'INDEX_REFUSED', (deed) => [
        { collection: 'deeds', id: deed.id, version: deed.version, timeMs: at(deed.at), document: deed },
      ])
    case topics.deadLetters:
      return checked(DeadLetter, value, 'INDEX_REFUSED', (letter) => [
        {
          collection: 'dead-letters',
          id: letter.id,
          version: 1 + (letter.replayed?.count ?? 0),
          timeMs: at(letter.at),
          document: letter,
        },
      ])
    case topics.licenses:
      return checked(LicenseRecord, value, 'INDEX_REFUSED', (license) => [
        {
          collection: 'licenses',
          id: license.kind === 'license' ? `license/${license.license.id}` : `credential/${license.credential.id}`,
          version: license.version,
          timeMs: at(license.updatedAt),
          document: license,
        },
      ])
    case topics.leaks:
      return checked(Leak, value, 'INDEX_REFUSED', (leak) => [
        { collection: 'leaks', id: leak.id, version: leak.version, timeMs: at(leak['@timestamp']), document: leak },
      ])
    case topics.usage:
      return checked(UsageRecord, value, 'INDEX_REFUSED', (usage) => [
        { collection: 'usage', id: usage.id, version: usage.version, timeMs: at(usage.start), document: usage },
      ])
    default:
      return { code: 'INDEX_REFUSED', message: 'No collection of the index is for this topic.' }
  }
}

function eventDocument(value: unknown): Indexable {
  if (!isEvent(value)) return { code: 'NOT_AN_EVENT', message: 'The record has not the envelope of an event.' }
  const timeMs = at(value['@timestamp'])
  if (Number.isNaN(timeMs)) return { code: 'NOT_AN_EVENT', message: 'The event has no time.' }
  return { puts: [{ collection: 'events', id: value.event.id, timeMs, document: value }] }
}

/** An action as it stands and as it stood. Beside actions, respond keeps its runs there, and what is relayed to it. */
function effectDocument(value: unknown): Indexable {
  if (kindOf(value) !== 'action') return { skipped: 'not-an-action' }
  return checked(Action, (value as { action?: unknown }).action, 'NOT_AN_EFFECT', (action) => [
    { collection: 'actions', id: action.id, version: action.version, timeMs: at(action.at), document: action },
    {
      collection: 'action-history',
      id: `${action.id}/${action.version}`,
      timeMs: at(action.at),
      document: action,
    },
  ])
}

/** Where it is wrong, never the value: it may be hostile, or a secret. */
function checked<T>(
  schema: z.ZodType<T>,
  value: unknown,
  code: DeadLetterCode,
  then: (value: T) => readonly PutDocument[],
): Indexable {
  const parsed = schema.safeParse(value)
  if (parsed.success) return { puts: then(parsed.data) }
  return { code, message: complaintText(parsed.error) }
}

function kindOf(value: unknown): unknown {
  return (value as { kind?: unknown } | null)?.kind
}

function at(iso: string): number {
  return Date.parse(iso)
}
