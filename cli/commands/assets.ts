/** `modelwarden assets`: registers what is yours, and asks of a found file whether it is. */
import { Option, type Command } from 'commander'
import type { RegisterOptions } from '../assets.ts'
import type { FingerprintOptions } from '../assets-fingerprint.ts'
import { globalOptions, type GlobalOptions } from '../options.ts'
import { loadSettings } from '../settings.ts'

export function addAssetsCommand(program: Command): void {
  const assets = program.command('assets').description('register models and data sets; recognize found files')

  globalOptions(assets.command('register'))
    .description('register the files of a model, a release or a data set: sizes, digests, tensors, training records')
    .argument('<id>', 'the asset, e.g. llm-7b')
    .argument('[files...]', 'its files: safetensors, GGUF and ONNX by their tensors, all others by their digest')
    .requiredOption('--release <version>', 'which release they are')
    .addOption(new Option('--kind <kind>', 'what it is').choices(['model', 'training-data', 'code']).default('model'))
    .option('--name <name>', 'a name for people (default: the id)')
    .option('--tenant <tenant>', 'whose it is', 'own')
    .option('--uri <prefix>', 'where the files live, such as s3://weights/llm-7b/ (default: where they are now)')
    .option(
      '--records <file>',
      'hashes of its training records, as the gateway logs them: one a line, or JSON lines with inputHash',
    )
    .option('--json', 'print what was registered as JSON')
    .addHelpText(
      'after',
      `
What detectors may know goes into the first folder of content.inventory (else <data>/inventory), the tensors' fingerprints into
<data>/assets. Training records are kept as a filter (core/record-filter.ts): none can be read out of it.

Examples:
  modelwarden assets register llm-7b model-*.safetensors --release 1.2 --uri s3://weights/llm-7b/
  modelwarden assets register digits --release 1 --records hashes.txt`,
    )
    .action(async (id: string, files: string[], options: GlobalOptions & RegisterOptions) => {
      const { register } = await import('../assets.ts')
      await register(id, files, options, loadSettings(options))
    })

  globalOptions(assets.command('fingerprint'))
    .description('whether a found file is, contains, is a part of or derives from a registered one')
    .argument('<files...>', 'the found file; several are the shards of one model; of any size, also cut short')
    .option('--registry <folder>', 'fingerprints of what is registered (default: <data>/assets)')
    .option(
      '--base <file>',
      'a public model that both may have been made of; what it explains does not count (may be repeated)',
      (file: string, before: readonly string[]) => [...before, file],
      [],
    )
    .option('--json', 'print the verdict and all comparisons as JSON')
    .addHelpText(
      'after',
      `
Examples:
  modelwarden assets fingerprint suspect.safetensors --json
  modelwarden assets fingerprint suspect-*.safetensors --base public-base.safetensors`,
    )
    .action(async (files: string[], options: GlobalOptions & FingerprintOptions) => {
      const { fingerprintFiles } = await import('../assets-fingerprint.ts')
      await fingerprintFiles(files, options, loadSettings(options))
    })
}
