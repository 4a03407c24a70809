import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { endsWithUs } from './ends-with-us.ts'

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a process that a test has started ends with the test’s own, also where that is killed with kill -9', async () => {
  const child = [...endsWithUs, '-e', "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1_000)"]
  const starter = `
    const child = require('node:child_process').spawn(process.execPath, ${JSON.stringify(child)}, { stdio: ['pipe', 'ignore', 'ignore'] })
    process.stdout.write(String(child.pid))
    setInterval(() => undefined, 1_000)`
  const runner = spawn(process.execPath, ['-e', starter], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = (await once(runner.stdout, 'data')) as [Buffer]
  const pid = Number(said.toString())
  // It has to have begun for its end to mean anything.
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(lives(pid)).toBe(true)
  runner.kill('SIGKILL')
  await expect.poll(() => lives(pid), { timeout: 5_000 }).toBe(false)
})

test('a program that has nothing more to do ends by itself', async () => {
  const child = spawn(process.execPath, [...endsWithUs, '-e', ''], { stdio: ['pipe', 'ignore', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(0)
})
