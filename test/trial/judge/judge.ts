/**
 * Holds alerts against the truth.
 *
 * A run is found where an alert names one of its accounts with an accepted threat, at or after the run's first event.
 * An alert on an honest account is false whatever it says, but for changes of a model's traffic, which accuse nobody.
 * Pure.
 */
import type { EventTruth, FileTruth, RunTruth } from '../truth/truth.ts'
import { exactInterval, median } from './intervals.ts'

export interface Alert {
  readonly file: string
  readonly id: string
  readonly principal?: string
  readonly principals?: readonly string[]
  readonly threat: string
}

export interface ScenarioVerdict {
  readonly scenario: string
  readonly runs: number
  readonly runsFound: number
  /** Found, but under another threat's name only. */
  readonly runsMisnamed: number
  readonly accounts: number
  readonly accountsFound: number
  /** Of the run, until its first right alert. */
  readonly queriesMedian: number | undefined
  readonly queriesMost: number | undefined
  /** Threats in alerts on attacking accounts that are not accepted, and how many. */
  readonly wrongNames: Readonly<Record<string, number>>
}

/** What became of one run. */
export interface RunOutcome {
  readonly file: string
  readonly run: RunTruth
  /** Index of the event that its first right alert names. */
  readonly foundAt: number | undefined
}

export interface KindVerdict {
  readonly kind: string
  readonly accounts: number
  readonly alerted: number
  /** Of these, accounts that history has seen, and was to learn from. */
  readonly known: number
  readonly knownAlerted: number
  readonly threats: Readonly<Record<string, number>>
}

export interface HonestVerdict {
  readonly accounts: number
  readonly alerted: number
  readonly share95: readonly [number, number]
  readonly events: number
  readonly alerts: number
  readonly alertsIn10000Events: number
  /** Alerts on accounts before their attack began: they were honest then. */
  readonly alertsBeforeAttack: number
  /** Alerts that a model's traffic changed, where it did not. */
  readonly alertsOfModelsUnchanged: number
  /** Of the kinds that are called ordinary. */
  readonly ordinary: {
    readonly accounts: number
    readonly alerted: number
    readonly share95: readonly [number, number]
  }
  readonly kinds: readonly KindVerdict[]
}

export interface Verdict {
  readonly runs: readonly RunOutcome[]
  readonly scenarios: readonly ScenarioVerdict[]
  readonly honest: HonestVerdict
}

export interface JudgeOptions {
  readonly history?: FileTruth
  /** Names of kinds of customers as most are. */
  readonly ordinary?: ReadonlySet<string>
}

/** With fewer changed queries nobody can tell that a model's traffic changed: an alert by then is luck. */
const changedQueriesLeast = 10

/** Threats that tell of a model's traffic and accuse no account. */
const ofModels = new Set(['drift', 'bias'])

interface KindCounts {
  accounts: number
  alerted: number
  known: number
  knownAlerted: number
  threats: Record<string, number>
}

interface Seen {
  readonly index: number
  readonly account: string
  readonly threat: string
  readonly model: string
}

interface RunVerdict extends RunOutcome {
  readonly found: ReadonlySet<string>
  readonly queries: number | undefined
  readonly wrong: readonly string[]
}

export function judge(
  files: readonly FileTruth[],
  alerts: readonly Alert[],
  { history, ordinary = new Set() }: JudgeOptions = {},
): Verdict {
  const seenBefore = new Set(history?.honest.map(({ account }) => account))
  const runs: RunVerdict[] = []
  const kinds = new Map<string, KindCounts>()
  const sums = { accounts: 0, alerted: 0, events: 0, alerts: 0, before: 0, unchanged: 0 }
  for (const file of files) {
    const seen = seenIn(file, alerts)
    for (const run of file.runs) runs.push(judgeRun(file, run, seen))
    const bad = new Set(file.runs.filter(({ ofModel }) => ofModel !== true).flatMap(({ accounts }) => accounts))
    sums.before += beforeAttack(file, seen)
    sums.unchanged += seen.filter((each) => ofModels.has(each.threat) && !explained(each, file)).length
    sums.events += file.events.filter(({ run }) => run === undefined).length
    for (const { account, kind } of file.honest) {
      if (bad.has(account)) continue
      const of = kinds.get(kind) ?? { accounts: 0, alerted: 0, known: 0, knownAlerted: 0, threats: {} }
      const own = seen.filter((each) => each.account === account && !ofModels.has(each.threat))
      kinds.set(kind, of)
      of.accounts++
      if (own.length > 0) of.alerted++
      if (seenBefore.has(account)) of.known++
      if (seenBefore.has(account) && own.length > 0) of.knownAlerted++
      for (const { threat } of own) of.threats[threat] = (of.threats[threat] ?? 0) + 1
      sums.accounts++
      sums.alerts += own.length
      if (own.length > 0) sums.alerted++
    }
  }
  const rows = [...kinds].map(([kind, of]) => ({ kind, ...of })).sort((a, b) => (a.kind < b.kind ? -1 : 1))
  return {
    runs: runs.map(({ file, run, foundAt }) => ({ file, run, foundAt })),
    scenarios: scenariosOf(runs),
    honest: {
      accounts: sums.accounts,
      alerted: sums.alerted,
      share95: exactInterval(sums.alerted, sums.accounts),
      events: sums.events,
      alerts: sums.alerts,
      alertsIn10000Events: sums.events === 0 ? 0 : (1e4 * sums.alerts) / sums.events,
      alertsBeforeAttack: sums.before,
      alertsOfModelsUnchanged: sums.unchanged,
      ordinary: shareOf(rows.filter(({ kind }) => ordinary.has(kind))),
      kinds: rows,
    },
  }
}

function shareOf(kinds: readonly KindVerdict[]): HonestVerdict['ordinary'] {
  const accounts = kinds.reduce((sum, each) => sum + each.accounts, 0)
  const alerted = kinds.reduce((sum, each) => sum + each.alerted, 0)
  return { accounts, alerted, share95: exactInterval(alerted, accounts) }
}

/** The alerts of a file, one for each account that they name. */
function seenIn({ file, events }: FileTruth, alerts: readonly Alert[]): Seen[] {
  const indexOf = new Map(events.map(({ id }, index) => [id, index]))
  return alerts
    .filter((alert) => alert.file === file && indexOf.has(alert.id))
    .flatMap(({ id, principal, principals, threat }) => {
      const index = indexOf.get(id)!
      const { model } = events[index]!
      return (principals ?? [principal ?? '']).map((account) => ({ index, account, threat, model }))
    })
    .sort((a, b) => a.index - b.index)
}

function judgeRun({ file, events }: FileTruth, run: RunTruth, seen: readonly Seen[]): RunVerdict {
  const onset = onsetOf(run, events)
  const after = seen.filter(({ index, account, model }) => {
    return index >= onset && (run.ofModel === true ? model === run.model : run.accounts.includes(account))
  })
  const right = after.filter(({ threat }) => run.accepted.includes(threat))
  const first = right[0]
  return {
    file,
    run,
    foundAt: first?.index,
    found: new Set(right.map(({ account }) => account)),
    queries: first && events.slice(0, first.index + 1).filter((event) => event.run === run.id).length,
    wrong: after
      .filter(({ threat }) => !run.accepted.includes(threat) && (run.ofModel !== true || ofModels.has(threat)))
      .map(({ threat }) => threat),
  }
}

function beforeAttack({ events, runs }: FileTruth, seen: readonly Seen[]): number {
  return seen.filter(({ index, account, threat }) => {
    const own = runs.filter((run) => run.ofModel !== true && run.accounts.includes(account))
    if (own.length === 0 || ofModels.has(threat)) return false
    return own.every((run) => events.findIndex((event) => event.run === run.id) > index)
  }).length
}

function explained({ index, model }: Seen, { events, runs }: FileTruth): boolean {
  return runs.some((run) => {
    return run.ofModel === true && run.model === model && onsetOf(run, events) <= index
  })
}

/** Where in a file a run can be found from. */
function onsetOf(run: RunTruth, events: readonly EventTruth[]): number {
  let left = run.ofModel === true ? changedQueriesLeast : 1
  return events.findIndex((event) => event.run === run.id && --left === 0)
}

function scenariosOf(runs: readonly RunVerdict[]): ScenarioVerdict[] {
  const names = [...new Set(runs.map(({ run }) => run.scenario))]
  return names.map((scenario) => {
    const own = runs.filter(({ run }) => run.scenario === scenario)
    const queries = own.flatMap((each) => (each.queries === undefined ? [] : [each.queries]))
    const wrongNames: Record<string, number> = {}
    for (const threat of own.flatMap(({ wrong }) => wrong)) wrongNames[threat] = (wrongNames[threat] ?? 0) + 1
    return {
      scenario,
      runs: own.length,
      runsFound: queries.length,
      runsMisnamed: own.filter(({ queries: found, wrong }) => found === undefined && wrong.length > 0).length,
      accounts: own.reduce((sum, { run }) => sum + (run.ofModel === true ? 1 : run.accounts.length), 0),
      accountsFound: own.reduce((sum, { run, found }) => {
        return (
          sum + (run.ofModel === true ? Math.min(1, found.size) : run.accounts.filter((each) => found.has(each)).length)
        )
      }, 0),
      queriesMedian: median(queries),
      queriesMost: queries.length === 0 ? undefined : Math.max(...queries),
      wrongNames,
    }
  })
}
