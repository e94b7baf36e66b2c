import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { edgePorts, type Instance } from './instance.ts'
import { sandboxTokens } from './tokens.ts'

const servers = z.object({ servers: z.array(z.object({ id: z.number(), status: z.string() })) })
const begun = z.object({ action: z.object({ id: z.number() }) })
const progress = z.object({ actions: z.array(z.object({ status: z.string() })) })

/** Statuses in which a server may be without power: the cloud does not see it when a server switches itself off. */
const settled: readonly string[] = ['running', 'off']

/**
 * Switches on every server of the sandbox, as its owner would in the console; one that runs goes on running.
 * @throws Error with the API's words when it refuses
 */
export async function switchOn(instance: Instance): Promise<void> {
  const { hetzner } = await sandboxTokens(instance)
  const ask = async (method: 'GET' | 'POST', path: string): Promise<unknown> => {
    const response = await fetch(`http://${instance.edge}:${edgePorts.hetzner}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${hetzner}`, 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: '{}' } : {}),
      signal: AbortSignal.timeout(20_000),
    })
    if (!response.ok) throw new Error(`The server cannot be switched on: ${await response.text()}`)
    return response.json()
  }
  for (const { id, status } of servers.parse(await ask('GET', '/servers')).servers) {
    if (!settled.includes(status)) continue
    const { action } = begun.parse(await ask('POST', `/servers/${id}/actions/poweron`))
    // A machine that does not start says so within the machine room's own time.
    while (progress.parse(await ask('GET', `/actions?id=${action.id}`)).actions[0]?.status === 'running') {
      await sleep(100)
    }
  }
}
