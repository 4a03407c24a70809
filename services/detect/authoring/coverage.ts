/**
 * Which techniques the rules look for, and which of them are blind because no source feeds their rules.
 *
 * Pure. Techniques are those that tags name. A rule is fed where some source has its log source; a correlation where one of the
 * rules is that it stands on. Layers are in the format of the ATT&CK Navigator, version 4.5.
 */
import type { Technique } from '../../../core/signal.ts'
import type { RuleMeta } from '../../../engine/sigma/types.ts'
import type { FilledFields } from '../../../engine/sources/filled-fields.ts'
import { FieldSupply } from './rule-check-fields.ts'
import type { RuleSet } from '../rule-set/rule-set.ts'

export interface CoveredTechnique {
  readonly framework: Technique['framework']
  readonly id: string
  readonly rules: readonly { readonly id: string; readonly title: string; readonly fed: boolean }[]
  /** Whether any of them sees events. */
  readonly fed: boolean
}

export function coverageOf(set: RuleSet, sources: readonly FilledFields[]): readonly CoveredTechnique[] {
  const supply = new FieldSupply(sources)
  const fed = new Set(
    set.sigma.filter(({ meta }) => supply.feeding(meta.logsource).length > 0).map(({ meta }) => meta.id),
  )
  // Correlations come after what they stand on.
  for (const { rule } of set.correlations) if (rule.base.some(({ id }) => fed.has(id))) fed.add(rule.meta.id)
  const metas: readonly RuleMeta[] = [
    ...set.sigma
      .filter(({ meta }) => !set.behavior.some(({ rule }) => rule.meta.id === meta.id))
      .map(({ meta }) => meta),
    ...set.correlations.map(({ rule }) => rule.meta),
    ...set.behavior.map(({ rule }) => rule.meta),
  ]
  const byTechnique = new Map<string, CoveredTechnique & { rules: { id: string; title: string; fed: boolean }[] }>()
  for (const { id, title, techniques } of metas) {
    for (const technique of techniques) {
      const key = `${technique.framework} ${technique.id}`
      const known = byTechnique.get(key) ?? { framework: technique.framework, id: technique.id, rules: [], fed: false }
      known.rules.push({ id, title, fed: fed.has(id) })
      byTechnique.set(key, { ...known, fed: known.fed || fed.has(id) })
    }
  }
  return [...byTechnique.values()].sort((a, b) => (`${a.framework}${a.id}` < `${b.framework}${b.id}` ? -1 : 1))
}

const fedColor = '#31a354'
const unfedColor = '#fdae6b'
const commentTitlesMax = 20

const frameworks = {
  attack: { domain: 'enterprise-attack', versions: { attack: '19', navigator: '5.1.0', layer: '4.5' } },
  atlas: { domain: 'atlas-atlas', versions: { layer: '4.5', navigator: '5.1.0' } },
} as const

/** A layer: the score is how many rules with events look for a technique; those without are marked. */
export function layerOf(framework: Technique['framework'], techniques: readonly CoveredTechnique[]): object {
  const own = techniques.filter((technique) => technique.framework === framework)
  const most = Math.max(1, ...own.map(({ rules }) => rules.filter((rule) => rule.fed).length))
  return {
    name: `Modelwarden: ${framework === 'attack' ? 'ATT&CK' : 'ATLAS'} coverage`,
    ...frameworks[framework],
    description:
      'Score: rules that look for the technique and see events. Marked apart: no source feeds any of its rules.',
    techniques: own.map(({ id, rules, fed }) => ({
      techniqueID: id,
      score: rules.filter((rule) => rule.fed).length,
      enabled: true,
      showSubtechniques: id.lastIndexOf('.') > 4,
      comment: `${fed ? '' : 'No source feeds these rules: '}${rules
        .slice(0, commentTitlesMax)
        .map(({ title }) => title)
        .join('; ')}`,
      ...(fed ? {} : { color: unfedColor }),
    })),
    gradient: { colors: ['#e5f5e0', fedColor], minValue: 0, maxValue: most },
    legendItems: [
      { label: 'rules see events', color: fedColor },
      { label: 'no source feeds its rules', color: unfedColor },
    ],
  }
}
