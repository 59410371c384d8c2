export { type DecisionCode, PROBLEMS, type ProblemCode, type ProblemRow } from './problem.js';
