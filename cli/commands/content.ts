/** `modelwarden content`: rules, playbooks and sources, checked, tested and published. */
import type { Command } from 'commander'
import { ContentInvalidError } from '../../core/errors.ts'
import { checkContent, contentSets } from '../../runtime/content-publisher.ts'
import { contentChecks, contentFolders } from '../content.ts'
import { print, printJson, printTable } from '../output.ts'
import { globalOptions, loadSettings, type GlobalOptions } from '../settings.ts'

export function addContentCommand(program: Command): void {
  const content = program.command('content').description('check, test and publish rules, playbooks and sources')

  globalOptions(content.command('check'))
    .description('report every mistake in the content folders with file, line and column')
    .option('--json', 'print the sets with their digests and mistakes as JSON')
    .addHelpText('after', '\nExamples:\n  modelwarden content check\n  modelwarden content check --json')
    .action(async (options: GlobalOptions & { json?: true }) => {
      const { config, folder } = loadSettings(options)
      const folders = contentFolders(config, folder)
      const checked = []
      for (const set of contentSets) checked.push(await checkContent(set, folders, contentChecks()))
      const mistakes = checked.flatMap((each) => each.mistakes)
      if (options.json) {
        printJson(checked.map(({ set, digest, files, mistakes }) => ({ set, digest, files: files.length, mistakes })))
      } else if (mistakes.length === 0) {
        printTable(
          ['SET', 'FILES', 'DIGEST'],
          checked.map(({ set, files, digest }) => [set, files.length, digest.slice(0, 12)]),
        )
        print('No mistakes.')
      }
      if (mistakes.length > 0) throw new ContentInvalidError(mistakes)
    })
}
