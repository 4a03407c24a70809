/**
 * Whether a found file is, contains or derives from a registered one.
 *
 * Counted in numbers (parameters): those in tensors that are found with the same bytes, and those in tensors of the
 * same length whose sketch is near, or that have the same numbers in another order. Only telling tensors count: of at
 * least 64 numbers that differ. For independent trainings each bit of a sketch agrees by chance: 8 in 10 of 512 have a
 * probability below 1e-40. Trainings that begin with the same numbers are not independent: a base that both have may be
 * named, and then only what ours has beyond it counts.
 */
import { logBinomialTail } from '../behavior/statistics/evidence.ts'
import type { FilePrint, TensorPrint } from './fingerprint.ts'
import { ownBits, TensorIndex } from './sketch.ts'

const containsShare = 0.9
/** Of the found file's numbers in the registered one, and of the registered one's in it. */
const partShare = 0.9
const partOfWholeMin = 0.05
const derivesShare = 0.25
/** Of one tensor alone: a model with a single solution (linear, components) comes to the same numbers by itself. */
const derivesTensorsMin = 2
/**
 * Two models of one base differ from it in bits of their own, and agree in half of these at most where one of them has changed.
 * So much of them, and with so small a probability, one has from the other.
 */
const takenShare = 0.75
const takenSignificance = 1e-9

export type Verdict = 'identical' | 'contains' | 'part-of' | 'derives' | 'shares-tensors' | 'unrelated'

export interface Comparison {
  readonly verdict: Verdict
  /** Shares of the registered file's telling numbers. */
  readonly equalShare: number
  readonly nearShare: number
  /** Share of the found file's telling numbers that stand in the registered one, in tensors with the same bytes. */
  readonly foundShare: number
  readonly equalTensors: number
  readonly nearTensors: number
  /** Near, but as the common base is: they count for nothing. */
  readonly baseTensors: number
  readonly tellingTensors: number
  /** Some of them: registered name, found name, share of sketch bits that differ. */
  readonly pairs: readonly Pair[]
}

interface Pair {
  readonly registered: string
  readonly found: string
  readonly differs: number
  /** The same numbers in another order. */
  readonly reordered?: true
}

const pairsMax = 20
const order: readonly Verdict[] = ['unrelated', 'shares-tensors', 'derives', 'part-of', 'contains', 'identical']

/** `base`: what both may have been made of, such as a public model. */
export function compare(registered: FilePrint, found: FilePrint, base?: FilePrint): Comparison {
  const [inFound, inBase] = [new TensorIndex(found.tensors), new TensorIndex(base?.tensors ?? [])]
  const telling = registered.tensors.filter((tensor) => isTelling(tensor) && inBase.match(tensor)?.how !== 'same')
  const pairs: Pair[] = []
  const [equal, near, likeBase] = [new Sum(), new Sum(), new Sum()]
  let [own, taken] = [0, 0]
  for (const tensor of telling) {
    const match = inFound.match(tensor)
    if (match === undefined) continue
    const { how, tensor: other, differs } = match
    const origin = inBase.match(tensor)
    if (how === 'same') equal.add(tensor)
    else if (origin === undefined) near.add(tensor)
    else {
      likeBase.add(tensor)
      const bits = ownBits(tensor, other, origin.tensor)
      own += bits.own
      taken += bits.taken
    }
    const pair = { registered: tensor.name, found: other.name, differs }
    if (pairs.length < pairsMax) pairs.push(how === 'reordered' ? { ...pair, reordered: true } : pair)
  }
  const beyondBase = taken >= takenShare * own && logBinomialTail(taken, own, 0.5) < Math.log(takenSignificance)
  if (beyondBase) near.take(likeBase)
  const all = numbersOf(telling)
  const shares = {
    equalShare: all === 0 ? 0 : equal.numbers / all,
    nearShare: all === 0 ? 0 : near.numbers / all,
    foundShare: foundShareOf(telling, found),
  }
  return {
    verdict: registered.sha256 === found.sha256 ? 'identical' : verdictOf(shares, equal.tensors + near.tensors),
    ...shares,
    equalTensors: equal.tensors,
    nearTensors: near.tensors,
    baseTensors: likeBase.tensors,
    tellingTensors: telling.length,
    pairs,
  }
}

/** The comparison that says most. */
export function strongest<T extends { readonly comparison: Comparison }>(all: readonly T[]): T | undefined {
  return [...all].sort((a, b) => {
    const byVerdict = order.indexOf(b.comparison.verdict) - order.indexOf(a.comparison.verdict)
    return byVerdict !== 0 ? byVerdict : shareOf(b.comparison) - shareOf(a.comparison)
  })[0]
}

/** Several files as one, such as the shards of a model. Its digest is that of theirs, and no file's. */
export function joined(prints: readonly [FilePrint, ...FilePrint[]]): FilePrint {
  const [first] = prints
  if (prints.length === 1) return first
  return {
    name: `${first.name} and ${prints.length - 1} more`,
    bytes: prints.reduce((sum, { bytes }) => sum + bytes, 0),
    sha256: prints
      .map(({ sha256 }) => sha256)
      .sort()
      .join('+'),
    format: first.format,
    tensors: prints.flatMap(({ tensors }) => tensors),
  }
}

class Sum {
  numbers = 0
  tensors = 0

  add({ elements }: TensorPrint): void {
    this.numbers += elements
    this.tensors++
  }

  take(other: Sum): void {
    this.numbers += other.numbers
    this.tensors += other.tensors
    other.numbers = other.tensors = 0
  }
}

function shareOf({ equalShare, nearShare }: Comparison): number {
  return equalShare + nearShare
}

function foundShareOf(registered: readonly TensorPrint[], found: FilePrint): number {
  const ours = new Set(registered.map(({ sha256 }) => sha256))
  const telling = found.tensors.filter(isTelling)
  const all = numbersOf(telling)
  return all === 0 ? 0 : numbersOf(telling.filter(({ sha256 }) => ours.has(sha256))) / all
}

function numbersOf(tensors: readonly TensorPrint[]): number {
  return tensors.reduce((sum, { elements }) => sum + elements, 0)
}

function verdictOf(
  { equalShare: equal, nearShare: near, foundShare }: Pick<Comparison, 'equalShare' | 'nearShare' | 'foundShare'>,
  tensors: number,
): Verdict {
  if (equal >= containsShare) return 'contains'
  if (equal >= partOfWholeMin && foundShare >= partShare) return 'part-of'
  if (equal + near >= derivesShare && (tensors >= derivesTensorsMin || near === 0)) return 'derives'
  return tensors > 0 ? 'shares-tensors' : 'unrelated'
}

/** What has no sketch is telling by its digest, where that is no accident. */
function isTelling({ sketch, opaque }: TensorPrint): boolean {
  return sketch !== undefined || opaque === true
}
