/** A count closes the numbers of a bundle if it stands at most so many entries behind the place that it speaks of: whoever
 *  reads the whole log, a monitor too, remembers so many, and so finds each count that is false (AUD-56). An export counts
 *  last of all, so that an honest count stands a few behind. */
export const COUNT_WITHIN = 65_536;
