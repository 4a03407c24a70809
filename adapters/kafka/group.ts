/**
 * Membership of a consumer group: joins, keeps up heartbeats, takes part in rebalances.
 *
 * Heartbeats go on by themselves, whatever handlers are doing. A rebalance does not stop partitions that stay
 * (assign.ts): those to be given up are let go of first, then the member joins again, and their next owner gets them.
 *
 * Promises: a partition is let go of before another living member gets it; a member that the group has put out drops
 * all it held and joins anew; passing faults of the coordinator are waited out until closed.
 */
import type { TopicPartition } from '../../core/ports/bus.ts'
import { assign } from './assign.ts'
import type { KafkaLog, Link } from './client.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './membership.ts'
import type { BrokerNode } from './internals.ts'
import { backoffMs, faultType, isPassing, pause } from './retry.ts'

const protocolName = 'warden-cooperative'
const leaveWaitMs = 3_000

export interface GroupOptions {
  readonly group: string
  readonly topics: readonly string[]
  /** What is held now. */
  held(): readonly TopicPartition[]
  /** Starts partitions that are new to this member. */
  gained(partitions: readonly TopicPartition[]): void
  /** Resolves when they are let go of. */
  lost(partitions: readonly TopicPartition[]): Promise<void>
}

interface Membership {
  readonly memberId: string
  readonly generation: number
}

const rejoinTypes: ReadonlySet<string> = new Set(['REBALANCE_IN_PROGRESS'])
const outTypes: ReadonlySet<string> = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'])

export class GroupMember {
  /** For joins, which block a connection until the whole group has come. */
  readonly #joins: Link
  /** For everything else. */
  readonly #link: Link
  readonly #options: GroupOptions
  readonly #log: KafkaLog
  readonly #stopping = new AbortController()
  #membership: Membership = { memberId: '', generation: -1 }
  #wake: () => void = () => undefined
  #due: 'join' | 'out' | undefined = 'join'
  #life: Promise<void> | undefined
  #heartbeats: Promise<void> | undefined

  constructor(joins: Link, link: Link, options: GroupOptions, log: KafkaLog) {
    this.#joins = joins
    this.#link = link
    this.#options = options
    this.#log = log
  }

  get membership(): Membership {
    return this.#membership
  }

  start(): void {
    this.#life = this.#live()
    this.#heartbeats = this.#beat()
  }

  /** Lets go of everything, and tells the group. */
  async close(): Promise<void> {
    this.#stopping.abort()
    this.#wake()
    await this.#leave()
    await this.#joins.close()
    await this.#life
    await this.#heartbeats
  }

  async #leave(): Promise<void> {
    await this.#options.lost(this.#options.held())
    const { memberId } = this.#membership
    if (memberId === '') return
    const leaving = this.#coordinator(this.#link)
      .then((node) => node.leaveGroup({ groupId: this.#options.group, memberId }))
      .catch((error: unknown) => {
        this.#log.debug('The group could not be told of the leave.', { error: String(error) })
      })
    const waited = new AbortController()
    await Promise.race([leaving, pause(leaveWaitMs, waited.signal)])
    waited.abort()
  }

  async #live(): Promise<void> {
    const { signal } = this.#stopping
    for (let failures = 0; !signal.aborted;) {
      if (this.#due === undefined) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        continue
      }
      try {
        if (this.#due === 'out') await this.#dropAll()
        this.#due = undefined
        await this.#joinOnce()
        failures = 0
      } catch (error) {
        if (this.#isStopped()) return
        failures += 1
        this.#afterFailedJoin(error, failures)
        if (faultType(error) !== 'REBALANCE_IN_PROGRESS') await pause(backoffMs(failures, 50, 2_000), signal)
      }
    }
  }

  #isStopped(): boolean {
    return this.#stopping.signal.aborted
  }

  #afterFailedJoin(error: unknown, failures: number): void {
    const type = faultType(error)
    this.#due = 'join'
    if (type !== undefined && outTypes.has(type)) this.#due = 'out'
    else if (type !== undefined && !rejoinTypes.has(type)) {
      this.#joins.forgetCoordinator('group', this.#options.group)
      this.#link.forgetCoordinator('group', this.#options.group)
    } else if (isPassing(error)) {
      this.#joins.forgetAll()
      this.#link.forgetAll()
    }
    const fields = { group: this.#options.group, error: String(error), failures }
    if (failures === 5 || (!isPassing(error) && type !== undefined && !rejoinTypes.has(type) && !outTypes.has(type))) {
      this.#log.warn('A consumer group could not be joined; it is tried again.', fields)
    } else this.#log.debug('A consumer group could not be joined yet.', fields)
  }

  async #dropAll(): Promise<void> {
    this.#log.info('The group went on without this member; it joins anew.', { group: this.#options.group })
    await this.#options.lost(this.#options.held())
    this.#membership = { memberId: '', generation: -1 }
  }

  async #joinOnce(): Promise<void> {
    const { group, topics } = this.#options
    const { settings } = this.#link
    const { memberId, generation } = this.#membership
    const node = await this.#coordinator(this.#joins)
    const metadata = encodeSubscription({ topics, owned: this.#options.held(), generation })
    const joined = await node.joinGroup({
      groupId: group,
      sessionTimeout: settings.sessionTimeoutMs,
      rebalanceTimeout: settings.rebalanceTimeoutMs,
      memberId,
      groupProtocols: [{ name: protocolName, metadata }],
    })
    // From here on the coordinator expects heartbeats under the new names.
    this.#membership = { memberId: joined.memberId, generation: joined.generationId }
    const isLeader = joined.memberId === joined.leaderId
    const groupAssignment = isLeader ? await this.#assignAll(joined.members) : []
    const { memberAssignment } = await node.syncGroup({
      groupId: group,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupAssignment,
    })
    await this.#apply(decodeAssignment(memberAssignment))
  }

  async #assignAll(
    members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[],
  ): Promise<readonly { readonly memberId: string; readonly memberAssignment: Buffer }[]> {
    const claims = members.map(({ memberId, memberMetadata }) => decodeSubscription(memberId, memberMetadata))
    const counts = new Map<string, number>()
    for (const topic of new Set(claims.flatMap((claim) => claim.topics))) {
      counts.set(topic, (await this.#link.leaders(topic)).length)
    }
    return [...assign(claims, counts)].map(([memberId, partitions]) => ({
      memberId,
      memberAssignment: encodeAssignment(partitions),
    }))
  }

  async #apply(assigned: readonly TopicPartition[]): Promise<void> {
    if (this.#isStopped()) return
    const { group } = this.#options
    const has = (list: readonly TopicPartition[], at: TopicPartition) =>
      list.some((each) => each.topic === at.topic && each.partition === at.partition)
    const before = this.#options.held()
    const leaving = before.filter((at) => !has(assigned, at))
    const coming = assigned.filter((at) => !has(before, at))
    this.#log.info('A consumer group was joined.', {
      group,
      generation: this.#membership.generation,
      assigned: assigned.length,
      gained: coming.length,
      lost: leaving.length,
    })
    if (coming.length > 0) this.#options.gained(coming)
    if (leaving.length === 0) return
    await this.#options.lost(leaving)
    this.#due ??= 'join'
  }

  async #beat(): Promise<void> {
    const { signal } = this.#stopping
    const { heartbeatMs } = this.#link.settings
    while (!signal.aborted) {
      await pause(heartbeatMs, signal)
      if (this.#isStopped()) return
      const { memberId, generation } = this.#membership
      if (generation < 0) continue
      try {
        const node = await this.#coordinator(this.#link)
        await node.heartbeat({ groupId: this.#options.group, groupGenerationId: generation, memberId })
      } catch (error) {
        this.#afterFailedBeat(error, generation)
      }
    }
  }

  #afterFailedBeat(error: unknown, generation: number): void {
    const type = faultType(error)
    // An answer about a generation that a join has replaced meanwhile says nothing.
    if (generation !== this.#membership.generation) return
    if (type !== undefined && outTypes.has(type)) this.#due = 'out'
    else if (type !== undefined && rejoinTypes.has(type)) this.#due ??= 'join'
    else {
      this.#log.debug('A heartbeat failed; it is tried again.', { group: this.#options.group, error: String(error) })
      if (isPassing(error) && type === undefined) this.#link.forgetAll()
      this.#link.forgetCoordinator('group', this.#options.group)
      return
    }
    this.#wake()
  }

  async #coordinator(link: Link): Promise<BrokerNode> {
    return await link.coordinator('group', this.#options.group)
  }
}
