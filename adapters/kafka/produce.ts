/**
 * Publishes records: idempotent, acknowledged by all in-sync replicas, in order within each partition.
 *
 * What arrives while a request is under way goes with the next one, so throughput comes from load and no record waits
 * for a timer. One request at a time to a broker keeps the order; each partition has an Outbox with sequence numbers of
 * its own.
 */
import { BusRefusedError, BusUnavailableError, type WardenError } from '../../core/errors.ts'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { KafkaLog, Link } from './client.ts'
import { countRecord, produceRequest, type CountedRecord, type PartitionBatch } from './encode.ts'
import { Outbox, type Call, type ProducerIdentity, type Waiting } from './outbox.ts'
import { PartitionChooser } from './partition.ts'
import { asBusError, backoffMs, closed, isPassing, isStaleLeader, ProtocolFault } from './retry.ts'

/** How a Producer gets its numbers: anew for each partition in trouble, or fixed by a transaction's coordinator. */
export interface Identities {
  readonly transactionalId: string | undefined
  get(): Promise<ProducerIdentity>
  renew(): Promise<ProducerIdentity>
}

/** The broker forgot this producer (it keeps ids for a day of silence) or lost the end of its log. */
const forgottenTypes: ReadonlySet<string> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
])
const closeWaitMs = 5_000
const failuresBeforeWarning = 3

export class Producer {
  readonly #link: Link
  readonly #log: KafkaLog
  readonly #clock: Clock
  readonly #identities: Identities
  readonly #chooser: PartitionChooser
  readonly #outboxes = new Map<string, Outbox>()
  readonly #busyNodes = new Set<number>()
  readonly #roomWaiters: (() => void)[] = []
  #entering: Promise<void> = Promise.resolve()
  #bytesWaiting = 0
  #pumping = false
  #pumpAgain = false
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #closed = false

  constructor(link: Link, identities: Identities, log: KafkaLog, clock: Clock) {
    this.#link = link
    this.#log = log
    this.#clock = clock
    this.#identities = identities
    this.#chooser = new PartitionChooser(link)
  }

  /** Resolves when every record is acknowledged. */
  async publish(records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#isClosed()) throw closed('publish')
    if (records.length === 0) return
    const counted = records.map((record) => this.#count(record))
    // One after the other, so that calls keep their order whatever each has to wait for.
    const turn = this.#entering.then(() => this.#enter(records))
    this.#entering = turn.then(
      () => undefined,
      () => undefined,
    )
    const partitions = await turn
    if (this.#isClosed()) throw closed('publish')
    await new Promise<void>((resolve, reject) => {
      const until = performance.now() + this.#link.settings.deliveryTimeoutMs
      const call: Call = { left: records.length, failed: false, until, resolve, reject }
      counted.forEach((record, index) => {
        this.#bytesWaiting += record.bytes
        this.#outbox(records[index]!.topic, partitions[index]!).push({ record, call })
      })
      this.#pump()
    })
  }

  /** Finds the partitions that these records go to, without sending them. */
  async partitionsOf(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    return await this.#chooser.choose(records)
  }

  /** All partitions begin again at sequence 0, under the identity that is in force then. Nothing may be under way. */
  restart(): void {
    this.#outboxes.clear()
  }

  /** Waits a little for what is under way, then gives up on it. */
  async close(): Promise<void> {
    this.#closed = true
    const until = performance.now() + closeWaitMs
    while (this.#bytesWaiting > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10))
    clearTimeout(this.#timer)
    for (const outbox of this.#outboxes.values()) outbox.giveUp(closed('publish'), () => true)
    for (const wake of this.#roomWaiters.splice(0)) wake()
  }

  #isClosed(): boolean {
    return this.#closed
  }

  #count(record: OutgoingRecord): CountedRecord {
    const counted = countRecord(record)
    const { recordBytesMax } = this.#link.settings
    if (counted.bytes > recordBytesMax) throw tooLarge(record.topic, counted.bytes, recordBytesMax)
    return counted
  }

  /** Waits for room, and for what must be known of the topics. */
  async #enter(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    while (this.#bytesWaiting > this.#link.settings.produceBufferBytesMax && !this.#isClosed()) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve))
    }
    return await this.#chooser.choose(records)
  }

  #outbox(topic: string, partition: number): Outbox {
    const key = `${topic} ${partition}`
    let outbox = this.#outboxes.get(key)
    if (outbox === undefined) {
      outbox = new Outbox(topic, partition, this.#link.settings.produceBatchBytesMax, (waiting, error) => {
        this.#settle(waiting, error)
      })
      this.#outboxes.set(key, outbox)
    }
    return outbox
  }

  /** Sends whatever can be sent now. Calls of the same turn of the event loop go together. */
  #pump(): void {
    this.#pumpAgain = true
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => {
      void this.#pumpAll().finally(() => {
        this.#pumping = false
        if (this.#pumpAgain) this.#pump()
      })
    })
  }

  async #pumpAll(): Promise<void> {
    while (this.#pumpAgain) {
      this.#pumpAgain = false
      const byNode = new Map<number, Outbox[]>()
      for (const outbox of this.#outboxes.values()) {
        if (outbox.sending || outbox.isEmpty || !(await this.#isReady(outbox))) continue
        const node = await this.#leaderOf(outbox)
        if (node === undefined || this.#busyNodes.has(node)) continue
        const outboxes = byNode.get(node)
        if (outboxes === undefined) byNode.set(node, [outbox])
        else outboxes.push(outbox)
      }
      for (const [node, outboxes] of byNode) void this.#sendTo(node, outboxes)
    }
  }

  async #isReady(outbox: Outbox): Promise<boolean> {
    const waitMs = outbox.notBefore - performance.now()
    if (waitMs > 0) {
      this.#pumpIn(waitMs)
      return false
    }
    if (outbox.identity !== undefined) return true
    try {
      outbox.identity = outbox.renew ? await this.#identities.renew() : await this.#identities.get()
      outbox.renew = false
      return true
    } catch (error) {
      this.#failed(outbox, error)
      return false
    }
  }

  async #leaderOf(outbox: Outbox): Promise<number | undefined> {
    try {
      return await this.#link.leader(outbox)
    } catch (error) {
      this.#failed(outbox, error)
      return undefined
    }
  }

  #pumpIn(waitMs: number): void {
    const at = performance.now() + waitMs
    if (at >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity
      this.#pump()
    }, waitMs)
  }

  async #sendTo(node: number, outboxes: readonly Outbox[]): Promise<void> {
    const { sending, batches } = this.#fill(outboxes)
    if (sending.length === 0) return
    this.#busyNodes.add(node)
    for (const outbox of sending) outbox.sending = true
    try {
      const { transactionalId } = this.#identities
      const timeoutMs = this.#link.settings.requestTimeoutMs
      const acks = await this.#link.send(node, produceRequest(batches, { transactionalId, timeoutMs }))
      const codes = new Map(acks.map((ack) => [`${ack.topic} ${ack.partition}`, ack.errorCode]))
      for (const outbox of sending) this.#answered(outbox, codes.get(`${outbox.topic} ${outbox.partition}`) ?? -1)
    } catch (error) {
      this.#link.forgetAll()
      for (const outbox of sending) {
        if (outbox.batch !== undefined) outbox.batch.unsure = true
        this.#failed(outbox, error)
      }
    } finally {
      for (const outbox of sending) outbox.sending = false
      this.#busyNodes.delete(node)
      this.#pump()
    }
  }

  /** One batch of each partition, as many as go into one request. */
  #fill(outboxes: readonly Outbox[]): { readonly sending: Outbox[]; readonly batches: PartitionBatch[] } {
    const { produceRequestBytesMax, compression } = this.#link.settings
    const transactional = this.#identities.transactionalId !== undefined
    const sending: Outbox[] = []
    const batches: PartitionBatch[] = []
    let bytes = 0
    for (const outbox of outboxes) {
      const batch = outbox.seal({ compression, transactional, nowMs: this.#clock.nowMs() })
      if (batch === undefined) continue
      if (sending.length > 0 && bytes + batch.bytes.length > produceRequestBytesMax) continue
      bytes += batch.bytes.length
      sending.push(outbox)
      batches.push({ ...outbox.place, batch: batch.bytes })
    }
    return { sending, batches }
  }

  #answered(outbox: Outbox, errorCode: number): void {
    // Closed meanwhile, and given up on.
    if (outbox.batch === undefined) return
    const fault = errorCode === 0 ? undefined : new ProtocolFault(errorCode)
    if (fault === undefined || fault.type === 'DUPLICATE_SEQUENCE_NUMBER') {
      outbox.acknowledged()
    } else if (forgottenTypes.has(fault.type) && this.#identities.transactionalId === undefined) {
      this.#log.info('A partition begins anew under a fresh producer id.', { ...outbox.place, error: fault.type })
      outbox.beginAnew()
    } else if (fault.type !== 'MESSAGE_TOO_LARGE' || !outbox.cutSmaller()) {
      this.#failed(outbox, fault)
    }
  }

  /** Waits and tries again, or gives up on the calls concerned. */
  #failed(outbox: Outbox, error: unknown): void {
    const doing = `publish to ${outbox.topic}/${outbox.partition}`
    outbox.failures += 1
    const stale = isStaleLeader(error)
    if (stale) this.#link.forget(outbox.topic)
    if (!isPassing(error) && !stale) {
      outbox.giveUp(asPublishError(error, outbox, doing), () => true)
      return
    }
    if (outbox.failures === failuresBeforeWarning) {
      this.#log.warn('Records wait to be published.', { ...outbox.place, error: String(error) })
    }
    const now = performance.now()
    const late = new BusUnavailableError(`${doing}: no answer in time`, { cause: error })
    outbox.giveUp(late, (call) => call.until < now)
    const waitMs = backoffMs(outbox.failures)
    outbox.notBefore = now + waitMs
    this.#pumpIn(waitMs)
  }

  #settle(waiting: readonly Waiting[], error?: WardenError): void {
    for (const { record, call } of waiting) {
      this.#bytesWaiting -= record.bytes
      if (error !== undefined && !call.failed) {
        call.failed = true
        call.reject(error)
      }
      call.left -= 1
      if (call.left === 0 && !call.failed) call.resolve()
    }
    if (this.#roomWaiters.length > 0 && this.#bytesWaiting < this.#link.settings.produceBufferBytesMax) {
      for (const wake of this.#roomWaiters.splice(0)) wake()
    }
  }
}

function tooLarge(topic: string, bytes: number, bytesMax: number | undefined, cause?: unknown): BusRefusedError {
  const limit = bytesMax === undefined ? 'than the topic allows' : `than the limit of ${bytesMax}`
  return new BusRefusedError(`a record of ${bytes} bytes for topic ${topic} is larger ${limit}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Raise max.message.bytes of the topic, or send smaller records.',
  })
}

function asPublishError(error: unknown, outbox: Outbox, doing: string): WardenError {
  if (error instanceof ProtocolFault && error.type === 'MESSAGE_TOO_LARGE' && outbox.batch !== undefined) {
    return tooLarge(outbox.topic, outbox.batch.waiting[0]!.record.bytes, undefined, error)
  }
  return asBusError(error, doing)
}
