/** The model found something that must never come out. */
export class Violation extends Error {}
