/**
 * The correlate service: signals in, incidents out.
 *
 * Two stages: a relay that brings people's decisions into the log of signals, under the tenant's key, and the correlation
 * itself over that one log.
 */
import { consumedTopics } from '../../core/consumed-topics.ts'
import { Decision } from '../../core/decision.ts'
import { complaintText } from '../../core/form-words.ts'
import { topics } from '../../core/topics.ts'
import { relayStage } from '../../runtime/stage/relay.ts'
import type { Service, ServiceContext } from '../../runtime/service.ts'
import { stageService } from '../../runtime/stage/stage-service.ts'
import type { StageSpec } from '../../runtime/stage/stage.ts'
import { CorrelateLogic } from './logic.ts'
import { correlateStateVersion, migrateCorrelate } from './migrate.ts'
import { correlateDefaults, type CorrelateOptions } from './options.ts'

export function correlateStage(options: CorrelateOptions = correlateDefaults): StageSpec {
  return {
    name: 'correlate',
    stateVersion: correlateStateVersion,
    migrate: migrateCorrelate,
    inputs: consumedTopics.correlate,
    watermark: [`detect/${topics.events}`, `detect-groups/${topics.observations}`],
    tellsWatermarkTo: [],
    ticks: false,
    content: [],
    create: (context) => new CorrelateLogic(context, options),
  }
}

export const decisionsRelay = relayStage({
  name: 'correlate-decisions',
  from: topics.decisions,
  to: topics.signals,
  code: 'NOT_A_DECISION',
  carry(value) {
    const decision = Decision.safeParse(value)
    if (!decision.success)
      return { refused: `The record does not have the form of a decision: ${complaintText(decision.error)}` }
    return 'incidentId' in decision.data
      ? { key: decision.data.tenant, value: { kind: 'decision', decision: decision.data } }
      : undefined
  },
})

export function createCorrelateService(context: ServiceContext): Service {
  const { joinWindowHours, openAtRisk, sharedPrincipalsMax } = context.config.correlate
  const options = { ...correlateDefaults, joinWindowMs: joinWindowHours * 3_600_000, openAtRisk, sharedPrincipalsMax }
  return stageService('correlate', context, [decisionsRelay, correlateStage(options)])
}
