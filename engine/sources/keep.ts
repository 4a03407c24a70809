/**
 * What stands of a vendor's record under its source's name, e.g. `aws.cloudtrail.requestParameters`: in the vendor's own
 * names, so that rules written against them find them.
 */
import type { YamlPath } from '../../core/yaml.ts'
import { boundedCopy } from './bounded-copy.ts'
import type { Write } from './builder.ts'
import type { Complaints } from './complaints.ts'
import type { SourceDefinition } from './definition.ts'
import type { MappingContext } from './mapping-context.ts'
import { compileGetter, isObject, parsePath } from './path.ts'

export function compileKeep(
  keep: NonNullable<SourceDefinition['keep']>,
  name: string,
  path: YamlPath,
  complaints: Complaints,
): Write {
  const under = name.split('.')
  const choose = keep === 'all' ? copyAll : compileChoice(keep, path, complaints)
  return (record, context, into) => {
    const kept = choose(record, context)
    if (!isObject(kept)) return
    let holder = into
    for (const step of under.slice(0, -1)) holder = (holder[step] ??= {}) as Record<string, unknown>
    holder[under.at(-1)!] = kept
  }
}

type Choose = (record: unknown, context: MappingContext) => unknown

const copyAll: Choose = (record, context) => boundedCopy(record, context)

function compileChoice(
  keep: Exclude<NonNullable<SourceDefinition['keep']>, 'all'>,
  path: YamlPath,
  complaints: Complaints,
): Choose {
  const [mode, fields] = 'only' in keep ? (['only', keep.only] as const) : (['except', keep.except] as const)
  const paths: string[][] = []
  for (const [index, field] of fields.entries()) {
    const steps = parsePath(field)
    if (steps?.every((step) => typeof step === 'string') === true) paths.push([...(steps as string[])])
    else complaints.at([...path, mode, index], `"${field}" is no path of keys.`)
  }
  return mode === 'only' ? compileOnly(paths) : compileExcept(paths)
}

function compileOnly(paths: readonly (readonly string[])[]): Choose {
  const getters = paths.map((steps) => ({ steps, get: compileGetter(steps) }))
  return (record, context) => {
    const out: Record<string, unknown> = {}
    for (const { steps, get } of getters) {
      const value = boundedCopy(get(record), context)
      if (value === undefined || value === null) continue
      let holder = out
      for (const step of steps.slice(0, -1))
        holder = (Object.hasOwn(holder, step) ? holder[step] : (holder[step] = {})) as Record<string, unknown>
      holder[steps.at(-1)!] = value
    }
    return Object.keys(out).length === 0 ? undefined : out
  }
}

/** Leaves out by copying each level above an exception without it. */
function compileExcept(paths: readonly (readonly string[])[]): Choose {
  return (record, context) => boundedCopy(without(record, paths), context)
}

function without(value: unknown, paths: readonly (readonly string[])[]): unknown {
  if (!isObject(value) || paths.length === 0) return value
  const gone = new Set(paths.filter((steps) => steps.length === 1).map((steps) => steps[0]!))
  const deeper = Map.groupBy(
    paths.filter((steps) => steps.length > 1),
    (steps) => steps[0]!,
  )
  const entries: [string, unknown][] = []
  for (const key of Object.keys(value)) {
    if (gone.has(key)) continue
    const below = deeper.get(key)
    entries.push([
      key,
      below === undefined
        ? value[key]
        : without(
            value[key],
            below.map((steps) => steps.slice(1)),
          ),
    ])
  }
  return Object.fromEntries(entries)
}
