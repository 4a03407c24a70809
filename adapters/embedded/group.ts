/**
 * Consumer groups inside the process: who reads which partition.
 *
 * A partition goes to one member at a time. When members come and go, partitions that stay where they are read on
 * undisturbed; a moved one is started by its new owner only after the old one has ended its batch and let go.
 */
import type { BusRecord, PartitionHandler, TopicPartition } from '../../core/ports/bus.ts'
import { busLimits, type EmbeddedLog } from './config.ts'
import type { PartitionLog, PartitionReader } from './partition-log.ts'

/** One member of a group. */
export interface Member {
  readonly topics: ReadonlySet<string>
  /** Starts reading, after `before` has ended. */
  take(log: PartitionLog, before: Promise<void>): void
  /** Stops reading; resolves when the partition is free. */
  give(log: PartitionLog): Promise<void>
}

export class Group {
  readonly #members: Member[] = []
  readonly #owners = new Map<PartitionLog, Member>()
  /** When the partition's last owner has let go. */
  readonly #freed = new Map<PartitionLog, Promise<void>>()
  readonly #logs = new Set<PartitionLog>()

  join(member: Member, logs: readonly PartitionLog[]): void {
    for (const log of logs) this.#logs.add(log)
    this.#members.push(member)
    this.#rebalance()
  }

  /** Resolves when all its partitions are free; the others have taken over then, or are about to. */
  async leave(member: Member): Promise<void> {
    const at = this.#members.indexOf(member)
    if (at >= 0) this.#members.splice(at, 1)
    const given = this.#rebalance().filter((each) => each.from === member)
    await Promise.all(given.map((each) => each.freed))
  }

  #rebalance(): readonly { readonly from: Member; readonly freed: Promise<void> }[] {
    const wanted = assign([...this.#logs], this.#members, this.#owners)
    const given: { from: Member; freed: Promise<void> }[] = []
    for (const [log, owner] of this.#owners) {
      if (wanted.get(log) === owner) continue
      const freed = owner.give(log)
      this.#owners.delete(log)
      this.#freed.set(log, freed)
      given.push({ from: owner, freed })
    }
    for (const [log, owner] of wanted) {
      if (this.#owners.has(log)) continue
      this.#owners.set(log, owner)
      owner.take(log, this.#freed.get(log) ?? Promise.resolve())
    }
    return given
  }
}

/** Spreads partitions evenly over the members that want them, moving as few as that takes. */
export function assign<L extends { readonly topic: string }, M extends { readonly topics: ReadonlySet<string> }>(
  logs: readonly L[],
  members: readonly M[],
  owners: ReadonlyMap<L, M>,
): Map<L, M> {
  const held = new Map<M, L[]>(members.map((member) => [member, []]))
  const load = (member: M): number => held.get(member)!.length
  const least = (log: L): M | undefined => {
    let best: M | undefined
    for (const member of members) {
      if (member.topics.has(log.topic) && (best === undefined || load(member) < load(best))) best = member
    }
    return best
  }
  const homeless: L[] = []
  for (const log of logs) {
    const owner = owners.get(log)
    if (owner !== undefined && held.has(owner) && owner.topics.has(log.topic)) held.get(owner)!.push(log)
    else homeless.push(log)
  }
  for (const log of homeless) {
    const owner = least(log)
    if (owner !== undefined) held.get(owner)!.push(log)
  }
  /** From the busiest to the idlest, one at a time: no partition moves twice. */
  const moveOne = (): boolean => {
    for (const member of members.toSorted((a, b) => load(b) - load(a))) {
      for (const log of held.get(member)!.toReversed()) {
        const other = least(log)
        if (other === undefined || load(member) - load(other) < 2) continue
        held.set(
          member,
          held.get(member)!.filter((each) => each !== log),
        )
        held.get(other)!.push(log)
        return true
      }
    }
    return false
  }
  while (moveOne());
  const wanted = new Map<L, M>()
  for (const [member, own] of held) for (const log of own) wanted.set(log, member)
  return wanted
}

/** Lets so many run at once; the others wait in the order they came. */
export class Permits {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async acquire(): Promise<void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}

export interface LaneOptions {
  readonly log: PartitionLog
  readonly handler: PartitionHandler
  readonly permits: Permits
  readonly batchRecordsMax: number
  readonly committed: () => number | undefined
  readonly readerFrom: (offset: number) => PartitionReader
  readonly report: EmbeddedLog
  readonly group: string
}

/** One partition in one member's hands: assigned, batch after batch, revoked. */
export class Lane {
  readonly at: TopicPartition
  readonly ended: Promise<void>
  /** Whether `assigned` has resolved and `revoked` was not called yet. */
  held = false
  readonly #options: LaneOptions
  #stopped = false
  #paused = false
  #wake: (() => void) | undefined

  constructor(options: LaneOptions, before: Promise<void>) {
    this.#options = options
    this.at = { topic: options.log.topic, partition: options.log.partition }
    this.ended = before.then(() => this.#run())
  }

  stop(): Promise<void> {
    this.#stopped = true
    this.#wake?.()
    return this.ended
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#wake?.()
  }

  async #run(): Promise<void> {
    const { log } = this.#options
    const stopListening = log.onGrowth(() => this.#wake?.())
    try {
      const reader = await this.#assigned()
      if (reader !== undefined) await this.#deliver(reader)
    } finally {
      stopListening()
      await this.#revoked()
    }
  }

  async #assigned(): Promise<PartitionReader | undefined> {
    const { handler, committed, readerFrom, log, report } = this.#options
    for (let attempt = 1; !this.#stopped; attempt++) {
      try {
        const given = await handler.assigned(this.at)
        this.held = true
        const from = given ?? committed() ?? log.low
        if (from <= log.high) return readerFrom(from)
        report.warn('A reader asked for records past the end of the log; it gets them from the beginning.', {
          ...this.at,
          group: this.#options.group,
          asked: from,
          end: log.high,
        })
        return readerFrom(log.low)
      } catch (error) {
        // What waited for its turn is told to end when the process does: nothing is tried again.
        if (this.#stopped) return undefined
        this.#complain('A partition could not be taken; trying again.', error, attempt)
        await this.#sleep(redeliveryMs(attempt))
      }
    }
    return undefined
  }

  async #deliver(reader: PartitionReader): Promise<void> {
    const { batchRecordsMax } = this.#options
    let failures = 0
    let batch: readonly BusRecord[] = []
    while (!this.#stopped) {
      if (this.#paused || (batch.length === 0 && reader.atEnd)) {
        await this.#sleep()
        continue
      }
      try {
        if (batch.length === 0) batch = await reader.next(batchRecordsMax)
        if (batch.length > 0) await this.#hand(batch)
        // Held back or stopped while it waited for its turn: the same batch comes next.
        if (this.#delivered) batch = []
        failures = 0
      } catch (error) {
        failures++
        this.#complain('A batch was rejected; it is delivered again.', error, failures)
        await this.#sleep(redeliveryMs(failures))
      }
    }
  }

  #delivered = false

  async #hand(batch: readonly BusRecord[]): Promise<void> {
    const { handler, permits } = this.#options
    this.#delivered = false
    await permits.acquire()
    try {
      if (this.#stopped || this.#paused) return
      await handler.records(this.at, batch)
      this.#delivered = true
    } finally {
      permits.release()
    }
  }

  async #revoked(): Promise<void> {
    if (!this.held) return
    this.held = false
    try {
      await this.#options.handler.revoked(this.at)
    } catch (error) {
      this.#complain('Letting go of a partition failed.', error, 1)
    }
  }

  /** Until something changes: more records, resume, stop; or the time is over. */
  async #sleep(ms?: number): Promise<void> {
    if (this.#stopped) return
    await new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
      // Growth of the log does not shorten the pause before a redelivery.
      this.#wake = () => {
        if (ms !== undefined && !this.#stopped) return
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }

  #complain(message: string, error: unknown, attempt: number): void {
    this.#options.report.warn(message, { ...this.at, group: this.#options.group, attempt, error })
  }
}

function redeliveryMs(failures: number): number {
  return Math.min(busLimits.redeliveryMsMax, busLimits.redeliveryMsMin * 2 ** Math.min(failures - 1, 10))
}
