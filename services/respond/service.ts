/**
 * The service respond: playbooks answer to incidents, within bounds that are on record.
 *
 * Composes the two relays, the stage over `warden.effects` with its pure logic, and the sidecar that acts.
 */
import type { Service, ServiceContext } from '../../runtime/service.ts'
import { runStage, type StageRun } from '../../runtime/stage/stage-runner.ts'
import { worstHealth } from '../../runtime/stage/stage-service.ts'
import type { StageSpec } from '../../runtime/stage/stage.ts'
import { consumedTopics } from '../../core/consumed-topics.ts'
import { topics } from '../../core/topics.ts'
import { Catalog } from './catalog.ts'
import { RespondLogic } from './logic.ts'
import { decisionsRelay, incidentsRelay } from './relays.ts'
import { RespondSidecar, type SidecarDependencies } from './sidecar.ts'

/** Of the shape of the book. */
export const respondStateVersion = 1

/** The stage over the log of effects. */
export function respondStage(deps: SidecarDependencies): StageSpec {
  return {
    name: 'respond',
    stateVersion: respondStateVersion,
    inputs: consumedTopics.respond,
    watermark: [],
    tellsWatermarkTo: [],
    ticks: true,
    content: ['playbooks'],
    create: (context) => new RespondLogic(context, deps.catalog),
    sidecar: (context) => new RespondSidecar(context, deps),
  }
}

export function createRespondService(context: ServiceContext): Service {
  const { config, bus, clock, log, telemetry } = context
  const connectors = context.connectors ?? []
  const {
    enable,
    protected: spared,
    destructivePerTenantPerHourMax,
    destructivePerPlaybookPerHourMax,
    capRole,
  } = config.respond
  const { checkpointIntervalMs, tickIdleMs, shutdownGraceMs } = config.runtime
  const options = { checkpointIntervalMs, tickIdleMs, shutdownGraceMs }
  const policy = {
    enabled: [...enable],
    protected: [...spared],
    destructivePerTenantPerHourMax,
    destructivePerPlaybookPerHourMax,
    capRole,
  }
  const catalog = new Catalog(connectors)
  let runs: readonly StageRun[] = []
  return {
    name: 'respond',
    async start() {
      const partitions = await bus.partitionCount(topics.effects)
      const stages = [
        respondStage({ catalog, policy, clock, log, telemetry, lookAgainMs: config.respond.lookAgainMs }),
        incidentsRelay(),
        decisionsRelay(partitions),
      ]
      runs = stages.map((stage) => runStage(stage, context, options))
      await Promise.all(runs.map((run) => run.start()))
      log.info('playbooks may act', { enabled: policy.enabled, connectors: connectors.map(({ name }) => name) })
    },
    async stop() {
      await Promise.all(runs.map((run) => run.stop()))
      for (const connector of connectors) await connector.close?.()
    },
    health: () =>
      runs.length === 0 ? { state: 'starting', summary: 'not started' } : worstHealth(runs.map((run) => run.health())),
    progress: () => runs.flatMap((run) => run.progress()),
  }
}
