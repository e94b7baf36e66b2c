/**
 * Looks for topics under a filter in a list of topics that is sorted by bytes, without visiting all of it: says where the
 * next one can lie, seen from a topic of the list, or undefined if there can be none after it.
 * All topics below a level lie together, so what cannot match is left out in one leap.
 */
export function leap(filter: string, topic: string): string | undefined {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return justAfter(topic)
    const found = levels[index]
    if (found === undefined) return justAfter(topic)
    if (level === '+' || level === found) continue
    const before = levels.slice(0, index)
    const ahead = candidates(wanted, before, index).find((candidate) => isAfter(candidate, topic))
    return ahead ?? leaveLevel(wanted, levels, index)
  }
  return levels.length === wanted.length ? justAfter(topic) : leaveLevel(wanted, levels, wanted.length)
}

/** The topic itself that ends with the wanted level, and the first that could lie below it; in this order, not always together. */
function candidates(wanted: readonly string[], before: readonly string[], index: number): string[] {
  const isLast = index === wanted.length - 1
  const mayEnd = isLast || wanted[index + 1] === '#'
  const topic = [...before, wanted[index]].join('/')
  return [...(mayEnd ? [topic] : []), ...(isLast ? [] : [`${topic}/`])]
}

/** Past everything below the last level before `end` that may have another value. */
function leaveLevel(wanted: readonly string[], levels: readonly string[], end: number): string | undefined {
  const level = wanted.slice(0, end).lastIndexOf('+')
  // '0' comes right after '/'.
  return level === -1 ? undefined : `${levels.slice(0, level + 1).join('/')}0`
}

function justAfter(topic: string): string {
  return `${topic}\0`
}

function isAfter(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) > 0
}
