import { execFile, spawn } from 'node:child_process'
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/tmp.ts'

const run = promisify(execFile)
const ownNode = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin/node')

/** The launcher beside a program of ours, run by a Node that says that it is older. */
async function launcherBeside(program: string): Promise<{ readonly bin: string; readonly asOldNode: string[] }> {
  const folder = await temporaryFolder('launcher')
  await mkdir(join(folder, 'cli'))
  await copyFile(join(import.meta.dirname, '../../cli/bin.mjs'), join(folder, 'cli/bin.mjs'))
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await writeFile(join(folder, 'cli/modelwarden.ts'), program)
  await symlink(join(import.meta.dirname, '../../node_modules'), join(folder, 'node_modules'))
  const older = join(folder, 'older.cjs')
  await writeFile(
    older,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`,
  )
  await chmod(join(folder, 'cli/bin.mjs'), 0o755)
  return { bin: join(folder, 'cli/bin.mjs'), asOldNode: ['--require', older] }
}

test('tests run on the Node that the project brings, whatever the machine has', () => {
  expect(Number(process.versions.node.split('.')[0])).toBeGreaterThanOrEqual(24)
})

test('the launcher runs the program in place where Node is new enough', async () => {
  const { bin } = await launcherBeside(
    `const said: string = process.argv.slice(2).join()\nconsole.log(process.pid, said)`,
  )
  const child = run(ownNode, [bin, 'up', '--demo'])
  expect((await child).stdout).toBe(`${child.child.pid} up,--demo\n`)
})

test('an older Node hands the arguments and the exit code through to the Node that the project brings', async () => {
  const { bin, asOldNode } = await launcherBeside(
    `console.log(process.versions.node.split('.')[0], process.argv.slice(2).join())\nprocess.exitCode = 7`,
  )
  const failed = await run(ownNode, [...asOldNode, bin, 'replay', 'x y']).catch((error: unknown) => error)
  expect(failed).toMatchObject({ code: 7, stdout: '24 replay,x y\n' })
})

test('a signal to an older Node reaches the program, which ends in its own time and with its own code', async () => {
  const { bin, asOldNode } = await launcherBeside(
    `process.on('SIGTERM', () => setTimeout(() => process.exit(3), 50))\nsetInterval(() => {}, 1000)\nconsole.log('up')`,
  )
  const child = spawn(ownNode, [...asOldNode, bin], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  child.kill('SIGTERM')
  expect(await ended).toBe(3)
})
