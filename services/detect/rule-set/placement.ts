/**
 * Where the groups of a correlation behind the shuffle are kept: which log key its observations travel under.
 *
 * Pure. A correlation by itself is spread by all of its group. Correlations that stand on one another are kept together: they
 * are spread by what all of them group by, so that a finding reaches those above it within one task, at one watermark. A
 * finding that travelled over the log again could arrive behind a watermark that it should have come before.
 */
import type { SigmaCorrelation } from '../../../engine/sigma/types.ts'
import { groupKey } from '../observations.ts'

export interface Placement {
  /** Of the correlation, or of all that are kept together with it. */
  readonly name: string
  /** False: one of them counts events of several tenants together. */
  readonly scoped: boolean
  /** Places in the group, in an order that all of them share. */
  readonly columns: readonly number[]
}

/** The log key of a group. */
export function logKeyOf({ name, scoped, columns }: Placement, scope: string, values: readonly string[]): string {
  const [only, second] = columns
  const shared =
    only !== undefined && second === undefined ? [values[only] ?? ''] : columns.map((column) => values[column] ?? '')
  return `${name} ${groupKey(scoped ? scope : 'operator', shared)}`
}

export function aloneAt({ meta, groupBy }: SigmaCorrelation): Placement {
  return { name: meta.id, scoped: true, columns: [...groupBy.keys()] }
}

/** Placements of those of the correlations that stand on one another, by id. The others are alone (`aloneAt`). */
export function sharedPlacements(correlations: readonly SigmaCorrelation[]): ReadonlyMap<string, Placement> {
  const byId = new Map(correlations.map((rule) => [rule.meta.id, rule]))
  const together = new Joined<string>()
  const columns = new Joined<string>()
  for (const upper of correlations) {
    for (const { kind, id, groupFields } of upper.base) {
      const lower = kind === 'correlation' ? byId.get(id) : undefined
      if (lower === undefined) continue
      together.join(upper.meta.id, id)
      for (const [at, field] of groupFields.entries()) {
        columns.join(columnOf(upper, at), columnOf(lower, lower.groupBy.indexOf(field)))
      }
    }
  }
  const placements = new Map<string, Placement>()
  for (const ids of together.sets()) {
    const members = ids.map((id) => byId.get(id)!).sort((a, b) => (a.meta.id < b.meta.id ? -1 : 1))
    const shared = columnsInAll(members, columns)
    const scoped = members.every(({ meta }) => meta.warden.scope !== 'operator')
    const name = members[0]!.meta.id
    for (const [at, { meta }] of members.entries())
      placements.set(meta.id, { name, scoped, columns: shared.map((column) => column[at]!) })
  }
  return placements
}

/** What every member groups by, and by it once: for each such value, its place in each member's group. */
function columnsInAll(members: readonly SigmaCorrelation[], columns: Joined<string>): readonly (readonly number[])[] {
  return members[0]!.groupBy.flatMap((_, first) => {
    const set = columns.rootOf(columnOf(members[0]!, first))
    const places = members.map((member) =>
      [...member.groupBy.keys()].filter((at) => columns.rootOf(columnOf(member, at)) === set),
    )
    return places.every(({ length }) => length === 1) ? [places.map(([at]) => at!)] : []
  })
}

function columnOf({ meta }: SigmaCorrelation, at: number): string {
  return `${at} ${meta.id}`
}

/** Which things belong together, some being told of in pairs. */
class Joined<T> {
  readonly #parents = new Map<T, T>()

  rootOf(item: T): T {
    let root = item
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root)) root = parent
    return root
  }

  join(a: T, b: T): void {
    const [first, second] = [this.rootOf(a), this.rootOf(b)]
    if (first !== second) this.#parents.set(first, second)
  }

  sets(): readonly (readonly T[])[] {
    const sets = new Map<T, Set<T>>()
    for (const item of this.#parents.keys()) {
      const root = this.rootOf(item)
      const set = sets.get(root) ?? new Set([root])
      sets.set(root, set.add(item))
    }
    return [...sets.values()].map((set) => [...set])
  }
}
