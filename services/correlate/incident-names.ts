/**
 * What incidents are called: from tenant, primary entity and the day on which the session starts.
 *
 * Pure, and a function of the set of signals. A name must not move while a theft goes on: it follows the finding that was
 * made first, at the time and about the account that this finding first named, and no closer than to a day. So neither a
 * revision, nor a finding that comes a little late or names an earlier beginning, makes another incident of the same theft.
 *
 * Promises: two incidents that stand at the same time never have one name. Two sessions of one entity start further apart
 * than the join window, and a day is never longer than that; a closed incident keeps its name, and what comes after it on
 * the same day has the next one.
 */
import { derivedId } from '../../core/ids.ts'
import type { Cluster } from './clusters.ts'
import { entityKey, type Contribution } from './contribution.ts'
import type { Correlation } from './correlation.ts'
import type { CorrelateOptions } from './options.ts'

const dayMs = 86_400_000

/** The names that are given when the incidents around a signal are drawn anew: each once. */
export class IncidentNames {
  readonly #logic: Pick<Correlation, 'signals' | 'incidents'>
  readonly #dayMs: number
  readonly #previous: ReadonlySet<string>
  /** Taken by those that people took apart, whose names are theirs whatever happens on the same day. */
  readonly #apart: ReadonlySet<string>
  readonly #given = new Set<string>()

  constructor(
    logic: Pick<Correlation, 'signals' | 'incidents'>,
    previous: ReadonlySet<string>,
    signals: readonly Contribution[],
    options: Pick<CorrelateOptions, 'joinWindowMs'>,
  ) {
    this.#logic = logic
    this.#dayMs = Math.min(dayMs, options.joinWindowMs)
    this.#previous = previous
    this.#apart = new Set(signals.flatMap(({ apart }) => apart ?? []))
  }

  take(cluster: Cluster): string {
    const name = this.#apartName(cluster) ?? this.#earlierName(cluster) ?? this.#freeName(cluster)
    this.#given.add(name)
    return name
  }

  #apartName([{ apart }]: Cluster): string | undefined {
    return apart === undefined || this.#given.has(apart) ? undefined : apart
  }

  /** An incident that was named by an earlier version of this program, to the millisecond, keeps its name. */
  #earlierName([first]: Cluster): string | undefined {
    for (const id of this.#previous) {
      const stored = this.#logic.incidents.get(id)
      if (stored?.namedToTheMs === true && stored.members.includes(first.id) && !this.#given.has(id)) return id
    }
    return undefined
  }

  #freeName([first]: Cluster): string {
    const { scope, id } = first
    const primary = entityKey(first.first.primary)
    // What joins nothing says nothing of whose session it is.
    const isSession = first.joins.includes(primary) && !this.#logic.signals.isShared(scope, primary)
    const parts = isSession ? [scope, primary, Math.floor(first.first.atMs / this.#dayMs)] : [scope, `signal:${id}`]
    for (let turn = 0; ; turn++) {
      const name = derivedId('incident', ...parts, ...(turn === 0 ? [] : [turn]))
      const isTaken = this.#given.has(name) || this.#apart.has(name)
      if (!isTaken && this.#logic.incidents.get(name)?.standing !== 'closed') return name
    }
  }
}
