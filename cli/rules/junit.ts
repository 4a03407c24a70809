/** Results of cases as JUnit XML, the form that build servers read. Pure; hostile text in names stays text. */
import { formatMistake, type Mistake } from '../../core/errors.ts'
import type { RuleCaseResult } from '../../services/detect/authoring/rule-cases.ts'

export function junitOf(results: readonly RuleCaseResult[], mistakes: readonly Mistake[], seconds: number): string {
  const suites = [...Map.groupBy(results, ({ rule }) => rule)].map(([rule, cases]) => suiteOf(rule, cases))
  if (mistakes.length > 0) suites.push(suiteOfMistakes(mistakes))
  const failures = results.filter(({ differences }) => differences.length > 0).length
  const counts = `tests="${results.length + mistakes.length}" failures="${failures}" errors="${mistakes.length}"`
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<testsuites name="modelwarden rules" ${counts} time="${seconds.toFixed(3)}">\n${suites.join('')}</testsuites>\n`
  )
}

function suiteOf(rule: string, cases: readonly RuleCaseResult[]): string {
  const failures = cases.filter(({ differences }) => differences.length > 0).length
  const lines = cases.map(({ name, place, differences }) => {
    const at = `name="${xml(name)}" classname="${xml(rule)}" file="${xml(place.file)}" line="${place.line}"`
    if (differences.length === 0) return `    <testcase ${at}/>\n`
    const text = differences.map(xml).join('\n')
    return `    <testcase ${at}>\n      <failure message="${xml(differences[0]!)}">${text}</failure>\n    </testcase>\n`
  })
  return `  <testsuite name="${xml(rule)}" tests="${cases.length}" failures="${failures}" errors="0">\n${lines.join('')}  </testsuite>\n`
}

function suiteOfMistakes(mistakes: readonly Mistake[]): string {
  const lines = mistakes.map((mistake) => {
    const { file = '', line = 1 } = mistake.place ?? {}
    const at = `name="${xml(mistake.code)}" classname="content" file="${xml(file)}" line="${line}"`
    return `    <testcase ${at}>\n      <error message="${xml(mistake.message)}">${xml(formatMistake(mistake))}</error>\n    </testcase>\n`
  })
  const count = mistakes.length
  return `  <testsuite name="content" tests="${count}" failures="0" errors="${count}">\n${lines.join('')}  </testsuite>\n`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}
/** What XML 1.0 can't hold, not even escaped. */
const unfit =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

function xml(text: string): string {
  return text.replace(unfit, '\ufffd').replace(/[&<>"']/g, (character) => entities[character]!)
}
