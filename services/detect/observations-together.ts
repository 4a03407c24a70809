/**
 * How observations are spelled that travel together in a record: what those of one rule have in common stands there once, as
 * their head (runtime/stage/packs.ts), and what is their own has places in place of names.
 *
 * Pure. Promises: what is read is what was written; what has another form is none.
 */
import type { Entity, EvidenceRef } from '../../core/signal.ts'
import type { Observation } from '../../engine/sigma/types.ts'
import type { Headed } from '../../runtime/stage/packs.ts'
import type { ObservationContext, Observed, ObservedBySigma } from './observed.ts'

interface Head {
  readonly engine: 'sigma' | 'behavior'
  readonly rule: string
  readonly key: string
}

type OwnByBehavior = readonly [scope: string, group: readonly string[], observation: unknown]

type OwnBySigma = readonly [
  scope: string,
  group: readonly string[],
  /** Null: that of the evidence. */
  eventId: string | null,
  timestampMs: number,
  base: number,
  values: readonly string[],
  evidence: SpelledEvidence | null,
  /** Type and id in turn. */
  entities: readonly string[],
  bytes: number | null,
  queries: number | null,
  /** What only findings say. */
  also?: Pick<Observation, 'retracted' | 'incomplete'>,
]

type SpelledEvidence = readonly [
  id: string,
  timestamp: string,
  hash: string,
  topic: string,
  partition: number,
  offset: number,
  index: number,
]

/** More than the versions of rules that are in force at a time. */
const headsMax = 10_000
const heads = new Map<string, Head & { readonly json: string }>()

/** As JSON. The same in all that a version of a rule observes: spelled once. */
export function headOf({ engine, rule, key }: Head): string {
  const known = heads.get(key)
  if (known !== undefined && known.rule === rule && known.engine === engine) return known.json
  if (heads.size >= headsMax) heads.clear()
  const json = JSON.stringify({ engine, rule, key })
  heads.set(key, { engine, rule, key, json })
  return json
}

export function ownOf(observed: Observed): OwnByBehavior | OwnBySigma {
  const { scope, group } = observed
  if (observed.engine === 'behavior') return [scope, group, observed.observation]
  const { eventId, timestampMs, base, values, evidence, retracted, incomplete } = observed.observation
  const { entities, bytes = null, queries = null } = observed.context
  const spelled = evidence === undefined ? null : spelledEvidence(evidence)
  const id = eventId === evidence?.id ? null : eventId
  const names = spelledEntities(entities)
  if (retracted === undefined && incomplete === undefined) {
    return [scope, group, id, timestampMs, base, values, spelled, names, bytes, queries]
  }
  const also = {
    ...(retracted === undefined ? {} : { retracted }),
    ...(incomplete === undefined ? {} : { incomplete }),
  }
  return [scope, group, id, timestampMs, base, values, spelled, names, bytes, queries, also]
}

function spelledEvidence({ id, timestamp, hash, position }: EvidenceRef): SpelledEvidence {
  return [id, timestamp, hash, position.topic, position.partition, position.offset, position.index]
}

function spelledEntities(entities: readonly Entity[]): readonly string[] {
  const spelled: string[] = []
  for (const { type, id } of entities) spelled.push(type, id)
  return spelled
}

/** Undefined: it is no observation. */
export function together({ head, of }: Headed): Observed | undefined {
  if (typeof head !== 'object' || head === null || !Array.isArray(of)) return undefined
  const { engine, rule, key } = head as Partial<Head>
  if (typeof rule !== 'string' || typeof key !== 'string') return undefined
  const [scope, group] = of as readonly unknown[]
  if (typeof scope !== 'string' || !Array.isArray(group)) return undefined
  if (engine === 'sigma' && isBySigma(of)) return bySigma({ rule, key }, of)
  const observation: unknown = of[2]
  if (engine !== 'behavior' || typeof observation !== 'object' || observation === null) return undefined
  return { engine, rule, key, scope, group: group as readonly string[], observation }
}

/** Of such a form that what is missing or strange in it breaks nothing here. */
function isBySigma(own: readonly unknown[]): own is OwnBySigma {
  return Array.isArray(own[5]) && (own[6] === null || Array.isArray(own[6])) && Array.isArray(own[7])
}

function bySigma(head: Pick<ObservedBySigma, 'rule' | 'key'>, own: OwnBySigma): ObservedBySigma {
  const [scope, group, id, timestampMs, base, values, evidence, entities, bytes, queries, also] = own
  const eventId = id ?? evidence?.[0] ?? ''
  const observation: Observation =
    evidence === null
      ? { eventId, timestampMs, base, values, ...also }
      : also === undefined
        ? { eventId, timestampMs, base, values, evidence: evidenceIn(evidence) }
        : { eventId, timestampMs, base, values, evidence: evidenceIn(evidence), ...also }
  const context = contextOf(entitiesIn(entities), bytes, queries)
  return { engine: 'sigma', rule: head.rule, key: head.key, scope, group, observation, context }
}

function contextOf(entities: readonly Entity[], bytes: number | null, queries: number | null): ObservationContext {
  if (bytes === null) return queries === null ? { entities } : { entities, queries }
  return queries === null ? { entities, bytes } : { entities, bytes, queries }
}

function evidenceIn([id, timestamp, hash, topic, partition, offset, index]: SpelledEvidence): EvidenceRef {
  return { id, timestamp, hash, position: { topic, partition, offset, index } }
}

function entitiesIn(spelled: readonly string[]): readonly Entity[] {
  const entities: Entity[] = []
  for (let at = 0; at < spelled.length; at += 2) {
    entities.push({ type: spelled[at] as Entity['type'], id: spelled[at + 1]! })
  }
  return entities
}
