/**
 * Groups signals that belong together.
 *
 * Pure, and a function of the set alone: whatever the order of arrival, the same signals give the same clusters. Two
 * signals belong together if a chain of signals leads from one to the other in which each shares a joining entity with
 * the next, and is first made no more than the join window after the former last was. Entities shared by too many principals
 * do not join. A cluster longer than a session is cut where the session ends.
 */
import { byFirst, type Contribution } from './contribution.ts'
import type { CorrelateOptions } from './options.ts'

/** Members in the order of `byFirst`. */
export type Cluster = readonly [Contribution, ...Contribution[]]

export function clusterSignals(
  signals: readonly Contribution[],
  isShared: (entity: string) => boolean,
  options: Pick<CorrelateOptions, 'joinWindowMs' | 'sessionMsMax'>,
): readonly Cluster[] {
  const sorted = [...signals].sort(byFirst)
  const roots = sorted.map((_, index) => index)
  const find = (index: number): number => {
    let root = index
    while (roots[root] !== root) root = roots[root] ?? root
    roots[index] = root
    return root
  }
  const chains = new Map<string, { readonly index: number; readonly untilMs: number }>()
  for (const [index, signal] of sorted.entries()) {
    for (const entity of signal.joins) {
      if (isShared(entity)) continue
      const chain = signal.apart === undefined ? entity : `${signal.apart}\n${entity}`
      const before = chains.get(chain)
      const joins = before !== undefined && signal.first.atMs - before.untilMs <= options.joinWindowMs
      chains.set(chain, { index, untilMs: Math.max(signal.atMs, joins ? before.untilMs : -Infinity) })
      if (!joins) continue
      const [a, b] = [find(before.index), find(index)]
      if (a !== b) roots[Math.max(a, b)] = Math.min(a, b)
    }
  }
  const groups = new Map<number, Contribution[]>()
  for (const [index, signal] of sorted.entries()) {
    const root = find(index)
    const group = groups.get(root)
    if (group === undefined) groups.set(root, [signal])
    else group.push(signal)
  }
  return [...groups.values()].flatMap((group) => cutSessions(group, options.sessionMsMax))
}

function cutSessions(group: readonly Contribution[], sessionMsMax: number): readonly Cluster[] {
  const clusters: [Contribution, ...Contribution[]][] = []
  for (const signal of group) {
    const current = clusters[clusters.length - 1]
    if (current !== undefined && signal.first.atMs - current[0].first.atMs <= sessionMsMax) current.push(signal)
    else clusters.push([signal])
  }
  return clusters
}
