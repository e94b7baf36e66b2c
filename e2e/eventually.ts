import pRetry from 'p-retry'

/**
 * Asks again until `check` no longer throws.
 * @param deadline milliseconds
 * @throws what the last attempt threw
 */
export function eventually<T>(check: () => Promise<T> | T, deadline = 60_000): Promise<T> {
  return pRetry(async () => check(), {
    retries: Number.POSITIVE_INFINITY,
    factor: 1,
    minTimeout: 100,
    maxRetryTime: deadline,
  })
}
