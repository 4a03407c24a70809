/**
 * Tells when a pipeline that gets no more input has done all its work.
 *
 * Drained: every stage has ended or, where it follows no watermark, read its logs to their ends; nothing is under way
 * beside a stage; the index has stored everything; and nothing has been written to any log since the look before.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Bus } from '../core/ports/bus.ts'
import { topics } from '../core/topics.ts'
import type { Service } from '../runtime/service.ts'
import { CliError, exitCodes } from './exit.ts'

export interface DrainOptions {
  readonly bus: Bus
  readonly services: readonly Service[]
  readonly signal: AbortSignal
  /** Told after each look: what is still awaited. */
  readonly onLook?: (waiting: readonly string[]) => void
}

/** Stages whose watermark says that their input has ended. */
const ending = ['normalize', 'detect', 'detect-groups', 'correlate']
const lookEveryMs = 200
/** Looks without any change after which something is stuck. */
const stalledMs = 120_000

export async function untilDrained(options: DrainOptions): Promise<void> {
  let before = ''
  let changedMs = performance.now()
  for (;;) {
    if (options.signal.aborted) throw new CliError(exitCodes.failure, 'STOPPED', 'Stopped before it was drained.')
    const { ends, state, waiting } = await look(options)
    options.onLook?.(waiting)
    const now = `${ends}|${state}`
    if (waiting.length === 0 && now === before) return
    if (now !== before) changedMs = performance.now()
    before = now
    if (performance.now() - changedMs > stalledMs) {
      throw new CliError(
        exitCodes.failure,
        'NOT_DRAINED',
        `Nothing moves any more, and this is not done: ${waiting.join(', ')}.`,
        {
          hint: 'The log on standard error says why; the data folder can be looked at with: npx modelwarden up --data <folder>',
        },
      )
    }
    await pause(lookEveryMs)
  }
}

async function look({ bus, services }: DrainOptions) {
  const highs = await endsOf(bus)
  const waiting = new Set<string>()
  const state: string[] = []
  for (const task of services.flatMap((service) => service.progress?.() ?? [])) {
    const at = `${task.topic}/${task.partition}`
    state.push(`${task.stage}@${at}:${task.nextOffset}:${task.pending}:${task.ended}`)
    const behind = task.nextOffset < (highs.get(at) ?? 0)
    if (behind || task.pending > 0 || (ending.includes(task.stage) && !task.ended)) waiting.add(task.stage)
  }
  if (!(await isStored(bus, highs))) waiting.add('indexer')
  return { ends: [...highs].join(' '), state: state.sort().join(' '), waiting: [...waiting] }
}

async function endsOf(bus: Bus): Promise<Map<string, number>> {
  const highs = new Map<string, number>()
  for (const topic of Object.values(topics)) {
    for (const { partition, high } of await bus.offsets(topic)) highs.set(`${topic}/${partition}`, high)
  }
  return highs
}

/** Whether the indexer's group has come to the end of what it stores. */
async function isStored(bus: Bus, highs: ReadonlyMap<string, number>): Promise<boolean> {
  for (const topic of [
    topics.events,
    topics.signals,
    topics.incidents,
    topics.incidentHistory,
    topics.effects,
    topics.deadLetters,
  ]) {
    for (const { partition, offset } of await bus.groupOffsets('warden.indexer', topic)) {
      if (offset < (highs.get(`${topic}/${partition}`) ?? 0) && (highs.get(`${topic}/${partition}`) ?? 0) > 0)
        return false
    }
  }
  return true
}
