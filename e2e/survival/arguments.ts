import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

/** Between two looks at all processes, milliseconds. */
const interval = 40

/**
 * Runs `work` and looks at the arguments of every process of this host meanwhile; those of its servers are among them.
 * @returns each command line once, as the kernel keeps it
 */
export async function argumentsDuring(work: () => Promise<unknown>): Promise<ReadonlySet<string>> {
  const seen = new Set<string>()
  const ended = new AbortController()
  const looking = look(seen, ended.signal)
  try {
    await work()
  } finally {
    ended.abort()
    await looking
  }
  return seen
}

async function look(seen: Set<string>, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const lines = await Promise.all(processes.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')))
    for (const line of lines) seen.add(line)
    await pause(interval, undefined, { signal: ended }).catch(() => {})
  }
}
