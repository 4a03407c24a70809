/**
 * What correlate remembers of a signal: enough to draw incidents anew whenever another one comes.
 */
import type { Entity, Exposure, Level, Signal, Technique } from '../../core/signal.ts'

/**
 * When a finding was first made, and about whom: what its incident is named by, so it does not move with revisions.
 *
 * A finding of a Sigma rule has one time, which only late records move: there it is the last version's. One of a behavior
 * rule is completed anew with every revision: there it is the earliest that any version said.
 */
export interface FirstSaid {
  readonly version: number
  readonly atMs: number
  readonly primary: Entity
}

export interface Contribution {
  readonly id: string
  readonly version: number
  readonly scope: string
  /** Event time of the last record that it rests on. */
  readonly atMs: number
  readonly first: FirstSaid
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

/** Whom it is about: its first principal, else what joins it. */
export function primaryOf({ scope, entities, joins }: Pick<Contribution, 'scope' | 'entities' | 'joins'>): Entity {
  const joined = entities.find((entity) => joins.includes(entityKey(entity)))
  return entities.find((entity) => entity.type === 'principal') ?? joined ?? { type: 'account', id: scope }
}

/** The first of what was said of a finding, whatever the order in which its versions come. */
export function earliest(said: readonly FirstSaid[]): FirstSaid | undefined {
  return said.reduce<FirstSaid | undefined>(
    (first, each) =>
      first === undefined || each.atMs < first.atMs || (each.atMs === first.atMs && each.version < first.version)
        ? each
        : first,
    undefined,
  )
}

/** Whom it first named it goes on to join, though a later version has too many entities to name them all. */
export function withFirst(contribution: Contribution, first: FirstSaid): Contribution {
  const key = entityKey(first.primary)
  const { joins } = contribution
  const isNamed = !alwaysJoin.has(first.primary.type) || joins.includes(key)
  return { ...contribution, first, joins: isNamed ? joins : [...joins, key] }
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
    first: { version: signal.version, atMs, primary: primaryOf({ scope: signal.scope, entities, joins }) },
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
  return a.atMs - b.atMs || byId(a, b)
}

/** The order in which findings were first made. */
export function byFirst(a: Contribution, b: Contribution): number {
  return a.first.atMs - b.first.atMs || byId(a, b)
}

function byId(a: Contribution, b: Contribution): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
