/**
 * The detect service: warden.events -> warden.signals, in two steps.
 *
 * `detect` works where the event is, keyed by principal; `detect-groups` behind the shuffle over warden.observations, for
 * rules grouped by anything else. Both are pure; the runner keeps their state, content and watermarks.
 *
 * Begin with detect-stage.ts and groups-stage.ts. `rule-set/` compiles the content that they run; `correlations/` and
 * `behavior/` keep the groups of rules between events; `tallies/` counts what each rule did. `authoring/` is used by the
 * command line alone: cases, checks, explanations and backtests, over in-process.ts.
 */
import { consumedTopics } from '../../core/consumed-topics.ts'
import type { RuleTally } from '../../core/rule-tally.ts'
import { topics } from '../../core/topics.ts'
import type { Service, ServiceContext } from '../../runtime/service.ts'
import { stageService } from '../../runtime/stage/stage-service.ts'
import type { PackReader, StageSpec, TaskContext } from '../../runtime/stage/stage.ts'
import { migrateGroups } from './correlations/correlation-groups.ts'
import type { DetectReport } from './cost.ts'
import { createDetectLogic, detectStage, detectStateVersion } from './detect-stage.ts'
import { RuleBook, type TaskCounts } from './tallies/rule-book.ts'
import { mountRuleStatus, ownTallies, talliesOf } from './status-route.ts'
import { ToldTallies } from './tallies/told-tallies.ts'
import { createGroupsLogic, groupsStage, groupsStateVersion } from './groups-stage.ts'

export function detectStages(report: (task: TaskContext) => DetectReport): readonly [StageSpec, StageSpec] {
  const groups: StageSpec & PackReader = {
    name: groupsStage,
    stateVersion: groupsStateVersion,
    migrate: migrateGroups,
    inputs: consumedTopics['detect-groups'],
    watermark: [`${detectStage}/${topics.events}`],
    tellsWatermarkTo: [topics.signals],
    ticks: false,
    content: ['inventory', 'rules'],
    create: createGroupsLogic(report),
  }
  const detect: StageSpec = {
    name: detectStage,
    stateVersion: detectStateVersion,
    migrate: migrateGroups,
    inputs: consumedTopics.detect,
    watermark: [`normalize/${topics.audit}`, `normalize/${topics.inference}`],
    tellsWatermarkTo: [topics.observations, topics.signals],
    packs: [groups],
    ticks: false,
    content: ['inventory', 'rules'],
    create: createDetectLogic(report),
  }
  return [detect, groups]
}

export function createDetectService(context: ServiceContext): Service {
  const { bus, clock, telemetry } = context
  const book = new RuleBook(telemetry)
  const now = (): string => new Date(clock.nowMs()).toISOString()
  const reportTo = reporter(context, book)
  const stages = detectStages(({ stage, at }) =>
    reportTo(book.begin(stage, at.partition, tallies.get(stage, at.partition), now())),
  )
  const service = stageService('detect', context, stages)
  const own = (): readonly RuleTally[] => ownTallies(book, service.progress?.() ?? [], now())
  const tallies = new ToldTallies(context, own)
  return {
    ...service,
    routes: (app) =>
      mountRuleStatus(app, {
        book,
        tallies: () => talliesOf(own(), tallies.all()),
        partitions: () => bus.partitionCount(topics.events),
      }),
    start: async () => {
      await tallies.start()
      await service.start()
    },
    stop: async () => {
      await tallies.stop()
      await service.stop()
    },
  }
}

/** Counts what the steps tell, and says once for each set of rules what is in force and what rests. */
function reporter({ telemetry, log, clock }: ServiceContext, book: RuleBook): (counts: TaskCounts) => DetectReport {
  let told = ''
  return (counts) => ({
    monotonicMs: () => clock.monotonicMs(),
    signal: ({ rule, status }) => {
      counts.signal(rule.id)
      telemetry.count('detect_signals', { rule: rule.id, level: rule.level, status })
    },
    matched: (rule) => counts.matched(rule),
    suppressed: (rule) => counts.suppressed(rule),
    unchecked: () => telemetry.count('detect_unchecked', {}),
    settled: () => book.tellMatches(),
    cost: (rule, ms) => counts.cost(rule, ms),
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
  })
}
