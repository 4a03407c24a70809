/**
 * The keys of the configuration, read off its schema: for the reference in docs/configuration.md and for "did you mean".
 */
import { z } from 'zod'
import { Config } from './config.ts'

/** The part of JSON Schema that the configuration uses. */
export interface ConfigNode {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly properties?: Readonly<Record<string, ConfigNode>>
  readonly required?: readonly string[]
  readonly additionalProperties?: ConfigNode | boolean
  readonly items?: ConfigNode
  readonly anyOf?: readonly ConfigNode[]
  readonly oneOf?: readonly ConfigNode[]
  readonly allOf?: readonly ConfigNode[]
}

/** The configuration's JSON Schema, for editors and for the reference. */
export function configSchema(): ConfigNode {
  return z.toJSONSchema(Config, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as ConfigNode
}

/** The key that was probably meant by an unknown one at this path. */
export function nearestKey(path: readonly (string | number)[], unknown: string): string | undefined {
  let nodes: readonly ConfigNode[] = [configSchema()]
  for (const step of path) nodes = nodes.flatMap((node) => childrenAt(node, step))
  const keys = nodes.flatMap((node) => variants(node)).flatMap((node) => Object.keys(node.properties ?? {}))
  const near = keys
    .map((key) => ({ key, distance: editDistance(key.toLowerCase(), unknown.toLowerCase().slice(0, 64)) }))
    .filter(({ key, distance }) => distance <= Math.max(2, Math.floor(key.length / 3)))
    .sort((a, b) => a.distance - b.distance)
  return near[0]?.key
}

function variants(node: ConfigNode): readonly ConfigNode[] {
  return [node, ...[...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])].flatMap(variants)]
}

function childrenAt(node: ConfigNode, step: string | number): readonly ConfigNode[] {
  return variants(node).flatMap((variant) => {
    if (typeof step === 'number') return variant.items === undefined ? [] : [variant.items]
    const named = variant.properties !== undefined && Object.hasOwn(variant.properties, step)
    if (named) return [variant.properties[step]!]
    return typeof variant.additionalProperties === 'object' ? [variant.additionalProperties] : []
  })
}

/** Letters to insert, remove, replace, or swap with their neighbor (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2]![j - 2]! + 1)
      row.push(least)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}
