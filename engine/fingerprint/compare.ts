/**
 * Whether a found file is, contains or derives from a registered one.
 *
 * Counted in numbers (parameters) of the registered file: those in tensors that are found with the same bytes, and those in
 * tensors of the same length whose sketch is near. Only telling tensors count: of at least 64 numbers that differ.
 * For independent trainings each bit of a sketch agrees by chance: 8 in 10 of 512 have a probability below 1e-40.
 */
import type { FilePrint, TensorPrint } from './fingerprint.ts'

/** Share of bits of a sketch that may differ. */
const nearShare = 0.2
/** Sketches with fewer bits are only found equal. */
const nearBitsMin = 128
const containsShare = 0.9
const derivesShare = 0.25

export type Verdict = 'identical' | 'contains' | 'derives' | 'shares-tensors' | 'unrelated'

export interface Comparison {
  readonly verdict: Verdict
  /** Shares of the registered file's telling numbers. */
  readonly equalShare: number
  readonly nearShare: number
  readonly equalTensors: number
  readonly nearTensors: number
  readonly tellingTensors: number
  /** Some of them: registered name, found name, share of sketch bits that differ. */
  readonly pairs: readonly { readonly registered: string; readonly found: string; readonly differs: number }[]
}

const pairsMax = 20
const order: readonly Verdict[] = ['unrelated', 'shares-tensors', 'derives', 'contains', 'identical']

export function compare(registered: FilePrint, found: FilePrint): Comparison {
  const bySha = new Map(found.tensors.map((tensor) => [tensor.sha256, tensor]))
  const byLength = new Map<number, { tensor: TensorPrint; bits: Uint8Array }[]>()
  for (const tensor of found.tensors) {
    if (tensor.sketch === undefined) continue
    const list = byLength.get(tensor.elements) ?? []
    list.push({ tensor, bits: Buffer.from(tensor.sketch, 'hex') })
    byLength.set(tensor.elements, list)
  }
  let [all, equal, near, equalTensors, nearTensors] = [0, 0, 0, 0, 0]
  const pairs: { registered: string; found: string; differs: number }[] = []
  const telling = registered.tensors.filter(isTelling)
  for (const tensor of telling) {
    all += tensor.elements
    const same = bySha.get(tensor.sha256)
    const nearest =
      same === undefined ? nearestOf(tensor, byLength.get(tensor.elements) ?? []) : { tensor: same, differs: 0 }
    if (nearest === undefined || nearest.differs > nearShare) continue
    if (same === undefined) {
      near += tensor.elements
      nearTensors++
    } else {
      equal += tensor.elements
      equalTensors++
    }
    if (pairs.length < pairsMax)
      pairs.push({ registered: tensor.name, found: nearest.tensor.name, differs: nearest.differs })
  }
  const shares = { equalShare: all === 0 ? 0 : equal / all, nearShare: all === 0 ? 0 : near / all }
  const verdict = verdictOf(
    registered.sha256 === found.sha256,
    shares.equalShare,
    shares.nearShare,
    equalTensors + nearTensors,
  )
  return { verdict, ...shares, equalTensors, nearTensors, tellingTensors: telling.length, pairs }
}

/** The comparison that says most. */
export function strongest<T extends { readonly comparison: Comparison }>(all: readonly T[]): T | undefined {
  return [...all].sort((a, b) => {
    const byVerdict = order.indexOf(b.comparison.verdict) - order.indexOf(a.comparison.verdict)
    return byVerdict !== 0 ? byVerdict : shareOf(b.comparison) - shareOf(a.comparison)
  })[0]
}

function shareOf({ equalShare, nearShare: near }: Comparison): number {
  return equalShare + near
}

function verdictOf(same: boolean, equal: number, near: number, tensors: number): Verdict {
  if (same) return 'identical'
  if (equal >= containsShare) return 'contains'
  if (equal + near >= derivesShare) return 'derives'
  return tensors > 0 ? 'shares-tensors' : 'unrelated'
}

/** Quantized tensors have no sketch; a digest over that many numbers is no accident either. */
function isTelling({ sketch, opaque, elements }: TensorPrint): boolean {
  return sketch !== undefined || (opaque === true && elements >= 4_096)
}

function nearestOf(
  tensor: TensorPrint,
  candidates: readonly { readonly tensor: TensorPrint; readonly bits: Uint8Array }[],
): { readonly tensor: TensorPrint; readonly differs: number } | undefined {
  if (tensor.sketch === undefined || Math.min(512, tensor.elements) < nearBitsMin) return undefined
  const bits = Buffer.from(tensor.sketch, 'hex')
  let best: { tensor: TensorPrint; differs: number } | undefined
  for (const candidate of candidates) {
    const differs = differing(bits, candidate.bits) / Math.min(512, tensor.elements)
    if (best === undefined || differs < best.differs) best = { tensor: candidate.tensor, differs }
  }
  return best
}

function differing(a: Uint8Array, b: Uint8Array): number {
  let count = 0
  for (let n = 0; n < a.length; n++) {
    let x = (a[n]! ^ (b[n] ?? 0)) & 0xff
    for (; x !== 0; x &= x - 1) count++
  }
  return count
}
