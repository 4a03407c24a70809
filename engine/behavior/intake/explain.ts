/** Says in words what is wrong with a source's records, with the numbers. */
import { strengthOf, strengthWords } from '../strength.ts'
import type { Again } from './again.ts'
import type { IntakeRecord } from './params.ts'
import type { Trigger } from './trigger.ts'

export type IntakeKind = 'labels' | 'copies' | 'trigger'

export interface Explained {
  readonly explanation: string
  readonly facts: Record<string, string | number | boolean>
}

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
  line: number,
): Explained {
  const count = kind === 'trigger' ? trigger!.hits : kind === 'labels' ? source.contradictions : source.copies
  const evidence = kind === 'trigger' ? -trigger!.logP : kind === 'labels' ? source.labelEvidence : source.copyEvidence
  const strength = strengthOf(evidence, line)
  const others = Object.values(sources).filter((other) => other !== source)
  const of = (each: Counts): number => (kind === 'copies' ? each.copies : each.contradictions)
  const othersRecords = others.reduce((sum, each) => sum + each.records, 0)
  const othersCount = others.reduce((sum, each) => sum + of(each), 0)
  const usual = othersRecords === 0 ? 0 : othersCount / othersRecords
  const positions = (trigger?.positions ?? []).join(', ')
  const what = {
    labels: `${count} of ${source.records} records carry another label than their nearest neighbors from other sources`,
    copies: `${count} of ${source.records} records are near copies of records that were there before, far nearer than records of the set usually lie`,
    trigger: `${count} of ${trigger?.records ?? 0} records that have the same in ${trigger?.positions.length === 1 ? 'position' : 'positions'} ${positions} are labeled ${record.label}, where hardly any neighbor is`,
  }[kind]
  return {
    explanation: `Of what ${record.source} brought into ${dataset}, ${what}. For all other sources the share of ${kind === 'copies' ? 'near copies' : 'such labels'} is ${(100 * usual).toFixed(1)} %. ${strengthWords(strength)}.`,
    facts: {
      kind,
      dataset,
      count,
      records: kind === 'trigger' ? trigger!.records : source.records,
      othersShare: Math.round(usual * 1e4) / 1e4,
      ...strength,
      ...(trigger === undefined || kind !== 'trigger' ? {} : { positions, label: record.label }),
    },
  }
}

/** `of`: what the other sources say of the remembered records of this one. */
export function explainAgain(dataset: string, source: string, of: Again): Explained {
  const strength = strengthOf(of.evidence, of.line)
  return {
    explanation:
      `Of ${of.asked} remembered records that ${source} brought into ${dataset}, ${of.contradictions} carry another label than nearly all ` +
      `other sources' records nearest to them, those that came later among them. For the remembered records of all other sources the share ` +
      `is ${(100 * of.othersShare).toFixed(1)} %. ${strengthWords(strength)}.`,
    facts: {
      kind: 'labels',
      dataset,
      count: of.contradictions,
      records: of.asked,
      askedAgain: true,
      othersShare: Math.round(of.othersShare * 1e4) / 1e4,
      ...strength,
    },
  }
}
