/** A count closes the numbers of a bundle if it stands at most so many entries behind the place that it speaks of: whoever
 *  examines the whole log remembers so many, and so finds each count that is false (AUD-56). */
export const COUNT_WITHIN = 1_048_576;
