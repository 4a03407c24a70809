/**
 * The keys of the configuration, read off its schema: for the reference in docs/configuration.md and for "did you mean".
 */
import { z } from 'zod'
import { nearest } from '../../core/near-miss.ts'
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
  return nearest(unknown, keys)
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
