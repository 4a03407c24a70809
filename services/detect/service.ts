/**
 * The detect service: warden.events -> warden.signals, in two steps.
 *
 * `detect` works where the event is, keyed by principal; `detect-groups` behind the shuffle over warden.observations, for
 * rules grouped by anything else. Both are pure; the runner keeps their state, content and watermarks.
 */
import { topics } from '../../core/topics.ts'
import type { Service, ServiceContext } from '../../runtime/service.ts'
import { stageService } from '../../runtime/stage-service.ts'
import type { StageSpec } from '../../runtime/stage.ts'
import { migrateGroups } from './correlation-groups.ts'
import type { DetectReport } from './cost.ts'
import { createDetectLogic, detectStage, detectStateVersion } from './detect-stage.ts'
import { RuleBook } from './rule-book.ts'
import { mountRuleStatus } from './status-route.ts'
import { createGroupsLogic, groupsStage, groupsStateVersion } from './groups-stage.ts'

export function detectStages(report: DetectReport): readonly [StageSpec, StageSpec] {
  return [
    {
      name: detectStage,
      stateVersion: detectStateVersion,
      migrate: migrateGroups,
      inputs: [topics.events],
      watermark: [`normalize/${topics.audit}`, `normalize/${topics.inference}`],
      tellsWatermarkTo: [topics.observations, topics.signals],
      ticks: false,
      content: ['inventory', 'rules'],
      create: createDetectLogic(report),
    },
    {
      name: groupsStage,
      stateVersion: groupsStateVersion,
      migrate: migrateGroups,
      inputs: [topics.observations],
      watermark: [`${detectStage}/${topics.events}`],
      tellsWatermarkTo: [topics.signals],
      ticks: false,
      content: ['inventory', 'rules'],
      create: createGroupsLogic(report),
    },
  ]
}

export function createDetectService(context: ServiceContext): Service {
  const book = new RuleBook(context.telemetry)
  const service = stageService('detect', context, detectStages(reportTo(context, book)))
  return { ...service, routes: (app) => mountRuleStatus(app, book, () => service.progress?.() ?? []) }
}

/** Counts what the steps tell, and says once for each set of rules what is in force and what rests. */
function reportTo({ telemetry, log, clock }: ServiceContext, book: RuleBook): DetectReport {
  let told = ''
  return {
    monotonicMs: () => clock.monotonicMs(),
    signal: ({ rule, status }) => {
      book.signal(rule.id)
      telemetry.count('detect_signals', { rule: rule.id, level: rule.level, status })
    },
    matched: (rule) => book.matched(rule),
    suppressed: (rule) => book.suppressed(rule),
    settled: () => book.tellMatches(),
    cost: (rule, ms) => book.cost(rule, ms),
    inForce: (digest, set, notices) => {
      book.inForce(digest, set)
      telemetry.gauge('detect_rules', { kind: 'sigma' }, set.sigma.length)
      telemetry.gauge('detect_rules', { kind: 'correlation' }, set.correlations.length)
      telemetry.gauge('detect_rules', { kind: 'behavior' }, set.behavior.length)
      // Each partition of each step takes the set up: one line is enough.
      if (told === digest) return
      told = digest
      log.info('rules are in force', {
        digest,
        rules: set.sigma.length,
        correlations: set.correlations.length,
        behavior: set.behavior.length,
      })
      for (const { message, place, hint } of notices) log.info(message, { file: place?.file, hint })
    },
  }
}
