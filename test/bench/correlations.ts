/**
 * `npm run bench:correlations -- [FIRST..LAST]`: random correlations against the brute-force reference, as many as one likes.
 *
 * The cases are those of test/property/correlations: a seed is a case, the same everywhere, and runs over 1, 4 and 16
 * partitions. Seeds whose rules are refused, rightly, are no cases. Exit code 1 where a case differs; it is told with its seed.
 */
import { compareSeed } from '../property/correlations/compare.ts'

const range = /^(\d+)\.\.(\d+)$/.exec(process.argv[2] ?? '1..1000')
if (range === null) {
  console.error('Which seeds? Write them like 1..1000.')
  process.exit(2)
}
const [first, last] = [Number(range[1]), Number(range[2])]
const tellEvery = 1_000

let cases = 0
let findings = 0
const differing: number[] = []
for (let seed = first; seed <= last; seed++) {
  const compared = compareSeed(seed)
  if (compared !== undefined) {
    cases++
    findings += compared.findings
    if (compared.difference !== undefined) {
      differing.push(seed)
      console.log(`a difference: ${compared.difference}`)
    }
  }
  if ((seed - first + 1) % tellEvery === 0 || seed === last) console.log(summary(seed))
}
process.exitCode = differing.length === 0 ? 0 : 1

function summary(seed: number): string {
  const seconds = (process.cpuUsage().user / 1e6).toFixed(0)
  const differ = differing.length === 0 ? 'none differs' : `${differing.length} differ (${differing.join(', ')})`
  return `seeds ${first} to ${seed}: ${cases} cases of 3 runs, ${findings} findings, ${differ}; ${seconds} s`
}
