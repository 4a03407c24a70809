/** Checks that the techniques that tags name are some. Pure; used by rule-check.ts. */
import { nearest } from '../../../core/near-miss.ts'
import { techniqueIds } from '../../../engine/sigma/techniques.ts'
import type { RuleFinding, WrittenRule } from './rule-finding.ts'

/** Tags that mean a technique, well spelled or not. */
const meant = /^(attack\.t|atlas\.)(.*)$/i
const tactic = /^atlas\.(?:aml\.ta\d{4}|[a-z][a-z-]*)$/i

export function checkTags(written: WrittenRule): RuleFinding[] {
  return written.meta.tags.flatMap((tag, index): RuleFinding[] => {
    const [, start, rest = ''] = meant.exec(tag) ?? []
    if (start === undefined || tactic.test(tag) || (start.toLowerCase() === 'attack.t' && !/^\d/.test(rest))) return []
    const framework = start.toLowerCase() === 'atlas.' ? 'atlas' : 'attack'
    const id = (framework === 'atlas' ? rest : `T${rest}`).toUpperCase()
    const known = techniqueIds(framework)
    if (known.has(id)) return []
    const near = nearest(id, known)
    return [
      {
        severity: 'warning',
        code: 'TECHNIQUE_UNKNOWN',
        message: `There is no ${framework === 'atlas' ? 'ATLAS' : 'ATT&CK'} technique ${JSON.stringify(id.slice(0, 40))}.`,
        place: written.place(['tags', index]),
        ...(near === undefined ? {} : { hint: `Did you mean ${near}?` }),
        rule: written.meta.id,
      },
    ]
  })
}
