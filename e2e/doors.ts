import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { type Door, passwordDirectory, type versions } from './mosquitto.ts'
import { sandbox } from './sandbox.ts'

type Version = (typeof versions)[number]

/** The `try` user's password. */
export async function tryPassword(): Promise<string> {
  return (await readFile(sandbox().tryUser.passwordFile, 'utf8')).trim()
}

/** 8883 with the admin certificate. */
export function adminDoor(version: Version): Door {
  const { adminCertificateFile, adminKeyFile } = sandbox()
  return certificateDoor(version, adminCertificateFile, adminKeyFile)
}

/** 8883 with any certificate, or with none. */
export function certificateDoor(version: Version, certificate?: string, key?: string): Door {
  const options = ['--cafile', sandbox().caFile]
  if (certificate && key) options.push('--cert', certificate, '--key', key)
  return { host: sandbox().hostname, port: 8883, version, options }
}

/**
 * 1883 with a password.
 * @param directory where the password may be written for Mosquitto's clients
 */
export async function passwordDoor(version: Version, directory: string, password: string): Promise<Door> {
  const { hostname, tryUser } = sandbox()
  const configuration = await passwordDirectory(join(directory, version), tryUser.name, password)
  return { host: hostname, port: 1883, version, options: [], configuration }
}

/** mqtt.js through nginx as the `try` user; the certificate has to come from the ACME server. */
export async function connectWebSocket(options: IClientOptions = {}): Promise<MqttClient> {
  const { urls, acmeRootFile, tryUser } = sandbox()
  return connectAsync(
    urls.wss,
    {
      protocolVersion: 5,
      reconnectPeriod: 0,
      ca: await readFile(acmeRootFile, 'utf8'),
      username: tryUser.name,
      password: await tryPassword(),
      ...options,
    },
    false,
  )
}

/** mqtt.js on 8883 with the admin certificate. */
export async function connectAdmin(options: IClientOptions = {}): Promise<MqttClient> {
  const { urls, caFile, adminCertificateFile, adminKeyFile } = sandbox()
  return connectAsync(
    urls.mqtts,
    {
      protocolVersion: 5,
      reconnectPeriod: 0,
      ca: await readFile(caFile, 'utf8'),
      cert: await readFile(adminCertificateFile, 'utf8'),
      key: await readFile(adminKeyFile, 'utf8'),
      ...options,
    },
    false,
  )
}

/** The next message that arrives at `client`; call it before the message is sent. */
export function nextMessage(client: MqttClient): Promise<{ topic: string; payload: string }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      client.off('message', take)
      reject(new Error('no message came within 30 seconds'))
    }, 30_000)
    const take = (topic: string, payload: Buffer) => {
      clearTimeout(timer)
      resolve({ topic, payload: payload.toString() })
    }
    client.once('message', take)
  })
}
