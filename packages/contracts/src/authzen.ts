import { type Static, Type } from 'typebox';
import { CLOSED } from './primitive.js';

/** The shapes of the OpenID AuthZEN Authorization API 1.0 (DEC-15), as open and as closed as the schemas of its working
 *  group: a request has no members but those named, while a subject, a resource, an action and the `options` may have
 *  others. Those decide nothing, as what is in `properties` and `context` and is not ours. */

const name = Type.String({ minLength: 1, maxLength: 13_000 });
const properties = Type.Optional(Type.Record(Type.String(), Type.Unknown()));

/** Who asks for access (section 5.1). */
export const AuthzenSubject = Type.Object({ type: name, id: name, properties });
export type AuthzenSubject = Static<typeof AuthzenSubject>;

/** What is to be accessed (section 5.2). */
export const AuthzenResource = Type.Object({ type: name, id: name, properties });
export type AuthzenResource = Static<typeof AuthzenResource>;

/** What is to be done with it (section 5.3). */
export const AuthzenAction = Type.Object({ name, properties });
export type AuthzenAction = Static<typeof AuthzenAction>;

/** Anything about the request as a whole (section 5.4). */
export const AuthzenContext = Type.Record(Type.String(), Type.Unknown());
export type AuthzenContext = Static<typeof AuthzenContext>;

/** Body of `POST /access/v1/evaluation` (section 6.1). */
export const AuthzenEvaluation = Type.Object(
  {
    subject: AuthzenSubject,
    action: AuthzenAction,
    resource: AuthzenResource,
    context: Type.Optional(AuthzenContext),
  },
  CLOSED,
);
export type AuthzenEvaluation = Static<typeof AuthzenEvaluation>;

/** How a batch goes on after a decision (section 7.1.2). */
export const AuthzenSemantic = Type.Union([
  Type.Literal('execute_all'),
  Type.Literal('deny_on_first_deny'),
  Type.Literal('permit_on_first_permit'),
]);
export type AuthzenSemantic = Static<typeof AuthzenSemantic>;

/** Most evaluations of one batch. */
export const MAX_EVALUATIONS = 256;

/** Body of `POST /access/v1/evaluations` (section 7.1): members beside `evaluations` are defaults for each of them.
 *  What an evaluation comes to is checked by itself. */
export const AuthzenEvaluations = Type.Object(
  {
    subject: Type.Optional(Type.Unknown()),
    action: Type.Optional(Type.Unknown()),
    resource: Type.Optional(Type.Unknown()),
    context: Type.Optional(Type.Unknown()),
    evaluations: Type.Optional(
      Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: MAX_EVALUATIONS }),
    ),
    options: Type.Optional(Type.Object({ evaluations_semantic: Type.Optional(AuthzenSemantic) })),
  },
  CLOSED,
);
export type AuthzenEvaluations = Static<typeof AuthzenEvaluations>;

/** A decision (section 5.5). `context` holds what DEC-1 says of a denial, or `error` for an evaluation of a batch that
 *  is malformed. */
export const AuthzenDecision = Type.Object(
  { decision: Type.Boolean(), context: Type.Optional(AuthzenContext) },
  CLOSED,
);
export type AuthzenDecision = Static<typeof AuthzenDecision>;

/** Answer of `POST /access/v1/evaluations` (section 7.2). */
export const AuthzenDecisions = Type.Object(
  { evaluations: Type.Array(AuthzenDecision, { maxItems: MAX_EVALUATIONS }) },
  CLOSED,
);
export type AuthzenDecisions = Static<typeof AuthzenDecisions>;

/** Answer of `GET /.well-known/authzen-configuration` (section 9.1). */
export const AuthzenConfiguration = Type.Object(
  { policy_decision_point: name, access_evaluation_endpoint: name, access_evaluations_endpoint: name },
  CLOSED,
);
export type AuthzenConfiguration = Static<typeof AuthzenConfiguration>;
