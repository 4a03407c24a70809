/** Says in words what is wrong with a source's records, with the numbers. */
import type { Again } from './again.ts'
import type { IntakeRecord } from './params.ts'
import type { Trigger } from './trigger.ts'

export type IntakeKind = 'labels' | 'copies' | 'trigger'

interface Counts {
  readonly records: number
  readonly contradictions: number
  readonly copies: number
  readonly labelEvidence: number
  readonly copyEvidence: number
}

export function explainIntake(
  kind: IntakeKind,
  dataset: string,
  record: IntakeRecord,
  source: Counts,
  sources: Readonly<Record<string, Counts>>,
  trigger: Trigger | undefined,
  again: Again | undefined,
  arrivalLine: number,
): { explanation: string; facts: Record<string, string | number | boolean> } {
  const asked = kind === 'labels' && source.labelEvidence < arrivalLine ? again : undefined
  const counts = {
    labels: asked?.contradictions ?? source.contradictions,
    copies: source.copies,
    trigger: trigger?.hits ?? 0,
  }
  const count = counts[kind]
  const line = asked?.line ?? arrivalLine
  const ofKind = {
    labels: asked?.evidence ?? source.labelEvidence,
    copies: source.copyEvidence,
    trigger: -(trigger?.logP ?? 0),
  }
  const evidence = ofKind[kind]
  const others = Object.values(sources).filter((other) => other !== source)
  const of = (each: Counts): number => (kind === 'copies' ? each.copies : each.contradictions)
  const othersRecords = others.reduce((sum, each) => sum + each.records, 0)
  const othersCount = others.reduce((sum, each) => sum + of(each), 0)
  const usual = othersRecords === 0 ? 0 : othersCount / othersRecords
  const positions = (trigger?.positions ?? []).join(', ')
  const what = {
    labels: `${count} of ${asked === undefined ? `${source.records} records` : `the ${asked.votes} remembered records whose neighbors agree, asked again with all that came since,`} carry another label than their nearest neighbors from other sources`,
    copies: `${count} of ${source.records} records are near copies of records that were there before, far nearer than records of the set usually lie`,
    trigger: `${count} of ${trigger?.records ?? 0} records that have the same in ${trigger?.positions.length === 1 ? 'position' : 'positions'} ${positions} are labeled ${record.label}, where hardly any neighbor is`,
  }[kind]
  return {
    explanation: `Of what ${record.source} brought into ${dataset}, ${what}. For all other sources the share of ${kind === 'copies' ? 'near copies' : 'such labels'} is ${(100 * usual).toFixed(1)} %. The evidence is 10^${(evidence / Math.LN10).toFixed(1)}; the line is 10^${(line / Math.LN10).toFixed(1)}.`,
    facts: {
      kind,
      dataset,
      count,
      records: kind === 'trigger' ? trigger!.records : (asked?.votes ?? source.records),
      ...(asked === undefined ? {} : { askedAgain: true }),
      othersShare: Math.round(usual * 1e4) / 1e4,
      evidenceLog10: Math.round((evidence / Math.LN10) * 100) / 100,
      lineLog10: Math.round((line / Math.LN10) * 100) / 100,
      ...(trigger === undefined || kind !== 'trigger' ? {} : { positions, label: record.label }),
    },
  }
}
