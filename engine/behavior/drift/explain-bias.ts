/** Says in words which subgroup is wronged, with the numbers. */
import type { BehaviorFinding } from '../types.ts'
import { strengthOf, strengthWords } from '../strength.ts'
import type { SubgroupVerdict } from './subgroups.ts'

export function biasOf(
  of: SubgroupVerdict,
  model: string,
  line: number,
  recent: readonly number[],
  timeMs: number,
): Pick<BehaviorFinding, 'anchor' | 'explanation' | 'facts' | 'series' | 'threat' | 'window'> {
  const strength = strengthOf(of.evidence, line)
  const percent = (value: number): string => `${Math.round(100 * value)} %`
  let errors = 0
  const points = recent.map((error, n): [number, number] => {
    errors += error
    return [of.answers - recent.length + n + 1, errors]
  })
  return {
    anchor: `bias ${of.name}`,
    threat: 'bias',
    window: { startMs: timeMs, endMs: timeMs },
    explanation:
      `${model} now answers wrongly to ${percent(of.rate)} of subgroup ${of.name}, and to ${percent(of.restRate)} of the rest; ` +
      `up to ${percent(of.usual)} would be usual for it. Looked at were ${of.answers} answers of the subgroup. ${strengthWords(strength)}.`,
    facts: {
      kind: 'bias',
      subgroup: of.name,
      errorRate: Math.round(of.rate * 1e3) / 1e3,
      restErrorRate: Math.round(of.restRate * 1e3) / 1e3,
      usualErrorRate: Math.round(of.usual * 1e3) / 1e3,
      answers: of.answers,
      ...strength,
    },
    series: [{ name: `errors in subgroup ${of.name}`, x: 'queries', points: points.slice(-64) }],
  }
}
