import { connect } from 'node:net'

/** What a TCP connect met: `silent` is a packet filter that drops, `refused` a closed port or a filter that says no. */
export type Answer = 'open' | 'refused' | 'silent'

const refusals = ['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'EACCES', 'EPERM']

/** @param deadline milliseconds after which a port counts as silent */
export function knock(host: string, port: number, deadline: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const end = (answer: Answer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    // One turn of the event loop more: a busy process must not overlook an answer that already waits.
    const timer = setTimeout(() => setImmediate(() => setImmediate(end, 'silent')), deadline)
    socket.once('connect', () => end('open'))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code && refusals.includes(error.code)) return end('refused')
      clearTimeout(timer)
      reject(error)
    })
  })
}

/**
 * Connects to every port, many at a time.
 * @returns those that are not silent
 */
export async function scan(host: string, ports: readonly number[], deadline = 500): Promise<Map<number, Answer>> {
  const answers = new Map<number, Answer>()
  const queue = ports.values()
  const worker = async () => {
    for (const port of queue) {
      const answer = await knock(host, port, deadline)
      if (answer !== 'silent') answers.set(port, answer)
    }
  }
  await Promise.all(Array.from({ length: 4_000 }, worker))
  return answers
}
