/**
 * Runs the test cases that stand beside rules (`<rule>.cases.yml`): what `modelwarden rules test` does.
 *
 * A case gives events, as partial ECS events or as raw records that go through a source first, and says which signals must
 * come of them. Pure: both steps of detect run in process. docs/rules.md says how to write cases.
 */
import { z } from 'zod'
import { counted } from '../../../core/counted.ts'
import type { ContentFile } from '../../../core/content.ts'
import type { FilePlace, Mistake } from '../../../core/errors.ts'
import type { Signal } from '../../../core/signal.ts'
import { parseYaml, schemaMistakes, type ParsedYaml } from '../../../core/yaml.ts'
import { readInventory } from '../../../engine/inventory/inventory.ts'
import { compileSources } from '../../../engine/sources/compile.ts'
import type { Source } from '../../../engine/sources/source.ts'
import { CaseEvents, EventEntry, type CaseEvent } from './case-events.ts'
import { fieldOf } from '../describe.ts'
import { DetectInProcess } from '../in-process.ts'
import { compileRules } from '../rule-set/rule-set.ts'

/** How late the watermark follows the events of a case, and how often it moves. */
const latenessMs = 10 * 60_000

const Expected = z.strictObject({
  /** Title or id of one of the rules in the file beside; may be left out where the file makes signals of one rule. */
  rule: z.string().optional(),
  /** How many signals stand at the end. */
  count: z.int().nonnegative().default(1),
  /** Fields of each of them, by dotted path. */
  signal: z.record(z.string(), z.unknown()).default({}),
  /** Texts that stand in its explanation. */
  says: z.array(z.string()).default([]),
})

const Case = z.strictObject({
  name: z.string().min(1),
  events: z.array(EventEntry).min(1),
  expect: z.union([z.literal('match'), z.literal('no match'), z.array(Expected).min(1)]),
})

const CasesFile = z.strictObject({
  /** Values for lists, in place of what the operator has in them. */
  lists: z.record(z.string(), z.array(z.string())).default({}),
  /** What is registered, as a file of the inventory has it. */
  inventory: z.record(z.string(), z.unknown()).optional(),
  /** Fields that all events of the file have. */
  common: z.record(z.string(), z.unknown()).default({}),
  cases: z.array(Case).min(1),
})
type Case = z.infer<typeof Case>
type Expected = z.infer<typeof Expected>

export interface RuleCaseResult {
  /** Path of the rule file. */
  readonly rule: string
  readonly name: string
  readonly place: FilePlace
  /** What is not as expected; empty: passed. */
  readonly differences: readonly string[]
}

export interface RuleCasesRun {
  readonly results: readonly RuleCaseResult[]
  /** Of rules, lists, sources and case files; with any, the cases of that file did not run. */
  readonly mistakes: readonly Mistake[]
  /** Rule files that make signals and have no cases beside them. */
  readonly untested: readonly string[]
}

const casesSuffix = '.cases.yml'

/** Runs all cases among `files` (a rules set with its `*.cases.yml`); `sources` are for cases that give raw records. */
export function runRuleCases(files: readonly ContentFile[], sources: readonly ContentFile[] = []): RuleCasesRun {
  const rules = files.filter(({ path }) => !path.endsWith(casesSuffix))
  const compiledSources = compileSources(sources)
  const mistakes: Mistake[] = [...compileRules(rules).mistakes, ...compiledSources.mistakes]
  const results: RuleCaseResult[] = []
  const tested = new Set<string>()
  for (const file of files) {
    if (!file.path.endsWith(casesSuffix)) continue
    const rule = `${file.path.slice(0, -casesSuffix.length)}.yml`
    tested.add(rule)
    const parsed = parseYaml(file)
    const read = parsed.value === undefined ? undefined : CasesFile.safeParse(parsed.value)
    if (!rules.some(({ path }) => path === rule)) {
      mistakes.push({ code: 'CASES_INVALID', message: `There is no rule file ${rule}.`, place: parsed.place([]) })
    } else if (read?.success !== true) {
      mistakes.push(...parsed.mistakes)
      if (read !== undefined) mistakes.push(...schemaMistakes(parsed, read.error, 'CASES_INVALID'))
    } else results.push(...runFile(rule, read.data, parsed, rules, compiledSources.sources))
  }
  return { results, mistakes, untested: untested(rules, tested) }
}

function runFile(
  rule: string,
  file: z.infer<typeof CasesFile>,
  parsed: ParsedYaml,
  rules: readonly ContentFile[],
  sources: ReadonlyMap<string, Source>,
): RuleCaseResult[] {
  const withLists = rules.map((each) => overrideList(each, file.lists))
  const ids = rulesIn(rule, withLists)
  const inventory =
    file.inventory === undefined ? [] : [{ path: 'inventory.yml', text: JSON.stringify(file.inventory) }]
  const wrong = readInventory(inventory).mistakes.map(({ message }) => `the inventory: ${message}`)
  return file.cases.map((one, index) => {
    const events = new CaseEvents(file.common, sources)
    const differences = [...wrong, ...events.read(one.events)]
    if (differences.length === 0) {
      const made = run(withLists, inventory, events.made).filter((signal) => ids.has(signal.rule.id))
      differences.push(...judge(one, made))
    }
    return { rule, name: one.name, place: parsed.place(['cases', index]), differences }
  })
}

function overrideList(file: ContentFile, lists: Readonly<Record<string, readonly string[]>>): ContentFile {
  const name = /(?:^|\/)lists\/([^/]+)\.ya?ml$/.exec(file.path)?.[1]
  const values = name === undefined ? undefined : lists[name]
  if (values === undefined) return file
  return { path: file.path, text: JSON.stringify({ title: 'List of a case', empty: 'match-nothing', values }) }
}

/** Ids of the rules that a file holds and that make signals. */
function rulesIn(path: string, files: readonly ContentFile[]): ReadonlySet<string> {
  const { set } = compileRules(files)
  const metas = [
    ...set.sigma.filter((each) => each.standalone).map(({ meta }) => meta),
    ...set.correlations.filter((each) => each.rule.standalone).map((each) => each.rule.meta),
    ...set.behavior.map((each) => each.rule.meta),
  ]
  return new Set(metas.filter(({ place }) => place.file === path).map(({ id }) => id))
}

function run(files: readonly ContentFile[], inventory: readonly ContentFile[], events: readonly CaseEvent[]): Signal[] {
  const pipe = new DetectInProcess(files, { inventory })
  let watermarkMs = -Infinity
  for (const { event, timeMs } of events) {
    pipe.event(event, timeMs + 1_000)
    if (timeMs - latenessMs > watermarkMs) {
      watermarkMs = timeMs - latenessMs
      pipe.watermark(watermarkMs)
    }
  }
  pipe.watermark(Infinity)
  return [...pipe.final().values()]
}

function judge(one: Case, made: readonly Signal[]): string[] {
  const found = made.map(({ rule }) => rule.title).join(', ')
  if (one.expect === 'no match') return made.length === 0 ? [] : [`it matched: ${found}`]
  if (one.expect === 'match') return made.length > 0 ? [] : ['it did not match']
  return one.expect.flatMap((expected) => judgeOne(expected, made))
}

function judgeOne(expected: Expected, made: readonly Signal[]): string[] {
  const { rule, count } = expected
  const of = made.filter((signal) => rule === undefined || signal.rule.id === rule || signal.rule.title === rule)
  const differences: string[] = []
  if (of.length !== count) differences.push(`${rule ?? 'the rule'} made ${counted(of.length, 'signal')}, not ${count}`)
  for (const signal of of) {
    for (const [path, value] of Object.entries(expected.signal)) {
      const [is, want] = [JSON.stringify(valueAt(signal, path) ?? null), JSON.stringify(value ?? null)]
      if (is !== want) differences.push(`${path} is ${is}, not ${want}`)
    }
    for (const text of expected.says) {
      if (!signal.explanation.includes(text)) differences.push(`"${text}" is not in: ${signal.explanation}`)
    }
  }
  return differences
}

/** Names of groups and facts have dots in them: the rest of the path is tried as one name too. */
function valueAt(signal: Signal, path: string): unknown {
  const dot = path.indexOf('.')
  if (dot > 0) {
    const inner = (signal as unknown as Record<string, unknown>)[path.slice(0, dot)]
    const name = path.slice(dot + 1)
    if (typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)) {
      return (inner as Record<string, unknown>)[name]
    }
  }
  return fieldOf(signal, path)
}

function untested(rules: readonly ContentFile[], tested: ReadonlySet<string>): string[] {
  const { set } = compileRules(rules.map((file) => ({ ...file, text: file.text })))
  const metas = [...set.sigma, ...set.correlations.map(({ rule }) => rule)].map(({ meta }) => meta)
  return [...new Set(metas.map(({ place }) => place.file))].filter((path) => !tested.has(path)).sort()
}
