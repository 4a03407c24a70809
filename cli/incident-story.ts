/**
 * The parts of an incident's story that can be long, as lines for a terminal.
 *
 * Pure. Promises: every finding is in it, alone or in the count of those like it; what came from records is neutralized.
 */
import type { Action } from '../core/action.ts'
import type { Decision } from '../core/decision.ts'
import type { Incident } from '../core/incident.ts'
import type { Signal } from '../core/signal.ts'
import { neutralLine } from '../runtime/terminal-text.ts'

/** Findings of one rule that are told one by one; of more, the first and how many there are. */
const toldEachMax = 3
const entitiesPerTypeMax = 5

/** In the order of time; what one rule found again and again stands in one place. */
export function findingLines(signals: readonly Signal[]): string[] {
  const byRule = Map.groupBy(signals, (signal) => `${signal.rule.id} ${signal.status}`)
  return [...byRule.values()].flatMap((found) => {
    if (found.length <= toldEachMax) return found.map(findingLine)
    const last = found.reduce((latest, each) => (each['@timestamp'] > latest ? each['@timestamp'] : latest), '')
    return [findingLine(found[0]!), `  and ${found.length - 1} more of this rule, until ${last}; --json has them all`]
  })
}

function findingLine(signal: Signal): string {
  const marks = [...(signal.rule.shadow ? ['shadow'] : []), ...(signal.status === 'retracted' ? ['retracted'] : [])]
  const level = [signal.rule.level, ...marks].join(', ')
  return `${signal['@timestamp']}  ${level}  ${neutralLine(signal.explanation, 400)}`
}

/** By type; of many, the first. */
export function entityLines(entities: Incident['entities']): string[] {
  return [...Map.groupBy(entities, ({ type }) => type)].flatMap(([type, all]) => {
    const lines = all.slice(0, entitiesPerTypeMax).map(({ id }) => `${type}: ${neutralLine(id, 200)}`)
    if (all.length > entitiesPerTypeMax) lines.push(`${type}: ${all.length - entitiesPerTypeMax} more`)
    return lines
  })
}

/** An action that took something away is named by its id, which is what `incidents undo` asks for. */
export function actionLine({ id, at, connector, action, state, summary, destructive }: Action): string {
  const named = destructive && (state === 'done' || state === 'verified') ? `  (action ${id})` : ''
  return `${at}  ${connector}.${action}  ${state}: ${neutralLine(summary, 300)}${named}`
}

export function decisionLine(decision: Decision): string {
  const { at, by, kind } = decision
  const what = detailOf(decision)
  return neutralLine(`${at}  ${by}: ${kind}${what === undefined ? '' : ` ${what}`}`)
}

/** What was decided, beyond its kind. */
function detailOf(decision: Decision): string | undefined {
  switch (decision.kind) {
    case 'assign':
      return `to ${decision.assignee}`
    case 'close':
      return `as ${decision.verdict}`
    case 'approval':
      return `${decision.approved ? 'given' : 'refused'} for action ${decision.actionId}`
    case 'undo':
      return `of action ${decision.actionId}`
    case 'unmerge':
      return decision.mergedId
    default:
      return undefined
  }
}
