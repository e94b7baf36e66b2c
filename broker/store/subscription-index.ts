interface Level<Value> {
  readonly below: Map<string, Level<Value>>
  readonly values: Map<string, Value>
}

/** Finds the subscriptions under whose filters a topic falls; one value for each filter and key. */
export class SubscriptionIndex<Value> {
  readonly #root: Level<Value> = emptyLevel()
  #size = 0

  get size(): number {
    return this.#size
  }

  set(filter: string, key: string, value: Value): void {
    let level = this.#root
    for (const name of filter.split('/')) {
      const next = level.below.get(name) ?? emptyLevel()
      level.below.set(name, next)
      level = next
    }
    if (!level.values.has(key)) this.#size++
    level.values.set(key, value)
  }

  delete(filter: string, key: string): void {
    const path: { level: Level<Value>; name: string }[] = []
    let level = this.#root
    for (const name of filter.split('/')) {
      const next = level.below.get(name)
      if (!next) return
      path.push({ level, name })
      level = next
    }
    if (level.values.delete(key)) this.#size--
    for (const { level: above, name } of path.reverse()) {
      const below = above.below.get(name)
      if (below && below.values.size === 0 && below.below.size === 0) above.below.delete(name)
    }
  }

  match(topic: string): Value[] {
    const found: Value[] = []
    const isSystem = topic.startsWith('$')
    collect(this.#root, topic.split('/'), 0, isSystem, found)
    return found
  }
}

/** Filters that begin with a wildcard reach no `$` topic [MQTT-4.7.2-1]. */
function collect<Value>(
  level: Level<Value>,
  names: readonly string[],
  index: number,
  isSystem: boolean,
  found: Value[],
): void {
  if (!isSystem) for (const value of level.below.get('#')?.values.values() ?? []) found.push(value)
  const name = names[index]
  if (name === undefined) {
    for (const value of level.values.values()) found.push(value)
    return
  }
  const exact = level.below.get(name)
  if (exact) collect(exact, names, index + 1, false, found)
  const any = isSystem ? undefined : level.below.get('+')
  if (any) collect(any, names, index + 1, false, found)
}

function emptyLevel<Value>(): Level<Value> {
  return { below: new Map(), values: new Map() }
}
