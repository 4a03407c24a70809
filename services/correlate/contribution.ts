/**
 * What correlate remembers of a signal: enough to draw incidents anew whenever another one comes.
 */
import type { Entity, Exposure, Level, Signal, Technique } from '../../core/signal.ts'

export interface Contribution {
  readonly id: string
  readonly version: number
  readonly scope: string
  readonly atMs: number
  /** Start of its evidence: since when. */
  readonly sinceMs: number
  readonly level: Level
  readonly risk: number
  readonly rule: string
  readonly title: string
  readonly explanation: string
  readonly techniques: readonly Technique[]
  readonly entities: readonly Entity[]
  /** Entity keys by which it joins others. */
  readonly joins: readonly string[]
  readonly evidence: number
  readonly exposure: Exposure | undefined
  readonly arrivedMs: number
  /** The incident that a person closed with it inside: it joins nothing any more. */
  readonly sealedBy?: string
  /** Retracted: remembered so that an older version coming late does not bring it back. */
  readonly gone?: boolean
  /** The incident that a person took apart from another: it joins only its like. */
  readonly apart?: string
}

const alwaysJoin: ReadonlySet<Entity['type']> = new Set(['principal', 'credential', 'session'])

const explanationCharsMax = 500
const entitiesMax = 32

export function entityKey(entity: Entity): string {
  return `${entity.type}:${entity.id}`
}

/** The first principal, by which signals of one actor are counted. */
export function principalOf(contribution: Contribution): string {
  const principal = contribution.entities.find((entity) => entity.type === 'principal')
  return entityKey(principal ?? contribution.entities[0] ?? { type: 'account', id: contribution.scope })
}

export function contributionOf(signal: Signal, arrivedMs: number): Contribution {
  const entities = signal.entities.slice(0, entitiesMax)
  const joins = entities
    .filter((entity) => alwaysJoin.has(entity.type) || signal.joinOn.includes(entity.type))
    .map(entityKey)
  const atMs = Date.parse(signal['@timestamp'])
  return {
    id: signal.id,
    version: signal.version,
    scope: signal.scope,
    atMs,
    sinceMs: signal.window === undefined ? atMs : Math.min(atMs, Date.parse(signal.window.start)),
    level: signal.rule.level,
    risk: signal.risk,
    rule: signal.rule.id,
    title: signal.rule.title,
    explanation: signal.explanation.slice(0, explanationCharsMax),
    techniques: signal.rule.techniques,
    entities,
    // A finding about nothing that joins stands alone, under its own id.
    joins: joins.length > 0 ? [...new Set(joins)] : [`signal:${signal.id}`],
    evidence: signal.evidence.count,
    exposure: signal.exposure,
    arrivedMs,
  }
}

/** Event time, then id: the order in which a story is told, whatever the order of arrival. */
export function byTime(a: Contribution, b: Contribution): number {
  return a.atMs - b.atMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
