/** A certificate with its key, both PEM; `certificate` holds the leaf first, then the issuing CA. */
export interface Identity {
  readonly certificate: string
  readonly privateKey: string
}

/** What a server is told in confidence when a release is applied: one JSON document on the launcher's standard input. */
export interface ReleaseSecrets {
  /** Of each trusted authority the issuing CA and the root CA, PEM; the one that signs now comes first. */
  readonly authorities: string
  /** Shown by the broker on 8883 and 7443. */
  readonly broker: Identity
  /** Shown by nginx to the broker on 7443, which accepts nobody else. */
  readonly proxy: Identity
  /** Shown by the health check on 8883. */
  readonly health: Identity
  /** Username → scrypt hash in PHC form; administrators have no password. */
  readonly passwords: Readonly<Record<string, string>>
  /** Decimal digits: the id of the volume that holds the data. It is attached to the server before a release is applied. */
  readonly volume: string
}
