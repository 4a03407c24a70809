/**
 * What respond and licensing must know beside the effects themselves, brought into the log of effects: incidents, and the
 * decisions that concern actions, licenses and credentials.
 *
 * Two stages without state. A global stop is brought into every partition, since it holds everywhere.
 */
import { Decision } from '../../core/decision.ts'
import { complaintText } from '../../core/form-words.ts'
import { Incident } from '../../core/incident.ts'
import { parseJson } from '../../core/json.ts'
import { topics } from '../../core/topics.ts'
import { relayStage } from '../../runtime/stage/relay.ts'
import type { StageLogic, StageSpec } from '../../runtime/stage/stage.ts'

export function incidentsRelay(): StageSpec {
  return relayStage({
    name: 'respond-incidents',
    from: topics.incidents,
    to: topics.effects,
    code: 'NOT_AN_INCIDENT',
    carry: (value) => {
      const parsed = Incident.safeParse(value)
      if (!parsed.success) return { refused: complaintText(parsed.error) }
      return { key: parsed.data.tenant, value: { kind: 'incident', incident: parsed.data } }
    },
  })
}

/** `partitions`: how many the log of effects has. */
export function decisionsRelay(partitions: number): StageSpec {
  return {
    name: 'respond-decisions',
    stateVersion: 1,
    inputs: [topics.decisions],
    watermark: [],
    tellsWatermarkTo: [],
    ticks: false,
    content: [],
    create: () => relayDecisions(partitions),
  }
}

function relayDecisions(partitions: number): StageLogic {
  return {
    record(record, out) {
      const json = parseJson(record.value)
      if (!json.ok) {
        out.deadLetter(json.code, json.message)
        return
      }
      const parsed = Decision.safeParse(json.value)
      if (!parsed.success) {
        out.deadLetter('NOT_A_DECISION', complaintText(parsed.error))
        return
      }
      const decision = parsed.data
      const effect = { topic: topics.effects, key: decision.tenant, value: { kind: 'decision', decision } }
      switch (decision.kind) {
        case 'global-stop':
          for (let partition = 0; partition < partitions; partition++) out.emit({ ...effect, partition })
          break
        case 'approval':
        case 'undo':
        case 'license.put':
        case 'credential.put':
          out.emit(effect)
          break
        case 'acknowledge':
        case 'assign':
        case 'note':
        case 'close':
        case 'reopen':
        case 'unmerge':
          // Correlate's: they come back as the incident's next version.
          out.drop('not-for-relay')
          break
      }
    },
  }
}
