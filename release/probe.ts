import { randomUUID } from 'node:crypto'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'

/** A listener as a client sees it. */
export interface Listener {
  /** Shown to people. */
  readonly name: string
  readonly url: string
  readonly options: IClientOptions
}

const patience = 5_000

/**
 * Says hello to itself through a listener: CONNECT, SUBSCRIBE, PUBLISH, and back comes the same message.
 * @param topics below which it may publish and subscribe
 * @throws Error in one sentence when any of it fails
 */
export async function probe({ url, options }: Listener, topics: string): Promise<void> {
  const client = await connectAsync(
    url,
    { ...options, clean: true, connectTimeout: patience, reconnectPeriod: 0 },
    false,
  )
  // An error after CONNACK also ends what waits below, with a better reason.
  client.on('error', () => {})
  try {
    await sayHello(client, `${topics}/${randomUUID()}`)
  } finally {
    client.end(true)
  }
}

async function sayHello(client: MqttClient, topic: string): Promise<void> {
  const text = randomUUID()
  const expired = AbortSignal.timeout(patience)
  await within(client.subscribeAsync(topic, { qos: 1 }), expired, 'SUBSCRIBE was not answered')
  const back = nextMessage(client)
  await within(client.publishAsync(topic, text, { qos: 1 }), expired, 'PUBLISH was not acknowledged')
  const payload = await within(back, expired, 'the published message did not come back')
  if (payload !== text) throw new Error('another message came back than was published')
}

function nextMessage(client: MqttClient): Promise<string> {
  return new Promise((resolve) => client.once('message', (_topic, payload) => resolve(String(payload))))
}

function within<Result>(promise: Promise<Result>, expired: AbortSignal, complaint: string): Promise<Result> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(new Error(complaint))
    expired.addEventListener('abort', expire, { once: true })
    promise.then(resolve, (error: Error) => reject(expired.aborted ? new Error(complaint) : error))
  })
}
