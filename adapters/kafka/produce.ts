/**
 * Publishes records: idempotent, acknowledged by all in-sync replicas, in order within each partition.
 *
 * What arrives while a request is under way goes with the next one, so throughput comes from load and no record waits
 * for a timer. A batch, once numbered, is sent again byte for byte until the broker answers: Kafka then recognizes what
 * it already has. One request at a time to a broker keeps the order; each partition has its own sequence numbers, and
 * when the fate of a batch can't be known (time over), that partition alone starts anew under a fresh producer id.
 */
import { BusRefusedError, BusUnavailableError, type WardenError } from '../../core/errors.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { OutgoingRecord } from '../../core/ports/bus.ts'
import type { KafkaLog, Link } from './client.ts'
import { batchHeaderBytes, countRecord, encodeBatch, produceRequest, type CountedRecord } from './encode.ts'
import { PartitionChooser } from './partition.ts'
import { asBusError, backoffMs, closed, isPassing, isStaleLeader, ProtocolFault } from './retry.ts'

export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

/** How a Producer gets its numbers: anew for each partition in trouble, or fixed by a transaction's coordinator. */
export interface Identities {
  readonly transactionalId: string | undefined
  get(): Promise<ProducerIdentity>
  renew(): Promise<ProducerIdentity>
}

interface Call {
  left: number
  failed: boolean
  readonly until: number
  resolve(): void
  reject(error: WardenError): void
}

interface Waiting {
  readonly record: CountedRecord
  readonly call: Call
}

interface Batch {
  readonly bytes: Buffer
  readonly waiting: readonly Waiting[]
  /** Whether a broker may have it although no answer came. */
  unsure: boolean
}

interface Lane {
  readonly topic: string
  readonly partition: number
  readonly queue: Waiting[]
  sequence: number
  identity: ProducerIdentity | undefined
  /** The identity it had is of no use any more, here. */
  renew: boolean
  /** Bytes of a batch; less than the setting where the topic allows less. */
  batchBytesMax: number
  batch: Batch | undefined
  sending: boolean
  failures: number
  notBefore: number
}

const sequencesMax = 2 ** 31
const restartTypes: ReadonlySet<string> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
])
const closeWaitMs = 5_000

export class Producer {
  readonly #link: Link
  readonly #log: KafkaLog
  readonly #clock: Clock
  readonly #identities: Identities
  readonly #chooser: PartitionChooser
  readonly #lanes = new Map<string, Lane>()
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
    if (this.#closed) throw closed('publish')
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
        this.#lane(records[index]!.topic, partitions[index]!).queue.push({ record, call })
      })
      this.#pump()
    })
  }

  async #enter(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    while (this.#bytesWaiting > this.#link.settings.produceBufferBytesMax) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve))
    }
    return await this.#chooser.choose(records)
  }

  /** Finds the partitions that these records go to, without sending them. */
  async partitionsOf(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    return await this.#chooser.choose(records)
  }

  /** All lanes begin again at sequence 0, under the identity that is in force then. */
  restart(): void {
    this.#lanes.clear()
  }

  /** Waits a little for what is under way, then gives up on it. */
  async close(): Promise<void> {
    this.#closed = true
    const until = performance.now() + closeWaitMs
    while (this.#bytesWaiting > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10))
    clearTimeout(this.#timer)
    for (const lane of this.#lanes.values()) {
      const left = [...(lane.batch?.waiting ?? []), ...lane.queue]
      lane.queue.length = 0
      this.#settle(left, closed('publish'))
    }
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

  #lane(topic: string, partition: number): Lane {
    const key = `${topic} ${partition}`
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = {
        topic,
        partition,
        queue: [],
        sequence: 0,
        identity: undefined,
        renew: false,
        batchBytesMax: this.#link.settings.produceBatchBytesMax,
        batch: undefined,
        sending: false,
        failures: 0,
        notBefore: 0,
      }
      this.#lanes.set(key, lane)
    }
    return lane
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
      const byNode = new Map<number, Lane[]>()
      for (const lane of this.#lanes.values()) {
        if (!(await this.#isReady(lane))) continue
        const node = await this.#leaderOf(lane)
        if (node === undefined || this.#busyNodes.has(node)) continue
        const lanes = byNode.get(node)
        if (lanes === undefined) byNode.set(node, [lane])
        else lanes.push(lane)
      }
      for (const [node, lanes] of byNode) void this.#sendTo(node, lanes)
    }
  }

  async #isReady(lane: Lane): Promise<boolean> {
    if (lane.sending || (lane.batch === undefined && lane.queue.length === 0)) return false
    const waitMs = lane.notBefore - performance.now()
    if (waitMs > 0) {
      this.#pumpIn(waitMs)
      return false
    }
    if (lane.identity !== undefined) return true
    try {
      lane.identity = lane.renew ? await this.#identities.renew() : await this.#identities.get()
      lane.renew = false
      return true
    } catch (error) {
      this.#failed(lane, error)
      return false
    }
  }

  async #leaderOf(lane: Lane): Promise<number | undefined> {
    try {
      return await this.#link.leader(lane)
    } catch (error) {
      this.#failed(lane, error)
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

  async #sendTo(node: number, lanes: readonly Lane[]): Promise<void> {
    const { produceRequestBytesMax, requestTimeoutMs } = this.#link.settings
    const sending: Lane[] = []
    let bytes = 0
    for (const lane of lanes) {
      if (lane.batch === undefined) this.#seal(lane)
      if (lane.batch === undefined) continue
      if (sending.length > 0 && bytes + lane.batch.bytes.length > produceRequestBytesMax) {
        this.#pumpAgain = true
        continue
      }
      bytes += lane.batch.bytes.length
      lane.sending = true
      sending.push(lane)
    }
    if (sending.length === 0) return
    this.#busyNodes.add(node)
    try {
      const batches = sending.map(({ topic, partition, batch }) => ({ topic, partition, batch: batch!.bytes }))
      const { transactionalId } = this.#identities
      const acks = await this.#link.send(
        node,
        produceRequest(batches, { transactionalId, timeoutMs: requestTimeoutMs }),
      )
      const codes = new Map(acks.map((ack) => [`${ack.topic} ${ack.partition}`, ack.errorCode]))
      for (const lane of sending) this.#answered(lane, codes.get(`${lane.topic} ${lane.partition}`) ?? -1)
    } catch (error) {
      this.#link.forgetAll()
      for (const lane of sending) {
        lane.batch!.unsure = true
        this.#failed(lane, error)
      }
    } finally {
      for (const lane of sending) lane.sending = false
      this.#busyNodes.delete(node)
      this.#pump()
    }
  }

  /** Cuts the next batch from the queue and numbers it. From here on its bytes stay as they are. */
  #seal(lane: Lane): void {
    const { compression } = this.#link.settings
    const waiting: Waiting[] = []
    let bytes = batchHeaderBytes
    let taken = 0
    for (const each of lane.queue) {
      if (waiting.length > 0 && bytes + each.record.bytes > lane.batchBytesMax) break
      taken += 1
      if (each.call.failed) {
        this.#gone(each)
        continue
      }
      bytes += each.record.bytes
      waiting.push(each)
    }
    lane.queue.splice(0, taken)
    if (waiting.length === 0) return
    const identity = {
      ...lane.identity!,
      baseSequence: lane.sequence,
      transactional: this.#identities.transactionalId !== undefined,
    }
    const records = waiting.map((each) => each.record)
    lane.batch = { bytes: encodeBatch(records, identity, compression, this.#clock.nowMs()), waiting, unsure: false }
  }

  #answered(lane: Lane, errorCode: number): void {
    const fault = errorCode === 0 ? undefined : new ProtocolFault(errorCode)
    if (fault === undefined || fault.type === 'DUPLICATE_SEQUENCE_NUMBER') {
      this.#acknowledged(lane)
      return
    }
    if (restartTypes.has(fault.type) && this.#identities.transactionalId === undefined) {
      // The broker forgot this producer (it keeps ids for a day of silence) or lost the end of its log.
      this.#log.info('A partition starts anew under a fresh producer id.', { ...laneFields(lane), error: fault.type })
      this.#again(lane)
      lane.sequence = 0
      lane.identity = undefined
      lane.renew = true
      return
    }
    if (fault.type === 'MESSAGE_TOO_LARGE' && lane.batch!.waiting.length > 1) {
      lane.batchBytesMax = Math.ceil(lane.batch!.bytes.length / 2)
      this.#again(lane)
      return
    }
    this.#failed(lane, fault)
  }

  #acknowledged(lane: Lane): void {
    const batch = lane.batch!
    lane.batch = undefined
    lane.failures = 0
    lane.sequence = (lane.sequence + batch.waiting.length) % sequencesMax
    this.#settle(batch.waiting)
  }

  /** The records of the batch under way go back to the head of the queue, to be cut and numbered again. */
  #again(lane: Lane): void {
    lane.queue.unshift(...lane.batch!.waiting)
    lane.batch = undefined
  }

  /** Waits and tries again, or gives up on the calls concerned. */
  #failed(lane: Lane, error: unknown): void {
    const doing = `publish to ${lane.topic}/${lane.partition}`
    lane.failures += 1
    if (isStaleLeader(error)) this.#link.forget(lane.topic)
    const unknownTopic = !(error instanceof BusRefusedError) && isStaleLeader(error)
    if (!isPassing(error) && !unknownTopic) {
      this.#giveUp(lane, asBatchError(error, lane, doing), () => true)
      return
    }
    if (lane.failures === 3) {
      this.#log.warn('Records wait to be published.', { ...laneFields(lane), error: String(error) })
    }
    const now = performance.now()
    this.#giveUp(
      lane,
      new BusUnavailableError(`${doing}: no answer in time`, { cause: error }),
      (call) => call.until < now,
    )
    const waitMs = backoffMs(lane.failures)
    lane.notBefore = now + waitMs
    this.#pumpIn(waitMs)
  }

  /** Fails the calls that `which` names; a numbered batch goes as a whole, and with it the lane's sequence. */
  #giveUp(lane: Lane, error: WardenError, which: (call: Call) => boolean): void {
    const { batch } = lane
    if (batch?.waiting.some(({ call }) => which(call)) === true) {
      lane.batch = undefined
      if (batch.unsure) {
        lane.sequence = 0
        lane.identity = undefined
        lane.renew = true
      }
      this.#settle(batch.waiting, error)
    }
    const stays = lane.queue.filter(({ call }) => !call.failed && !which(call))
    const goes = lane.queue.filter(({ call }) => call.failed || which(call))
    lane.queue.splice(0, lane.queue.length, ...stays)
    this.#settle(goes, error)
  }

  #settle(waiting: readonly Waiting[], error?: WardenError): void {
    for (const each of waiting) {
      this.#gone(each)
      const { call } = each
      if (error !== undefined && !call.failed) {
        call.failed = true
        call.reject(error)
      }
      call.left -= 1
      if (call.left === 0 && !call.failed) call.resolve()
    }
  }

  #gone(each: Waiting): void {
    this.#bytesWaiting -= each.record.bytes
    if (this.#roomWaiters.length > 0 && this.#bytesWaiting < this.#link.settings.produceBufferBytesMax) {
      for (const wake of this.#roomWaiters.splice(0)) wake()
    }
  }
}

function laneFields(lane: Lane): { readonly topic: string; readonly partition: number } {
  return { topic: lane.topic, partition: lane.partition }
}

function tooLarge(topic: string, bytes: number, bytesMax: number | undefined, cause?: unknown): BusRefusedError {
  const limit = bytesMax === undefined ? 'than the topic allows' : `than the limit of ${bytesMax}`
  return new BusRefusedError(`a record of ${bytes} bytes for topic ${topic} is larger ${limit}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Raise max.message.bytes of the topic, or send smaller records.',
  })
}

function asBatchError(error: unknown, lane: Lane, doing: string): WardenError {
  if (error instanceof ProtocolFault && error.type === 'MESSAGE_TOO_LARGE' && lane.batch !== undefined) {
    const largest = Math.max(...lane.batch.waiting.map(({ record }) => record.bytes))
    return tooLarge(lane.topic, largest, undefined, error)
  }
  return asBusError(error, doing)
}
