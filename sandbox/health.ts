import { readFile } from 'node:fs/promises'
import { get } from 'node:https'
import { connectAsync } from 'mqtt'
import pRetry from 'p-retry'
import type { Report } from './progress.ts'
import type { Reach } from './summary.ts'

/** One door of the broker, tried from outside as a client. */
interface Door {
  readonly name: string
  /** Rejects with the reason when a client cannot get in. */
  knock(reach: Reach): Promise<void>
}

const patience = 10_000

async function hello(url: string, options: Parameters<typeof connectAsync>[1], topic: string): Promise<void> {
  // No retries: else it waits for ever where the server closes the connection without a word.
  const client = await connectAsync(url, { ...options, connectTimeout: patience, reconnectPeriod: 0 }, false)
  try {
    await client.subscribeAsync(topic, { qos: 1 })
    const heard = new Promise<void>((resolve, reject) => {
      client.once('message', () => resolve())
      client.once('close', () => reject(new Error('the connection closed')))
    })
    await client.publishAsync(topic, 'hello', { qos: 1 })
    await heard
  } finally {
    await client.endAsync(true)
  }
}

async function tryUserOptions(reach: Reach) {
  return { username: reach.tryUser.name, password: await readFile(reach.tryUser.passwordFile, 'utf8') }
}

/** The doors in the order in which a person would try them. */
const doors: readonly Door[] = [
  {
    name: 'mqtts',
    knock: async (reach) =>
      hello(
        `mqtts://${reach.hostname}:8883`,
        {
          ca: await readFile(reach.caFile),
          cert: await readFile(reach.adminCertificateFile),
          key: await readFile(reach.adminKeyFile),
        },
        'admin/sandbox',
      ),
  },
  {
    name: 'mqtt',
    knock: async (reach) => hello(`mqtt://${reach.hostname}:1883`, await tryUserOptions(reach), 'try/sandbox'),
  },
  {
    name: 'https',
    knock: async (reach) => {
      const ca = await readFile(reach.acmeRootFile)
      await new Promise<void>((resolve, reject) => {
        get(`https://${reach.hostname}/`, { ca, timeout: patience, agent: false }, (response) => {
          response.resume()
          if (response.statusCode === 200) resolve()
          else reject(new Error(`it answered ${response.statusCode}`))
        }).on('error', reject)
      })
    },
  },
  {
    name: 'wss',
    knock: async (reach) =>
      hello(
        `wss://${reach.hostname}/mqtt/`,
        { ...(await tryUserOptions(reach)), wsOptions: { ca: await readFile(reach.acmeRootFile) } },
        'try/sandbox',
      ),
  },
]

/** A name with two addresses fails with two errors. */
function explain(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map(explain).join(', ')
  return error.message || String(error)
}

/** @returns for each door `undefined` when it lets a client in, else the reason */
export async function knockAll(reach: Reach): Promise<Record<string, string | undefined>> {
  const results = await Promise.all(
    doors.map(async (door) => {
      const reason = await door.knock(reach).then(() => undefined, explain)
      return [door.name, reason] as const
    }),
  )
  return Object.fromEntries(results)
}

/**
 * Resolves when every door lets a client in; the public certificate may take some seconds after the release.
 * @throws Error that names the doors that stay closed, and why
 */
export async function waitUntilHealthy(reach: Reach, report: Report): Promise<void> {
  let reported = ''
  await pRetry(
    async () => {
      const closed = Object.entries(await knockAll(reach)).filter(([, reason]) => reason !== undefined)
      if (closed.length === 0) return
      const text = closed.map(([name, reason]) => `${name}: ${reason}`).join('; ')
      if (text !== reported) report(`waiting: ${text}`)
      reported = text
      throw new Error(`Not every door lets a client in: ${text}. See: npm run sandbox -- logs`)
    },
    { retries: 60, minTimeout: 1_000, factor: 1 },
  )
}
