/**
 * Runs the cases that stand beside a source (`<name>.cases.yml`): a raw record, and the event or the refusal it must become.
 *
 * Pure. Each expectation names only the fields it is about; a field that must not be there is expected to be `null`.
 */
import { z } from 'zod'
import type { ContentFile } from '../../core/content.ts'
import { deadLetterCodes } from '../../core/dead-letter.ts'
import type { FilePlace, Mistake } from '../../core/errors.ts'
import { Event } from '../../core/event.ts'
import { sha256Hex } from '../../core/ids.ts'
import { parseJson } from '../../core/json.ts'
import { parseYaml, schemaMistakes, type ParsedYaml } from '../../core/yaml.ts'
import { compileSources, isCasesFile } from './compile.ts'
import { MappingContext } from './mapping-context.ts'
import { compileGetter } from './path.ts'
import type { Source } from './source.ts'

const Case = z
  .strictObject({
    name: z.string().min(1),
    /** As YAML, or as a text of JSON where spelling matters. */
    record: z.unknown().optional(),
    raw: z.string().optional(),
    /** When it arrived; default: an hour after its time is not known, so 2030. */
    arrived: z.iso.datetime().default('2030-01-01T00:00:00.000Z'),
    /** Event field -> value. */
    event: z.record(z.string(), z.unknown()).optional(),
    refused: z.enum(deadLetterCodes).optional(),
    ignored: z.literal(true).optional(),
    /** What must stand nowhere in the event, nor in the record that goes over the bus. */
    never: z.array(z.string().min(3)).optional(),
  })
  .refine((one) => (one.record === undefined) !== (one.raw === undefined), 'A case has `record` or `raw`')
  .refine(
    (one) => [one.event, one.refused, one.ignored].filter((expected) => expected !== undefined).length === 1,
    'A case expects one of `event`, `refused`, `ignored`',
  )
type Case = z.infer<typeof Case>

const CasesFile = z.strictObject({ source: z.string(), cases: z.array(Case).min(1).max(1_000) })

export interface CaseResult {
  readonly source: string
  readonly name: string
  readonly place: FilePlace
  /** What differs; empty: it holds. */
  readonly differences: readonly string[]
}

export interface CasesRun {
  readonly results: readonly CaseResult[]
  /** Of the sources or of the cases' files themselves. */
  readonly mistakes: readonly Mistake[]
}

/** A fixed key: digests in cases are the same on every machine. */
const casesKey = new Uint8Array(32).fill(7)

/** Compiles the sources among these files and runs all cases among them. */
export function runSourceCases(files: readonly ContentFile[]): CasesRun {
  const { sources, mistakes } = compileSources(files)
  const found: Mistake[] = [...mistakes]
  const results: CaseResult[] = []
  for (const file of files) {
    if (!isCasesFile(file.path)) continue
    const parsed = parseYaml(file)
    found.push(...parsed.mistakes)
    if (parsed.mistakes.length > 0) continue
    const read = CasesFile.safeParse(parsed.value)
    if (!read.success) {
      found.push(...schemaMistakes(parsed, read.error, 'CASES_INVALID'))
      continue
    }
    const source = sources.get(read.data.source)
    if (source === undefined) {
      found.push({
        code: 'CASES_INVALID',
        message: `There is no source "${read.data.source}".`,
        place: parsed.place(['source']),
      })
      continue
    }
    for (const [index, one] of read.data.cases.entries()) results.push(runCase(source, sources, one, index, parsed))
  }
  return { results, mistakes: found }
}

function runCase(
  door: Source,
  sources: ReadonlyMap<string, Source>,
  one: Case,
  index: number,
  parsed: ParsedYaml,
): CaseResult {
  const raw = one.raw ?? JSON.stringify(one.record)
  const differences: string[] = []
  // As it goes when it comes in by collect, and when its source writes to the bus itself: both must give the same.
  for (const viaCollect of [true, false]) {
    const way = viaCollect ? 'by collect' : 'straight from the bus'
    differences.push(...runOneWay(door, sources, one, raw, viaCollect).map((difference) => `${difference} (${way})`))
  }
  return { source: door.name, name: one.name, place: parsed.place(['cases', index]), differences }
}

function runOneWay(
  door: Source,
  sources: ReadonlyMap<string, Source>,
  one: Case,
  raw: string,
  viaCollect: boolean,
): readonly string[] {
  const context = new MappingContext(casesKey)
  const before = parseJson(raw)
  if (!before.ok) return expectRefusal(one, before.code)
  const source = sources.get(door.owner(before.value)) ?? door
  const text = viaCollect ? source.redact(raw, context) : raw
  const parsed = parseJson(text)
  if (!parsed.ok) return [`collect made of it what is no JSON: ${parsed.message}`]
  const result = source.normalize(
    parsed.value,
    {
      position: { topic: 'case', partition: 0, offset: 0, index: 0 },
      appendedMs: Date.parse(one.arrived),
      hash: sha256Hex(text),
      masked: viaCollect,
      origin: undefined,
      tenant: undefined,
    },
    context,
  )
  if (result.outcome === 'refused') return expectRefusal(one, result.code)
  if (result.outcome === 'ignored') return one.ignored === true ? [] : ['it was ignored']
  if (one.event === undefined) return [`it became an event, not ${one.refused ?? 'ignored'}`]
  const leaked = (one.never ?? []).filter(
    (secret) => JSON.stringify(result.event).includes(secret) || (viaCollect && text.includes(secret)),
  )
  return [
    ...leaked.map((secret) => `"${secret}" is still there`),
    ...schemaDifferences(result.event),
    ...fieldDifferences(result.event, one.event),
  ]
}

function expectRefusal(one: Case, code: string): readonly string[] {
  return one.refused === code ? [] : [`it was refused as ${code}`]
}

function schemaDifferences(event: Event): readonly string[] {
  const read = Event.safeParse(event)
  return read.success ? [] : read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
}

function fieldDifferences(event: Event, expected: Readonly<Record<string, unknown>>): readonly string[] {
  const differences: string[] = []
  for (const [name, value] of Object.entries(expected)) {
    // `@timestamp` and vendor names are keys like any other: only dots divide.
    const got = compileGetter(name.split('.'))(event) ?? null
    const [is, want] = [JSON.stringify(got), JSON.stringify(value ?? null)]
    if (is !== want) differences.push(`${name} is ${is}, not ${want}`)
  }
  return differences
}
