/**
 * The licensing service: owns licenses, credentials and their state, and takes in what the configured files say.
 *
 * Three stages, see commands.ts and telling.ts. What the files say goes the way of every decision: over
 * warden.decisions and warden.effects into the one log of commands.
 */
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { consumedTopics } from '../../core/consumed-topics.ts'
import type { Decision } from '../../core/decision.ts'
import { describeError } from '../../core/errors.ts'
import { topics } from '../../core/topics.ts'
import type { Health, Service, ServiceContext } from '../../runtime/service.ts'
import { stageService, worstHealth } from '../../runtime/stage/stage-service.ts'
import type { StageSpec } from '../../runtime/stage/stage.ts'
import { commandsRelay } from './commands.ts'
import { readLicenseFiles } from './license-files.ts'
import { LicensingLogic } from './logic.ts'
import { mountLicensingRoutes } from './routes.ts'
import { licensesTelling } from './telling.ts'

export const licensingStage: StageSpec = {
  name: 'licensing',
  stateVersion: 1,
  inputs: consumedTopics.licensing,
  watermark: [],
  tellsWatermarkTo: [],
  ticks: false,
  content: [],
  create: (context) => new LicensingLogic(context),
}

const retryPauseMsMax = 10_000
/** Decisions in one publication. */
const batchRecordsMax = 1_000

export function createLicensingService(context: ServiceContext): Service {
  const stages = stageService('licensing', context, [commandsRelay, licensingStage, licensesTelling])
  const stopping = new AbortController()
  let publishing: Promise<void> = Promise.resolve()
  let unpublished: string | undefined
  return {
    name: 'licensing',
    start: async () => {
      const files = context.config.licensing.files.map((path) => resolve(context.configFolder ?? '.', path))
      const at = new Date(context.clock.nowMs()).toISOString()
      const { hmacKey, log } = context
      const decisions = readLicenseFiles(files, { env: process.env, hmacKey, log, at })
      await stages.start()
      publishing = publishAll(decisions, context, stopping.signal, (problem) => {
        unpublished = problem
      })
    },
    stop: async () => {
      stopping.abort()
      await publishing
      await stages.stop()
    },
    health: () => {
      const own: Health =
        unpublished === undefined ? stages.health() : { state: 'degraded', summary: `license files: ${unpublished}` }
      return worstHealth([stages.health(), own])
    },
    routes: (app) => mountLicensingRoutes(app, context),
    progress: () => stages.progress?.() ?? [],
  }
}

/** A bus that is not there yet is waited for: what is already in force stays so meanwhile. */
async function publishAll(
  decisions: readonly Decision[],
  { bus, log }: ServiceContext,
  signal: AbortSignal,
  tell: (problem: string | undefined) => void,
): Promise<void> {
  const records = decisions.map((decision) => ({
    topic: topics.decisions,
    key: decision.tenant,
    value: JSON.stringify(decision),
  }))
  let pauseMs = 200
  for (let from = 0; from < records.length && !signal.aborted;) {
    try {
      await bus.publish(records.slice(from, from + batchRecordsMax))
      from += batchRecordsMax
      tell(undefined)
    } catch (error) {
      tell(describeError(error))
      log.warn('license files could not be published; trying again', { pauseMs, error: describeError(error) })
      await pause(pauseMs, undefined, { signal }).catch(() => undefined)
      pauseMs = Math.min(pauseMs * 2, retryPauseMsMax)
    }
  }
}
