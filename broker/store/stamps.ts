let last = 0

/** A number that rises with every call, and over restarts as far as the clock does: what came when. */
export function nextStamp(): number {
  last = Math.max(last + 1, Date.now() * 1_000)
  return last
}
