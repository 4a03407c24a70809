/**
 * A service that is made of stages, and nothing else: starts them in order, stops them together, is as well as its worst.
 */
import type { Health, Service, ServiceContext } from '../service.ts'
import { runStage } from './stage-runner.ts'
import type { StageSpec } from './stage.ts'

export function stageService(name: string, context: ServiceContext, specs: readonly StageSpec[]): Service {
  const runs = specs.map((spec) => runStage(spec, context, context.config.runtime))
  return {
    name,
    start: async () => {
      for (const run of runs) await run.start()
    },
    stop: async () => {
      await Promise.all(runs.map((run) => run.stop()))
    },
    health: () => worstHealth(runs.map((run) => run.health())),
    progress: () => runs.flatMap((run) => run.progress()),
  }
}

const fromWorst: readonly Health['state'][] = ['failed', 'degraded', 'starting', 'ready']

export function worstHealth(all: readonly Health[]): Health {
  const rank = ({ state, unready }: Health): number => fromWorst.indexOf(state) - (unready === undefined ? 0 : 0.5)
  const sorted = [...all].sort((a, b) => rank(a) - rank(b))
  return sorted[0] ?? { state: 'failed', summary: 'runs nothing' }
}
