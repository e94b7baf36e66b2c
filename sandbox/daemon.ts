import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sandboxFiles } from './files.ts'
import { edgePorts, type Instance } from './instance.ts'

/** Whether the instance's emulated cloud answers. */
export async function cloudAnswers(instance: Instance): Promise<boolean> {
  try {
    const response = await fetch(`http://${instance.edge}:${edgePorts.hetzner}/v1/locations`, {
      signal: AbortSignal.timeout(5_000),
    })
    await response.body?.cancel()
    return response.status === 401
  } catch {
    return false
  }
}

/**
 * Starts the cloud as a process of its own that outlives this command; resolves when it answers.
 * @throws Error with the log's name when it does not start
 */
export async function startCloud(instance: Instance): Promise<void> {
  const { cloudLog } = sandboxFiles(instance)
  await mkdir(dirname(cloudLog), { recursive: true })
  const log = await open(cloudLog, 'a')
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'cloud', 'main.ts')],
    {
      detached: true,
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
      env: { ...process.env, SKERRY_SANDBOX: String(instance.number) },
    },
  )
  await log.close()
  const ended = new AbortController()
  const outcome = await Promise.race([
    once(child, 'message', { signal: ended.signal }).then(() => 'ready'),
    once(child, 'exit', { signal: ended.signal }).then(([code, signal]) => `it ended with ${code ?? signal}`),
  ])
  ended.abort()
  if (outcome !== 'ready') throw new Error(`The emulated cloud did not start: ${outcome}. Its log: ${cloudLog}`)
  child.disconnect()
  child.unref()
}
