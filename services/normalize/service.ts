/**
 * The normalize service: raw records in, events out. One stage over both raw topics.
 */
import { consumedTopics } from '../../core/consumed-topics.ts'
import type { Bundle, ContentFile } from '../../core/content.ts'
import { topics } from '../../core/topics.ts'
import { compileSources, type CompiledSources } from '../../engine/sources/compile.ts'
import type { Service, ServiceContext } from '../../runtime/service.ts'
import { stageService } from '../../runtime/stage/stage-service.ts'
import type { StageSpec } from '../../runtime/stage/stage.ts'
import { NormalizeLogic } from './logic.ts'

/** Versions of the sources kept compiled: the tasks of a process need the same one or two. */
const compiledMax = 4

export function normalizeStage(hmacKey: Uint8Array): StageSpec {
  const compiled = new Map<string, CompiledSources>()
  const compile = (bundle: Bundle, files: readonly ContentFile[]): CompiledSources => {
    let result = compiled.get(bundle.digest)
    if (result === undefined) {
      result = compileSources(files)
      if (compiled.size >= compiledMax) compiled.clear()
      compiled.set(bundle.digest, result)
    }
    return result
  }
  return {
    name: 'normalize',
    stateVersion: 1,
    inputs: consumedTopics.normalize,
    watermark: 'records',
    tellsWatermarkTo: [topics.events],
    ticks: true,
    content: ['sources'],
    create: (task) => new NormalizeLogic(hmacKey, compile, task),
  }
}

export function createNormalizeService(context: ServiceContext): Service {
  return stageService('normalize', context, [normalizeStage(context.hmacKey)])
}
