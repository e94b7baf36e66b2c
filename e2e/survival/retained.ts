import assert from 'node:assert/strict'
import { nextMessage } from '../doors.ts'
import { leave, visit } from '../families.ts'

/** Leaves a message for whoever comes later; resolves when the broker has taken it. */
export async function retain(topic: string, payload: string): Promise<void> {
  const visitor = await visit('mqtts', 4)
  try {
    await visitor.client.publishAsync(topic, payload, { qos: 1, retain: true })
  } finally {
    await leave([visitor])
  }
}

/** Fails when a client that comes now does not find the message. */
export async function assertRetained(topic: string, payload: string): Promise<void> {
  const visitor = await visit('mqtts', 6)
  try {
    const message = nextMessage(visitor.client)
    await visitor.client.subscribeAsync(topic, { qos: 1 })
    assert.deepEqual(await message, { topic, payload })
  } finally {
    await leave([visitor])
  }
}
