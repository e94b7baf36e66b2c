import { connect } from 'node:net'
import type { Problem } from './problem.ts'

/** Milliseconds: for one address of the CA, and for all of it with the look into DNS. */
const patience = { address: 10_000, whole: 30_000 }

/**
 * Whether anybody answers where the CA is: certbot would try for minutes, and tell it in Python's words.
 * @param directory URL of the CA's ACME directory
 * @returns undefined when somebody does; everything else is for certbot to find out
 */
export function findUnreachable(directory: string): Promise<Problem | undefined> {
  const { hostname, port } = new URL(directory)
  return new Promise((resolve) => {
    const socket = connect({
      // An IPv6 address has brackets in a URL.
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(port || 443),
      autoSelectFamilyAttemptTimeout: patience.address,
    })
    const end = (problem: Problem | undefined) => {
      socket.destroy()
      resolve(problem)
    }
    const because = (reason: string): Problem => ({ reason: `the CA cannot be reached: ${reason}` })
    socket.setTimeout(patience.whole, () =>
      end(because(`no answer from ${hostname} within ${patience.whole / 1000} seconds`)),
    )
    socket.once('connect', () => end(undefined))
    socket.once('error', (error) => end(because(explain(error))))
  })
}

/** A name with several addresses fails with several errors. */
function explain(error: Error): string {
  return error instanceof AggregateError ? error.errors.map(explain).join(', ') : error.message
}
