import { type DecisionCode, PROBLEMS, type ProblemCode } from './problem.js';

/** Every code of the error table, in its order. */
export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[];

/** The codes a decision may carry, in the order of the table. */
export const DECISION_CODES = PROBLEM_CODES.filter((code) => PROBLEMS[code].decision) as DecisionCode[];
