/**
 * The detect service: warden.events -> warden.signals, in two steps.
 *
 * `detect` works where the event is, keyed by principal; `detect-groups` behind the shuffle over warden.observations, for
 * rules grouped by anything else. Both are pure; the runner keeps their state, content and watermarks.
 */
import { topics } from '../../core/topics.ts'
import type { Health, Service, ServiceContext } from '../../runtime/service.ts'
import { runStage } from '../../runtime/stage-runner.ts'
import type { StageSpec } from '../../runtime/stage.ts'
import type { DetectReport } from './cost.ts'
import { createDetectLogic, detectStage, detectStateVersion } from './detect-stage.ts'
import { createGroupsLogic, groupsStage, groupsStateVersion } from './groups-stage.ts'

export function detectStages(report: DetectReport): readonly [StageSpec, StageSpec] {
  return [
    {
      name: detectStage,
      stateVersion: detectStateVersion,
      inputs: [topics.events],
      watermark: [`normalize/${topics.audit}`, `normalize/${topics.inference}`],
      tellsWatermarkTo: [topics.observations, topics.signals],
      ticks: false,
      content: ['rules'],
      create: createDetectLogic(report),
    },
    {
      name: groupsStage,
      stateVersion: groupsStateVersion,
      inputs: [topics.observations],
      watermark: [`${detectStage}/${topics.events}`],
      tellsWatermarkTo: [topics.signals],
      ticks: false,
      content: ['rules'],
      create: createGroupsLogic(report),
    },
  ]
}

export function createDetectService(context: ServiceContext): Service {
  const report = reportTo(context)
  const { checkpointIntervalMs, tickIdleMs, shutdownGraceMs } = context.config.runtime
  const runs = detectStages(report).map((spec) =>
    runStage(spec, context, { checkpointIntervalMs, tickIdleMs, shutdownGraceMs }),
  )
  return {
    name: 'detect',
    start: async () => {
      for (const run of runs) await run.start()
    },
    stop: async () => {
      for (const run of runs) await run.stop()
    },
    health: () => worst(runs.map((run) => run.health())),
    progress: () => runs.flatMap((run) => run.progress()),
  }
}

/** Counts what the steps tell, and says once for each set of rules what is in force and what rests. */
function reportTo({ telemetry, log, clock }: ServiceContext): DetectReport {
  let told = ''
  return {
    monotonicMs: () => clock.monotonicMs(),
    signal: ({ rule, status }) => telemetry.count('detect_signals', { rule: rule.id, level: rule.level, status }),
    cost: (rule, ms) => telemetry.observe('detect_rule_ms', { rule }, ms),
    inForce: (digest, set, notices) => {
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

const order = ['ready', 'starting', 'degraded', 'failed'] as const

function worst(all: readonly Health[]): Health {
  return all.reduce((a, b) => (order.indexOf(b.state) > order.indexOf(a.state) ? b : a))
}
