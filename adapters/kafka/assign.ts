/**
 * Shares partitions out among a group's members: balanced, sticky, cooperative. Run by the member that the broker made
 * leader; the others obey.
 *
 * - Topics with equally many partitions are shared out together: partition n of each goes to the same member.
 * - Counts of two members differ by one such unit at most; beyond that, everything stays where it is.
 * - Cooperative (KIP-429): what has to move is given to nobody at first. Its holder lets go of it and joins again, and only
 *   then does it get its new owner. What does not move is never interrupted.
 *
 * Pure. Claims of an older generation lose against newer ones (KIP-792).
 */
import type { TopicPartition } from '../../core/ports/bus.ts'

export interface GroupMemberClaim {
  readonly memberId: string
  readonly topics: readonly string[]
  /** What it holds as it joins, and since which generation. */
  readonly owned: readonly TopicPartition[]
  readonly generation: number
}

type Assignment = Map<string, TopicPartition[]>

interface Unit {
  readonly partition: number
  readonly topics: readonly string[]
}

export function assign(
  members: readonly GroupMemberClaim[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly TopicPartition[]> {
  const owners = ownersOf(members)
  const target: Assignment = new Map(members.map(({ memberId }) => [memberId, []]))
  for (const units of unitClasses(members, partitionCounts)) shareOut(units, members, owners, target)
  for (const [memberId, partitions] of target) {
    const now = partitions.filter((at) => {
      const owner = owners.get(keyOf(at))
      return owner === undefined || owner === memberId
    })
    target.set(memberId, now)
  }
  return target
}

function keyOf(at: TopicPartition): string {
  return `${at.topic} ${at.partition}`
}

/** Who holds each partition; of two who say so, the one with the newer generation. */
function ownersOf(members: readonly GroupMemberClaim[]): ReadonlyMap<string, string> {
  const owners = new Map<string, { readonly memberId: string; readonly generation: number }>()
  for (const { memberId, owned, generation } of members) {
    for (const at of owned) {
      const other = owners.get(keyOf(at))
      if (other === undefined || other.generation < generation) owners.set(keyOf(at), { memberId, generation })
    }
  }
  return new Map([...owners].map(([key, { memberId }]) => [key, memberId]))
}

/** Topics that are read by the same members and have equally many partitions, as units of one partition of each. */
function unitClasses(
  members: readonly GroupMemberClaim[],
  partitionCounts: ReadonlyMap<string, number>,
): readonly (readonly Unit[])[] {
  const topics = [...partitionCounts.keys()].sort()
  const classOf = (topic: string) => {
    const readers = members.filter((member) => member.topics.includes(topic)).map(({ memberId }) => memberId)
    return JSON.stringify([partitionCounts.get(topic), readers.sort()])
  }
  return [...Map.groupBy(topics, classOf).values()].map((together) => {
    const count = partitionCounts.get(together[0]!) ?? 0
    return Array.from({ length: count }, (_, partition) => ({ partition, topics: together }))
  })
}

function shareOut(
  units: readonly Unit[],
  members: readonly GroupMemberClaim[],
  owners: ReadonlyMap<string, string>,
  target: Assignment,
): void {
  const readers = members.filter((member) => units[0]?.topics.every((topic) => member.topics.includes(topic)) === true)
  if (readers.length === 0) return
  const share = new Map(readers.map(({ memberId }) => [memberId, [] as Unit[]]))
  const few = Math.floor(units.length / readers.length)
  const left: { readonly unit: Unit; readonly owner: string | undefined }[] = []
  for (const unit of units) {
    const owner = ownerOf(unit, owners)
    const held = owner === undefined ? undefined : share.get(owner)
    if (held !== undefined && held.length < few) held.push(unit)
    else left.push({ unit, owner })
  }
  // One more than the others' share stays with who has it, as long as there are such places.
  let places = units.length - few * readers.length
  const open: Unit[] = []
  for (const { unit, owner } of left) {
    const held = owner === undefined ? undefined : share.get(owner)
    if (held !== undefined && held.length === few && places > 0) {
      held.push(unit)
      places -= 1
    } else open.push(unit)
  }
  const loadOf = (memberId: string) => target.get(memberId)!.length
  for (const unit of open) {
    const [memberId] = [...share.keys()].sort((a, b) => {
      const fewer = share.get(a)!.length - share.get(b)!.length
      return fewer !== 0 ? fewer : loadOf(a) - loadOf(b) || (a < b ? -1 : 1)
    })
    share.get(memberId!)!.push(unit)
  }
  for (const [memberId, held] of share) {
    const partitions = held.flatMap(({ partition, topics }) => topics.map((topic) => ({ topic, partition })))
    target.get(memberId)!.push(...partitions)
  }
}

/** Who holds most of a unit. */
function ownerOf(unit: Unit, owners: ReadonlyMap<string, string>): string | undefined {
  const counts = new Map<string, number>()
  for (const topic of unit.topics) {
    const owner = owners.get(keyOf({ topic, partition: unit.partition }))
    if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  return [...counts].sort(([a, of], [b, most]) => most - of || (a < b ? -1 : 1))[0]?.[0]
}
