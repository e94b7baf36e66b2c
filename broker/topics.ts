import type { Limits } from './limits.ts'

type TopicLimits = Pick<Limits, 'topicLength' | 'topicLevels'>

/** Whether a text is a topic that can be published to: within the limits, without wildcards and U+0000 [MQTT-4.7.3-2]. */
export function isTopicName(topic: string, limits: TopicLimits): boolean {
  return isWithin(topic, limits) && !topic.includes('+') && !topic.includes('#')
}

/** Whether a text is a topic filter within the limits. */
export function isTopicFilter(filter: string, limits: TopicLimits): boolean {
  return isWithin(filter, limits) && isFilterForm(filter)
}

/** Whether wildcards fill a whole level [MQTT-4.7.1-3], and `#` only the last one [MQTT-4.7.1-2]. */
export function isFilterForm(filter: string): boolean {
  if (filter.length === 0) return false
  const levels = filter.split('/')
  return levels.every((level, index) => {
    if (level === '#') return index === levels.length - 1
    return level === '+' || (!level.includes('+') && !level.includes('#'))
  })
}

/** Whether a topic falls under a filter; one that begins with a wildcard reaches no `$` topic [MQTT-4.7.2-1]. */
export function matches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && (filter.startsWith('+') || filter.startsWith('#'))) return false
  if (!filter.includes('+') && !filter.includes('#')) return filter === topic
  const wanted = filter.split('/')
  const levels = topic.split('/')
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true
    if (index >= levels.length) return false
    if (level !== '+' && level !== levels[index]) return false
  }
  return wanted.length === levels.length
}

export function levelsOf(topic: string): number {
  return topic.split('/').length
}

/** What stands before the first `/`. */
export function firstLevel(topic: string): string {
  const end = topic.indexOf('/')
  return end === -1 ? topic : topic.slice(0, end)
}

function isWithin(text: string, limits: TopicLimits): boolean {
  if (text.length === 0 || text.length > limits.topicLength || text.includes('\0')) return false
  return levelsOf(text) <= limits.topicLevels
}
