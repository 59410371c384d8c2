import type { JsonObject } from '@talosprotocol/protocol';
import type { Dialect } from './dialect.js';

/** A model as it is listed. */
export interface ListedModel {
  /** What a client writes as `model` to mean it. */
  readonly id: string;
  /** The operator's name. */
  readonly provider: string;
}

/** How a protocol of providers lists models. */
export interface ModelsDialect extends Pick<Dialect, 'api' | 'error'> {
  one(model: ListedModel): JsonObject;
  list(models: readonly JsonObject[]): JsonObject;
}
