/** What processes have used of the processors. On shared machines it says more than the time on the wall. */
import { readFileSync } from 'node:fs'

/** Linux counts in ticks of 10 ms, on all machines that Node runs on. */
const ticksPerSecond = 100

/** Seconds of CPU time that these processes have used so far, all threads; undefined where the system does not tell. */
export function cpuSeconds(pids: readonly number[]): number | undefined {
  try {
    return pids.reduce((sum, pid) => sum + ofProcess(pid), 0)
  } catch {
    return undefined
  }
}

/** proc_pid_stat(5): fields 14 and 15 are user and system time; the second one, in brackets, may hold anything. */
function ofProcess(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
