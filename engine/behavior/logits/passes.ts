/**
 * Prompts that come back with tokens that were not biased on them before, however many others were asked in between:
 * who reads logits prompt by prompt, in passes, and hides the reading among other calls.
 *
 * A benign account biases the tokens of its answers, the same ones on each prompt: it tries other values on them,
 * hardly ever other tokens. So that is a bet of its own, against a benign share of one in twenty. A byte for each
 * prompt, and for each prompt with its tokens. There is room for some six hundred prompts; so one prompt in sixteen,
 * chosen by its hash, is kept a second time, apart from the others, and bet on for itself.
 */
import { betOn, evidenceOfBets, settle } from '../bets.ts'
import { markIn } from '../marks.ts'

export const passesBenign = 0.05
const bets = [0.1, 0.3, 0.6].map((share) => betOn(share, passesBenign))
/** A prompt is forgotten before what was biased on it. */
const promptMarks = 512
const room = Buffer.alloc(5 * promptMarks)
const prompts = room.subarray(0, promptMarks)
const both = room.subarray(promptMarks)

const sparseOf = 16

/** Whether a prompt, 32 bits, is one of those that are kept a second time. */
export function isSparse(prompt: number): boolean {
  return (prompt >>> 0) % sparseOf === 0
}

/** JSON: what was asked, base64, and the evidence of each bet. */
export interface Passes {
  asked: string
  logs: number[]
}

/** Takes a call into account; `prompt`, `tokens`: 32 bits each. `max`: of each bet's evidence. */
export function passOver(passes: Passes, prompt: number, tokens: number, max: number): boolean {
  room.fill(0)
  room.write(passes.asked, 'base64')
  const isKnown = !markIn(prompts, prompt)
  const isOther = markIn(both, Math.imul(prompt ^ (tokens >>> 15), 0x2c1b3c6d) ^ tokens)
  passes.asked = room.toString('base64')
  settle(passes.logs, bets, isKnown && isOther, max)
  return isKnown && isOther
}

/** The mean of all bets. */
export function evidenceOf(passes: Passes, sparse: Passes | undefined): number {
  return evidenceOfBets([...passes.logs, ...(sparse?.logs ?? passes.logs.map(() => 0))])
}
