/**
 * The cases beside a playbook (`<playbook>.cases.yml`): an incident in, the actions expected out. Run by the CLI and by
 * this project's own tests.
 *
 * Pure. Promises: every case runs alone; what is reported says which case of which file, and what differs.
 */
import { z } from 'zod'
import type { Action } from '../../core/action.ts'
import type { ContentFile } from '../../core/content.ts'
import type { Mistake } from '../../core/errors.ts'
import { canonicalJson, derivedId } from '../../core/ids.ts'
import type { Incident } from '../../core/incident.ts'
import { Level, entityTypes } from '../../core/signal.ts'
import { parseYaml, schemaMistakes, type ParsedYaml } from '../../core/yaml.ts'
import type { Catalog } from './catalog.ts'
import { Rehearsal } from './rehearsal.ts'

const hourMs = 3_600_000
const strings = z.array(z.string())

const CaseIncident = z.strictObject({
  tenant: z.string().default('acme'),
  title: z.string().default('A case'),
  severity: Level.default('high'),
  risk: z.number().default(90),
  status: z.enum(['open', 'acknowledged', 'closed', 'merged', 'retracted']).default('open'),
  settled: z.boolean().default(false),
  techniques: strings.default([]),
  rules: strings.default(['case-rule']),
  shadow: z.boolean().default(false),
  synthetic: z.boolean().default(false),
  /** Codes of its flags. */
  flags: strings.default([]),
  /** `<type>: [ids]`. */
  entities: z.partialRecord(z.enum(entityTypes), strings).default({}),
})

const Expected = z.strictObject({
  step: z.string(),
  action: z.string().optional(),
  state: z.string().optional(),
  target: z.string().optional(),
  reason: z.string().optional(),
  /** These arguments have these values; others may be there. */
  with: z.record(z.string(), z.unknown()).optional(),
})

const Case = z.strictObject({
  name: z.string().min(1),
  /** Whether the playbook may really act. */
  enabled: z.boolean().default(true),
  protected: strings.default([]),
  incident: CaseIncident,
  /** Steps whose action fails. */
  fails: strings.default([]),
  /** Steps that somebody with the right role approves, or refuses. */
  approves: strings.default([]),
  refuses: strings.default([]),
  /** Hours that pass at the end. */
  hours: z.number().min(0).max(10_000).default(0),
  expect: z.array(Expected),
})
type Case = z.output<typeof Case>

const CasesFile = z.strictObject({ cases: z.array(Case).min(1) })

export interface CaseResult {
  readonly file: string
  readonly name: string
  readonly ok: boolean
  /** What differs, one line each. */
  readonly differences: readonly string[]
}

export interface CasesReport {
  readonly results: readonly CaseResult[]
  readonly mistakes: readonly Mistake[]
}

/** Runs the cases of every playbook among the files; each against its own playbook alone. */
export function runPlaybookCases(files: readonly ContentFile[], catalog: Catalog): CasesReport {
  const results: CaseResult[] = []
  const mistakes: Mistake[] = []
  for (const file of files.filter(({ path }) => /\.cases\.ya?ml$/.test(path))) {
    const parsed = parseYaml(file)
    const path = file.path.replace(/\.cases(\.ya?ml)$/, '$1')
    const playbook = files.find((each) => each.path === path)
    const cases = casesOf(parsed, mistakes)
    if (playbook === undefined)
      mistakes.push({ code: 'CASES_INVALID', message: `There is no playbook ${path}.`, place: parsed.place([]) })
    else for (const each of cases) results.push(runCase(file.path, playbook, each, catalog))
  }
  return { results, mistakes }
}

function casesOf(parsed: ParsedYaml, mistakes: Mistake[]): readonly Case[] {
  mistakes.push(...parsed.mistakes)
  if (parsed.mistakes.length > 0) return []
  const result = CasesFile.safeParse(parsed.value)
  if (result.success) return result.data.cases
  mistakes.push(...schemaMistakes(parsed, result.error, 'CASES_INVALID'))
  return []
}

function runCase(file: string, playbook: ContentFile, each: Case, catalog: Catalog): CaseResult {
  const rehearsal = new Rehearsal(catalog, Date.UTC(2026, 0, 1))
  try {
    rehearsal.playbooks([playbook])
  } catch (error) {
    return { file, name: each.name, ok: false, differences: [(error as Error).message] }
  }
  const { value } = parseYaml(playbook)
  const id = (value as { id: string }).id
  rehearsal.policy({ enabled: each.enabled ? [id] : [], protected: each.protected })
  rehearsal.feed({ kind: 'incident', incident: incidentOf(each.incident, each.name) })
  const outcomeOf = ({ step }: Action) => (each.fails.includes(step) ? ('failed' as const) : ('done' as const))
  rehearsal.perform(outcomeOf)
  for (const action of rehearsal.actions()) decide(rehearsal, action, each)
  rehearsal.perform(outcomeOf)
  if (each.hours > 0) rehearsal.pass(each.hours * hourMs)
  rehearsal.perform(outcomeOf)
  const differences = [...rehearsal.deadLetters, ...compare(rehearsal.actions(), each.expect)]
  return { file, name: each.name, ok: differences.length === 0, differences }
}

function decide(rehearsal: Rehearsal, action: Action, each: Case): void {
  const approved = each.approves.includes(action.step)
  if (action.state !== 'awaiting-approval' || (!approved && !each.refuses.includes(action.step))) return
  const at = new Date(rehearsal.nowMs).toISOString()
  const roles = [action.approval?.role ?? '']
  const { id: actionId, digest, incidentId, tenant } = action
  const decision = {
    kind: 'approval' as const,
    id: `decision-${actionId}`,
    at,
    by: 'operator:case',
    roles,
    tenant,
    incidentId,
    actionId,
    digest,
    approved,
  }
  rehearsal.feed({ kind: 'decision', decision })
}

/** An incident as correlate would write it, with what the case does not say filled in. */
function incidentOf(given: Case['incident'], name: string): Incident {
  const entities = entityTypes.flatMap((type) => (given.entities[type] ?? []).map((id) => ({ type, id })))
  const at = '2026-01-01T00:00:00.000Z'
  return {
    id: derivedId('case', name),
    version: 1,
    tenant: given.tenant,
    status: given.status,
    settled: given.settled,
    severity: given.severity,
    risk: given.risk,
    title: given.title,
    summary: given.title,
    primary: entities[0] ?? { type: 'principal', id: `${given.tenant}/nobody` },
    entities,
    techniques: given.techniques.map((id) => ({ framework: id.startsWith('AML.') ? 'atlas' : 'attack', id })),
    firstSeen: at,
    lastSeen: at,
    openedAt: at,
    updatedAt: at,
    signalCount: given.rules.length,
    signals: given.rules.map((rule) => ({
      id: derivedId('case-signal', name, rule),
      version: 1,
      rule,
      title: rule,
      level: given.severity,
      risk: given.risk,
      at,
      explanation: given.title,
      evidence: 1,
      shadow: given.shadow,
    })),
    exposure: {},
    notes: [],
    supersedes: [],
    flags: given.flags.map((code) => ({ code, message: given.title, at })),
    next: [],
    ...(given.synthetic ? { synthetic: true } : {}),
  }
}

function compare(actions: readonly Action[], expected: Case['expect']): readonly string[] {
  const differences: string[] = []
  for (const [index, wanted] of expected.entries()) {
    const action = actions[index]
    if (action === undefined)
      differences.push(`Expected action ${index + 1} (${wanted.step}); there are ${actions.length}.`)
    else differences.push(...compareOne(index + 1, action, wanted))
  }
  for (const action of actions.slice(expected.length))
    differences.push(`Not expected: ${action.step} (${action.connector}.${action.action}, ${action.state}).`)
  return differences
}

function compareOne(number: number, action: Action, wanted: Case['expect'][number]): string[] {
  const pairs: [string, unknown, unknown][] = [
    ['step', action.step, wanted.step],
    ['action', `${action.connector}.${action.action}`, wanted.action],
    ['state', action.state, wanted.state],
    ['target', action.target, wanted.target],
    ['reason', action.reason, wanted.reason],
    ...Object.entries(wanted.with ?? {}).map(([key, value]): [string, unknown, unknown] => [
      `with.${key}`,
      action.args[key],
      value,
    ]),
  ]
  return pairs
    .filter(([, actual, expected]) => expected !== undefined && canonicalJson(actual) !== canonicalJson(expected))
    .map(
      ([name, actual, expected]) =>
        `Action ${number}: ${name} is ${canonicalJson(actual)}, expected ${canonicalJson(expected)}.`,
    )
}
