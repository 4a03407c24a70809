/**
 * Tells an incident's story: what happened, to which asset, by whom, since when, how sure, what was lost, what comes next.
 *
 * Pure. Content from events is quoted, never interpreted: whoever shows it escapes it.
 */
import { counted } from '../../core/counted.ts'
import type { Incident } from '../../core/incident.ts'
import { limits } from '../../core/limits.ts'
import { levels, type Entity, type Exposure, type Technique } from '../../core/signal.ts'
import type { Cluster } from './clusters.ts'
import { byTime, entityKey, type Contribution } from './contribution.ts'
import type { RiskAssessment } from './risk.ts'

export type Story = Pick<
  Incident,
  'title' | 'summary' | 'primary' | 'entities' | 'techniques' | 'signals' | 'signalCount' | 'exposure' | 'next'
>

const entitiesMax = 100
const namedMax = 5
/** Shorter names are as short as what would stand for them. */
const nameCharsMin = 12

export function tellStory(cluster: Cluster, assessment: RiskAssessment & { readonly openedAtMs: number }): Story {
  const lead = [...cluster].sort(byWeight)[0] ?? cluster[0]
  const entities = collectEntities(cluster)
  const exposure = sumExposure(cluster)
  const rules = new Set(cluster.map((signal) => signal.rule))
  const actors = namesOf(entities, ['principal', 'user'])
  const more = rules.size > 1 ? ` and ${rules.size - 1} other ${rules.size === 2 ? 'finding' : 'findings'}` : ''
  return {
    title: `${lead.title}: ${actors[0] ?? cluster[0].scope}${more}`.slice(0, 300),
    summary: summarize(cluster, entities, exposure, assessment),
    primary: cluster[0].first.primary,
    entities,
    techniques: collectTechniques(cluster),
    signals: [...cluster].sort(byWeight).slice(0, limits.incidentSignalsMax).sort(byTime).map(referTo),
    signalCount: cluster.length,
    exposure,
    next: nextSteps(entities, exposure),
  }
}

/** The gravest first; among equals the earliest. */
function byWeight(a: Contribution, b: Contribution): number {
  return levels.indexOf(b.level) - levels.indexOf(a.level) || b.risk - a.risk || byTime(a, b)
}

function referTo(signal: Contribution): Incident['signals'][number] {
  return {
    id: signal.id,
    version: signal.version,
    rule: signal.rule,
    title: signal.title,
    level: signal.level,
    risk: signal.risk,
    at: new Date(signal.atMs).toISOString(),
    explanation: signal.explanation,
    evidence: signal.evidence,
    shadow: false,
  }
}

function collectEntities(cluster: Cluster): Entity[] {
  const found = new Map<string, Entity>()
  for (const signal of cluster) {
    for (const entity of signal.entities) {
      if (found.size < entitiesMax) found.set(entityKey(entity), entity)
    }
  }
  return [...found.values()].sort((a, b) => (entityKey(a) < entityKey(b) ? -1 : 1))
}

function collectTechniques(cluster: Cluster): Technique[] {
  const found = new Map<string, Technique>()
  for (const signal of cluster) for (const technique of signal.techniques) found.set(technique.id, technique)
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/**
 * The most that any one rule has counted: rules look at the same events, so their counts must not be added up across
 * rules; over several windows of one rule they are.
 */
function sumExposure(cluster: Cluster): Exposure {
  const byRule = new Map<string, Record<keyof Exposure, number>>()
  for (const { rule, exposure } of cluster) {
    if (exposure === undefined) continue
    const sums = byRule.get(rule) ?? { bytes: 0, ofBytes: 0, queries: 0, tokens: 0, probabilities: 0 }
    for (const key of ['bytes', 'queries', 'tokens', 'probabilities'] as const) sums[key] += exposure[key] ?? 0
    sums.ofBytes = Math.max(sums.ofBytes, exposure.ofBytes ?? 0)
    byRule.set(rule, sums)
  }
  const most: Exposure = {}
  for (const sums of byRule.values()) {
    for (const key of Object.keys(sums) as (keyof Exposure)[]) {
      if (sums[key] > (most[key] ?? 0)) most[key] = sums[key]
    }
  }
  return most
}

function namesOf(entities: readonly Entity[], types: readonly Entity['type'][]): string[] {
  const found = types.flatMap((type) => entities.filter((entity) => entity.type === type))
  const names = found.slice(0, namedMax).map((entity) => entity.id)
  return found.length > namedMax ? [...names, `${found.length - namedMax} more`] : names
}

function summarize(
  cluster: Cluster,
  entities: readonly Entity[],
  exposure: Exposure,
  assessment: RiskAssessment,
): string {
  const since = new Date(Math.min(...cluster.map((signal) => signal.sinceMs))).toISOString()
  const until = new Date(Math.max(...cluster.map((signal) => signal.atMs))).toISOString()
  const told = new Map<string, { readonly signal: Contribution; count: number }>()
  for (const signal of cluster) {
    const seen = told.get(signal.rule)
    if (seen === undefined) told.set(signal.rule, { signal, count: 1 })
    else seen.count++
  }
  const findings = [...told.values()].sort((a, b) => byWeight(a.signal, b.signal))
  const shown = findings.slice(0, namedMax)
  const sentences = [
    `By ${namesOf(entities, ['principal']).join(', ') || 'an unnamed principal'}, from ${since} to ${until}.`,
    ...shown.map(
      ({ signal, count }) =>
        `${signal.title}${count > 1 ? ` (${count} times)` : ''}: ${endSentence(briefly(signal, entities))}`,
    ),
  ]
  if (findings.length > shown.length) sentences.push(`${findings.length - shown.length} more findings.`)
  const touched = namesOf(entities, ['model', 'asset'])
  if (touched.length > 0) sentences.push(`Touched: ${touched.join(', ')}.`)
  const lost = describeExposure(exposure)
  if (lost !== '') sentences.push(`Exposed: ${lost}.`)
  sentences.push(
    `Risk ${assessment.risk} over ${counted(cluster.length, 'signal')} of ${counted(findings.length, 'rule')}.`,
  )
  return sentences.join(' ').slice(0, limits.fieldCharsMax)
}

/**
 * Explanations often begin with the rule's title, which stands before them already; and the account's full name, which
 * the story has given, need not stand in every sentence.
 */
function briefly({ title, explanation }: Contribution, entities: readonly Entity[]): string {
  const text = explanation.startsWith(`${title}: `) ? explanation.slice(title.length + 2) : explanation
  const principals = entities.filter((entity) => entity.type === 'principal')
  const only = principals.length === 1 ? principals[0]?.id : undefined
  if (only === undefined || only.length < nameCharsMin) return text
  return text.replaceAll(`account ${only}`, 'this account').replaceAll(only, 'this account')
}

function endSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

function describeExposure(exposure: Exposure): string {
  const parts: string[] = []
  if (exposure.bytes !== undefined) {
    const of = exposure.ofBytes !== undefined && exposure.ofBytes > 0 ? ` of ${formatBytes(exposure.ofBytes)}` : ''
    parts.push(`${formatBytes(exposure.bytes)}${of}`)
  }
  if (exposure.queries !== undefined) parts.push(counted(exposure.queries, 'answer'))
  if (exposure.tokens !== undefined) parts.push(counted(exposure.tokens, 'token'))
  if (exposure.probabilities !== undefined) parts.push(counted(exposure.probabilities, 'probability', 'probabilities'))
  return parts.join(', ')
}

function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1)
  return `${step === 0 ? bytes : (bytes / 1000 ** step).toFixed(1)} ${units[step] ?? ''}`
}

function nextSteps(entities: readonly Entity[], exposure: Exposure): string[] {
  const of = (type: Entity['type']): boolean => entities.some((entity) => entity.type === type)
  const steps: string[] = []
  if (of('principal')) steps.push('Ask the owner of the account, over another channel, whether this was theirs.')
  if (of('credential')) steps.push('See which actions have been taken on the credential; suspend it if none has.')
  if (of('session')) steps.push('End the sessions that are still open: they outlive the key.')
  if (exposure.bytes !== undefined || of('asset'))
    steps.push('Find where the bytes went: egress logs, copies in other accounts, new shares.')
  if (exposure.queries !== undefined || exposure.probabilities !== undefined) {
    steps.push('Judge what a copy trained on these answers could do, and whether other accounts asked for the rest.')
  }
  steps.push('Close with a verdict: it is what the rules are tuned by.')
  return steps
}
