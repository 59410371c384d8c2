/** Cedar's stateful API: policies and schema parsed once, the request and its entities given with each call. A policy
 *  engine has no token and no proof: it decides only, and who asks must be known by other means. */
import { createRequire } from 'node:module';
import { folderPath, mixContender } from './mix.js';
import { servePeer } from './peer-process.js';

type Cedar = typeof import('@cedar-policy/cedar-wasm/nodejs');
const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as Cedar;

const POLICIES =
  'permit(principal, action == Action::"read", resource) when { resource in principal.folder };';

cedar.preparsePolicySet('bench', { staticPolicies: POLICIES });

const SESSIONS = 100_000;

await servePeer(
  mixContender(
    'cedar',
    ({ session, operation, path, forged }) => {
      if (forged) return false;
      const principal = { type: 'Agent', id: String(session) };
      const resource = { type: 'File', id: path };
      const answer = cedar.statefulIsAuthorized({
        principal,
        action: { type: 'Action', id: operation },
        resource,
        context: {},
        preparsedPolicySetId: 'bench',
        entities: [
          {
            uid: principal,
            attrs: { folder: { __entity: { type: 'Folder', id: folderPath(session) } } },
            parents: [],
          },
          {
            uid: resource,
            attrs: {},
            parents: [{ type: 'Folder', id: path.slice(0, path.lastIndexOf('/')) }],
          },
        ],
      });
      return answer.type === 'success' && answer.response.decision === 'allow';
    },
    SESSIONS,
  ),
);
