/**
 * Puts dead letters back: each original is published again to the topic where it stood, under its own key and in its own
 * partition, once its cause is mended.
 *
 * The original comes from the bus, and where retention has taken it, from the copy in the letter. Promises: nothing but the
 * original is put back (its SHA-256 must be the letter's: a cut or masked copy never passes); what was one record is put
 * back once, however many letters it caused, and its parts that went through the first time get the same ids again; of
 * several observations in one record those go back that were refused, each by itself; each letter put back is published
 * again with who did it and when, so that lists show it.
 */
import { DeadLetter, type DeadLetterCode } from '../../core/dead-letter.ts'
import { sha256Hex } from '../../core/ids.ts'
import type { Bus, BusRecord, OutgoingRecord } from '../../core/ports/bus.ts'
import { headers, topics } from '../../core/topics.ts'
import { unpack } from '../../runtime/stage/packs.ts'

/** Topics whose records may come twice; what stands on the others are orders and states, which may not. */
const replayable: ReadonlySet<string> = new Set([
  topics.audit,
  topics.inference,
  topics.events,
  topics.observations,
  topics.signals,
  topics.incidents,
  topics.decisions,
])
/** Of an observation: it had no effect. (What is `TOO_LARGE` was made of one that had.) */
const withoutEffect: ReadonlySet<DeadLetterCode> = new Set(['NOT_AN_EVENT', 'NOT_AN_OBJECT', 'STEP_FAILED'])
const raw: ReadonlySet<string> = new Set([topics.audit, topics.inference])

export const notReplayedReasons = ['ORIGINAL_GONE', 'NOT_REPLAYABLE'] as const

export interface NotReplayed {
  readonly id: string
  readonly reason: (typeof notReplayedReasons)[number]
  readonly message: string
}

export interface ReplayResult {
  /** Ids of the letters whose originals were put back. */
  readonly replayed: readonly string[]
  readonly notReplayed: readonly NotReplayed[]
  /** Records published: fewer than letters where one record caused several, more where one held several. */
  readonly records: number
}

interface Original {
  readonly value: Uint8Array
  readonly key: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Puts these letters back, all or (where publishing fails) an unknown part of them. Doing it again does no harm: what may not
 * come twice is refused then.
 */
export async function replayLetters(
  bus: Bus,
  letters: readonly DeadLetter[],
  deed: { readonly by: string; readonly at: string },
): Promise<ReplayResult> {
  const notReplayed: NotReplayed[] = []
  const replayed: string[] = []
  let records = 0
  for (const group of byRecord(letters)) {
    const [first] = group
    const done = await putBack(bus, first!, group, deed)
    if (typeof done === 'number') {
      records += done
      replayed.push(...group.map((letter) => letter.id))
    } else notReplayed.push(...group.map(({ id }) => ({ id, ...done })))
  }
  return { replayed, notReplayed, records }
}

type Refused = Omit<NotReplayed, 'id'>

/** How many records it was. */
async function putBack(
  bus: Bus,
  letter: DeadLetter,
  group: readonly DeadLetter[],
  deed: { readonly by: string; readonly at: string },
): Promise<number | Refused> {
  const { topic, partition } = letter.position
  const refused = whyNot(letter)
  if (refused !== undefined) return refused
  const original = (await fromBus(bus, letter)) ?? fromLetter(letter)
  if (original === undefined) {
    const message = 'The bus has the original no longer, and the copy in the letter is cut or masked.'
    return { reason: 'ORIGINAL_GONE', message }
  }
  const partitions = await bus.partitionCount(topic)
  const again = apart(original).map((each): OutgoingRecord => ({
    topic,
    key: each.key,
    // Its own partition, also where its producer chose it by other means than the key.
    ...(partition < partitions ? { partition } : {}),
    value: each.value,
    headers: headersFor(letter, each),
  }))
  // In one call, so that on a bus that can, the record and the note of it are one.
  await bus.publish([...again, ...group.map((each) => noteOf(each, deed))])
  return again.length
}

function whyNot({ stage, code, position: { topic }, headers: told, replayed }: DeadLetter): Refused | undefined {
  const because = (message: string): Refused => ({ reason: 'NOT_REPLAYABLE', message })
  if (!replayable.has(topic)) {
    return because(
      stage === 'collect'
        ? 'It was refused at the door and never stood on the bus: mend it where it comes from, and send it again.'
        : `What stands on ${topic} is not put back: it would take effect twice.`,
    )
  }
  if (headers.control in told) return because('It told a stage how things stood then: they stand otherwise by now.')
  if (topic !== topics.observations) return undefined
  if (!withoutEffect.has(code)) return because('The observation has had its effect: what was made of it is too large.')
  return replayed === undefined ? undefined : because('It was put back before, and would count twice.')
}

/** The letters of one record together, in the order of the records. */
function byRecord(letters: readonly DeadLetter[]): DeadLetter[][] {
  const groups = new Map<string, DeadLetter[]>()
  const ordered = letters.toSorted(
    (a, b) => a.position.offset - b.position.offset || a.position.index - b.position.index,
  )
  for (const letter of ordered) {
    const { topic, partition, offset } = letter.position
    const place = `${topic}/${partition}/${offset}/${letter.headers[headers.item] ?? ''}`
    const group = groups.get(place)
    if (group === undefined) groups.set(place, [letter])
    else group.push(letter)
  }
  return [...groups.values()]
}

/** Ends the reading of a partition after its first batch. */
class Enough extends Error {}

async function fromBus(bus: Bus, letter: DeadLetter): Promise<Original | undefined> {
  const { topic, partition, offset } = letter.position
  let found: BusRecord | undefined
  try {
    await bus.read({ topic, partition }, offset, (batch) => {
      found = batch.find((record) => record.offset === offset)
      throw new Enough()
    })
  } catch (error) {
    if (!(error instanceof Enough)) throw error
  }
  const value = found === undefined ? undefined : partOf(found, letter.headers[headers.item])
  if (found === undefined || value === undefined || sha256Hex(value) !== letter.sha256) return undefined
  return { value, key: found.key, headers: isPart(letter) ? letter.headers : found.headers }
}

const isPart = (letter: DeadLetter): boolean => headers.item in letter.headers

/** The whole of a record, or of several in one the one at this place, as its letter has it. */
function partOf(record: BusRecord, place: string | undefined): Buffer | undefined {
  if (place === undefined) return record.value ?? undefined
  const item = unpack(record)?.items[Number(place)]
  return item === undefined ? undefined : Buffer.from(JSON.stringify(item.value))
}

/** Each by itself, without its mark: what came behind it has gone through meanwhile, and its mark would tell it for old. */
function apart(original: Original): readonly Original[] {
  const pack = unpack({ value: Buffer.from(original.value), headers: original.headers })
  if (pack === undefined) return [original]
  return pack.items.map(({ value }) => ({ ...original, value: Buffer.from(JSON.stringify(value)) }))
}

function fromLetter(letter: DeadLetter): Original | undefined {
  const value = Buffer.from(letter.original, letter.encoding)
  if (letter.truncated || sha256Hex(value) !== letter.sha256) return undefined
  return { value, key: letter.key, headers: letter.headers }
}

function headersFor(letter: DeadLetter, original: Original): Record<string, string> {
  const { topic, partition, offset } = letter.position
  // It arrives now; and of the mark it was passed before, by the very stage that is to see it again.
  const always = [headers.arrived, headers.packed, headers.item]
  const left: readonly string[] = letter.stage === 'indexer' ? always : [...always, headers.mark]
  const kept = Object.fromEntries(Object.entries(original.headers).filter(([name]) => !left.includes(name)))
  // Where a source identifies records by their place, the first place counts: parts that went through keep their ids.
  if (raw.has(topic)) kept[headers.origin] ??= `${topic}/${partition}/${offset}`
  kept[headers.replayOf] = letter.id
  return kept
}

function noteOf(letter: DeadLetter, { by, at }: { readonly by: string; readonly at: string }): OutgoingRecord {
  const noted: DeadLetter = { ...letter, replayed: { count: (letter.replayed?.count ?? 0) + 1, at, by } }
  return { topic: topics.deadLetters, key: letter.source ?? letter.stage, value: JSON.stringify(noted) }
}

/** A letter as the index has it; undefined where it is none (any more). */
export function letterOf(document: unknown): DeadLetter | undefined {
  const parsed = DeadLetter.safeParse(document)
  return parsed.success ? parsed.data : undefined
}
