/**
 * Tells what rules did on the partitions that this process owns, and keeps what the owners of all others have told.
 *
 * Stands beside the two steps of detect, and is no part of what they do: a bus that can't take or give it now changes nothing but
 * what `modelwarden rules status` knows. A tally is told every `tellEveryMs` where it has changed, and when the process ends;
 * after a kill, what was done since the last one may be missing from the counts, or in them twice.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { describeError } from '../../../core/errors.ts'
import { parseJson } from '../../../core/json.ts'
import type { BusRecord } from '../../../core/ports/bus.ts'
import { RuleTally } from '../../../core/rule-tally.ts'
import { topics } from '../../../core/topics.ts'
import { followTopic, type Followed } from '../../../runtime/broadcast.ts'
import type { ServiceContext } from '../../../runtime/service.ts'

const tellEveryMs = 10_000
/** How long a start waits for what was told before: longer, and counts begin anew. And an end for its last telling. */
const waitMsMax = 5_000

type TallyContext = Pick<ServiceContext, 'bus' | 'log' | 'telemetry'>

export class ToldTallies {
  readonly #context: TallyContext
  readonly #own: () => readonly RuleTally[]
  readonly #told = new Map<string, RuleTally>()
  #followed: Followed | undefined
  #timer: NodeJS.Timeout | undefined
  #busy: Promise<void> | undefined

  /** `own`: of this process's tasks, as they are now. */
  constructor(context: TallyContext, own: () => readonly RuleTally[]) {
    this.#context = context
    this.#own = own
  }

  /** What was last told of each partition, by whoever owned it. */
  all(): readonly RuleTally[] {
    return [...this.#told.values()]
  }

  get(stage: string, partition: number): RuleTally | undefined {
    return this.#told.get(keyOf({ stage, partition }))
  }

  /** Resolves when what was told before is known, or can't be for now. */
  async start(): Promise<void> {
    const { bus, log } = this.#context
    const following = followTopic(bus, topics.ruleTallies, (record) => this.take(record)).then(
      (followed) => {
        this.#followed = followed
      },
      (error: unknown) => {
        log.warn('what rules did in other processes is not known', { error: describeError(error) })
      },
    )
    await withPatience(following)
    this.#timer = setInterval(() => void this.tell(), tellEveryMs)
    this.#timer.unref()
  }

  /** From the bus. */
  take({ key, value, partition, offset }: Pick<BusRecord, 'key' | 'value' | 'partition' | 'offset'>): void {
    if (value === null) {
      if (key !== undefined) this.#told.delete(key)
      return
    }
    const parsed = parseJson(value)
    const tally = parsed.ok ? RuleTally.safeParse(parsed.value) : undefined
    if (tally?.success === true) this.#told.set(keyOf(tally.data), tally.data)
    else this.#context.log.warn('a tally of rules can not be read, and changes nothing', { partition, offset })
  }

  /** Tells what has changed. One telling at a time: who asks meanwhile waits for that. */
  tell(): Promise<void> {
    this.#busy ??= this.#tell().finally(() => {
      this.#busy = undefined
    })
    return this.#busy
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await withPatience((this.#busy ?? Promise.resolve()).then(() => this.tell()))
    await this.#followed?.stop()
  }

  async #tell(): Promise<void> {
    if (this.#followed === undefined) return
    const changed = this.#own().filter((tally) => hasChanged(tally, this.#told.get(keyOf(tally))))
    if (changed.length === 0) return
    try {
      await this.#context.bus.publish(
        changed.map((tally) => ({ topic: topics.ruleTallies, key: keyOf(tally), value: JSON.stringify(tally) })),
      )
      // It comes back by the bus too, a little later.
      for (const tally of changed) this.#told.set(keyOf(tally), tally)
    } catch (error) {
      this.#context.telemetry.retried('detect', 'rule-tallies')
      this.#context.log.debug('what rules did could not be told; trying again', { error: describeError(error) })
    }
  }
}

/** Nothing waits for long for what is only told. */
async function withPatience(done: Promise<void>): Promise<void> {
  const giveUp = new AbortController()
  await Promise.race([done, pause(waitMsMax, undefined, { signal: giveUp.signal }).catch(() => undefined)])
  giveUp.abort()
}

function keyOf({ stage, partition }: Pick<RuleTally, 'stage' | 'partition'>): string {
  return `${stage}/${partition}`
}

function hasChanged(now: RuleTally, told: RuleTally | undefined): boolean {
  return told === undefined || !isDeepStrictEqual({ ...now, at: '' }, { ...told, at: '' })
}
