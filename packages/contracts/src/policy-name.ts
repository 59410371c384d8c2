import { ascii } from './primitive.js';

/** Pattern of ServerName. */
export const SERVER_NAME = '^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$';

/** Pattern of ToolName. */
export const TOOL_NAME = '^[!-~]{1,128}$';

/** Name the operator gave a tool server. Holds no `_`, so that `<server>__<tool>` splits in one way (DEC-5). */
export const ServerName = ascii(SERVER_NAME, 32, 'configured name of a tool server');

/** Name the operator gave a model provider. */
export const ProviderName = ascii(SERVER_NAME, 32, 'configured name of a model provider');

/** Pattern of ModelName. */
export const MODEL_NAME = '^[!-~]{1,128}$';

/** Name of a model as its provider knows it. */
export const ModelName = ascii(MODEL_NAME, 128, 'name of a model');

/** Name of a tool as its server announces it. */
export const ToolName = ascii(TOOL_NAME, 128, 'name of a tool');
