/**
 * The detectors there are. A new one is a folder here and a line below.
 */
import { anomaly } from './anomaly/detector.ts'
import { canarySeen } from './canary-seen/detector.ts'
import { canaryAnswers } from './canary-answers/detector.ts'
import { drift } from './drift/detector.ts'
import { intakePoisoning } from './intake/detector.ts'
import { answerHarvest } from './harvest/detector.ts'
import { outboundTransfer } from './outbound/detector.ts'
import { artifactShare } from './share/detector.ts'
import type { BehaviorDetector } from './types.ts'
import { callProbes } from './probes/detector.ts'
import { tokenSpend } from './spend/detector.ts'
import { accountCrowd } from './crowd/detector.ts'
import { credentialHabits } from './habits/detector.ts'
import { leakAccount } from './leak/detector.ts'
import { licenseUse } from './license/detector.ts'
import { modelQueries } from './model-queries/detector.ts'
import { logitLeak } from './logits/detector.ts'
import { volumeBaseline } from './volume/detector.ts'

/** A detector whose parameters have been forgotten: `read` checks them and makes the plan. */
export type AnyDetector = BehaviorDetector<never>

const all = [
  anomaly,
  accountCrowd,
  answerHarvest,
  callProbes,
  credentialHabits,
  logitLeak,
  artifactShare,
  canaryAnswers,
  canarySeen,
  drift,
  intakePoisoning,
  outboundTransfer,
  leakAccount,
  licenseUse,
  modelQueries,
  tokenSpend,
  // Each on a line of its own.
  volumeBaseline,
] as const

const detectors: ReadonlyMap<string, AnyDetector> = new Map(
  all.map((detector) => [detector.type, detector as unknown as AnyDetector]),
)

export function detectorOf(type: string): AnyDetector | undefined {
  return detectors.get(type)
}

export function detectorTypes(): readonly string[] {
  return [...detectors.keys()].sort()
}
