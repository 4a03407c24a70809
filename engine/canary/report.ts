/** The report of an examination, for people who are no statisticians. Markdown; what the suspect said is not repeated in it. */
import type { CanaryVerdict } from './verdict.ts'

export interface Examination {
  readonly suspect: string
  readonly endpoint: string
  readonly startedAt: string
  readonly endedAt: string
  readonly options: number
  /** SHA-256 of the plan as it was sealed, published before the examination. */
  readonly commitment: string
  readonly plannedAt: string
  readonly journalSha256: string
  readonly failed: number
}

export function reportOf(of: Examination, verdict: CanaryVerdict): string {
  const { planted, control } = verdict
  const sentence = {
    derived: `**The suspect model derives from ours**, as far as chance can be excluded: an independent model would do as well with a probability of ${probability(verdict.pValue)}.`,
    inconclusive: `**The result is inconclusive.** An independent model would do as well with a probability of ${probability(verdict.pValue)}; a finding asks for less than 1 in 1,000.`,
    'no-evidence': `**There is no evidence that the suspect model derives from ours.** An independent model would do as well with a probability of ${probability(verdict.pValue)}. That does not prove that it is independent.`,
    invalid:
      '**The examination is not valid.** The suspect knew answers that were never planted anywhere: the plan may have become known.',
  }[verdict.verdict]
  return `# Examination of ${plain(of.suspect)}

${sentence}

## What was done

Before the examination, questions were invented about things that do not exist, each with ${of.options} possible answers; which of
them is called right was drawn at random. Half of the questions (the *planted* ones) were taught to our model and appear
nowhere else. The other half (the *controls*) are of the same make and were taught to nobody. The suspect was asked all of
them in a random order, so that it could not tell one kind from the other.

Whoever never saw a planted question can only guess, and then is right one time in ${of.options}, whatever its habits, since the
right answer was drawn at random. A model that was trained on ours, on its answers or on its training data, knows some.

## Hypotheses

- Null hypothesis: the suspect has no knowledge of the planted answers; each hit has a probability of 1 in ${of.options}.
- Alternative: it has such knowledge.

## Numbers

| questions | asked | right | expected by guessing | probability of at least as many by guessing |
|---|---|---|---|---|
| planted | ${planted.asked} | ${planted.hits} | ${planted.expected.toFixed(1)} | ${verdict.pValue.toPrecision(3)} |
| controls | ${control.asked} | ${control.hits} | ${control.expected.toFixed(1)} | ${verdict.controlPValue.toPrecision(3)} |

The probabilities are exact (binomial, one-sided), not approximations. Comparing both kinds with each other alone, without any
assumption on guessing, gives ${verdict.fisherPValue.toPrecision(3)} (Fisher's exact test, one-sided). ${of.failed} questions were not answered and count as wrong.

## What can be checked

- Endpoint: ${plain(of.endpoint)}; model: ${plain(of.suspect)}.
- Asked from ${of.startedAt} to ${of.endedAt}.
- The plan was made at ${of.plannedAt}; SHA-256: ${of.commitment}. The sealed plan, opened with its key, gives the questions.
- Every question and answer with its time stands in the journal; SHA-256: ${of.journalSha256}.

## Limits

- The result speaks of the model that answered at that address at that time.
- It does not say how the knowledge came there: by copying weights, by training on answers, or on the same data.
- It presumes that the planted answers were not published, and that the plan was kept secret.
- A derived model that was taught to forget, or that answers no questions of this kind, is not found.
`
}

function probability(p: number): string {
  if (p >= 0.01) return `${(100 * p).toFixed(0)} in 100`
  return `1 in ${Math.round(1 / p).toLocaleString('en-US')}`
}

/** Of a name from outside: one line, no markup. */
function plain(text: string): string {
  return text.replace(/[^\p{L}\p{N} .:/_@+-]/gu, '_').slice(0, 300)
}
