/** Says after a run, one line for each missing server, which tests were skipped for want of it, how many, and why. */
import { relative } from 'node:path'
import type { Reporter, TestModule, TestCase } from 'vitest/node'

const foldersNamedMax = 6

export class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = new Map<string, { tests: number; readonly files: Set<string> }>()
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const missing = serverMissing(test)
        if (missing === undefined) continue
        const entry = skipped.get(missing) ?? { tests: 0, files: new Set() }
        entry.tests += 1
        entry.files.add(relative(process.cwd(), module.moduleId))
        skipped.set(missing, entry)
      }
    }
    for (const [missing, { tests, files }] of skipped) {
      const named = [...files].slice(0, foldersNamedMax)
      const more = files.size > named.length ? ` and ${files.size - named.length} more files` : ''
      process.stdout.write(`${tests} tests skipped for want of ${missing}. They are in ${named.join(', ')}${more}.\n`)
    }
  }
}

function serverMissing(test: TestCase): string | undefined {
  for (let at: TestCase['parent'] | TestCase = test; at.type !== 'module'; at = at.parent) {
    const missing = at.meta().serverMissing
    if (missing !== undefined) return missing
  }
  return undefined
}
