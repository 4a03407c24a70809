/** `modelwarden rules coverage`: techniques that the rules look for, as a table, JSON, and Navigator layers. */
import { writeFileSync } from 'node:fs'
import { counted } from '../../core/counted.ts'
import { formatMistake } from '../../core/errors.ts'
import { filledFields } from '../../engine/sources/filled-fields.ts'
import { coverageOf, layerOf } from '../../services/detect/authoring/coverage.ts'
import { compileRules } from '../../services/detect/rule-set/rule-set.ts'
import type { GlobalOptions } from '../options.ts'
import { note, print, printJson } from '../output.ts'
import { loadSettings } from '../settings.ts'
import { printTable, type Cell } from '../table.ts'
import { loadRules, loadSources } from './load.ts'

interface CoverageOptions extends GlobalOptions {
  readonly json?: true
  readonly attack?: string
  readonly atlas?: string
}

export async function showCoverage(paths: readonly string[], options: CoverageOptions): Promise<void> {
  const loaded = loadSettings(options)
  const { set, mistakes } = compileRules((await loadRules(loaded, paths)).files)
  for (const mistake of mistakes.slice(0, 20)) note(formatMistake(mistake))
  const covered = coverageOf(set, filledFields(await loadSources(loaded)))
  for (const framework of ['attack', 'atlas'] as const) {
    const file = options[framework]
    if (file !== undefined) writeFileSync(file, `${JSON.stringify(layerOf(framework, covered), null, 2)}\n`)
  }
  const unfed = covered.filter(({ fed }) => !fed).map(({ id }) => id)
  if (options.json) {
    printJson({
      techniques: covered,
      unfed,
      layers: { attack: layerOf('attack', covered), atlas: layerOf('atlas', covered) },
    })
    return
  }
  const rows = covered.map(({ id, rules, fed }): readonly Cell[] => [
    id,
    rules.length,
    fed ? 'yes' : { text: 'no source', style: 'yellow' },
    rules.map(({ title }) => title).join('; '),
  ])
  printTable(['TECHNIQUE', 'RULES', 'FED', 'WHICH'], rows)
  print(`\n${counted(covered.length, 'technique')}, ${unfed.length} of them looked for by rules that no source feeds.`)
}
