// The library resolves its parts through reflection metadata, which must be there before it is loaded.
import 'reflect-metadata'

export * from '@peculiar/x509'
