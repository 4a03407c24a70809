/**
 * The report of an examination, for people who are no statisticians. Markdown; what the suspect said is not repeated in it.
 *
 * It says what was seen, what follows from it and what does not, and how somebody else can count again.
 */
import { derivedBelow, noEvidenceAbove, type CanaryVerdict, type Counted } from './verdict.ts'

export interface Examination {
  readonly suspect: string
  readonly endpoint: string
  readonly startedAt: string
  /** Undefined: it was broken off. */
  readonly endedAt: string | undefined
  readonly options: number
  /** SHA-256 of the plan as it was sealed, published before the examination. */
  readonly commitment: string
  readonly plannedAt: string
  readonly journalSha256: string
  /** Of this program: the one that asked, and the one that counted. */
  readonly askedBy: string
  readonly countedBy: string
  readonly form: string
  /** Questions that it was asked; the rest was not, since it had fallen silent. */
  readonly shown: number
  readonly perMinute: number
  readonly timeoutSeconds: number
}

/** Below this an error in the procedure is likelier than chance, and a smaller number says no more. */
const tellingBelow = 1e-9

export function reportOf(of: Examination, verdict: CanaryVerdict): string {
  const { planted, control } = verdict
  return `# Examination of ${plain(of.suspect)}

${headline(verdict)}

## What was done

Before the examination, questions were invented about things that do not exist, each with ${of.options} possible answers; which of
them is called right was drawn at random. Half of the questions (the *planted* ones) are for our model to be taught, and stand
nowhere else. The other half (the *controls*) are of the same make and are taught to nobody. The suspect was asked ${of.shown} of
the ${planted.asked + control.asked}, in a random order, each with its possible answers in a random order, so that it could not tell one kind from the other.

Whoever has no knowledge of a planted question can only guess, and then is right one time in ${of.options}, whatever its habits, since the
right answer was drawn at random. A model that was trained on ours, on its answers or on its training data, knows some.

## Hypotheses and lines

- Null hypothesis: the suspect has no knowledge of the planted answers; each is right with a probability of 1 in ${of.options}.
- Alternative: it has such knowledge.
- \`derived\` is said below ${derivedBelow}, \`no-evidence\` above ${noEvidenceAbove}, \`inconclusive\` between; \`invalid\` where the controls
  themselves are below ${derivedBelow}. Of suspects without any knowledge, at most one in ${1 / derivedBelow} is called \`derived\` by an examination.
- An answer is what its text names last of the answers on offer. Where nothing came back, or a
  question was not asked, it counts as wrong.

## Numbers

| questions | planned | answered | named no option | right | expected by guessing | probability of at least as many by guessing |
|---|---|---|---|---|---|---|
${row('planted', planted, verdict.pValue)}
${row('controls', control, verdict.controlPValue)}

The probabilities are exact (binomial, one-sided), not approximations. Comparing both kinds with each other alone, without any
assumption on guessing, gives ${verdict.fisherPValue.toPrecision(3)} (Fisher's exact test, one-sided).

## What can be checked

- Endpoint: ${plain(of.endpoint)}; model, as it was asked for: ${plain(of.suspect)}; form of the question: ${plain(of.form)}.
- Asked from ${of.startedAt} to ${of.endedAt ?? 'an end that the journal does not have (broken off)'}, ${of.perMinute} questions a minute,
  ${of.timeoutSeconds} s for an answer, up to three tries where none came. Times are those of the clock of the machine that asked.
- Asked by Modelwarden ${plain(of.askedBy)}, counted by Modelwarden ${plain(of.countedBy)}.
- The plan: SHA-256 ${of.commitment}. It says of itself that it was made at ${of.plannedAt}; proof of that is where and when
  this number was published. \`modelwarden canary open\` gives the plan, whose SHA-256 anybody can take.
- Every question and answer with its time stands in the journal: SHA-256 ${of.journalSha256}.
  \`modelwarden canary report\` makes this report again from the plan and the journal.

## Limits

- The result speaks of what answered at that address at that time: a model, or a service that asks another one, ours among them.
- It does not say how the knowledge came there: by copying weights, by training on answers, on the same data, or by reading them.
- It presumes that the planted answers were taught to our model and not published, and that the plan was kept secret. That our
  model gives them is shown by the same examination of it, not by this one.
- The probability is that of so many right answers if there is no knowledge. It is not the probability that the suspect is
  innocent, or guilty.
- It holds for one examination. Who repeats one until it succeeds gets what he looks for: all that were made with this plan
  belong beside this one, with their journals.
- The journal is what the examiner's machine wrote down; nobody else has signed it.
- A derived model that was taught to forget, or that answers no questions of this kind, is not found.
`
}

function headline({ verdict, because, pValue, planted }: CanaryVerdict): string {
  const chance = `A model without that knowledge would do as well with a probability of ${probability(pValue)}`
  if (verdict === 'derived') {
    return (
      '**The suspect knows answers that were made up and planted** (verdict: derived). ' +
      `${chance}. Knowledge of them comes from our model, from its answers or from what it was taught.`
    )
  }
  if (verdict === 'no-evidence') {
    return `**There is no evidence that the suspect knows what was planted** (verdict: no-evidence). ${chance}. That does not prove that it is independent${
      planted.namedNone > planted.asked / 2 ? ': most of its answers named none of the options, and so say nothing' : ''
    }.`
  }
  if (verdict === 'invalid') {
    return (
      '**The examination is not valid.** The suspect gave the right answers to controls more often than guessing explains, which were ' +
      'taught to nobody: the plan may have become known.'
    )
  }
  const why = {
    controls:
      'The controls too went better than by guessing, and the planted ones not clearly better than they: the plan may have become known.',
    unanswered: `Of ${planted.asked} planted questions ${planted.asked - planted.answered} have no answer: had they been answered, the result could be another.`,
    none: `A finding asks for less than ${probability(derivedBelow)}.`,
  }[because ?? 'none']
  return `**The result is inconclusive.** ${chance}. ${why}`
}

function row(name: string, { asked, answered, namedNone, hits, expected }: Counted, p: number): string {
  return `| ${name} | ${asked} | ${answered} | ${namedNone} | ${hits} | ${expected.toFixed(1)} | ${p.toPrecision(3)} |`
}

function probability(p: number): string {
  if (p >= 0.995) return 'nearly 1'
  if (p >= 0.01) return `${(100 * p).toFixed(0)} in 100`
  if (p < tellingBelow) return `less than 1 in ${Math.round(1 / tellingBelow).toLocaleString('en-US')}`
  return `1 in ${Math.round(1 / p).toLocaleString('en-US')}`
}

/** Of a name from outside: one line, no markup. */
function plain(text: string): string {
  return text.replace(/[^\p{L}\p{N} .:/_@+-]/gu, '_').slice(0, 300)
}
