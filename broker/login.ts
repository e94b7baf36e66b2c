import type { Client } from 'aedes'
import { innerClient } from './aedes-internals.ts'
import type { Connection } from './connection.ts'
import type { Limits } from './limits.ts'
import type { PasswordLogins } from './password-logins.ts'
import { mayPublish, type User } from './rights.ts'

/** Return codes of an MQTT 3.1.1 CONNACK [MQTT-3.2.2-4]; aedes makes MQTT 5 reason codes of them. */
export type ReturnCode = 2 | 3 | 4 | 5
const IDENTIFIER_REJECTED = 2
const SERVER_UNAVAILABLE = 3
const BAD_USERNAME_OR_PASSWORD = 4
const NOT_AUTHORIZED = 5

export type LoginResult = { user: User } | { refused: string; returnCode: ReturnCode; locks?: true }

interface LoginOptions {
  readonly administrators: ReadonlySet<string>
  readonly passwordLogins: PasswordLogins
  readonly limits: Limits
}

/** Decides who may come in, and as whom. */
export class Login {
  readonly #options: LoginOptions

  constructor(options: LoginOptions) {
    this.#options = options
  }

  async decide(client: Client, connection: Connection, username?: string, password?: Buffer): Promise<LoginResult> {
    const identified =
      connection.certificateUsername === undefined
        ? await this.#byPassword(client, connection, username, password)
        : this.#byCertificate(connection.certificateUsername, username)
    if ('refused' in identified) return identified
    return this.#judge(client, identified.user)
  }

  #byCertificate(certificateUsername: string, username: string | undefined): LoginResult {
    if (username !== undefined && username !== certificateUsername) {
      return { refused: 'the username is not the one of the certificate', returnCode: BAD_USERNAME_OR_PASSWORD }
    }
    return { user: this.#user(certificateUsername) }
  }

  async #byPassword(
    client: Client,
    { addressGroup }: Connection,
    username?: string,
    password?: Buffer,
  ): Promise<LoginResult> {
    if (username === undefined || password === undefined) {
      return { refused: 'no username and password', returnCode: NOT_AUTHORIZED }
    }
    const isGone = () => client.closed
    const verdict = await this.#options.passwordLogins.check({ username, password, addressGroup, isGone })
    switch (verdict) {
      case 'right': {
        const user = this.#user(username)
        // Administrators come with a certificate only; their names have no password in the first place.
        if (user.administrator) return { refused: 'wrong username or password', returnCode: BAD_USERNAME_OR_PASSWORD }
        return { user }
      }
      case 'wrong':
        return { refused: 'wrong username or password', returnCode: BAD_USERNAME_OR_PASSWORD }
      case 'wrong, now locked':
        return { refused: 'wrong username or password', returnCode: BAD_USERNAME_OR_PASSWORD, locks: true }
      case 'locked':
        return { refused: 'too many wrong passwords from this address', returnCode: NOT_AUTHORIZED }
      case 'busy':
        return { refused: 'too many logins at once', returnCode: SERVER_UNAVAILABLE }
      case 'gone':
        return { refused: 'left before the answer', returnCode: SERVER_UNAVAILABLE }
    }
  }

  #judge(client: Client, user: User): LoginResult {
    if (client.id.length > this.#options.limits.clientIdLength) {
      return { refused: 'the client id is too long', returnCode: IDENTIFIER_REJECTED }
    }
    const will = innerClient(client)._will
    if (will && !mayPublish(user, will.topic)) {
      return { refused: 'the will is for a topic that the user may not publish to', returnCode: NOT_AUTHORIZED }
    }
    return { user }
  }

  #user(name: string): User {
    return { name, administrator: this.#options.administrators.has(name) }
  }
}
